"""An account's figures at one moment: greeks, margin, stress and value at risk, each computed when it is first asked for.

Owns `Exposure`: the picture of the accounts with some contracts changed. It uses the venue's own margin model, never a
shortcut, values by full revaluation, and says which contracts it could not price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from strikeloop.appraisal import ZERO, Slot
from strikeloop.contracts import Contract, ContractId
from strikeloop.margin import AccountMargin, Shocks, day_shocks, tail_loss
from strikeloop.picture import Picture, exchanged, is_by_contract, lost_at_once, margin_of, weights_of, worth_of
from strikeloop.sums import Sums, Totals

STRESS = Shocks.grid([step / 100 for step in range(-20, 21, 4)], [-0.3, 0.0, 0.3])
"""Gate's 33 scenarios: price 0, ±4 … ±20 %, volatility −30, 0, +30 % of itself, all underlyings together."""


NEXT_TO_NOTHING = 1e-6
Trade = tuple[Slot, Decimal, Decimal | None]
"""What trades where, and at which limit."""
Change = tuple[Slot | None, Slot]
"""What a contract was (None: nothing) and what it is."""


class Exposure:
    """An account's figures at one moment, each computed when it is first asked for.

    `delta` … `gamma_cash` are the totals of all positions, `sums` has them by underlying too. Margin (quote currency) is that of
    the account the orders go to: `cash` is its balance, `credit` what the margin model counts beside it (AccountMargin),
    `available` both less initial and order margin. `unpriced` names contracts, held or with working orders, without mark or
    greeks, which count as nothing.
    """

    def __init__(self, picture: Picture, adapter: str, cash: Decimal, changed: Mapping[ContractId, Slot], trades: Sequence[Trade]) -> None:
        self.picture, self.adapter, self.cash, self._trades = picture, adapter, cash, trades
        self._changed: Sequence[Change] = [(picture.slots.get(contract), slot) for contract, slot in changed.items()]
        """What a contract was in the picture, and what it is."""
        self._sums: Sums | None = None
        self._reach: tuple[Sums, Sums] | None = None
        self._margin: AccountMargin | None = None
        self._equity: Decimal | None = None
        self._volatility: float | None = None

    # ---- greeks ----

    @property
    def sums(self) -> Sums:
        """The totals of the positions."""
        if self._sums is None:
            sums = self.picture.sums
            for old, slot in self._changed:
                if old is None or old.totals is not slot.totals:
                    sums = sums.plus(slot.at.underlying, _less(slot.totals, None if old is None else old.totals))
            self._sums = sums
        return self._sums

    @property
    def reach(self) -> tuple[Sums, Sums]:
        """How far down and how far up each total could go. Which of the working orders trade is not known: each counts at its worst."""
        if self._reach is None:
            low, high = self.picture.reach
            for old, slot in self._changed:
                name = slot.at.underlying
                if slot.orders or (old is not None and old.orders):
                    lows, highs = zip(slot.reach, (None, None) if old is None else old.reach, strict=True)
                    low, high = low.plus(name, _less(*lows)), high.plus(name, _less(*highs))
                else:
                    change = _less(slot.totals, None if old is None else old.totals)
                    low, high = low.plus(name, change), high.plus(name, change)
            self._reach = low, high
        return self._reach

    def most_held(self, adapter: str, underlying: str | None = None, expiry: int | None = None) -> Decimal:
        """Σ of the largest |size|, in contracts, that each contract could come to, whatever of the working orders trades.

        Of the positions as they are, in one account, of one underlying, and of one of its expiries, or (None) of all.
        """
        return self.picture.sizes.most.get((adapter, underlying, expiry), ZERO)

    def least_held(self, contract: Contract) -> Decimal:
        """Σ of the least sizes that the contracts of this one's kind, underlying and expiry could come to, in one account, as they are."""
        return self.picture.sizes.least.get((contract.id.adapter, contract.underlying, contract.expiry, contract.is_call), ZERO)

    def could_hold(self, contract: ContractId) -> tuple[Decimal, Decimal]:
        """The least and the most that one position could come to when all sells, or all buys, that work trade."""
        slot = self._slot(contract)
        return (ZERO, ZERO) if slot is None else slot.sizes

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
        picture, changed, adapter = self.picture, self._changed, self.adapter
        if not changed:
            return picture.margin(adapter)
        if is_by_contract(picture.model):
            return exchanged(picture.margin(adapter), changed, adapter, picture.model, picture.now)
        return margin_of([slot for slot in self._slots if slot.at.id.adapter == adapter], picture.model, picture.now)

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
        return self.picture.worth(self.adapter) + worth_of(self._changed, self.adapter)

    @property
    def equity(self) -> Decimal:
        """Cash and what the options are worth at their marks."""
        if self._equity is None:
            self._equity = self.cash + self.option_value
        return self._equity

    # ---- scenarios ----

    def profits(self, shocks: Shocks = STRESS, underlying: str | None = None) -> list[float]:
        """What the positions (of one underlying) gain in each scenario, in quote currency; what cannot be priced counts as nothing."""
        revalued = self.picture.revalued(shocks)
        made = revalued.profits(underlying)
        for old, slot in self._changed:
            if slot.at.is_priced and underlying in (None, slot.at.underlying):
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
        for old, slot in self._changed:
            if not slot.at.is_priced or underlying not in (None, slot.at.underlying):
                continue
            if old is not None and old.orders:
                penalties = [known - less for known, less in zip(penalties, revalued.penalty(old), strict=True)]
            if slot.orders:
                penalties = [known + more for known, more in zip(penalties, revalued.penalty(slot), strict=True)]
        return [profit + penalty - lost for profit, penalty in zip(self.profits(shocks, underlying), penalties, strict=True)]

    def stress(self, shocks: Shocks = STRESS, underlying: str | None = None) -> float:
        """The worst loss of the positions over the scenarios, in quote currency; never negative."""
        return max(0.0, -min(self.profits(shocks, underlying)))

    @property
    def volatility(self) -> float:
        """The implied volatilities of the positions weighted by their units, annual; 0 where nothing is held."""
        if self._volatility is None:
            self._volatility = self._weighted()
        return self._volatility

    def _weighted(self) -> float:
        picture, (known, weighted) = self.picture, self.picture.weights
        less = weights_of([old for old, _ in self._changed if old is not None], picture.now)
        more = weights_of([new for _, new in self._changed], picture.now)
        weight, weighted = known - less[0] + more[0], weighted - less[1] + more[1]
        if weight < NEXT_TO_NOTHING * known:  # what is left of so much is rounding, or hard to tell from it
            weight, weighted = weights_of(self._slots, picture.now)
        return weighted / weight if weight else 0.0

    @property
    def value_at_risk(self) -> float:
        """The loss (quote currency) that one day exceeds with probability 1 %: `strikeloop.margin.value_at_risk` of the positions."""
        return tail_loss(self.profits(day_shocks(self.volatility))) if self.volatility else 0.0

    @property
    def unpriced(self) -> tuple[ContractId, ...]:
        known, changed = self.picture.unpriced, [slot.at.id for _, slot in self._changed if not slot.is_known]
        if not known and not changed:
            return ()
        gone = {slot.at.id for _, slot in self._changed}
        return (*(contract for contract in known if contract not in gone), *changed)

    def size(self, contract: ContractId) -> Decimal:
        """The position in a contract, in signed contracts."""
        slot = self._slot(contract)
        return ZERO if slot is None else slot.size

    # ---- inside ----

    def _slot(self, contract: ContractId) -> Slot | None:
        for _, slot in self._changed:
            if slot.at.id == contract:
                return slot
        return self.picture.slots.get(contract)

    @property
    def _slots(self) -> list[Slot]:
        """In the order of their contracts."""
        changed = {slot.at.id: slot for _, slot in self._changed}
        return [slot for _, slot in sorted({**self.picture.slots, **changed}.items())]


def _less(now: Totals, before: Totals | None) -> Totals:
    return now if before is None else now.minus(before)
