"""The account before and after orders would have filled, looked at anew only where something changed.

Owns `WhatIf`, `Account` (which keeps of its last look what the events since have not changed) and a computed
PortfolioRiskUpdated. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from strikeloop.appraisal import ZERO, Appraiser, Slot, Waiting, can_trade, step_of
from strikeloop.commands import SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.events import BalanceUpdated, Origin, PortfolioRiskUpdated
from strikeloop.exposure import Exposure, Trade
from strikeloop.margin import MarginModel
from strikeloop.orders import Order, Orders
from strikeloop.picture import Picture
from strikeloop.portfolio import Portfolio


class WhatIf:
    """The account `before` the orders, `after` they would have filled (at their limit; without one, at the mark), and while they rest.

    What is not asked for is not computed; what is, is of the moment of the question.
    """

    __slots__ = ("_after", "_assumed", "_commands", "_resting", "_slots", "_untouched", "before")

    def __init__(
        self, untouched: Exposure, slots: Mapping[ContractId, Slot], assumed: Sequence[SubmitOrder], commands: Sequence[SubmitOrder]
    ) -> None:
        self._untouched, self._slots, self._assumed, self._commands = untouched, slots, assumed, commands
        self.before = self._then((), ()) if assumed else untouched
        self._after: Exposure | None = None
        self._resting: Exposure | None = None

    @property
    def after(self) -> Exposure:
        """With the orders filled."""
        if self._after is None:
            self._after = self._then(self._commands, ()) if self._commands else self.before
        return self._after

    @property
    def resting(self) -> Exposure:
        """With the orders working and none of them filled: what they hold back."""
        if self._resting is None:
            self._resting = self._then((), self._commands) if self._commands else self.before
        return self._resting

    def _then(self, filled: Sequence[SubmitOrder], working: Sequence[SubmitOrder]) -> Exposure:
        """With what is assumed and `filled` filled, in this order, and `working` on the book."""
        changed: dict[ContractId, Slot] = {}
        trades: list[Trade] = []
        picture, adapter, cash = self._untouched.picture, self._untouched.adapter, self._untouched.cash
        trading = (*self._assumed, *filled) if self._assumed else filled
        ids = {command.client_id for command in trading}
        for command in trading:
            contract, limit = command.contract, command.price
            slot = changed.get(contract) or self._slots[contract]
            size = can_trade(command.size, slot.size, reduce_only=command.reduce_only)
            if contract.adapter == adapter:
                cash -= slot.at.cost(size, limit)
            trades.append((slot, size, limit))
            changed[contract] = Slot(slot.at, slot.size + size, _without(slot.orders, ids))
        for command in working:
            slot = changed.get(command.contract) or self._slots[command.contract]
            waiting = Waiting(command.client_id, command.size, command.price, command.reduce_only)
            changed[command.contract] = slot.with_orders((*_without(slot.orders, {command.client_id}), waiting))
        return Exposure(picture, adapter, cash, changed, trades)


def _without(orders: tuple[Order | Waiting, ...], ids: set[str]) -> tuple[Order | Waiting, ...]:
    return tuple([order for order in orders if order.key not in ids]) if orders else orders


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

    def hold(self) -> None:
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
        if self._has_news:
            changed, gone = self._news()
            if changed or gone or last.now != step:
                self._last = last.renewed(changed, gone, step)
        elif last.now != step:
            self._last = last.renewed({}, (), step)
        return self._last

    @property
    def _has_news(self) -> bool:
        """Whether anything may be other than at the last look."""
        portfolio = self._portfolio
        is_as_seen = portfolio.revision == self._seen and self._orders.working() is self._working and portfolio.is_told
        return not is_as_seen or bool(self._last.volatile)

    def _news(self) -> tuple[dict[ContractId, Slot], list[ContractId]]:
        """The contracts held or with working orders that are not as at the last look, and those that no longer are either."""
        told = self._told()
        position, of, known, grouped = self._portfolio.position, self._appraiser.of, self._last.slots, self._grouped
        changed: dict[ContractId, Slot] = {}
        gone: list[ContractId] = []
        for contract in told:
            held, orders, old = position(contract), grouped.get(contract, ()), known.get(contract)
            if held is None and not orders:
                grouped.pop(contract, None)
                if old is not None:
                    gone.append(contract)
                continue
            at, size = of(contract), ZERO if held is None else held.size
            if old is None or old.size != size:
                changed[contract] = Slot(at, size, orders)
            elif old.orders is not orders:
                changed[contract] = old.with_orders(orders) if old.at is at else Slot(at, size, orders)
            elif old.at is not at:
                changed[contract] = Slot(at, size, orders, old)
        return changed, gone

    def _told(self) -> Iterable[ContractId]:
        """The contracts that something was told of since the last look, whose working orders are others, or whose market is not told."""
        seen, portfolio = self._seen, self._portfolio
        told = dict.fromkeys(self._last.volatile if portfolio.is_told else self._last.slots)
        if portfolio.revision != seen:
            touched = portfolio.touched
            for contract in reversed(touched):
                if touched[contract] <= seen:
                    break
                told[contract] = None
            self._seen = portfolio.revision
        working = self._orders.working()
        if working is not self._working:
            others = _others(self._working, working)
            self._working = working
            for contract in others:
                self._grouped[contract] = tuple([order for order in working if order.contract == contract])
            told.update(others)
        return told

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
        slots = {command.contract: self._slot(picture, command.contract) for command in (*assumed, *commands)}
        answer = WhatIf(self._as_it_is(picture, adapter), slots, assumed, commands)
        if is_shared:
            self._answer = commands[0], answer
        return answer

    def _as_it_is(self, picture: Picture, adapter: str) -> Exposure:
        """The figures without any order more: the same object while they are the same."""
        cash, known = _cash(self._portfolio, adapter), self._untouched.get(adapter)
        if known is None or known.picture is not picture or known.cash is not cash:
            known = self._untouched[adapter] = Exposure(picture, adapter, cash, {}, ())
        return known

    def _slot(self, picture: Picture, contract: ContractId) -> Slot:
        return picture.slots.get(contract) or Slot(self._appraiser.of(contract), ZERO, ())


def _cash(portfolio: Portfolio, adapter: str) -> Decimal:
    for (owner, _), balance in portfolio.balances.items():
        if owner == adapter:
            return balance.total
    return ZERO


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


def _others(old: Sequence[Order], new: Sequence[Order]) -> dict[ContractId, None]:
    """The contracts of orders that are only in one of both; orders are frozen, so the same object is the same order."""
    before, after = {id(order): order for order in old}, {id(order): order for order in new}
    changed = [order for key, order in before.items() if key not in after]
    changed += [order for key, order in after.items() if key not in before]
    return dict.fromkeys([order.contract for order in changed])


def _equity(balance: BalanceUpdated | None) -> float:
    return 0.0 if balance is None else float(balance.total + (balance.option_value or ZERO))
