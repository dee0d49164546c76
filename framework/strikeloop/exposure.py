"""An account's figures at one moment: greeks, margin, stress and value at risk, each computed when it is first asked for.

Owns `Exposure`, and `Picture`, the account as it stands that many exposures share. It uses the venue's own margin model,
never a shortcut, values by full revaluation, and says which contracts it could not price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from strikeloop.appraisal import NOTHING, ZERO, Appraised, Slot, Totals, added, can_trade
from strikeloop.contracts import Contract, ContractId
from strikeloop.margin import AccountMargin, Leg, MarginModel, Revaluation, Shocks, book_volatility, day_shocks, revalue, tail_loss

STRESS = Shocks.grid([step / 100 for step in range(-20, 21, 4)], [-0.3, 0.0, 0.3])
"""Gate's 33 scenarios: price 0, ±4 … ±20 %, volatility −30, 0, +30 % of itself, all underlyings together."""


class Sums(NamedTuple):
    """Totals of each underlying and of all of them together."""

    total: Totals
    by_underlying: Mapping[str, Totals]

    def of(self, underlying: str | None) -> Totals:
        """The totals of one underlying, or (None) of all."""
        return self.total if underlying is None else self.by_underlying.get(underlying, NOTHING)


Trade = tuple[Slot, Decimal, Decimal | None]
"""What trades where, and at which limit."""
MOST_GRIDS = 4
"""How many grids of scenarios are kept from one picture to the next."""
SizeKey = tuple[str, str, int, bool]
"""Adapter, underlying, expiry, is call."""


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
        self._revalued: dict[Shocks, _Revalued] = {}
        self._former: dict[Shocks, tuple[_Revalued, frozenset[ContractId]]] = {}
        """What was revalued before as of the same time, and the contracts that have changed since."""
        self._margins: dict[str, AccountMargin] = {}
        self._worths: dict[str, Decimal] = {}
        self._untouched: dict[str, Exposure] = {}

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
                    then._margins[new.at.id.adapter] = _plus(known, new.margin(self.model, now), old.margin(self.model, now))
        return then

    def as_it_is(self, adapter: str, cash: Decimal) -> Exposure:
        """The figures without any order more."""
        known = self._untouched.get(adapter)
        if known is None or known.cash is not cash:
            known = self._untouched[adapter] = Exposure(self, adapter, cash, {}, ())
        return known

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

    def revalued(self, shocks: Shocks) -> _Revalued:
        known = self._revalued.get(shocks)
        if known is None:
            base, changed = self._former.pop(shocks, (None, frozenset()))
            known = _Revalued.of(self, shocks) if base is None else base.renewed(self, changed)
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


def _together(one: Sums, other: Sums) -> Sums:
    total, extra = one.total.plus(other.total), other.by_underlying
    if len(one.by_underlying) == 1 and (not extra or extra.keys() == one.by_underlying.keys()):
        return Sums(total, dict.fromkeys(one.by_underlying, total))
    return Sums(total, {name: known.plus(extra[name]) if name in extra else known for name, known in one.by_underlying.items()})


class _Revalued:
    """The contracts of a picture in each scenario: per contract, the positions together, and what working orders could lose beside."""

    def __init__(self, values: Revaluation, slots: Sequence[Slot], shocks: Shocks, now: int) -> None:
        self._values, self._slots, self.shocks, self._now = values, slots, shocks, now
        self._places = {slot.at.id: place for place, slot in enumerate(slots)}
        self._profits: dict[str | None, list[float]] = {}
        self._penalties: dict[str | None, list[float]] = {}
        self._contracts: dict[ContractId, tuple[Appraised, list[float]]] = {}

    @classmethod
    def of(cls, picture: Picture, shocks: Shocks) -> _Revalued:
        slots = [slot for slot in picture.slots.values() if slot.at.is_priced]
        return cls(revalue([slot.at.leg(picture.now) for slot in slots], shocks), slots, shocks, picture.now)

    def renewed(self, picture: Picture, changed: Iterable[ContractId]) -> _Revalued:
        """The same for a later picture as of the same time: only what changed is priced anew."""
        slots = [slot for slot in picture.slots.values() if slot.at.is_priced]
        if [slot.at.id for slot in slots] != [slot.at.id for slot in self._slots]:
            return _Revalued.of(picture, self.shocks)
        legs = {self._places[contract]: picture.slots[contract].at.leg(picture.now) for contract in changed if contract in self._places}
        return _Revalued(self._values.replaced(legs) if legs else self._values, slots, self.shocks, picture.now)

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


class Exposure:
    """An account's figures at one moment, each computed when it is first asked for.

    `delta` … `gamma_cash` are the totals of all positions, `sums` has them by underlying too. Margin (quote currency) is that of
    the account the orders go to: `cash` is its balance, `credit` what the margin model counts beside it (AccountMargin),
    `available` both less initial and order margin. `unpriced` names contracts, held or with working orders, without mark or
    greeks, which count as nothing.
    """

    def __init__(self, picture: Picture, adapter: str, cash: Decimal, changed: Mapping[ContractId, Slot], trades: Sequence[Trade]) -> None:
        self._picture, self._adapter, self._changed, self._trades = picture, adapter, changed, trades
        self.cash = cash
        self._sums: Sums | None = None
        self._reach: tuple[Sums, Sums] | None = None
        self._margin: AccountMargin | None = None

    # ---- greeks ----

    @property
    def sums(self) -> Sums:
        """The totals of the positions."""
        if self._sums is None:
            self._sums = self._changed_by(self._picture.sums, lambda slot: slot.totals)
        return self._sums

    @property
    def reach(self) -> tuple[Sums, Sums]:
        """How far down and how far up each total could go. Which of the working orders trade is not known: each counts at its worst."""
        if self._reach is None:
            down, up = self._picture.pushes
            low = self._changed_by(down, lambda slot: slot.pushes[0])
            high = self._changed_by(up, lambda slot: slot.pushes[1])
            self._reach = _together(self.sums, low), _together(self.sums, high)
        return self._reach

    def _changed_by(self, sums: Sums, figure: Callable[[Slot], Totals]) -> Sums:
        """`sums` of the picture with the changed contracts in place of what they were."""
        total, by_underlying = sums
        for contract, slot in self._changed.items():
            old = self._picture.slots.get(contract)
            change, name = figure(slot), slot.at.underlying
            if old is not None:
                was = figure(old)
                if change is was:
                    continue
                change = change.plus(was, -1.0)
            total = total.plus(change)
            is_alone = len(by_underlying) == 1 and name in by_underlying
            by_underlying = {name: total} if is_alone else {**by_underlying, name: by_underlying.get(name, NOTHING).plus(change)}
        return Sums(total, by_underlying)

    def most_held(self, adapter: str, underlying: str | None = None, expiry: int | None = None) -> Decimal:
        """Σ of the largest |size|, in contracts, that each contract could come to, whatever of the working orders trades.

        Of the positions as they are, in one account, of one underlying and expiry or (None) of all.
        """
        known = self._picture.sizes.items()
        found = (most for (a, u, e, _), (_, most) in known if a == adapter and underlying in (None, u) and expiry in (None, e))
        return sum(found, ZERO)

    def least_held(self, contract: Contract) -> Decimal:
        """Σ of the least sizes that the contracts of this one's kind, underlying and expiry could come to, in one account, as they are."""
        key = (contract.id.adapter, contract.underlying, contract.expiry, contract.is_call)
        return self._picture.sizes.get(key, (ZERO, ZERO))[0]

    @property
    def delta(self) -> float:
        return self.sums.total.delta

    @property
    def gamma(self) -> float:
        return self.sums.total.gamma

    @property
    def vega(self) -> float:
        return self.sums.total.vega

    @property
    def theta(self) -> float:
        return self.sums.total.theta

    @property
    def delta_cash(self) -> float:
        return self.sums.total.delta_cash

    @property
    def gamma_cash(self) -> float:
        return self.sums.total.gamma_cash

    # ---- margin ----

    @property
    def margin(self) -> AccountMargin:
        """By the venue's own model."""
        if self._margin is None:
            self._margin = self._margin_now()
        return self._margin

    def _margin_now(self) -> AccountMargin:
        known, changed = self._picture, self._changed
        if not changed:
            return known.margin(self._adapter)
        model, now = known.model, known.now
        if not is_by_contract(model):
            return margin_of([slot for slot in self._slots if slot.at.id.adapter == self._adapter], model, now)
        made = known.margin(self._adapter)
        for contract, slot in changed.items():
            if contract.adapter == self._adapter:
                old = known.slots.get(contract)
                made = _plus(made, slot.margin(model, now), None if old is None else old.margin(model, now))
        return made

    @property
    def initial_margin(self) -> Decimal:
        return self.margin.initial

    @property
    def maintenance_margin(self) -> Decimal:
        return self.margin.maintenance

    @property
    def order_margin(self) -> Decimal:
        return self.margin.order

    @property
    def credit(self) -> Decimal:
        return self.margin.credit

    @property
    def margin_occupied(self) -> Decimal:
        return self.margin.occupied

    @property
    def available(self) -> Decimal:
        return self.margin.available(self.cash)

    @property
    def option_value(self) -> Decimal:
        """Σ mark · size · multiplier of the account, in quote currency."""
        worth = self._picture.worth(self._adapter)
        for contract, slot in self._changed.items():
            if contract.adapter == self._adapter:
                old = self._picture.slots.get(contract)
                worth += slot.worth - (ZERO if old is None else old.worth)
        return worth

    @property
    def equity(self) -> Decimal:
        """Cash and what the options are worth at their marks."""
        return self.cash + self.option_value

    # ---- scenarios ----

    def profits(self, shocks: Shocks = STRESS, underlying: str | None = None) -> list[float]:
        """What the positions (of one underlying) gain in each scenario, in quote currency; what cannot be priced counts as nothing."""
        revalued = self._picture.revalued(shocks)
        made = revalued.profits(underlying)
        for contract, slot in self._changed.items():
            if slot.at.is_priced and underlying in (None, slot.at.underlying):
                old = self._picture.slots.get(contract)
                size = float(slot.size) - (0.0 if old is None else float(old.size))
                made = [profit + size * change for profit, change in zip(made, revalued.of_contract(slot), strict=True)]
        return made

    def worst_profits(self, shocks: Shocks = STRESS, underlying: str | None = None) -> list[float]:
        """`profits` less what trading at worse than the mark loses at once, each working order counted in the scenarios where it loses.

        No choice of orders that fill can lose more in any scenario.
        """
        revalued = self._picture.revalued(shocks)
        lost = sum(lost_at_once(*trade) for trade in self._trades if underlying in (None, trade[0].at.underlying))
        penalties = revalued.penalties(underlying)
        for contract, slot in self._changed.items():
            if not slot.at.is_priced or underlying not in (None, slot.at.underlying):
                continue
            old = self._picture.slots.get(contract)
            if old is not None and old.orders:
                penalties = revalued.penalized(penalties, old, -1.0)
            penalties = revalued.penalized(penalties, slot, 1.0)
        return [profit + penalty - lost for profit, penalty in zip(self.profits(shocks, underlying), penalties, strict=True)]

    def stress(self, shocks: Shocks = STRESS, underlying: str | None = None) -> float:
        """The worst loss of the positions over the scenarios, in quote currency; never negative."""
        return max(0.0, -min(self.profits(shocks, underlying)))

    @cached_property
    def volatility(self) -> float:
        """The implied volatilities of the positions weighted by their units, annual; 0 where nothing is held."""
        return _volatility([slot for slot in self._slots if slot.at.is_priced], self._picture.now)

    @cached_property
    def value_at_risk(self) -> float:
        """The loss (quote currency) that one day exceeds with probability 1 %: `strikeloop.margin.value_at_risk` of the positions."""
        return tail_loss(self.profits(day_shocks(self.volatility))) if self.volatility else 0.0

    @property
    def unpriced(self) -> tuple[ContractId, ...]:
        known, changed = self._picture.unpriced, self._changed
        if not known and all(slot.is_known for slot in changed.values()):
            return ()
        kept = [contract for contract in known if contract not in changed]
        return (*kept, *(contract for contract, slot in changed.items() if not slot.is_known))

    def size(self, contract: ContractId) -> Decimal:
        """The position in a contract, in signed contracts."""
        slot = self._changed.get(contract) or self._picture.slots.get(contract)
        return ZERO if slot is None else slot.size

    # ---- inside ----

    @property
    def _slots(self) -> list[Slot]:
        changed = self._changed
        kept = [changed.get(contract, slot) for contract, slot in self._picture.slots.items()]
        return kept + [slot for contract, slot in changed.items() if contract not in self._picture.slots]

    @property
    def _with_orders(self) -> Iterable[Slot]:
        known, changed = self._picture.with_orders, self._changed
        if not changed:
            return known
        return [slot for slot in known if slot.at.id not in changed] + [slot for slot in changed.values() if slot.orders]


def margin_of(slots: Sequence[Slot], model: MarginModel, now: int) -> AccountMargin:
    """The margin of these positions with their orders."""
    if is_by_contract(model):
        made = AccountMargin(initial=ZERO, maintenance=ZERO, order=ZERO)
        for slot in slots:
            made = _plus(made, slot.margin(model, now), None)
        return made
    holdings = [holding for slot in slots if (holding := slot.holding(now)) is not None]
    resting = sorted(((order.created, order.key, slot, order) for slot in slots for order in slot.orders), key=lambda one: one[:2])
    opened = [one for _, _, slot, order in resting if (one := slot.at.resting(order, now)) is not None]
    return model.account(holdings, opened)


def _plus(one: AccountMargin, new: AccountMargin, old: AccountMargin | None) -> AccountMargin:
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


def _volatility(slots: Sequence[Slot], now: int) -> float:
    legs: list[Leg] = [slot.at.leg(now) for slot in slots]
    return book_volatility(legs, [float(slot.size) * leg.units for slot, leg in zip(slots, legs, strict=True)])
