"""The account before and after orders would have filled, looked at anew only where something changed.

Owns `WhatIf`, `Account` (which keeps of its last look what the events since have not changed) and a computed
PortfolioRiskUpdated. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from strikeloop.appraisal import ZERO, Appraiser, Slot, Waiting, can_trade, step_of
from strikeloop.commands import SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.events import BalanceUpdated, Origin, PortfolioRiskUpdated
from strikeloop.exposure import Exposure
from strikeloop.margin import MarginModel
from strikeloop.orders import Order, Orders
from strikeloop.picture import Picture
from strikeloop.portfolio import Portfolio


class WhatIf:
    """The account `before` the orders, `after` they would have filled (at their limit; without one, at the mark), and while they rest."""

    def __init__(self, before: Exposure, after: Exposure, rest: Callable[[], Exposure]) -> None:
        self.before, self.after, self._rest = before, after, rest
        self._resting: Exposure | None = None

    @property
    def resting(self) -> Exposure:
        """With the orders working and none of them filled: what they hold back."""
        if self._resting is None:
            self._resting = self._rest()
        return self._resting


class Account:
    """Looks at the account, and keeps of the last look what the events since have not changed.

    `hold` and `release` mark a time in which nothing changes: between them one look, and one answer for a command, serve all.
    """

    def __init__(self, portfolio: Portfolio, orders: Orders, model: MarginModel) -> None:
        self._portfolio, self._orders, self._model = portfolio, orders, model
        self._appraiser = Appraiser(portfolio)
        self._working: tuple[Order, ...] = ()
        self._grouped: dict[ContractId, tuple[Order, ...]] = {}
        self._last = Picture({}, model, -1)
        self._seen = 0
        self._is_held = False
        self._answer: tuple[SubmitOrder, WhatIf] | None = None
        self._untouched: dict[str, Exposure] = {}
        self._scratch: dict[str, Any] = {}
        self._held: Picture | None = None
        """The one look of a time in which nothing changes, once somebody looked."""

    def hold(self, _now: int) -> None:
        self._is_held, self._held = True, None
        self._scratch.clear()

    def release(self) -> None:
        self._is_held, self._answer = False, None
        self._scratch.clear()

    @property
    def scratch(self) -> dict[str, Any]:
        """What is worked out while the account is held; at other times nothing put into it is kept."""
        return self._scratch if self._is_held else {}

    def look(self, now: int) -> Picture:
        """The account now."""
        if not self._is_held:
            return self._look(now)
        if self._held is None:
            self._held = self._look(now)
        return self._held

    def _look(self, now: int) -> Picture:
        last, step = self._last, step_of(now)
        changed = [contract for contract in self._changed() if contract in last.slots or self._is_ours(contract)]
        if changed:
            slots = self._renewed(changed)
            self._last = Picture(self._all(), self._model, step) if slots is None else last.renewed(slots, step)
        elif last.now != step:
            self._last = last.renewed({}, step)
        return self._last

    def _changed(self) -> set[ContractId]:
        """The contracts that something was told of since the last look, or whose working orders are others."""
        seen, touched = self._seen, self._portfolio.touched
        changed = set(self._last.volatile)
        if not self._portfolio.is_told:
            changed.update(contract for contract, slot in self._last.slots.items() if self._appraiser.of(contract) is not slot.at)
        if self._portfolio.revision != seen:
            for contract in reversed(touched):
                if touched[contract] <= seen:
                    break
                changed.add(contract)
            self._seen = self._portfolio.revision
        working = self._orders.working()
        if working is not self._working:
            old, self._working = self._grouped, working
            self._grouped = _grouped(working, old)
            changed.update(c for c in {**old, **self._grouped} if old.get(c) is not self._grouped.get(c))
        return changed

    def _is_ours(self, contract: ContractId) -> bool:
        return contract in self._grouped or self._portfolio.position(contract) is not None

    def _renewed(self, changed: Sequence[ContractId]) -> dict[ContractId, Slot] | None:
        """The changed contracts as they are now; None where one came or went."""
        slots: dict[ContractId, Slot] = {}
        for contract in changed:
            position, orders, old = self._portfolio.position(contract), self._grouped.get(contract, ()), self._last.slots.get(contract)
            if old is None or (old.size == 0) is not (position is None) or not (position or orders):
                return None
            slots[contract] = Slot(self._appraiser.of(contract), old.size if position is None else position.size, orders)
        return slots

    def _all(self) -> dict[ContractId, Slot]:
        """Every contract held, in the order of the portfolio, then those with orders alone."""
        of, orders, old = self._appraiser.of, self._grouped, self._last.slots
        sizes = {position.contract: position.size for position in self._portfolio.positions}
        sizes |= {contract: ZERO for contract in orders if contract not in sizes}
        slots: dict[ContractId, Slot] = {}
        for contract, size in sizes.items():
            at, slot, working = of(contract), old.get(contract), orders.get(contract, ())
            is_same = slot is not None and slot.at is at and slot.orders is working and slot.size == size
            slots[contract] = slot if slot is not None and is_same else Slot(at, size, working)
        return slots

    def what_if(self, commands: Sequence[SubmitOrder], now: int, *, filled: Sequence[Order] = (), adapter: str | None = None) -> WhatIf:
        """Before and after `commands` at `now` (ns UTC), taken as filled whole, reduce-only ones as far as they reduce.

        One under the client id of a working order takes its place (an amendment). The working orders `filled` are taken as
        filled in both: for those whose outcome is not known. Cash and margin are those of `adapter`: by default the one that the first
        command goes to, else the first that has a balance.
        """
        is_shared = self._is_held and len(commands) == 1 and not filled and adapter is None
        if is_shared and self._answer is not None and self._answer[0] is commands[0]:
            return self._answer[1]
        picture = self.look(now)
        if adapter is None:
            adapter = commands[0].contract.adapter if commands else next((owner for owner, _ in self._portfolio.balances), "")
        assumed = [SubmitOrder(client_id=o.key, contract=o.contract, size=o.left, price=o.price, reduce_only=o.reduce_only) for o in filled]
        before, after = self._after(picture, adapter, assumed), self._after(picture, adapter, [*assumed, *commands])
        answer = WhatIf(before, after, lambda: self._after(picture, adapter, assumed, commands))
        if is_shared:
            self._answer = commands[0], answer
        return answer

    def _after(self, picture: Picture, adapter: str, commands: Sequence[SubmitOrder], working: Sequence[SubmitOrder] = ()) -> Exposure:
        """After `commands` have filled, with `working` on the book."""
        cash = next((one.total for (owner, _), one in self._portfolio.balances.items() if owner == adapter), ZERO)
        if not commands and not working:
            return self._as_it_is(picture, adapter, cash)
        gone = frozenset(command.client_id for command in commands)
        changed: dict[ContractId, Slot] = {}
        trades: list[tuple[Slot, Decimal, Decimal | None]] = []
        for command in commands:
            contract = command.contract
            slot = changed.get(contract) or self._slot(picture, contract)
            size = can_trade(command.size, slot.size, reduce_only=command.reduce_only)
            cash -= slot.at.cost(size, command.price) if contract.adapter == adapter else ZERO
            trades.append((slot, size, command.price))
            orders = tuple([order for order in slot.orders if order.key not in gone]) if slot.orders else ()
            changed[contract] = Slot(slot.at, slot.size + size, orders)
        for command in working:
            slot = changed.get(command.contract) or self._slot(picture, command.contract)
            kept = [order for order in slot.orders if order.key != command.client_id]
            waiting = Waiting(command.client_id, command.size, command.price, command.reduce_only)
            changed[command.contract] = Slot(slot.at, slot.size, (*kept, waiting))
        return Exposure(picture, adapter, cash, changed, trades)

    def _as_it_is(self, picture: Picture, adapter: str, cash: Decimal) -> Exposure:
        """The figures without any order more: the same object while they are the same."""
        known = self._untouched.get(adapter)
        if known is None or known.picture is not picture or known.cash is not cash:
            known = self._untouched[adapter] = Exposure(picture, adapter, cash, {}, ())
        return known

    def _slot(self, picture: Picture, contract: ContractId) -> Slot:
        return picture.slots.get(contract) or Slot(self._appraiser.of(contract), ZERO, ())


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
    exposure = Exposure(picture, adapter, ZERO if balance is None else balance.total, {}, ())
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


def _grouped(working: Sequence[Order], old: Mapping[ContractId, tuple[Order, ...]]) -> dict[ContractId, tuple[Order, ...]]:
    """The orders by contract; those of a contract stay the same tuple while they are the same orders."""
    lists: dict[ContractId, list[Order]] = {}
    for order in working:
        lists.setdefault(order.contract, []).append(order)
    return {contract: _kept(old.get(contract, ()), tuple(found)) for contract, found in lists.items()}


def _kept(old: tuple[Order, ...], new: tuple[Order, ...]) -> tuple[Order, ...]:
    return old if len(old) == len(new) and all(one is other for one, other in zip(old, new, strict=True)) else new


def _equity(balance: BalanceUpdated | None) -> float:
    return 0.0 if balance is None else float(balance.total + (balance.option_value or ZERO))
