"""The accounts as they stand at one moment, with the sums over them that many figures share.

Owns `Picture` and `Sums`. A later picture carries over what is exact; sums of floats are added anew, so that they never
depend on the way there. It decides nothing, and knows nothing of orders that nobody placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from strikeloop.appraisal import NOTHING, ZERO, Appraised, Slot, Totals, added, can_trade
from strikeloop.contracts import ContractId
from strikeloop.margin import AccountMargin, MarginModel, Revaluation, Shocks, revalue

MOST_GRIDS = 4
"""How many grids of scenarios are kept from one picture to the next."""
SizeKey = tuple[str, str, int, bool]
"""Adapter, underlying, expiry, is call."""


class Sums(NamedTuple):
    """Totals of each underlying and of all of them together."""

    total: Totals
    by_underlying: Mapping[str, Totals]

    def of(self, underlying: str | None) -> Totals:
        """The totals of one underlying, or (None) of all."""
        return self.total if underlying is None else self.by_underlying.get(underlying, NOTHING)


class Picture:
    """What the accounts hold and have working, at one moment; the sums over it, each made when it is first asked for.

    `renewed` is the next moment: what is exact is carried over less what was and plus what is; sums of floats are added anew, so
    that they never depend on the way there.
    """

    def __init__(self, slots: Mapping[ContractId, Slot], model: MarginModel, now: int) -> None:
        self.slots, self.model, self.now = slots, model, now
        self._rows: _Rows | None = None
        self._sums: Sums | None = None
        self._pushes: tuple[Sums, Sums] | None = None
        self._with_orders: tuple[Slot, ...] | None = None
        self._unpriced: tuple[ContractId, ...] | None = None
        self._volatile: tuple[ContractId, ...] | None = None
        self._sizes: Mapping[SizeKey, tuple[Decimal, Decimal]] | None = None
        self._revalued: dict[Shocks, Revalued] = {}
        self._former: dict[Shocks, tuple[Revalued, frozenset[ContractId]]] = {}
        """What was revalued before as of the same time, and the contracts that have changed since."""
        self._margins: dict[str, AccountMargin] = {}
        self._worths: dict[str, Decimal] = {}

    def renewed(self, changed: Mapping[ContractId, Slot], now: int) -> Picture:
        """The picture at `now` with these contracts, each of which is in this one, as they are then."""
        then = Picture({**self.slots, **changed}, self.model, now)
        pairs = [(self.slots[contract], slot) for contract, slot in changed.items()]
        if self._rows is not None:
            then._rows = self._rows.replaced(changed)
        if all(old.size == new.size and old.orders is new.orders for old, new in pairs):
            then._sizes = self._sizes
        if not any(old.orders or new.orders for old, new in pairs):
            then._with_orders, then._pushes = self._with_orders, self._pushes
        if all(old.is_known and new.is_known for old, new in pairs):
            then._unpriced = self._unpriced
        if all(old.at.is_kept and new.at.is_kept for old, new in pairs):
            then._volatile = self._volatile
        then._worths = {
            adapter: sum((new.worth - old.worth for old, new in pairs if new.at.id.adapter == adapter), worth)
            for adapter, worth in self._worths.items()
        }
        if now == self.now:
            formers = {**self._former, **{shocks: (known, frozenset[ContractId]()) for shocks, known in self._revalued.items()}}
            latest = [*formers.items()][-MOST_GRIDS:]
            then._former = {shocks: (known, gone.union(changed)) for shocks, (known, gone) in latest}
        if is_by_contract(self.model):
            then._margins = dict(self._margins)
            for old, new in pairs:
                known = then._margins.get(new.at.id.adapter)
                if known is not None:
                    then._margins[new.at.id.adapter] = replaced(known, new.margin(self.model, now), old.margin(self.model, now))
        return then

    @property
    def sums(self) -> Sums:
        if self._sums is None:
            if self._rows is None:
                self._rows = _Rows.of(self.slots)
            self._sums = _sums(self._rows.added())
        return self._sums

    @property
    def pushes(self) -> tuple[Sums, Sums]:
        """What the working orders, each at its worst, could add to the sums: downward and upward."""
        if self._pushes is None:
            rows: tuple[dict[str, list[Totals]], dict[str, list[Totals]]] = {}, {}
            for slot in self.with_orders:
                for side, pushed in zip(rows, slot.pushes, strict=True):
                    side.setdefault(slot.at.underlying, []).append(pushed)
            down, up = (_sums({name: added(row) for name, row in side.items()}) for side in rows)
            self._pushes = down, up
        return self._pushes

    @property
    def sizes(self) -> Mapping[SizeKey, tuple[Decimal, Decimal]]:
        """Σ of the least sizes that working orders could leave, Σ of the largest |size|."""
        if self._sizes is None:
            sums: dict[SizeKey, tuple[Decimal, Decimal]] = {}
            for slot in self.slots.values():
                contract = slot.at.contract
                if contract is not None:
                    key = (contract.id.adapter, contract.underlying, contract.expiry, contract.is_call)
                    least, most = sums.get(key, (ZERO, ZERO))
                    low, high = slot.sizes
                    sums[key] = least + low, most + max(high, -low)
            self._sizes = sums
        return self._sizes

    @property
    def unpriced(self) -> tuple[ContractId, ...]:
        if self._unpriced is None:
            self._unpriced = tuple([contract for contract, slot in self.slots.items() if not slot.is_known])
        return self._unpriced

    @property
    def with_orders(self) -> tuple[Slot, ...]:
        if self._with_orders is None:
            self._with_orders = tuple([slot for _, slot in sorted(self.slots.items()) if slot.orders])
        return self._with_orders

    @property
    def volatile(self) -> tuple[ContractId, ...]:
        """The contracts whose figures may change without a ticker of theirs."""
        if self._volatile is None:
            self._volatile = tuple([contract for contract, slot in self.slots.items() if not slot.at.is_kept])
        return self._volatile

    def margin(self, adapter: str) -> AccountMargin:
        """The margin of the account behind this adapter."""
        if adapter not in self._margins:
            slots = [slot for slot in self.slots.values() if slot.at.id.adapter == adapter]
            self._margins[adapter] = margin_of(slots, self.model, self.now)
        return self._margins[adapter]

    def worth(self, adapter: str) -> Decimal:
        """What the options of the account behind this adapter are worth at their marks."""
        if adapter not in self._worths:
            self._worths[adapter] = sum((slot.worth for slot in self.slots.values() if slot.at.id.adapter == adapter), ZERO)
        return self._worths[adapter]

    def revalued(self, shocks: Shocks) -> Revalued:
        known = self._revalued.get(shocks)
        if known is None:
            base, changed = self._former.pop(shocks, (None, frozenset()))
            known = Revalued.of(self, shocks) if base is None else base.renewed(self, changed)
            self._revalued[shocks] = known
        return known


class _Rows:
    """The totals of the slots by underlying, in their order, and where each contract's are."""

    def __init__(self, rows: dict[str, list[Totals]], places: Mapping[ContractId, tuple[str, int]]) -> None:
        self._rows, self._places = rows, places

    @classmethod
    def of(cls, slots: Mapping[ContractId, Slot]) -> _Rows:
        rows: dict[str, list[Totals]] = {}
        places: dict[ContractId, tuple[str, int]] = {}
        for contract, slot in slots.items():
            row = rows.setdefault(slot.at.underlying, [])
            places[contract] = slot.at.underlying, len(row)
            row.append(slot.totals)
        return cls(rows, places)

    def replaced(self, changed: Mapping[ContractId, Slot]) -> _Rows | None:
        """With these in their places; None where one has another underlying now."""
        rows = {name: [*row] for name, row in self._rows.items()}
        for contract, slot in changed.items():
            name, place = self._places[contract]
            if slot.at.underlying != name:
                return None
            rows[name][place] = slot.totals
        return _Rows(rows, self._places)

    def added(self) -> dict[str, Totals]:
        return {name: added(row) for name, row in self._rows.items()}


def _sums(by_underlying: dict[str, Totals]) -> Sums:
    each = [*by_underlying.values()]
    return Sums(each[0] if len(each) == 1 else added([NOTHING, *each]), by_underlying)


def together(one: Sums, other: Sums) -> Sums:
    """Both added; of underlyings that the first one knows."""
    total, extra = one.total.plus(other.total), other.by_underlying
    if len(one.by_underlying) == 1 and (not extra or extra.keys() == one.by_underlying.keys()):
        return Sums(total, dict.fromkeys(one.by_underlying, total))
    return Sums(total, {name: known.plus(extra[name]) if name in extra else known for name, known in one.by_underlying.items()})


class Revalued:
    """The contracts of a picture in each scenario: per contract, the positions together, and what working orders could lose beside."""

    def __init__(self, values: Revaluation, slots: Sequence[Slot], shocks: Shocks, now: int) -> None:
        self._values, self._slots, self.shocks, self._now = values, slots, shocks, now
        self._places = {slot.at.id: place for place, slot in enumerate(slots)}
        self._profits: dict[str | None, list[float]] = {}
        self._penalties: dict[str | None, list[float]] = {}
        self._contracts: dict[ContractId, tuple[Appraised, list[float]]] = {}

    @classmethod
    def of(cls, picture: Picture, shocks: Shocks) -> Revalued:
        slots = [slot for slot in picture.slots.values() if slot.at.is_priced]
        return cls(revalue([slot.at.leg(picture.now) for slot in slots], shocks), slots, shocks, picture.now)

    def renewed(self, picture: Picture, changed: Iterable[ContractId]) -> Revalued:
        """The same for a later picture as of the same time: only what changed is priced anew."""
        slots = [slot for slot in picture.slots.values() if slot.at.is_priced]
        if [slot.at.id for slot in slots] != [slot.at.id for slot in self._slots]:
            return Revalued.of(picture, self.shocks)
        legs = {self._places[contract]: picture.slots[contract].at.leg(picture.now) for contract in changed if contract in self._places}
        return Revalued(self._values.replaced(legs) if legs else self._values, slots, self.shocks, picture.now)

    def profits(self, underlying: str | None) -> list[float]:
        """Of the positions (of one underlying), in each scenario."""
        if underlying not in self._profits:
            units = [
                float(slot.size) * slot.at.leg(self._now).units if underlying in (None, slot.at.underlying) else 0.0 for slot in self._slots
            ]
            self._profits[underlying] = self._values.profits(units)
        return self._profits[underlying]

    def penalties(self, underlying: str | None) -> list[float]:
        """What the working orders (of one underlying) could lose beside, in each scenario."""
        if underlying not in self._penalties:
            made = [0.0] * len(self.shocks.prices)
            for slot in self._slots:
                if slot.orders and underlying in (None, slot.at.underlying):
                    made = self.penalized(made, slot, 1.0)
            self._penalties[underlying] = made
        return self._penalties[underlying]

    def penalized(self, made: list[float], slot: Slot, sign: float) -> list[float]:
        """`made` with what the orders of a slot could lose: each in the scenarios where it loses."""
        changes = self.of_contract(slot)
        for order in slot.orders:
            size = can_trade(order.left, slot.size, reduce_only=order.reduce_only)
            units, cost = float(size), lost_at_once(slot, size, order.price)
            made = [known + sign * min(0.0, units * change - cost) for known, change in zip(made, changes, strict=True)]
        return made

    def of_contract(self, slot: Slot) -> list[float]:
        """Of one contract held long, in each scenario."""
        known = self._contracts.get(slot.at.id)
        if known is None or known[0] is not slot.at:
            leg, place = slot.at.leg(self._now), self._places.get(slot.at.id)
            changes = revalue([leg], self.shocks).of_unit(0) if place is None else self._values.of_unit(place)
            known = self._contracts[slot.at.id] = slot.at, [change * leg.units for change in changes]
        return known[1]


def margin_of(slots: Sequence[Slot], model: MarginModel, now: int) -> AccountMargin:
    """The margin of these positions with their orders."""
    if is_by_contract(model):
        made = AccountMargin(initial=ZERO, maintenance=ZERO, order=ZERO)
        for slot in slots:
            made = replaced(made, slot.margin(model, now), None)
        return made
    holdings = [holding for slot in slots if (holding := slot.holding(now)) is not None]
    resting = sorted(((order.created, order.key, slot, order) for slot in slots for order in slot.orders), key=lambda one: one[:2])
    opened = [one for _, _, slot, order in resting if (one := slot.at.resting(order, now)) is not None]
    return model.account(holdings, opened)


def replaced(one: AccountMargin, new: AccountMargin, old: AccountMargin | None) -> AccountMargin:
    """`one` with `new` in place of `old`. Ledger sums are exact, so nothing drifts."""
    gone = _NO_MARGIN if old is None else old
    return AccountMargin(
        initial=one.initial + new.initial - gone.initial,
        maintenance=one.maintenance + new.maintenance - gone.maintenance,
        order=one.order + new.order - gone.order,
        credit=one.credit + new.credit - gone.credit,
    )


_NO_MARGIN = AccountMargin(initial=ZERO, maintenance=ZERO, order=ZERO)


def is_by_contract(model: MarginModel) -> bool:
    """Whether the model adds contracts up, each with its own orders."""
    return getattr(model, "by_contract", False) is True


def lost_at_once(slot: Slot, size: Decimal, limit: Decimal | None) -> float:
    """What trading `size` at a limit that is worse than the mark loses at once; nothing at one that is better."""
    contract, mark = slot.at.contract, slot.at.mark
    if contract is None or mark is None or limit is None:
        return 0.0
    return max(0.0, float((limit - mark) * size * contract.multiplier))
