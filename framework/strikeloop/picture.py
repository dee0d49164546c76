"""The accounts as they stand at one moment, with the sums over them that many figures share.

Owns `Picture`. A later picture takes over the sums less what was and plus what is: exact ones simply, those of floats as
columns that are added in one order (`strikeloop.sums`), so that none depends on the way there. It decides nothing, and
knows nothing of orders that nobody placed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from strikeloop.appraisal import ZERO, Appraised, Slot, can_trade
from strikeloop.contracts import Contract, ContractId
from strikeloop.drafts import maker
from strikeloop.margin import AccountMargin, Leg, MarginModel, Revaluation, Shocks, revalue
from strikeloop.sums import Sums, Table, Totals

MOST_GRIDS = 4
"""How many grids of scenarios are kept from one picture to the next."""
Scope = tuple[str, str | None, int | None]
"""Adapter; underlying or all; expiry or all."""
Kind = tuple[str, str, int, bool]
"""Adapter, underlying, expiry, is call."""
Pair = tuple[Slot | None, Slot | None]
"""What a contract was and what it is: None for nothing."""


class Picture:
    """What the accounts hold and have working, at one moment; the sums over it, each made when it is first asked for.

    `slots` stand in no certain order; whoever adds floats up takes them `in_order`, so that no sum depends on the way there.
    """

    def __init__(self, slots: Mapping[ContractId, Slot], model: MarginModel, now: int) -> None:
        self.slots, self.model, self.now = slots, model, now
        self._totals: Table | None = None
        self._pushes: tuple[Table, Table] | None = None
        """The rows that the sums are made of, as long as no later picture has taken them over."""
        self._sums: Sums | None = None
        self._reach: tuple[Sums, Sums] | None = None
        self._unpriced: tuple[ContractId, ...] | None = None
        self._volatile: tuple[ContractId, ...] | None = None
        self._sizes: Sizes | None = None
        self._revalued: dict[Shocks, Revalued] = {}
        self._former: dict[Shocks, tuple[Revalued, frozenset[ContractId]]] = {}
        """What was revalued before as of the same time, and the contracts that have changed since."""
        self._margins: dict[str, AccountMargin] = {}
        self._worths: dict[str, Decimal] = {}
        self._weights: tuple[float, float] | None = None

    def renewed(self, changed: Mapping[ContractId, Slot], gone: Collection[ContractId], now: int) -> Picture:
        """The picture at `now`, with these contracts as they are then and without those that are gone."""
        slots = {**self.slots, **changed}
        for contract in gone:
            del slots[contract]
        then = Picture(slots, self.model, now)
        pairs: list[Pair] = [(self.slots.get(contract), slot) for contract, slot in changed.items()]
        pairs += [(self.slots[contract], None) for contract in gone]
        if self._sizes is not None:
            then._sizes = self._sizes.exchanged(pairs)
        if len(pairs) * 2 < len(slots):  # else adding up anew costs less
            self._hand_over(then, pairs)
        self._carry_over(then, pairs)
        if now == self.now and (self._revalued or self._former):
            formers = {**self._former, **{shocks: (known, frozenset[ContractId]()) for shocks, known in self._revalued.items()}}
            latest = [*formers.items()][-MOST_GRIDS:]
            then._former = {shocks: (known, past.union(changed, gone)) for shocks, (known, past) in latest}
        return then

    def _hand_over(self, then: Picture, pairs: Sequence[Pair]) -> None:
        """The sums, less what was and plus what is. Rows go over to `then`; this picture keeps the sums that it made of them."""
        then._totals, self._totals = self._totals, None
        then._pushes, self._pushes = self._pushes, None
        for old, new in pairs:
            if then._totals is not None and (old is None or new is None or old.totals is not new.totals):
                _put(then._totals, old, new, None if new is None else new.totals)
            if then._pushes is not None and ((old is not None and old.orders) or (new is not None and new.orders)):
                for side, table in enumerate(then._pushes):
                    _put(table, old, new, new.pushes[side] if new is not None and new.orders else None)
        then._worths = {adapter: worth + worth_of(pairs, adapter) for adapter, worth in self._worths.items()}
        if is_by_contract(self.model):
            then._margins = {adapter: exchanged(known, pairs, adapter, self.model, then.now) for adapter, known in self._margins.items()}

    def _carry_over(self, then: Picture, pairs: Sequence[Pair]) -> None:
        """Which contracts nobody knows enough of, as long as all that changes is known."""
        is_known = is_kept = True
        for pair in pairs:
            for slot in pair:
                if slot is not None:
                    is_known, is_kept = is_known and slot.is_known, is_kept and slot.at.is_kept
        then._unpriced, then._volatile = self._unpriced if is_known else None, self._volatile if is_kept else None

    @property
    def in_order(self) -> list[Slot]:
        """By contract."""
        return [slot for _, slot in sorted(self.slots.items())]

    @property
    def sums(self) -> Sums:
        """The totals of the positions."""
        if self._sums is None:
            if self._totals is None:
                self._totals = Table([(slot.at.underlying, contract, slot.totals) for contract, slot in self.slots.items()])
            self._sums = self._totals.sums()
        return self._sums

    @property
    def reach(self) -> tuple[Sums, Sums]:
        """How far down and how far up each total could go, with each working order at its worst."""
        if self._reach is None:
            if self._pushes is None:
                rows = [(slot.at.underlying, contract, slot.pushes) for contract, slot in self.slots.items() if slot.orders]
                low, high = (Table([(name, contract, pushed[side]) for name, contract, pushed in rows]) for side in (0, 1))
                self._pushes = low, high
            low, high = self._pushes
            self._reach = self.sums.with_sums(low.sums()), self.sums.with_sums(high.sums())
        return self._reach

    @property
    def sizes(self) -> Sizes:
        if self._sizes is None:
            self._sizes = Sizes({}, {}).exchanged([(None, slot) for slot in self.slots.values()])
        return self._sizes

    @property
    def unpriced(self) -> tuple[ContractId, ...]:
        if self._unpriced is None:
            self._unpriced = tuple(sorted([contract for contract, slot in self.slots.items() if not slot.is_known]))
        return self._unpriced

    @property
    def volatile(self) -> tuple[ContractId, ...]:
        """The contracts whose figures may change without a ticker of theirs."""
        if self._volatile is None:
            self._volatile = tuple([contract for contract, slot in self.slots.items() if not slot.at.is_kept])
        return self._volatile

    @property
    def weights(self) -> tuple[float, float]:
        """Σ |units|, and Σ |units| · implied volatility, of the positions that can be priced."""
        if self._weights is None:
            self._weights = weights_of(self.in_order, self.now)
        return self._weights

    def margin(self, adapter: str) -> AccountMargin:
        """The margin of the account behind this adapter."""
        if adapter not in self._margins:
            every = self.slots.values() if is_by_contract(self.model) else self.in_order
            self._margins[adapter] = margin_of([slot for slot in every if slot.at.id.adapter == adapter], self.model, self.now)
        return self._margins[adapter]

    def worth(self, adapter: str) -> Decimal:
        """What the options of the account behind this adapter are worth at their marks."""
        if adapter not in self._worths:
            self._worths[adapter] = worth_of([(None, slot) for slot in self.slots.values()], adapter)
        return self._worths[adapter]

    def revalued(self, shocks: Shocks) -> Revalued:
        known = self._revalued.get(shocks)
        if known is None:
            base, changed = self._former.pop(shocks, (None, frozenset()))
            known = Revalued.of(self, shocks) if base is None else base.renewed(self, changed)
            self._revalued[shocks] = known
        return known


def _put(table: Table, old: Slot | None, new: Slot | None, row: Totals | None) -> None:
    """The row of a contract that was `old` and is `new`; none where `row` is None."""
    if old is not None and (new is None or row is None or old.at.underlying != new.at.underlying):
        table.drop(old.at.underlying, old.at.id)
    if new is not None and row is not None:
        table.put(new.at.underlying, new.at.id, row)


class Sizes:
    """Contracts that could come to be held, whatever of the working orders trades, added up over contracts.

    `most` has Σ of the largest |size| of each account, underlying and expiry; `least` has Σ of the least sizes of each kind of an expiry.
    """

    def __init__(self, most: dict[Scope, Decimal], least: dict[Kind, Decimal]) -> None:
        self.most, self.least = most, least

    def exchanged(self, pairs: Sequence[Pair]) -> Sizes:
        """With what is in place of what was; the same where no size changes."""
        made = self
        for old, new in pairs:
            if old is not None and new is not None and _is_as_large(old, new):
                continue
            made = Sizes(dict(self.most), dict(self.least)) if made is self else made
            if old is not None and new is not None and old.at.contract is new.at.contract:
                (low, high), (lower, higher) = old.sizes, new.sizes
                made._add(new.at.contract, lower - low, max(higher, -lower) - max(high, -low))
            else:
                for slot, sign in ((old, -1), (new, 1)):
                    if slot is not None:
                        low, high = slot.sizes
                        made._add(slot.at.contract, sign * low, sign * max(high, -low))
        return made

    def _add(self, contract: Contract | None, least: Decimal, largest: Decimal) -> None:
        """What one contract adds to the sums; nothing where no specification is known."""
        if contract is None:
            return
        adapter, name, expiry = contract.id.adapter, contract.underlying, contract.expiry
        if least:
            kind = (adapter, name, expiry, contract.is_call)
            self.least[kind] = self.least.get(kind, ZERO) + least
        if largest:
            most = self.most
            for scope in ((adapter, None, None), (adapter, name, None), (adapter, name, expiry)):
                most[scope] = most.get(scope, ZERO) + largest


def _is_as_large(old: Slot, new: Slot) -> bool:
    return old.orders is new.orders and old.size == new.size and old.at.contract is new.at.contract


class Revalued:
    """The contracts of a picture in each scenario: per contract, the positions together, and what working orders could lose beside.

    `units` are held of each contract that is priced, in the places of `values`; one that is gone keeps its place and has none.
    """

    def __init__(self, values: Revaluation, places: Mapping[ContractId, int], units: list[float], picture: Picture, shocks: Shocks) -> None:
        self._values, self._places, self._units, self.shocks, self._picture = values, places, units, shocks, picture
        self._underlyings = {slot.at.underlying for slot in picture.slots.values()}
        self._profits: dict[str | None, list[float]] = {}
        self._penalties: dict[str | None, list[float]] = {}
        self._rows: dict[ContractId, tuple[Slot, list[float]]] = {}
        """What the orders of a slot could lose."""
        self._contracts: dict[ContractId, tuple[Appraised, list[float]]] = {}

    @classmethod
    def of(cls, picture: Picture, shocks: Shocks) -> Revalued:
        slots = [slot for slot in picture.in_order if slot.at.is_priced]
        legs = [slot.at.leg(picture.now) for slot in slots]
        units = [float(slot.size) * leg.units for slot, leg in zip(slots, legs, strict=True)]
        places = {slot.at.id: place for place, slot in enumerate(slots)}
        return cls(revalue(legs, shocks), places, units, picture, shocks)

    def renewed(self, picture: Picture, changed: Iterable[ContractId]) -> Revalued:
        """The same for a later picture as of the same time: only what changed is priced anew."""
        units, legs, places = self._units.copy(), dict[int, Leg](), self._places
        for contract in changed:
            slot, place = picture.slots.get(contract), places.get(contract)
            if slot is not None and slot.at.is_priced:
                if place is None:
                    return Revalued.of(picture, self.shocks)
                leg = legs[place] = slot.at.leg(picture.now)
                units[place] = float(slot.size) * leg.units
            elif place is not None:
                units[place] = 0.0
        made = Revalued(self._values.replaced(legs) if legs else self._values, places, units, picture, self.shocks)
        made._rows, made._contracts = self._rows, self._contracts
        return made

    def profits(self, underlying: str | None) -> list[float]:
        """Of the positions (of one underlying), in each scenario."""
        if underlying not in self._profits:
            if underlying is None:
                self._profits[None] = self._values.profits(self._units)
            elif self._underlyings == {underlying}:
                self._profits[underlying] = self.profits(None)
            else:
                held = zip(self._places, self._units, strict=True)
                self._profits[underlying] = self._values.profits([units if self._is_of(one, underlying) else 0.0 for one, units in held])
        return self._profits[underlying]

    def _is_of(self, contract: ContractId, underlying: str) -> bool:
        slot = self._picture.slots.get(contract)
        return slot is not None and slot.at.underlying == underlying

    def penalties(self, underlying: str | None) -> list[float]:
        """What the working orders (of one underlying) could lose beside, in each scenario."""
        if underlying not in self._penalties:
            slots = [slot for slot in self._picture.in_order if slot.orders and slot.at.is_priced]
            rows = [self.penalty(slot) for slot in slots if underlying in (None, slot.at.underlying)]
            self._penalties[underlying] = [*map(sum, zip(*rows, strict=True))] if rows else [0.0] * len(self.shocks.prices)
        return self._penalties[underlying]

    def penalty(self, slot: Slot) -> list[float]:
        """What the orders of a slot could lose: each in the scenarios where it loses."""
        known = self._rows.get(slot.at.id)
        if known is not None and known[0] is slot:
            return known[1]
        changes = self.of_contract(slot)
        rows: list[list[float]] = []
        for order in slot.orders:
            size = can_trade(order.left, slot.size, reduce_only=order.reduce_only)
            units, cost = float(size), lost_at_once(slot, size, order.price)
            rows.append([gain if (gain := units * change - cost) < 0.0 else 0.0 for change in changes])
        row = rows[0] if len(rows) == 1 else [math.fsum(losses) for losses in zip(*rows, strict=True)]
        if self._picture.slots.get(slot.at.id) is slot:
            self._rows[slot.at.id] = slot, row
        return row

    def of_contract(self, slot: Slot) -> list[float]:
        """Of one contract held long, in each scenario."""
        known = self._contracts.get(slot.at.id)
        if known is None or known[0] is not slot.at:
            leg, place = slot.at.leg(self._picture.now), self._places.get(slot.at.id)
            changes = revalue([leg], self.shocks).of_unit(0) if place is None else self._values.of_unit(place)
            known = self._contracts[slot.at.id] = slot.at, [change * leg.units for change in changes]
        return known[1]


def margin_of(slots: Sequence[Slot], model: MarginModel, now: int) -> AccountMargin:
    """The margin of these positions with their orders, given in the order of their contracts."""
    holdings = [holding for slot in slots if (holding := slot.holding(now)) is not None]
    if is_by_contract(model):  # a contract's own orders stand in their order
        return model.account(holdings, [one for slot in slots if slot.orders for one in slot.resting(now)])
    waiting = [(order.created, order.key, one) for slot in slots if slot.orders for order, one in slot.waiting(now)]
    opened = [one for _, _, one in sorted(waiting, key=lambda row: row[:2])]
    return model.account(holdings, opened)


def exchanged(known: AccountMargin, pairs: Iterable[Pair], adapter: str, model: MarginModel, now: int) -> AccountMargin:
    """`known` of an account with what is in place of what was, for a model that adds contracts up; exact, so nothing drifts."""
    initial, maintenance, order, credit = known.initial, known.maintenance, known.order, known.credit
    for old, new in pairs:
        if new is not None and new.at.id.adapter == adapter:
            more = new.margin(model, now)
            initial, maintenance = initial + more.initial, maintenance + more.maintenance
            order, credit = order + more.order, credit + more.credit
        if old is not None and old.at.id.adapter == adapter:
            less = old.margin(model, now)
            initial, maintenance = initial - less.initial, maintenance - less.maintenance
            order, credit = order - less.order, credit - less.credit
    return _margin(initial, maintenance, order, credit)


def worth_of(pairs: Iterable[Pair], adapter: str) -> Decimal:
    """What the options of an account are worth more at their marks, with what is in place of what was."""
    worth = ZERO
    for old, new in pairs:
        if new is not None and new.at.id.adapter == adapter:
            worth += new.worth
        if old is not None and old.at.id.adapter == adapter:
            worth -= old.worth
    return worth


def weights_of(slots: Iterable[Slot], now: int) -> tuple[float, float]:
    """Σ |units|, and Σ |units| · implied volatility, of what can be priced."""
    weight = weighted = 0.0
    for slot in slots:
        if slot.size and slot.at.is_priced:
            leg = slot.at.leg(now)
            units = abs(slot.amounts[0] * leg.units)
            weight, weighted = weight + units, weighted + units * leg.iv
    return weight, weighted


_margin = maker(AccountMargin)


def is_by_contract(model: MarginModel) -> bool:
    """Whether the model adds contracts up, each with its own orders."""
    return getattr(model, "by_contract", False) is True


def lost_at_once(slot: Slot, size: Decimal, limit: Decimal | None) -> float:
    """What trading `size` at a limit that is worse than the mark loses at once; nothing at one that is better."""
    contract, mark = slot.at.contract, slot.at.mark
    if contract is None or mark is None or limit is None:
        return 0.0
    return max(0.0, float((limit - mark) * size * contract.multiplier))
