"""The account as events and snapshots say it is: what is news, what is old, what is missing.

Owns `Truth`: deduplication, the implicit chains (ledger entries; fills and positions; fills and orders) and the
merging of a snapshot, which names every difference it finds. What the stream said while a snapshot was on its way
stands against it: the stream ends in the truth. It decides nothing about connections.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from strikeloop.adapter import Snapshot
from strikeloop.contracts import ContractId
from strikeloop.drafts import maker
from strikeloop.events import (
    BalanceUpdated,
    ContractSettled,
    Event,
    Filled,
    LedgerPosted,
    OrderUpdated,
    Origin,
    PositionUpdated,
)
from strikeloop.session.executions import Executions, FillKey, OrderKey, fill_key
from strikeloop.session.known import Known, KnownOrders, names_of, said

ZERO = Decimal(0)
NOTHING: Mapping[str, Any] = MappingProxyType({})
_SNAPSHOT = Origin.SNAPSHOT
_filled = maker(Filled)
MOST_ENTRIES = 1_000
"""Ledger entries that are remembered, to know those that come over a second line."""


@attrs.frozen
class Merge:
    """What a snapshot changes: the events to release, and one sentence for each difference."""

    events: tuple[Event, ...]
    adjustments: tuple[str, ...]
    missing: tuple[OrderUpdated, ...]
    """Orders we hold open that the snapshot does not list: their end is to be looked up."""


@attrs.define
class _Since:
    """What was said while a snapshot is on its way."""

    positions: set[ContractId] = attrs.field(factory=set)
    orders: set[str] = attrs.field(factory=set)
    fills: list[Filled] = attrs.field(factory=list)
    balances: dict[tuple[str, str], Decimal] = attrs.field(factory=dict)


class Truth:
    """What one account port has told us so far."""

    def __init__(self) -> None:
        self.notes: dict[type[Event], Callable[[Any], Any]] = {
            PositionUpdated: self._on_position,
            ContractSettled: self._on_settlement,
            BalanceUpdated: self._on_balance,
        }
        """What notes the kinds that are always news."""
        self._folds: dict[type[Event], Callable[[Any], Event | None]] = {
            Filled: self._on_fill,
            OrderUpdated: self._on_update,
            LedgerPosted: self._on_ledger,
            **self.notes,
        }
        self._executions = Executions()
        self._positions: dict[ContractId, PositionUpdated] = {}
        self._expected: dict[ContractId, Decimal] = {}
        self._orders = KnownOrders()
        self._entry: dict[tuple[str, str], LedgerPosted] = {}
        self._entries: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._cash: dict[tuple[str, str], Decimal] = {}
        self._balances: dict[tuple[str, str], Decimal] = {}
        """What was last said of each balance, by whichever way."""
        self._states: dict[tuple[str, str], BalanceUpdated] = {}
        self._since: _Since | None = None
        """While a snapshot is on its way."""
        self._is_begun = False
        self.last_fill_time = 0

    def resume(self, since: int, fills: Iterable[FillKey], filled: Mapping[OrderKey, tuple[Decimal, Decimal]]) -> None:
        """Go on where an earlier run ended: fills since `since` are news, but for these; of these orders (size, size · price) was told."""
        self._is_begun, self.last_fill_time = True, since
        self._executions.resume(fills, filled)

    @property
    def is_begun(self) -> bool:
        """Whether fills are news already: after the first snapshot, or where an earlier run is resumed."""
        return self._is_begun

    def asked(self) -> None:
        """A snapshot is being asked for: what comes from now on may be newer than it."""
        self._since = _Since()

    def news(self, event: Event) -> Event | None:
        """Fold an event of the stream; returns what of it is new, None when it only repeats what is known."""
        fold = self._folds.get(type(event))
        return event if fold is None else fold(event)

    def answer(self, order: OrderUpdated) -> OrderUpdated:
        """Fold the answer to a question of ours: always news, because somebody waits for it."""
        known = self._orders.of(order)
        known.is_news(said(order))
        return self._on_order(order, known)

    def open_order(self, client_id: str) -> OrderUpdated | None:
        """The order as it stands, None unless it is open as far as we know."""
        return self._orders.open_order(client_id)

    def is_over(self, name: str) -> bool:
        """Whether the end of the order of this id, ours or the venue's, is known."""
        return self._orders.is_over(name)

    def has_told(self, contract: ContractId, order_id: str) -> bool:
        """Whether it is known from the order itself how much of it is filled."""
        return self._executions.has_told(contract, order_id)

    def implied(self, order: OrderUpdated) -> Filled | None:
        """What an order says is filled of it and nobody reported: for streams without executions, that is the fill."""
        if order.order_id is None or not order.fill_price:
            return None
        filled = order.filled
        if not filled:
            return None
        applied = self._executions.passed_on(order.contract, order.order_id)
        if applied and abs(filled) <= abs(applied):
            return None
        fill = _filled(
            order.finished or order.time,
            order.received,
            order.origin,
            NOTHING,
            order.contract,
            f"order:{order.order_id}:{abs(applied)}" if applied else "order:" + order.order_id,
            order.order_id,
            filled,
            order.fill_price,
            order.client_id,
            None,
            None,
            True,
        )
        return self._on_fill(fill)

    def forget(self, client_id: str) -> None:
        """We no longer know how this order stands: whatever is said of it next is news."""
        self._orders.forget(client_id)

    # ---- chains ----

    def ledger_gap(self, event: LedgerPosted) -> str:
        """Fold a ledger entry; a sentence when its balance follows neither from the one before nor from the snapshot.

        A snapshot may already hold entries that are still on their way: then the chain goes on from the last entry.
        """
        key = (event.adapter, event.currency)
        before, self._entry[key] = self._entry.get(key), event
        self._balances[key] = event.balance
        if self._since is not None:
            self._since.balances[key] = event.balance
        starts = [start for start in (None if before is None else before.balance, self._cash.get(key)) if start is not None]
        if not starts or any(start + event.change == event.balance for start in starts):
            return ""
        return f"balance {event.balance} is not {starts[0]} + {event.change}"

    def balance_after(self, event: LedgerPosted) -> BalanceUpdated | None:
        """The balance that a ledger entry leaves, where one was told before: what it leaves available moves with the cash."""
        key = (event.adapter, event.currency)
        known = self._states.get(key)
        if known is None:
            return None
        available = known.available + event.balance - known.total
        self._states[key] = attrs.evolve(
            known, time=event.time, received=event.received, origin=Origin.COMPUTED, total=event.balance, available=available
        )
        return self._states[key]

    def position_gap(self, contract: ContractId) -> str:
        """A sentence when a position's size is not what the last snapshot and the fills since add up to.

        Stream and fills may overtake one another, so a gap is one only when it lasts.
        """
        position = self._positions.get(contract)
        size = ZERO if position is None else position.size
        expected = self._expected.get(contract, ZERO)
        return "" if expected == size else f"{contract} has size {size}, fills say {expected}"

    def order_gap(self, contract: ContractId, order_id: str) -> str:
        """A sentence when an order says that more of it is filled than fills were reported; only when it lasts, too."""
        return self._executions.gap(contract, order_id)

    # ---- snapshots ----

    def merge(self, snapshot: Snapshot) -> Merge:
        """Bring what is known in line with `snapshot`."""
        adjustments: list[str] = []
        since = _Since() if self._since is None else self._since
        fills = [news for fill in snapshot.fills if (news := self._on_fill(fill)) is not None]
        if not self._is_begun:  # nothing was ours to trade on before the first snapshot: its fills are history
            fills, self._is_begun, self.last_fill_time = [], True, max(self.last_fill_time, snapshot.time)
            self._expected.clear()
        adjustments.extend(f"missed fill {fill.trade_id} of {fill.contract}: {fill.size} at {fill.price}" for fill in fills)
        orders, missing = self._merge_orders(snapshot, since, adjustments)
        positions = self._merge_positions(snapshot, since, adjustments)
        balances = [self._merge_balance(balance, since, adjustments) for balance in snapshot.balances]
        self._since = None
        self._executions.forgive()
        self._executions.purge(self._orders.open())
        return Merge((*orders, *fills, *positions, *balances), tuple(adjustments), missing)

    def _merge_orders(
        self, snapshot: Snapshot, since: _Since, adjustments: list[str]
    ) -> tuple[list[OrderUpdated], tuple[OrderUpdated, ...]]:
        """Orders that the stream spoke of since are left as it said."""
        listed = {key for order in snapshot.orders for key in names_of(order)}
        changed = []
        for order in snapshot.orders:
            held = self._orders.of(order)
            known = held.open
            if since.orders.intersection(names_of(order)):
                changed.append(order)
                continue
            if known is None:
                adjustments.append(f"open order {_name(order)} in {order.contract} was not known: {_figures(order)}")
            elif _figures(known) != _figures(order):
                adjustments.append(f"order {_name(order)} in {order.contract} is {_figures(order)}, not {_figures(known)}")
            if known is None or _standing(known) != _standing(order):
                changed.append(order)
            self._on_order(order, held)
        settled = listed | since.orders
        missing = [order for order in self._orders.open().values() if snapshot.complete and not settled.intersection(names_of(order))]
        adjustments.extend(f"order {_name(order)} in {order.contract} is no longer open, {_figures(order)} before" for order in missing)
        return changed, tuple(missing)

    def _merge_positions(self, snapshot: Snapshot, since: _Since, adjustments: list[str]) -> list[PositionUpdated]:
        said = {position.contract: position for position in snapshot.positions}
        if snapshot.complete:
            gone = [position for position in self._positions.values() if position.size and position.contract not in said]
            said.update({position.contract: _flat(position, snapshot) for position in gone})
            self._expected.update(
                {contract: _filled_since(contract, since, snapshot) for contract in self._expected if contract not in said}
            )
        out = [position for contract, position in said.items() if contract not in since.positions]
        for position in out:
            before = self._positions.get(position.contract)
            known = ZERO if before is None else before.size
            if known != position.size:
                adjustments.append(f"{position.contract} has size {position.size}, not {known}")
            self._positions[position.contract] = position
            self._expected[position.contract] = position.size + _filled_since(position.contract, since, snapshot)
        return out

    def _merge_balance(self, balance: BalanceUpdated, since: _Since, adjustments: list[str]) -> BalanceUpdated:
        key = (balance.adapter, balance.currency)
        said, known = since.balances.get(key), self._balances.get(key)
        if said is None and known is not None and known != balance.total:
            adjustments.append(f"balance of {balance.currency} is {balance.total}, not {known}")
        self._cash[key] = balance.total
        self._balances[key] = total = balance.total if said is None else said
        self._states[key] = state = attrs.evolve(balance, total=total)
        return state

    # ---- single events ----

    def _on_position(self, event: PositionUpdated) -> PositionUpdated:
        self._positions[event.contract] = event
        if self._since is not None:
            self._since.positions.add(event.contract)
        return event

    def _on_settlement(self, event: ContractSettled) -> ContractSettled:
        """A position is flat; one closed by trading is told by its fills, also when they turn it around."""
        self._expected[event.contract] = ZERO
        if self._since is not None:
            self._since.positions.add(event.contract)
        return event

    def _on_balance(self, event: BalanceUpdated) -> BalanceUpdated:
        key = (event.adapter, event.currency)
        self._balances[key] = event.total
        if self._since is not None:
            self._since.balances[key] = event.total
        self._states[key] = event
        return event

    def _on_ledger(self, event: LedgerPosted) -> LedgerPosted | None:
        return None if self._repeats(event) else event

    def _on_update(self, order: OrderUpdated) -> OrderUpdated | None:
        known = self._orders.of(order)
        return self._on_order(order, known) if known.is_news(said(order)) else None

    def _on_fill(self, fill: Filled) -> Filled | None:
        """The part of `fill` that is news."""
        if fill.time > self.last_fill_time:
            self.last_fill_time = fill.time
        news = self._executions.news(fill)
        if news is not None:
            contract = fill.contract
            self._expected[contract] = self._expected.get(contract, ZERO) + news.size
            if self._since is not None and fill.origin is not _SNAPSHOT:
                self._since.fills.append(news)
        return news

    def _on_order(self, order: OrderUpdated, known: Known) -> OrderUpdated:
        """Note how an order stands, and how much of it is filled."""
        self._executions.told(order)
        if self._since is not None:
            self._since.orders.update(names_of(order))
        self._orders.stands(order, known)
        return order

    def _repeats(self, event: LedgerPosted) -> bool:
        """Whether this entry was told before: entries bear no number, but time, change and balance after it name one."""
        name = (event.adapter, event.currency, event.time, event.kind, event.text, event.change, event.balance)
        if name in self._entries:
            return True
        self._entries[name] = None
        if len(self._entries) > MOST_ENTRIES:
            self._entries.popitem(last=False)
        return False


def _filled_since(contract: ContractId, since: _Since, snapshot: Snapshot) -> Decimal:
    """What was filled while the snapshot was on its way and is not in it."""
    inside = {fill_key(fill) for fill in snapshot.fills}
    return sum((fill.size for fill in since.fills if fill.contract == contract and fill_key(fill) not in inside), ZERO)


def _standing(order: OrderUpdated) -> tuple[Any, ...]:
    return (order.state, order.size, order.left, order.price)


def _name(order: OrderUpdated) -> str:
    return order.client_id or order.order_id or ""


def _figures(order: OrderUpdated) -> str:
    return f"{order.size if order.left is None else order.left} of {order.size} at {order.price}"


def _flat(position: PositionUpdated, snapshot: Snapshot) -> PositionUpdated:
    return PositionUpdated(
        time=snapshot.time,
        received=snapshot.received,
        origin=Origin.SNAPSHOT,
        contract=position.contract,
        size=ZERO,
        entry_price=ZERO,
        realized_pnl=position.realized_pnl,
    )
