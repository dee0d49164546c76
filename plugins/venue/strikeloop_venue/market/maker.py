"""The market maker of one contract: where it quotes, how deep, and what its ticker says.

Owns `Maker` and `Ladder`, the step of prices. A maker always stands around the model's value: its bid is below and
its ask above, so the market gives nothing away. It is told index, smile and time; its randomness is its own generator.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import attrs

from strikeloop import BookUpdated, Contract, Quoted, TickerUpdated
from strikeloop.pricing import Valuation, implied_volatility, value
from strikeloop_venue.market.smile import Smile

Level = tuple[int, int]
"""Ticks and size."""

_DAYS = 365.0
_TOLERANCE = 0.6
"""A quote is renewed when the value has moved by this share of the half spread; with `_LEAN` it must stay below 1."""
_LEAN = 0.3
"""Farthest the middle of a quote stands from the value, as a share of the half spread."""
_HEDGING_COST = 2e-5
_IV_DECIMALS = 4


@attrs.frozen
class Ladder:
    """Prices on a tick of `numerator`/`denominator`; each is one correctly rounded division, so it is the tick's float."""

    numerator: int
    denominator: int

    @classmethod
    def of(cls, tick: Decimal) -> Ladder:
        return cls(*tick.as_integer_ratio())

    def price(self, ticks: int) -> float:
        return ticks * self.numerator / self.denominator

    def below(self, price: float) -> int:
        """The highest tick not above `price`."""
        return math.floor(price * self.denominator / self.numerator)

    def above(self, price: float) -> int:
        """The lowest tick not below `price`."""
        return math.ceil(price * self.denominator / self.numerator)


@attrs.define(eq=False, kw_only=True)
class Maker:
    """Quotes one contract. `spread` is the half spread at the money for long expiries, in volatility points."""

    contract: Contract
    random: Random
    spread: float
    levels: int
    due: int
    """When the ticker is next published and the quote drawn anew, ns UTC."""
    last_price: float | None = None
    bids: list[Level] = attrs.field(factory=list)
    asks: list[Level] = attrs.field(factory=list)
    iv: float = 0.0
    fair: float = 0.0
    strike: float = attrs.field(init=False)
    is_call: bool = attrs.field(init=False)
    _orders: Ladder = attrs.field(init=False)
    _marks: Ladder = attrs.field(init=False)
    _quoted_fair: float = math.inf
    _half: float = 0.0
    _lean: float = 0.0
    _gaps: tuple[float, ...] = ()
    _sizes: tuple[tuple[int, int], ...] = ()
    _top: tuple[Level | None, Level | None] = (None, None)
    _book_id: int = 0

    def __attrs_post_init__(self) -> None:
        self.strike, self.is_call = float(self.contract.strike), self.contract.is_call
        self._orders, self._marks = Ladder.of(self.contract.tick), Ladder.of(self.contract.mark_tick)

    def follow(self, smile: Smile) -> bool:
        """Learn the value now; whether the quote no longer fits it."""
        self.iv = smile.volatility(self.strike)
        self.fair = smile.price(self.strike, self.iv, is_call=self.is_call)
        return abs(self.fair - self._quoted_fair) > _TOLERANCE * self._half

    def interest(self, smile: Smile) -> float:
        """How much of the trading it attracts: most near the money."""
        distance = math.log(self.strike / smile.forward)
        return math.exp(-0.5 * distance * distance / smile.theta)

    def redraw(self) -> None:
        """Draw sizes, gaps between levels and the lean of the quote anew."""
        draw = self.random
        self._lean = 0.7 * self._lean + 0.3 * draw.uniform(-_LEAN, _LEAN)
        self._gaps = tuple(draw.uniform(0.3, 1.2) for _ in range(draw.randint(max(1, self.levels - 1), self.levels + 1)))
        self._sizes = tuple((self._size(depth), self._size(depth)) for depth in range(len(self._gaps)))

    def requote(self, smile: Smile, stress: float) -> None:
        """Stand around the value again, wider in the wings, near expiry and after moves."""
        valuation = value(smile.forward, self.strike, smile.years, self.iv, is_call=self.is_call)
        tick = self._orders.price(1)
        self._half = self._half_spread(smile, valuation, tick) * (1.0 + stress)
        self._quoted_fair = self.fair
        middle = self.fair + self._lean * self._half
        bid = self._orders.below(middle - self._half)
        ask = max(self._orders.above(middle + self._half), bid + 1, 1)
        steps = [0, *(max(1, round(gap * self._half / tick)) for gap in self._gaps[:-1])]
        self.bids, self.asks = [], []
        for step, (bid_size, ask_size) in zip(steps, self._sizes, strict=True):
            bid, ask = bid - step, ask + step
            self.asks.append((ask, ask_size))
            if bid >= 1:
                self.bids.append((bid, bid_size))

    def hit(self, is_buy: bool, wanted: int) -> tuple[float, int] | None:
        """A taker comes: the price and size it gets from the best level, None where that side is empty."""
        side = self.asks if is_buy else self.bids
        if not side:
            return None
        ticks, size = side[0]
        taken = min(wanted, size)
        side[:1] = [(ticks, size - taken)] if size > taken else []
        self.last_price = self._orders.price(ticks)
        return self.last_price, taken

    def shown(self, now: int) -> Iterator[Quoted | BookUpdated]:
        """What the feed says of the quote at `now`: nothing when it is as it was; the top only when the top changed."""
        top = (self.bids[0] if self.bids else None, self.asks[0] if self.asks else None)
        if top != self._top:
            self._top = top
            yield self._quoted(now)
        self._book_id += 1
        yield BookUpdated(
            time=now,
            received=now,
            contract=self.contract.id,
            bids=tuple((self._orders.price(ticks), float(size)) for ticks, size in self.bids),
            asks=tuple((self._orders.price(ticks), float(size)) for ticks, size in self.asks),
            first_id=self._book_id,
            last_id=self._book_id,
            snapshot=True,
        )

    def _quoted(self, now: int) -> Quoted:
        bid, ask = self._top
        return Quoted(
            time=now,
            received=now,
            contract=self.contract.id,
            bid=None if bid is None else self._orders.price(bid[0]),
            ask=None if ask is None else self._orders.price(ask[0]),
            bid_size=0.0 if bid is None else float(bid[1]),
            ask_size=0.0 if ask is None else float(ask[1]),
        )

    def ticker(self, now: int, smile: Smile, index: float) -> TickerUpdated:
        """Mark, volatilities and greeks. The mark is the Black-76 price at `mark_iv`, cut to its tick."""
        valuation = value(smile.forward, self.strike, smile.years, self.iv, is_call=self.is_call)
        mark, delta = self._marks.price(self._marks.below(valuation.price)), valuation.greeks.delta
        return TickerUpdated(
            time=now,
            received=now,
            contract=self.contract.id,
            mark_price=mark,
            last_price=self.last_price,
            index_price=index,
            underlying_price=smile.forward,
            mark_iv=self.iv,
            bid_iv=self._implied(self.bids, smile),
            ask_iv=self._implied(self.asks, smile),
            delta=delta,
            gamma=valuation.greeks.gamma,
            vega=valuation.greeks.vega,
            theta=valuation.greeks.theta,
            leverage=smile.forward / mark * abs(delta) if mark else None,
        )

    def _implied(self, side: list[Level], smile: Smile) -> float | None:
        """Volatility of the best price; None without one, 0 where it is below the intrinsic value."""
        if not side:
            return None
        iv = implied_volatility(self._orders.price(side[0][0]), smile.forward, self.strike, smile.years, is_call=self.is_call)
        return 0.0 if math.isnan(iv) else round(iv, _IV_DECIMALS)

    def _half_spread(self, smile: Smile, valuation: Valuation, tick: float) -> float:
        distance = abs(math.log(self.strike / smile.forward)) / math.sqrt(smile.theta)
        points = self.spread * (1.0 + 0.5 / math.sqrt(smile.years * _DAYS + 0.1)) * (1.0 + 0.3 * min(distance, 5.0))
        hedging = _HEDGING_COST * abs(valuation.greeks.delta) * smile.forward
        return 0.5 * tick + valuation.greeks.vega * points + hedging

    def _size(self, depth: int) -> int:
        return min(2_000, 1 + int(self.random.lognormvariate(3.2 + 0.3 * depth, 0.9)))
