"""An account's figures at one moment: greeks, margin, stress and value at risk, each computed when it is first asked for.

Owns `Exposure`, and `Picture`, the account as it stands that many exposures share. It uses the venue's own margin model,
never a shortcut, values by full revaluation, and says which contracts it could not price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

import attrs

from strikeloop.appraisal import NOTHING, ZERO, Appraised, Slot, Totals, added, can_trade
from strikeloop.contracts import ContractId
from strikeloop.margin import AccountMargin, Leg, MarginModel, Revaluation, Shocks, book_volatility, day_shocks, revalue, tail_loss

STRESS = Shocks.grid([step / 100 for step in range(-20, 21, 4)], [-0.3, 0.0, 0.3])
"""Gate's 33 scenarios: price 0, ±4 … ±20 %, volatility −30, 0, +30 % of itself, all underlyings together."""


@attrs.frozen
class Sums:
    """Totals of each underlying and of all of them together."""

    total: Totals
    by_underlying: Mapping[str, Totals]

    def of(self, underlying: str | None) -> Totals:
        """The totals of one underlying, or (None) of all."""
        return self.total if underlying is None else self.by_underlying.get(underlying, NOTHING)


class Picture:
    """What the account holds and has working, at one moment; the sums over it, each made when it is first asked for."""

    def __init__(self, slots: Mapping[ContractId, Slot], model: MarginModel, now: int) -> None:
        self.slots, self.model, self.now = slots, model, now
        self._revalued: dict[Shocks, _Revalued] = {}
        self._margins: dict[str, AccountMargin] = {}
        self._worths: dict[str, Decimal] = {}

    @cached_property
    def sums(self) -> Sums:
        sums = added(self.slots.values())
        total = NOTHING
        for one in sums.values():
            total = total.plus(one)
        return Sums(total, sums)

    @cached_property
    def unpriced(self) -> tuple[ContractId, ...]:
        return tuple(contract for contract, slot in self.slots.items() if not slot.is_known)

    @cached_property
    def with_orders(self) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots.values() if slot.orders)

    def margin(self, adapter: str) -> AccountMargin:
        """The margin of the account behind this adapter."""
        if adapter not in self._margins:
            self._margins[adapter] = margin_of(
                [slot for slot in self.slots.values() if slot.at.id.adapter == adapter], self.model, self.now
            )
        return self._margins[adapter]

    def worth(self, adapter: str) -> Decimal:
        """What the options of the account behind this adapter are worth at their marks."""
        if adapter not in self._worths:
            self._worths[adapter] = sum((slot.worth for slot in self.slots.values() if slot.at.id.adapter == adapter), ZERO)
        return self._worths[adapter]

    def revalued(self, shocks: Shocks) -> _Revalued:
        if shocks not in self._revalued:
            self._revalued[shocks] = _Revalued([slot for slot in self.slots.values() if slot.at.is_priced], shocks, self.now)
        return self._revalued[shocks]


class _Revalued:
    """The contracts of a picture in each scenario: per contract, and the positions together."""

    def __init__(self, slots: Sequence[Slot], shocks: Shocks, now: int) -> None:
        self.shocks, self._now = shocks, now
        legs = [slot.at.leg(now) for slot in slots]
        self._values: Revaluation = revalue(legs, shocks)
        self._places = {slot.at.id: place for place, slot in enumerate(slots)}
        self._units = [(slot.at.underlying, float(slot.size) * leg.units) for slot, leg in zip(slots, legs, strict=True)]
        self._kept: dict[str | None, list[float]] = {}
        self._contracts: dict[ContractId, tuple[Appraised, list[float]]] = {}

    def profits(self, underlying: str | None) -> list[float]:
        """Of the positions (of one underlying), in each scenario."""
        if underlying not in self._kept:
            self._kept[underlying] = self._values.profits([units if underlying in (None, name) else 0.0 for name, units in self._units])
        return self._kept[underlying]

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

    def __init__(
        self, picture: Picture, adapter: str, cash: Decimal, changed: Mapping[ContractId, Slot], at_once: Mapping[str, float]
    ) -> None:
        self._picture, self._adapter, self._changed, self._at_once = picture, adapter, changed, at_once
        self.cash = cash

    # ---- greeks ----

    @cached_property
    def sums(self) -> Sums:
        """The totals of the positions."""
        known = self._picture.sums
        if not self._changed:
            return known
        by_underlying, total = dict(known.by_underlying), known.total
        for contract, slot in self._changed.items():
            old = self._picture.slots.get(contract)
            change = slot.totals if old is None else slot.totals.plus(old.totals, -1.0)
            by_underlying[slot.at.underlying] = by_underlying.get(slot.at.underlying, NOTHING).plus(change)
            total = total.plus(change)
        return Sums(total, by_underlying)

    @cached_property
    def reach(self) -> tuple[Sums, Sums]:
        """How far down and how far up each total could go. Which of the working orders trade is not known: each counts at its worst."""
        low, high = dict(self.sums.by_underlying), dict(self.sums.by_underlying)
        all_low = all_high = self.sums.total
        for slot in self._with_orders:
            down, up = slot.pushes
            name = slot.at.underlying
            low[name], high[name] = low.get(name, NOTHING).plus(down), high.get(name, NOTHING).plus(up)
            all_low, all_high = all_low.plus(down), all_high.plus(up)
        return Sums(all_low, low), Sums(all_high, high)

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

    @cached_property
    def margin(self) -> AccountMargin:
        """By the venue's own model."""
        known, changed = self._picture, self._changed
        if not changed:
            return known.margin(self._adapter)
        model, now = known.model, known.now
        if not _is_by_contract(model):
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
        revalued, at_once = self._picture.revalued(shocks), self._at_once
        lost = sum(at_once.values()) if underlying is None else at_once.get(underlying, 0.0)
        made = [profit - lost for profit in self.profits(shocks, underlying)]
        for slot in self._with_orders:
            if not slot.at.is_priced or underlying not in (None, slot.at.underlying):
                continue
            changes = revalued.of_contract(slot)
            for order in slot.orders:
                size = can_trade(order.left, slot.size, reduce_only=order.reduce_only)
                units, cost = float(size), lost_at_once(slot, size, order.price)
                made = [profit + min(0.0, units * change - cost) for profit, change in zip(made, changes, strict=True)]
        return made

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
    if _is_by_contract(model):
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


def _is_by_contract(model: MarginModel) -> bool:
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
