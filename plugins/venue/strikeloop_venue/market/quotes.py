"""The market makers of all contracts at once, as columns: where each quotes, how deep, and what its ticker says.

Owns `Makers` and `Ladder`, the step of prices. A maker always stands around the model's value: its bid is below and
its ask above, so the market gives nothing away. Makers are told index, smile and time; their randomness is theirs.
Row i of every column belongs to the contract `contracts[i]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from strikeloop import BookUpdated, Contract, ContractId, Quoted, TickerUpdated, maker
from strikeloop.pricing import vector
from strikeloop_venue.market.smile import Array, Smile

Rows = NDArray[np.intp]
Ints = NDArray[np.int64]

_DAYS = 365.0
_TOLERANCE = 0.6
"""A quote is renewed when the value has moved by this share of the half spread; with `_LEAN` it must stay below 1."""
_LEAN = 0.3
"""Farthest the middle of a quote stands from the value, as a share of the half spread."""
_HEDGING_COST = 2e-5
_LARGEST = 2_000
_IV_DECIMALS = 4
_GREEK_DECIMALS = {"delta": 5, "gamma": 9, "vega": 5, "theta": 5}
"""What a ticker publishes of each greek."""
_make_quoted = maker(Quoted)
BID, ASK = 0, 1
_NONE = 0
"""The ticks of a side without orders."""


@attrs.frozen
class Ladder:
    """Prices on a tick of `numerator`/`denominator`; each is one correctly rounded division, so it is the tick's float."""

    numerator: int
    denominator: int

    @classmethod
    def of(cls, tick: Decimal) -> Ladder:
        return cls(*tick.as_integer_ratio())

    def prices(self, ticks: Ints) -> Array:
        prices: Array = ticks * self.numerator / self.denominator
        return prices

    def below(self, prices: Array) -> Ints:
        """The highest ticks not above `prices`."""
        return np.floor(prices * self.denominator / self.numerator).astype(np.int64)

    def above(self, prices: Array) -> Ints:
        """The lowest ticks not below `prices`."""
        return np.ceil(prices * self.denominator / self.numerator).astype(np.int64)


@attrs.frozen(kw_only=True)
class Manner:
    """How makers quote.

    `spread`: half spread at the money for long expiries, in volatility points; `levels`: depth of a book, one more or less;
    `size`: factor on what they show; `absent`: chance that one side stays empty.
    """

    spread: float
    levels: int
    size: float
    absent: float


class Makers:
    """One maker for each contract. `orders` and `marks` are the ladders of order prices and marks, the same for all."""

    def __init__(self, manner: Manner, orders: Ladder, marks: Ladder, random: np.random.Generator) -> None:
        self.contracts: list[Contract] = []
        self._ids: list[ContractId] = []
        self._manner, self._orders, self._marks, self._random = manner, orders, marks, random
        self._tick = orders.numerator / orders.denominator
        depth = self._depth = manner.levels + 1
        self.expiry = np.zeros(0, np.int64)
        """ns UTC"""
        self.log_strike = np.zeros(0)
        self.fair = np.zeros(0)
        self.iv = np.zeros(0)
        self._strike, self._is_call = np.zeros(0), np.zeros(0, np.bool_)
        self._delta, self._gamma, self._vega, self._theta = np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0)
        self._quoted_fair, self._half, self._lean, self._last = np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0)
        self._gaps = np.zeros((0, depth))
        self._sizes, self._shown_sizes = np.zeros((0, 2, depth), np.int64), np.zeros((0, 2, depth), np.int64)
        self._laid_gaps, self._count = np.zeros((0, depth)), np.zeros(0, np.int64)
        self._is_absent = np.zeros((0, 2), np.bool_)
        self._best = np.zeros((0, 2), np.int64)
        self._gone, self._taken = np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
        self._top, self._book_id = np.zeros((0, 4), np.int64), np.zeros(0, np.int64)

    def add(self, contracts: Sequence[Contract]) -> Rows:
        """Makers for new contracts; their rows."""
        first, more = len(self.contracts), len(contracts)
        self.contracts.extend(contracts)
        self._ids.extend(contract.id for contract in contracts)
        for name, column in self._columns().items():
            setattr(self, name, np.concatenate([column, np.zeros((more, *column.shape[1:]), column.dtype)]))
        rows: Rows = np.arange(first, first + more)
        self.expiry[rows] = [contract.expiry for contract in contracts]
        self._strike[rows] = [float(contract.strike) for contract in contracts]
        self._is_call[rows] = [contract.is_call for contract in contracts]
        self.log_strike[rows] = np.log(self._strike[rows])
        self._last[rows], self._quoted_fair[rows], self._top[rows] = np.nan, np.inf, -1
        return rows

    def drop(self, rows: Rows) -> None:
        """These makers are gone; the others keep their sequence."""
        gone = set(rows.tolist())
        self.contracts = [contract for row, contract in enumerate(self.contracts) if row not in gone]
        self._ids = [contract.id for contract in self.contracts]
        for name, column in self._columns().items():
            setattr(self, name, np.delete(column, rows, axis=0))

    def _columns(self) -> dict[str, NDArray[np.generic]]:
        return {name: column for name, column in vars(self).items() if isinstance(column, np.ndarray)}

    # ---- what they think ----

    def follow(self, smile: Smile) -> NDArray[np.bool_]:
        """Learn the values now; whether each quote no longer fits."""
        self.iv = smile.volatility(self.log_strike)
        now = vector.value(smile.forward, self._strike, smile.years, self.iv, is_call=self._is_call)
        self.fair, greeks = now.price, now.greeks
        self._delta, self._gamma, self._vega, self._theta = greeks.delta, greeks.gamma, greeks.vega, greeks.theta
        is_behind: NDArray[np.bool_] = np.abs(self.fair - self._quoted_fair) > _TOLERANCE * self._half
        return is_behind

    def interest(self, smile: Smile) -> Array:
        """How much of the trading each attracts: most near the money."""
        distance = self.log_strike - smile.log_forward
        share: Array = np.exp(-0.5 * distance * distance / smile.theta)
        return share

    def redraw(self, rows: Rows) -> None:
        """Draw lean and best sizes of these quotes anew, and whether a side stays empty."""
        draws = self._random.random((len(rows), 5))
        self._lean[rows] = 0.7 * self._lean[rows] + 0.3 * _LEAN * (2.0 * draws[:, 0] - 1.0)
        self._sizes[rows, :, 0] = self._drawn_sizes(draws[:, 1:3], 0)
        if self._manner.absent:
            is_absent, side = draws[:, 3] < self._manner.absent, draws[:, 4] < 0.5
            self._is_absent[rows] = np.stack([is_absent & side, is_absent & ~side], axis=1)

    def deepen(self, rows: Rows) -> None:
        """Draw what stands behind the best prices anew: how many levels, the gaps between them, and their sizes."""
        depth, count = self._depth, len(rows)
        draws = self._random.random((count, 1 + 3 * depth))
        least = max(1, self._manner.levels - 1)
        self._count[rows] = least + (draws[:, 0] * (depth + 1 - least)).astype(np.int64)
        self._gaps[rows] = 0.3 + 0.9 * draws[:, 1 : 1 + depth]
        self._sizes[rows, :, 1:] = self._drawn_sizes(draws[:, 1 + depth :].reshape(count, 2, depth), np.arange(depth))[:, :, 1:]

    def _drawn_sizes(self, draws: Array, depth: int | Ints) -> Ints:
        """Lognormal sizes, larger behind the best price."""
        sizes = self._manner.size * np.exp(3.2 + 0.3 * depth + 0.9 * ndtri(np.maximum(draws, 1e-12)))
        drawn: Ints = np.minimum(_LARGEST, 1 + sizes.astype(np.int64))
        return drawn

    def requote(self, rows: Rows, smile: Smile, stress: float) -> None:
        """Stand around the value again: wider in the wings, near expiry and after moves, and then with less."""
        at = self._at(rows)
        distance = np.abs(self.log_strike[at] - smile.log_forward[at]) / np.sqrt(smile.theta[at])
        points = self._manner.spread * (1.0 + 0.5 / np.sqrt(smile.years[at] * _DAYS + 0.1)) * (1.0 + 0.3 * np.minimum(distance, 5.0))
        hedging = _HEDGING_COST * np.abs(self._delta[at]) * smile.forward[at]
        half = (0.5 * self._tick + self._vega[at] * points + hedging) * (1.0 + stress)
        fair = self.fair[at]
        middle = fair + self._lean[at] * half
        bid = self._orders.below(middle - half)
        self._half[at], self._quoted_fair[at] = half, fair
        self._best[at, BID] = bid
        self._best[at, ASK] = np.maximum(np.maximum(self._orders.above(middle + half), bid + 1), 1)
        self._laid_gaps[at] = self._gaps[at]
        shown = self._sizes[at]
        self._shown_sizes[at] = np.maximum(1, (shown / (1.0 + stress)).astype(np.int64)) if stress else shown
        self._gone[at] = self._taken[at] = 0

    def _at(self, rows: Rows) -> Rows | slice:
        """The same rows; all of them in their order as a slice, which copies nothing."""
        return slice(None) if len(rows) == len(self._ids) and (rows[1:] > rows[:-1]).all() else rows

    def _steps(self, rows: Rows) -> Ints:
        """How many ticks each level of these quotes stands from the best one."""
        gaps = np.maximum(1, np.rint(self._laid_gaps[rows] * (self._half[rows] / self._tick)[:, None])).astype(np.int64)
        steps = np.zeros_like(gaps)
        steps[:, 1:] = np.cumsum(gaps[:, :-1], axis=1)
        return steps

    # ---- what they show ----

    def tops(self, rows: Rows) -> Ints:
        """Best bid ticks, bid size, ask ticks and ask size of these rows; 0 and 0 where a side is empty."""
        found = np.empty((len(rows), 4), np.int64)
        at, sizes = self._at(rows), self._shown_sizes
        for side, sign in ((BID, -1), (ASK, 1)):
            gone, ticks = self._gone[at, side], self._best[at, side]
            size = sizes[at, side, 0]
            if gone.any():
                level = np.minimum(gone, self._depth - 1)
                ticks, size = ticks + sign * self._steps(rows)[np.arange(len(rows)), level], sizes[rows, side, level]
            stands = (gone < self._count[at]) & (ticks >= 1) & ~self._is_absent[at, side]
            found[:, 2 * side] = np.where(stands, ticks, _NONE)
            found[:, 2 * side + 1] = np.where(stands, size - self._taken[at, side], 0)
        return found

    def quoted(self, rows: Rows, now: int, pause: int = 0) -> list[Quoted]:
        """The quotes among these that changed since they were last shown, `pause` ns apart from `now` + `pause` on."""
        tops = self.tops(rows)
        changed = (tops != self._top[rows]).any(axis=1)
        if not changed.all():
            rows, tops = rows[changed], tops[changed]
        self._top[rows] = tops
        ids = self._ids if isinstance(self._at(rows), slice) else [self._ids[row] for row in rows.tolist()]
        times = list(range(now + pause, now + pause * len(rows) + 1, pause)) if pause else [now] * len(rows)
        bids, asks = (self._shown(tops[:, column]) for column in (0, 2))
        sizes = (tops[:, column].astype(np.float64).tolist() for column in (1, 3))
        return list(map(_make_quoted, times, times, ids, bids, asks, *sizes))

    def _shown(self, ticks: Ints) -> list[float | None]:
        """The prices as quotes show them, None for an empty side."""
        prices: list[float | None] = self._orders.prices(ticks).tolist()
        return prices if ticks.all() else [price or None for price in prices]

    def book(self, row: int, now: int) -> BookUpdated:
        """The whole book of one contract."""
        self._book_id[row] += 1
        number, steps = int(self._book_id[row]), self._steps_of(row)
        return BookUpdated(
            time=now,
            received=now,
            contract=self.contracts[row].id,
            bids=self._side(row, BID, -1, steps),
            asks=self._side(row, ASK, 1, steps),
            first_id=number,
            last_id=number,
            snapshot=True,
        )

    def _steps_of(self, row: int) -> list[int]:
        """What `_steps` gives for one quote; arrays take ten times as long for so few levels."""
        ticks, steps = float(self._half[row]) / self._tick, [0]
        for gap in self._laid_gaps[row, :-1].tolist():
            steps.append(steps[-1] + max(1, round(gap * ticks)))
        return steps

    def _side(self, row: int, side: int, sign: int, steps: Sequence[int]) -> tuple[tuple[float, float], ...]:
        gone, count = self._gone.item(row, side), self._count.item(row)
        if gone >= count or self._is_absent[row, side]:
            return ()
        best, sizes = self._best.item(row, side), self._shown_sizes[row, side, gone:count].tolist()
        sizes[0] -= self._taken.item(row, side)
        numerator, denominator = self._orders.numerator, self._orders.denominator
        levels = ((best + sign * step, size) for step, size in zip(steps[gone:count], sizes, strict=True))
        return tuple((ticks * numerator / denominator, float(size)) for ticks, size in levels if ticks >= 1)

    def hit(self, row: int, side: int, wanted: int) -> tuple[float, int] | None:
        """A taker comes: the price and size it gets from the best level, None where that side is empty."""
        top = self.tops(np.array([row]))[0]
        ticks, size = int(top[2 * side]), int(top[2 * side + 1])
        if ticks == _NONE:
            return None
        taken = min(wanted, size)
        if taken == size:
            self._gone[row, side] += 1
            self._taken[row, side] = 0
        else:
            self._taken[row, side] += taken
        price = ticks * self._orders.numerator / self._orders.denominator
        self._last[row] = price
        return price, taken

    def tickers(self, rows: Rows, times: Sequence[int], smile: Smile, index: float) -> list[TickerUpdated]:
        """Marks, volatilities and greeks. A mark is the Black-76 price at `mark_iv`, cut to its tick."""
        tops = self.tops(rows)
        marks = self._marks.prices(self._marks.below(self.fair[rows]))
        forwards, deltas = smile.forward[rows], np.round(self._delta[rows], _GREEK_DECIMALS["delta"])
        leverage = np.divide(forwards, marks, out=np.full(len(rows), np.nan), where=marks > 0) * np.abs(deltas)
        bid_iv, ask_iv = self._implied(tops[:, [0, 2]].T, rows, smile)
        columns: dict[str, Array] = {
            "mark_price": marks,
            "last_price": self._last[rows],
            "underlying_price": forwards,
            "mark_iv": self.iv[rows],
            "bid_iv": bid_iv,
            "ask_iv": ask_iv,
            "leverage": leverage,
            **{name: np.round(getattr(self, f"_{name}")[rows], digits) for name, digits in _GREEK_DECIMALS.items()},
        }
        lists = [[None if figure != figure else figure for figure in column.tolist()] for column in columns.values()]  # noqa: PLR0124  # NaN is not itself
        figures = (dict(zip(columns, each, strict=True)) for each in zip(*lists, strict=True))
        return [
            TickerUpdated(time=now, received=now, contract=self._ids[row], index_price=index, **each)
            for row, now, each in zip(rows.tolist(), times, figures, strict=True)
        ]

    def _implied(self, ticks: Ints, rows: Rows, smile: Smile) -> Array:
        """Volatility of the best prices; NaN without one, 0 where one is below the intrinsic value."""
        terms = smile.forward[rows], self._strike[rows], smile.years[rows]
        iv = vector.implied_volatility(self._orders.prices(ticks), *terms, is_call=self._is_call[rows])
        cut: Array = np.where(ticks == _NONE, np.nan, np.round(np.nan_to_num(iv, nan=0.0), _IV_DECIMALS))
        return cut
