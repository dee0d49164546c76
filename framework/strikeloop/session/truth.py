"""The account as events and snapshots say it is: what is news, what is old, what is missing.

Owns `Truth`: deduplication of fills, the implicit chains between ledger entries and between fills and positions, and
the merging of a snapshot, which names every difference it finds. It decides nothing about connections.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from strikeloop.adapter import Snapshot
from strikeloop.contracts import ContractId
from strikeloop.events import ContractSettled, Event, Filled, LedgerPosted, OrderState, OrderUpdated, Origin, PositionClosed, PositionUpdated

FillKey = tuple[ContractId, str, str]
ZERO = Decimal(0)


def fill_key(fill: Filled) -> FillKey:
    """Trade ids are small and per contract: only with contract and order do they name one execution."""
    return (fill.contract, fill.trade_id, fill.order_id)


@attrs.frozen
class Merge:
    """What a snapshot changes: the events to release, and one sentence for each difference."""

    events: tuple[Event, ...]
    adjustments: tuple[str, ...]
    missing: tuple[OrderUpdated, ...]
    """Orders we hold open that the snapshot does not list: their end is to be looked up."""


class Truth:
    """What one account port has told us so far."""

    def __init__(self) -> None:
        self._fills: dict[FillKey, None] = {}
        self._applied: dict[tuple[ContractId, str], Decimal] = {}
        self._reported: dict[tuple[ContractId, str], Decimal] = {}
        self._positions: dict[ContractId, PositionUpdated] = {}
        self._expected: dict[ContractId, Decimal] = {}
        self._open: dict[str, OrderUpdated] = {}
        self._cash: dict[tuple[str, str], Decimal] = {}
        self.last_fill_time = 0

    @property
    def anything_open(self) -> bool:
        """Whether an order is open or a position is held."""
        return bool(self._open) or any(position.size for position in self._positions.values())

    def news(self, event: Event) -> Event | None:
        """Fold an event of the stream; returns what of it is new, None when it only repeats what is known."""
        if isinstance(event, Filled):
            return self._on_fill(event)
        if isinstance(event, OrderUpdated):
            self._on_order(event)
        elif isinstance(event, PositionUpdated):
            self._positions[event.contract] = event
        elif isinstance(event, ContractSettled | PositionClosed):
            self._expected[event.contract] = ZERO
        return event

    def ledger_gap(self, event: LedgerPosted) -> str:
        """Fold a ledger entry; a sentence when its balance does not follow from the one before."""
        key = (event.adapter, event.currency)
        before, self._cash[key] = self._cash.get(key), event.balance
        if before is None or before + event.change == event.balance:
            return ""
        return f"balance {event.balance} is not {before} + {event.change}"

    def position_gap(self, contract: ContractId) -> str:
        """A sentence when a position's size is not what the last snapshot and the fills since add up to.

        Stream and fills may overtake one another, so a gap is one only when it lasts.
        """
        position = self._positions.get(contract)
        size = ZERO if position is None else position.size
        expected = self._expected.get(contract, ZERO)
        return "" if expected == size else f"{contract} has size {size}, fills say {expected}"

    def merge(self, snapshot: Snapshot) -> Merge:
        """Bring what is known in line with `snapshot`."""
        adjustments: list[str] = []
        fills = [news for fill in snapshot.fills if (news := self._on_fill(fill)) is not None]
        adjustments.extend(f"missed fill {fill.trade_id} of {fill.contract}: {fill.size} at {fill.price}" for fill in fills)
        orders, missing = self._merge_orders(snapshot, adjustments)
        positions = self._merge_positions(snapshot, adjustments)
        for balance in snapshot.balances:
            self._cash[(balance.adapter, balance.currency)] = balance.total
        return Merge((*orders, *fills, *positions, *snapshot.balances), tuple(adjustments), missing)

    def _merge_orders(self, snapshot: Snapshot, adjustments: list[str]) -> tuple[list[OrderUpdated], tuple[OrderUpdated, ...]]:
        listed = {key for order in snapshot.orders for key in _keys(order)}
        for order in snapshot.orders:
            if not any(key in self._open for key in _keys(order)):
                adjustments.append(f"open order {order.client_id or order.order_id} in {order.contract} was not known")
            self._on_order(order)
        missing = [order for order in _unique(self._open.values()) if snapshot.complete and not listed.intersection(_keys(order))]
        adjustments.extend(f"order {order.client_id or order.order_id} in {order.contract} is no longer open" for order in missing)
        return list(snapshot.orders), tuple(missing)

    def _merge_positions(self, snapshot: Snapshot, adjustments: list[str]) -> list[PositionUpdated]:
        out = list(snapshot.positions)
        if snapshot.complete:
            held = {position.contract for position in snapshot.positions}
            out.extend(_flat(position, snapshot) for position in self._positions.values() if position.size and position.contract not in held)
        for position in out:
            before = self._positions.get(position.contract)
            known = ZERO if before is None else before.size
            if known != position.size:
                adjustments.append(f"{position.contract} has size {position.size}, not {known}")
            self._positions[position.contract] = position
            self._expected[position.contract] = position.size
        return [position for position in out if position.size or position.contract in self._positions]

    def _on_fill(self, fill: Filled) -> Filled | None:
        """The part of `fill` that was not applied before.

        A synthetic fill states how much of its order is filled so far, a reported one a single execution; what both
        tell of one order overlaps, so an order's fills are applied up to the larger of the two sums.
        """
        key, order = fill_key(fill), (fill.contract, fill.order_id)
        applied = self._applied.get(order, ZERO)
        if fill.synthetic:
            total = fill.size
        elif key in self._fills:
            return None
        else:
            self._fills[key] = None
            total = self._reported[order] = self._reported.get(order, ZERO) + fill.size
        self.last_fill_time = max(self.last_fill_time, fill.time)
        if abs(total) <= abs(applied):
            return None
        self._applied[order] = total
        self._expected[fill.contract] = self._expected.get(fill.contract, ZERO) + total - applied
        return fill if total - applied == fill.size else attrs.evolve(fill, size=total - applied)

    def _on_order(self, order: OrderUpdated) -> None:
        for key in _keys(order):
            if order.state is OrderState.OPEN:
                self._open[key] = order
            elif order.state.is_terminal:
                self._open.pop(key, None)


def _keys(order: OrderUpdated) -> tuple[str, ...]:
    return tuple(key for key in (order.client_id, order.order_id) if key is not None)


def _unique(orders: Iterable[OrderUpdated]) -> list[OrderUpdated]:
    return list({id(order): order for order in orders}.values())


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


