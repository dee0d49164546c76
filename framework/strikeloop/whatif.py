"""The account before and after orders would have filled, looked at anew only where something changed.

Owns `WhatIf`, `Account` (which keeps of its last look what the events since have not changed) and a computed
PortfolioRiskUpdated. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from strikeloop.appraisal import ZERO, Appraiser, Slot, can_trade
from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.events import BalanceUpdated, OrderState, Origin, PortfolioRiskUpdated
from strikeloop.exposure import Exposure, Picture, lost_at_once
from strikeloop.margin import MarginModel
from strikeloop.orders import Order, Orders
from strikeloop.portfolio import Portfolio


class WhatIf:
    """The account `before` the orders, `after` they would have filled (at their limit; without one, at the mark), and while they rest."""

    def __init__(self, before: Exposure, after: Exposure, rest: Callable[[], Exposure]) -> None:
        self.before, self.after, self._rest = before, after, rest

    @cached_property
    def resting(self) -> Exposure:
        """With the orders working and none of them filled: what they hold back."""
        return self._rest()


class Account:
    """Looks at the account, and keeps of the last look what the events since have not changed.

    `hold` and `release` mark a time in which nothing changes: between them one look serves all.
    """

    def __init__(self, portfolio: Portfolio, orders: Orders, model: MarginModel) -> None:
        self._portfolio, self._orders, self._model = portfolio, orders, model
        self._appraiser = Appraiser(portfolio)
        self._working: tuple[Order, ...] = ()
        self._grouped: dict[ContractId, tuple[Order, ...]] = {}
        self._last = Picture({}, model, 0)
        self._is_held = False

    def hold(self, now: int) -> None:
        self._is_held = False
        self.look(now)
        self._is_held = True

    def release(self) -> None:
        self._is_held = False

    def look(self, now: int) -> Picture:
        """The account now."""
        if self._is_held:
            return self._last
        old, of, orders = self._last.slots, self._appraiser.of, self._orders_by_contract()
        slots: dict[ContractId, Slot] = {}
        is_same = True
        sizes = [(position.contract, position.size) for position in self._portfolio.positions]
        held = {contract for contract, _ in sizes}
        sizes += [(contract, ZERO) for contract in orders if contract not in held]
        for contract, size in sizes:
            at, slot, working = of(contract), old.get(contract), orders.get(contract, ())
            if slot is None or slot.at is not at or slot.orders is not working or slot.size != size:
                slot, is_same = Slot(at, size, working), False
            slots[contract] = slot
        second = now - now % SECOND_NS
        if not is_same or len(slots) != len(old) or second != self._last.now:
            self._last = Picture(slots, self._model, second)
        return self._last

    def what_if(self, commands: Sequence[SubmitOrder], now: int, *, filled: Sequence[Order] = (), adapter: str | None = None) -> WhatIf:
        """Before and after `commands` at `now` (ns UTC), taken as filled whole, reduce-only ones as far as they reduce.

        One under the client id of a working order takes its place (an amendment). The working orders `filled` are taken as
        filled in both: for those whose outcome is not known. Cash and margin are those of `adapter`: by default the one that the first
        command goes to, else the first that has a balance.
        """
        picture = self.look(now)
        if adapter is None:
            adapter = commands[0].contract.adapter if commands else next((owner for owner, _ in self._portfolio.balances), "")
        assumed = [SubmitOrder(client_id=o.key, contract=o.contract, size=o.left, price=o.price, reduce_only=o.reduce_only) for o in filled]
        before, after = self._after(picture, adapter, assumed), self._after(picture, adapter, [*assumed, *commands])
        return WhatIf(before, after, lambda: self._after(picture, adapter, assumed, commands))

    def _after(self, picture: Picture, adapter: str, commands: Sequence[SubmitOrder], working: Sequence[SubmitOrder] = ()) -> Exposure:
        """After `commands` have filled, with `working` on the book."""
        cash = next((one.total for (owner, _), one in self._portfolio.balances.items() if owner == adapter), ZERO)
        gone = frozenset(command.client_id for command in commands)
        changed: dict[ContractId, Slot] = {}
        at_once: dict[str, float] = {}
        for command in commands:
            contract = command.contract
            slot = changed.get(contract) or self._slot(picture, contract)
            size = can_trade(command.size, slot.size, reduce_only=command.reduce_only)
            cash -= slot.at.cost(size, command.price) if contract.adapter == adapter else ZERO
            at_once[slot.at.underlying] = at_once.get(slot.at.underlying, 0.0) + lost_at_once(slot, size, command.price)
            changed[contract] = Slot(slot.at, slot.size + size, tuple(order for order in slot.orders if order.key not in gone))
        for command in working:
            slot = changed.get(command.contract) or self._slot(picture, command.contract)
            kept = tuple(order for order in slot.orders if order.key != command.client_id)
            changed[command.contract] = Slot(slot.at, slot.size, (*kept, _as_working(command)))
        return Exposure(picture, adapter, cash, changed, at_once)

    def _slot(self, picture: Picture, contract: ContractId) -> Slot:
        return picture.slots.get(contract) or Slot(self._appraiser.of(contract), ZERO, ())

    def _orders_by_contract(self) -> dict[ContractId, tuple[Order, ...]]:
        """The working orders; those of a contract stay the same tuple while they are the same orders."""
        working = self._orders.working()
        if len(working) == len(self._working) and all(map(_is, working, self._working)):
            return self._grouped
        lists: dict[ContractId, list[Order]] = {}
        for order in working:
            lists.setdefault(order.contract, []).append(order)
        old = self._grouped
        self._grouped = {contract: _kept(old.get(contract, ()), tuple(found)) for contract, found in lists.items()}
        self._working = working
        return self._grouped


def what_if(portfolio: Portfolio, orders: Orders, model: MarginModel, commands: Sequence[SubmitOrder], now: int) -> WhatIf:
    """`Account.what_if` at a first look."""
    return Account(portfolio, orders, model).what_if(commands, now)


def computed_risk(portfolio: Portfolio, orders: Orders, model: MarginModel, adapter: str, now: int) -> PortfolioRiskUpdated:
    """The account's risk from positions, tickers and the margin model, for a venue that does not report it.

    Effective leverage is Σ |size · multiplier · delta · underlying price| / equity. The value at risk is one day's at 99 %, by
    full revaluation on the fixed scenarios of `strikeloop.margin.value_at_risk`; None where a position cannot be priced.
    """
    whole = Account(portfolio, orders, model).look(now)
    picture = Picture({contract: slot for contract, slot in whole.slots.items() if contract.adapter == adapter}, model, whole.now)
    balance = next((balance for (owner, _), balance in portfolio.balances.items() if owner == adapter), None)
    exposure = Exposure(picture, adapter, ZERO if balance is None else balance.total, {}, {})
    held, equity = [slot for slot in picture.slots.values() if slot.size], _equity(balance)
    notional = sum(abs(slot.totals.delta_cash) for slot in held)
    return PortfolioRiskUpdated(
        time=now,
        received=now,
        origin=Origin.COMPUTED,
        adapter=adapter,
        total_delta=exposure.delta,
        total_gamma=exposure.gamma,
        total_vega=exposure.vega,
        total_theta=exposure.theta,
        margin_occupied=exposure.margin_occupied,
        margin_required=exposure.maintenance_margin,
        effective_leverage=notional / equity if equity > 0 else 0.0,
        portfolio_var=exposure.value_at_risk if all(slot.at.is_priced for slot in held) else None,
    )


def _as_working(command: SubmitOrder) -> Order:
    return Order(
        key=command.client_id,
        contract=command.contract,
        size=command.size,
        left=command.size,
        price=command.price,
        state=OrderState.PENDING,
        reduce_only=command.reduce_only,
    )


def _is(one: Order, other: Order) -> bool:
    return one is other


def _kept(old: tuple[Order, ...], new: tuple[Order, ...]) -> tuple[Order, ...]:
    return old if len(old) == len(new) and all(map(_is, old, new)) else new


def _equity(balance: BalanceUpdated | None) -> float:
    return 0.0 if balance is None else float(balance.total + (balance.option_value or ZERO))
