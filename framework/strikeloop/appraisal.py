"""What each contract of the account is worth and does, kept for as long as the events that told it are the latest.

Owns `Totals`, `Appraised` (one contract's market) and `Slot` (what the account has and asks for in it).
Theory: figures are exact functions of frozen events, so they hold while the very same event objects are the latest; nobody
has to remember to throw them away. Time enters by steps of ten seconds. Never decides, never estimates what nobody told.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import YEAR_NS, Contract, ContractId
from strikeloop.events import TickerUpdated
from strikeloop.margin import AccountMargin, Holding, Leg, MarginModel, OpenOrder, trading_fee
from strikeloop.orders import Order
from strikeloop.portfolio import NO_GREEKS, Portfolio
from strikeloop.pricing import Greeks

ZERO, ONE = Decimal(0), Decimal(1)
STEP_NS = 10 * SECOND_NS


class Totals(NamedTuple):
    """Σ size · multiplier · greek.

    Delta in units of the underlying, gamma in delta per unit of its price, vega in quote currency per volatility point, theta
    in quote currency per day. `delta_cash` = Σ delta · U (quote currency), `gamma_cash` = Σ gamma · U² / 100, the change of
    `delta_cash` when the underlying moves by 1 %; U is the forward of the contract's expiry.
    """

    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    delta_cash: float = 0.0
    gamma_cash: float = 0.0

    def plus(self, other: Totals, times: float = 1.0) -> Totals:
        """Both together, the other one so many times."""
        a, b, c, d, e, f = self
        u, v, w, x, y, z = other
        return Totals(a + u * times, b + v * times, c + w * times, d + x * times, e + y * times, f + z * times)

    def times(self, size: float) -> Totals:
        a, b, c, d, e, f = self
        return Totals(a * size, b * size, c * size, d * size, e * size, f * size)


NOTHING = Totals()


@attrs.define(kw_only=True, eq=False)
class Appraised:
    """One contract as the market has it; `unit` is what holding one contract adds to the totals, None where no greeks are known.

    `mark` and `underlying_price` are per unit of the underlying, None where nobody told one.
    """

    id: ContractId
    contract: Contract | None
    ticker: TickerUpdated | None
    mark: Decimal | None
    underlying_price: Decimal | None
    iv: float | None
    greeks: Greeks | None
    unit: Totals
    is_kept: bool = False
    """Whether a ticker told all of it, so that nothing but the next one changes it."""
    is_priced: bool = attrs.field(default=False, init=False)
    """Whether specification, mark and price of the underlying are known."""
    is_known: bool = attrs.field(default=False, init=False)
    """Whether everything is known that a judgment needs: also greeks."""
    _leg: tuple[int, Leg] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.is_priced = self.contract is not None and self.mark is not None and self.underlying_price is not None
        self.is_known = self.is_priced and self.greeks is not None

    @property
    def underlying(self) -> str:
        return "" if self.contract is None else self.contract.underlying

    def holding(self, size: Decimal, now: int) -> Holding | None:
        """A position of this size as a margin model takes it; None where it cannot be priced."""
        contract, mark, underlying = self.contract, self.mark, self.underlying_price
        if contract is None or mark is None or underlying is None:
            return None
        return Holding(
            contract=contract,
            size=size,
            mark=mark,
            underlying_price=underlying,
            years=_years(contract, now),
            iv=self.iv,
        )

    def leg(self, now: int) -> Leg:
        """One contract as scenarios take it. Raises ValueError where it cannot be priced."""
        step = step_of(now)
        if self._leg is None or self._leg[0] != step:
            holding = self.holding(ONE, now)
            if holding is None:
                raise ValueError(f"{self.id} cannot be priced: no specification, mark or price of the underlying is known")
            self._leg = step, Leg.of(holding)
        return self._leg[1]

    def cost(self, size: Decimal, limit: Decimal | None) -> Decimal:
        """Premium and fee that trading `size` at `limit` (None: the mark) takes from the cash (negative: brings); 0 if unpriced."""
        contract, mark, underlying = self.contract, self.mark, self.underlying_price
        if contract is None or mark is None or underlying is None:
            return ZERO
        price = mark if limit is None else limit
        return price * size * contract.multiplier + trading_fee(contract, size, price, underlying, is_maker=False)

    def resting(self, order: Order | Waiting, now: int) -> OpenOrder | None:
        """What is left of a working order as a margin model takes it; None where nothing is, or it cannot be priced."""
        contract, mark, underlying = self.contract, self.mark, self.underlying_price
        if contract is None or mark is None or underlying is None or not order.left:
            return None
        price = mark if order.price is None else order.price
        return OpenOrder(
            contract=contract,
            size=order.left,
            price=price,
            mark=mark,
            underlying_price=underlying,
            fee=trading_fee(contract, order.left, price, underlying, is_maker=False),
            reduce_only=order.reduce_only,
            years=_years(contract, now),
            iv=self.iv,
        )


class Appraiser:
    """Appraises contracts; what a ticker told whole is kept until the next one."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        self._known: dict[ContractId, Appraised] = {}

    def of(self, contract: ContractId) -> Appraised:
        """The contract as the latest events have it."""
        known, portfolio = self._known.get(contract), self._portfolio
        if known is not None and portfolio.tickers.get(contract) is known.ticker and portfolio.contracts.get(contract) is known.contract:
            return known
        return self._appraise(contract)

    def _appraise(self, contract: ContractId) -> Appraised:
        portfolio = self._portfolio
        specification, ticker = portfolio.contracts.get(contract), portfolio.tickers.get(contract)
        greeks, mark, underlying = self._greeks(contract), self._mark(contract), portfolio.underlying_price(contract)
        is_whole = specification is not None and ticker is not None and ticker.delta is not None and ticker.underlying_price is not None
        made = Appraised(
            id=contract,
            contract=specification,
            ticker=ticker,
            mark=None if mark is None else Decimal(repr(mark)),
            underlying_price=None if underlying is None else Decimal(repr(underlying)),
            iv=None if ticker is None else ticker.mark_iv,
            greeks=greeks,
            unit=_unit(greeks, ONE if specification is None else specification.multiplier, underlying),
            is_kept=is_whole,
        )
        if is_whole:
            self._known[contract] = made
        return made

    def _greeks(self, contract: ContractId) -> Greeks | None:
        """The ticker's, else those that came with the position."""
        known, position = self._portfolio.greeks(contract), self._portfolio.position(contract)
        if known is not None or position is None:
            return known
        held = Greeks(delta=position.delta, gamma=position.gamma, vega=position.vega, theta=position.theta)
        return None if held == NO_GREEKS else held

    def _mark(self, contract: ContractId) -> float | None:
        """The market's, else the one that came with the position."""
        known, position = self._portfolio.mark(contract), self._portfolio.position(contract)
        return position.mark_price if known is None and position is not None else known


class Waiting(NamedTuple):
    """An order that would work, as far as figures go: what an `Order` tells of itself beside."""

    key: str
    left: Decimal
    price: Decimal | None
    reduce_only: bool
    created: int = 0


class Slot:
    """What the account holds (`size`) and has working (`orders`) in one contract; figures are computed once, when they are asked for."""

    __slots__ = ("_margin", "_pushes", "_worth", "at", "is_known", "orders", "size", "totals")

    def __init__(self, at: Appraised, size: Decimal, orders: tuple[Order | Waiting, ...]) -> None:
        self.at, self.size, self.orders = at, size, orders
        self.is_known = at.is_known or not (size or orders)
        self.totals = at.unit.times(float(size))
        """What the position adds to the totals."""
        self._pushes: tuple[Totals, Totals] | None = None
        self._margin: AccountMargin | None = None
        self._worth: Decimal | None = None

    @property
    def worth(self) -> Decimal:
        """What closing at the mark would bring: mark · size · multiplier; 0 where no mark is known."""
        if self._worth is None:
            contract, mark = self.at.contract, self.at.mark
            self._worth = ZERO if contract is None or mark is None else mark * self.size * contract.multiplier
        return self._worth

    @property
    def pushes(self) -> tuple[Totals, Totals]:
        """How far down and up the working orders could take each total: which of them trade is not known, so each at its worst."""
        if self._pushes is None:
            self._pushes = self._pushed() if self.orders else (NOTHING, NOTHING)
        return self._pushes

    def _pushed(self) -> tuple[Totals, Totals]:
        lows, highs, unit = [0.0] * 6, [0.0] * 6, self.at.unit
        for order in self.orders:
            size = float(can_trade(order.left, self.size, reduce_only=order.reduce_only))
            for place, figure in enumerate(unit):
                effect = size * figure
                (highs if effect > 0.0 else lows)[place] += effect
        return Totals(*lows), Totals(*highs)

    @property
    def sizes(self) -> tuple[Decimal, Decimal]:
        """The least and the most that the position could come to when all sells, or all buys, that work trade."""
        low = high = self.size
        for order in self.orders:
            if order.reduce_only:
                continue
            if order.left > 0:
                high += order.left
            else:
                low += order.left
        reducing = sum((order.left for order in self.orders if order.reduce_only and order.left < 0), ZERO)
        return (max(min(low, ZERO), low + reducing) if reducing else low), high

    def holding(self, now: int) -> Holding | None:
        return self.at.holding(self.size, now) if self.size else None

    def resting(self, now: int) -> tuple[OpenOrder, ...]:
        return tuple(one for order in self.orders if (one := self.at.resting(order, now)) is not None)

    def margin(self, model: MarginModel, now: int) -> AccountMargin:
        """Of this contract alone, for a model that adds contracts up."""
        if self._margin is None:
            held = self.holding(now)
            self._margin = model.account(() if held is None else (held,), self.resting(now))
        return self._margin


def step_of(now: int) -> int:
    """The time that figures are computed as of: what is asked within ten seconds has one answer."""
    return now - now % STEP_NS


def can_trade(left: Decimal, held: Decimal, *, reduce_only: bool) -> Decimal:
    """How much (signed) of an order can trade: a reduce-only one no more than brings `held` to zero."""
    if not reduce_only:
        return left
    if left * held >= 0:
        return ZERO
    return max(left, -held) if held > 0 else min(left, -held)


def added(rows: Sequence[Totals]) -> Totals:
    """The sum of these totals, at least one, in their order."""
    return Totals(*map(sum, zip(*rows, strict=True)))


def _unit(greeks: Greeks | None, multiplier: Decimal, underlying: float | None) -> Totals:
    if greeks is None:
        return NOTHING
    units, price = float(multiplier), underlying or 0.0
    delta, gamma = greeks.delta * units, greeks.gamma * units
    return Totals(delta, gamma, greeks.vega * units, greeks.theta * units, delta * price, gamma * price * price / 100.0)


def _years(contract: Contract, now: int) -> float:
    return _years_at(contract.expiry, step_of(now))


@lru_cache(maxsize=1_024)
def _years_at(expiry: int, step: int) -> float:
    return max(0, expiry - step) / YEAR_NS
