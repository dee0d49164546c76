"""An account's figures at one moment: greeks, margin, stress and value at risk, each computed when it is first asked for.

Owns `Exposure`: the picture of the accounts with some contracts changed. It uses the venue's own margin model, never a
shortcut, values by full revaluation, and says which contracts it could not price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from strikeloop.appraisal import NOTHING, ZERO, Slot, Totals
from strikeloop.contracts import Contract, ContractId
from strikeloop.margin import AccountMargin, Leg, Shocks, book_volatility, day_shocks, tail_loss
from strikeloop.picture import Picture, Sums, is_by_contract, lost_at_once, margin_of, replaced, together

STRESS = Shocks.grid([step / 100 for step in range(-20, 21, 4)], [-0.3, 0.0, 0.3])
"""Gate's 33 scenarios: price 0, ±4 … ±20 %, volatility −30, 0, +30 % of itself, all underlyings together."""


Trade = tuple[Slot, Decimal, Decimal | None]
"""What trades where, and at which limit."""


class Exposure:
    """An account's figures at one moment, each computed when it is first asked for.

    `delta` … `gamma_cash` are the totals of all positions, `sums` has them by underlying too. Margin (quote currency) is that of
    the account the orders go to: `cash` is its balance, `credit` what the margin model counts beside it (AccountMargin),
    `available` both less initial and order margin. `unpriced` names contracts, held or with working orders, without mark or
    greeks, which count as nothing.
    """

    def __init__(self, picture: Picture, adapter: str, cash: Decimal, changed: Mapping[ContractId, Slot], trades: Sequence[Trade]) -> None:
        self.picture, self._adapter, self._changed, self._trades = picture, adapter, changed, trades
        self.cash = cash
        self._sums: Sums | None = None
        self._reach: tuple[Sums, Sums] | None = None
        self._margin: AccountMargin | None = None

    # ---- greeks ----

    @property
    def sums(self) -> Sums:
        """The totals of the positions."""
        if self._sums is None:
            self._sums = self._changed_by(self.picture.sums, lambda slot: slot.totals)
        return self._sums

    @property
    def reach(self) -> tuple[Sums, Sums]:
        """How far down and how far up each total could go. Which of the working orders trade is not known: each counts at its worst."""
        if self._reach is None:
            down, up = self.picture.pushes
            low = self._changed_by(down, lambda slot: slot.pushes[0])
            high = self._changed_by(up, lambda slot: slot.pushes[1])
            self._reach = together(self.sums, low), together(self.sums, high)
        return self._reach

    def _changed_by(self, sums: Sums, figure: Callable[[Slot], Totals]) -> Sums:
        """`sums` of the picture with the changed contracts in place of what they were."""
        total, by_underlying = sums
        for contract, slot in self._changed.items():
            old = self.picture.slots.get(contract)
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
        known = self.picture.sizes.items()
        found = (most for (a, u, e, _), (_, most) in known if a == adapter and underlying in (None, u) and expiry in (None, e))
        return sum(found, ZERO)

    def least_held(self, contract: Contract) -> Decimal:
        """Σ of the least sizes that the contracts of this one's kind, underlying and expiry could come to, in one account, as they are."""
        key = (contract.id.adapter, contract.underlying, contract.expiry, contract.is_call)
        return self.picture.sizes.get(key, (ZERO, ZERO))[0]

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
        known, changed = self.picture, self._changed
        if not changed:
            return known.margin(self._adapter)
        model, now = known.model, known.now
        if not is_by_contract(model):
            return margin_of([slot for slot in self._slots if slot.at.id.adapter == self._adapter], model, now)
        made = known.margin(self._adapter)
        for contract, slot in changed.items():
            if contract.adapter == self._adapter:
                old = known.slots.get(contract)
                made = replaced(made, slot.margin(model, now), None if old is None else old.margin(model, now))
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
        worth = self.picture.worth(self._adapter)
        for contract, slot in self._changed.items():
            if contract.adapter == self._adapter:
                old = self.picture.slots.get(contract)
                worth += slot.worth - (ZERO if old is None else old.worth)
        return worth

    @property
    def equity(self) -> Decimal:
        """Cash and what the options are worth at their marks."""
        return self.cash + self.option_value

    # ---- scenarios ----

    def profits(self, shocks: Shocks = STRESS, underlying: str | None = None) -> list[float]:
        """What the positions (of one underlying) gain in each scenario, in quote currency; what cannot be priced counts as nothing."""
        revalued = self.picture.revalued(shocks)
        made = revalued.profits(underlying)
        for contract, slot in self._changed.items():
            if slot.at.is_priced and underlying in (None, slot.at.underlying):
                old = self.picture.slots.get(contract)
                size = float(slot.size) - (0.0 if old is None else float(old.size))
                made = [profit + size * change for profit, change in zip(made, revalued.of_contract(slot), strict=True)]
        return made

    def worst_profits(self, shocks: Shocks = STRESS, underlying: str | None = None) -> list[float]:
        """`profits` less what trading at worse than the mark loses at once, each working order counted in the scenarios where it loses.

        No choice of orders that fill can lose more in any scenario.
        """
        revalued = self.picture.revalued(shocks)
        lost = sum(lost_at_once(*trade) for trade in self._trades if underlying in (None, trade[0].at.underlying))
        penalties = revalued.penalties(underlying)
        for contract, slot in self._changed.items():
            if not slot.at.is_priced or underlying not in (None, slot.at.underlying):
                continue
            old = self.picture.slots.get(contract)
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
        return _volatility([slot for slot in self._slots if slot.at.is_priced], self.picture.now)

    @cached_property
    def value_at_risk(self) -> float:
        """The loss (quote currency) that one day exceeds with probability 1 %: `strikeloop.margin.value_at_risk` of the positions."""
        return tail_loss(self.profits(day_shocks(self.volatility))) if self.volatility else 0.0

    @property
    def unpriced(self) -> tuple[ContractId, ...]:
        known, changed = self.picture.unpriced, self._changed
        if not known and all(slot.is_known for slot in changed.values()):
            return ()
        kept = [contract for contract in known if contract not in changed]
        return (*kept, *(contract for contract, slot in changed.items() if not slot.is_known))

    def size(self, contract: ContractId) -> Decimal:
        """The position in a contract, in signed contracts."""
        slot = self._changed.get(contract) or self.picture.slots.get(contract)
        return ZERO if slot is None else slot.size

    # ---- inside ----

    @property
    def _slots(self) -> list[Slot]:
        changed = self._changed
        kept = [changed.get(contract, slot) for contract, slot in self.picture.slots.items()]
        return kept + [slot for contract, slot in changed.items() if contract not in self.picture.slots]

    @property
    def _with_orders(self) -> Iterable[Slot]:
        known, changed = self.picture.with_orders, self._changed
        if not changed:
            return known
        return [slot for slot in known if slot.at.id not in changed] + [slot for slot in changed.values() if slot.orders]


def _volatility(slots: Sequence[Slot], now: int) -> float:
    legs: list[Leg] = [slot.at.leg(now) for slot in slots]
    return book_volatility(legs, [float(slot.size) * leg.units for slot, leg in zip(slots, legs, strict=True)])
