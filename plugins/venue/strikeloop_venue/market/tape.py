"""The generated market as it happens: one step of the index after another, and what makers and takers do about it.

Owns the sequence of events. Within a step: the index, expiries and listings at 08:00, quotes that no longer fit or are
drawn anew (each 10 µs after the other), then tickers, books and trades at their own times. Never reads a clock: time is
what it has emitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

import attrs
import numpy as np

from strikeloop import Contract, ContractExpired, ContractListed, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_venue.market.expiries import Cycle, next_rollover
from strikeloop_venue.market.path import Path
from strikeloop_venue.market.quotes import ASK, BID, Ints, Makers, Rows
from strikeloop_venue.market.smile import Smile, Surface
from strikeloop_venue.market.specification import Listing

_HOUR = 3_600_000_000_000
_YEAR = 365 * 24 * _HOUR
_REACTION = 10_000
"""Nanoseconds between one maker's answer to a move of the index and the next one's."""
_TYPICAL_TRADE = 6.0
_GRAINS = 16
_PIN_WINDOW = 3 * _HOUR
_PIN_PULLS = 8.0
"""How many times the distance to the pin would fall to 1/e in the time that is left, if nothing else moved the index."""


@attrs.frozen(kw_only=True)
class Pace:
    """How often things happen, ns; `end` None never ends.

    `quote` is the time between two looks of a maker at its own quote, `ticker` between two tickers (and books) of one
    contract; neither happens more than once a step.
    """

    start: int
    end: int | None
    step: int
    quote: int
    ticker: int
    trades_per_hour: float


@attrs.define(eq=False, kw_only=True)
class Tape:
    """One run through the market."""

    pace: Pace
    cycle: Cycle
    listing: Listing
    surface: Surface
    path: Path
    basis: float
    decimals: int
    """Digits after the point of index and forwards."""
    makers: Makers
    takers: Random
    smile: Smile = attrs.field(init=False)
    """Of all makers, row by row."""
    _quote_due: Ints = attrs.field(factory=lambda: np.zeros(0, np.int64))
    _ticker_due: Ints = attrs.field(factory=lambda: np.zeros(0, np.int64))
    _expiries: Ints = attrs.field(init=False)
    _expiry_of: Rows = attrs.field(init=False)
    """For each row, the position of its expiry in `_expiries`."""
    _next_trade: int = 0
    _trades: int = 0
    _traded: set[int] = attrs.field(factory=set)
    """Rows that traded in this step."""
    _pin: float | None = None
    _now: int = 0
    _index: float = 0.0

    def contracts_at_start(self) -> tuple[Contract, ...]:
        """The first chain: every expiry of the cycle, strikes around its forward."""
        start, index, volatility = self.pace.start, self.path.index, self._volatility
        return tuple(
            contract
            for expiry in self.cycle.expiries(start)
            for contract in self.listing.contracts(expiry, start, self._forward(index, expiry, start), volatility)
        )

    def run(self) -> Iterator[Event]:
        """All events from the start on; the first are the index and the whole chain at the time of the start."""
        now, end = self.pace.start, self.pace.end
        rollover = next_rollover(now)
        self._now, self._next_trade = now, now + self._wait()
        chain = self.contracts_at_start()
        self._index = self._published(self.path.index)
        yield self._underlying_priced(now)
        yield from self._open(chain, now)
        while True:
            until = min(now + self.pace.step, rollover if end is None else min(rollover, end))
            yield from self._requote(now, until)
            yield from self._act(until)
            if until == end:
                return
            self._advance(now, until, rollover)
            now, is_rollover = until, until == rollover
            self._now = now
            yield self._underlying_priced(now)
            if is_rollover:
                rollover = next_rollover(now)
                yield from self._roll(now)
            else:
                self._look(now)

    # ---- the index ----

    @property
    def _volatility(self) -> float:
        return self.path.level * self.path.process.volatility

    def _advance(self, now: int, until: int, rollover: int) -> None:
        self.path.advance(until - now)
        if self.path.scenario.pins:
            self._draw_to_pin(until - now, rollover - now)
        self._index = self._published(self.path.index)

    def _draw_to_pin(self, step: int, left: int) -> None:
        """In the last hours before an expiry the index is drawn to the strike that it was nearest to."""
        if left > _PIN_WINDOW:
            self._pin = None
            return
        if self._pin is None:
            nearest = min(self.makers.contracts, key=lambda c: (c.expiry, abs(float(c.strike) - self.path.index)))
            self._pin = float(nearest.strike)
        self.path.draw_to(self._pin, -math.expm1(-_PIN_PULLS * step / left))

    def _look(self, now: int) -> None:
        """The smile of every contract now."""
        forwards = np.array([self._forward(self._index, expiry, now) for expiry in self._expiries.tolist()])
        smiles = self.surface.smile(forwards, (self._expiries - now) / _YEAR, self.path.process.volatility, self.path.level)
        self.smile = smiles.of(self._expiry_of)

    def _forward(self, index: float, expiry: int, now: int) -> float:
        return self._published(index * math.exp(self.basis * (expiry - now) / _YEAR))

    def _published(self, price: float) -> float:
        return max(10.0**-self.decimals, round(price, self.decimals))

    def _underlying_priced(self, now: int) -> UnderlyingPriced:
        return UnderlyingPriced(time=now, received=now, adapter=self.listing.adapter, underlying=self.listing.underlying, price=self._index)

    # ---- the chain ----

    def _roll(self, now: int) -> Iterator[Event]:
        """What expired goes; a new expiry comes, and strikes that the index has moved to."""
        gone = np.flatnonzero(self.makers.expiry <= now)
        expired = [self.makers.contracts[row].id for row in gone.tolist()]
        self.makers.drop(gone)
        self._quote_due, self._ticker_due = np.delete(self._quote_due, gone), np.delete(self._ticker_due, gone)
        for contract_id in expired:
            yield ContractExpired(time=now, received=now, contract=contract_id)
        known = {contract.id for contract in self.makers.contracts}
        fresh: list[Contract] = []
        for expiry in self.cycle.expiries(now):
            wanted = self.listing.contracts(expiry, now, self._forward(self._index, expiry, now), self._volatility)
            fresh += [contract for contract in wanted if contract.id not in known]
        for contract in fresh:
            yield ContractListed(time=now, received=now, contract=contract.id, specification=contract)
        yield from self._open(tuple(fresh), now)

    def _open(self, contracts: tuple[Contract, ...], now: int) -> Iterator[Event]:
        """Makers for these contracts, and what each shows at once."""
        rows = self.makers.add(contracts)
        self._quote_due = self._with_phases(self._quote_due, now, self.pace.quote, len(contracts))
        self._ticker_due = self._with_phases(self._ticker_due, now, self.pace.ticker, len(contracts))
        self._expiries, self._expiry_of = np.unique(self.makers.expiry, return_inverse=True)
        self._look(now)
        if not len(rows):
            return
        self.makers.follow(self.smile)
        self.makers.redraw(rows)
        self.makers.deepen(rows)
        self.makers.requote(rows, self.smile, self.path.stress)
        yield from self.makers.tickers(rows, [now] * len(rows), self.smile, self._index)
        yield from self.makers.quoted(rows, now)
        for row in rows.tolist():
            yield self.makers.book(row, now)

    def _with_phases(self, due: Ints, now: int, period: int, count: int) -> Ints:
        """When `count` more makers are due first: any time within `period`, of many steps only each sixteenth."""
        grain = period // _GRAINS if period >= _GRAINS * self.pace.step else 1
        phases = [now + self.takers.randrange(period) // grain * grain for _ in range(count)]
        return np.concatenate([due, np.array(phases, np.int64)])

    # ---- one step ----

    def _requote(self, now: int, until: int) -> list[Quoted]:
        """Makers whose quote the last move left behind answer it, and those whose time has come draw theirs anew."""
        is_behind, is_due = self.makers.follow(self.smile), self._quote_due < until
        if is_due.any():
            due = np.flatnonzero(is_due)
            self.makers.redraw(due)
            self._quote_due[due] = np.maximum(now, self._quote_due[due]) + self.pace.quote
        rows = np.flatnonzero(is_behind | is_due)
        if not len(rows):
            return []
        self.makers.requote(rows, self.smile, self.path.stress)
        pause = min(_REACTION, (until - now) // (len(self.makers.contracts) + 1))
        quotes = self.makers.quoted(rows, self._now, pause)
        self._now += pause * len(quotes)
        return quotes

    def _act(self, until: int) -> Iterator[Event]:
        """Tickers, books and trades that fall due before `until`, in the order of their times."""
        due = np.flatnonzero(self._ticker_due < until)
        self._traded.clear()
        if len(due):
            due = due[np.argsort(self._ticker_due[due], kind="stable")]
            self.makers.deepen(due)
            times = self._ticker_due[due].tolist()
            for row, ticker in zip(due.tolist(), self.makers.tickers(due, times, self.smile, self._index), strict=True):
                yield from self._trade_until(ticker.time)
                yield from self._tell(row, ticker)
            self._ticker_due[due] += self.pace.ticker * np.maximum(1, -(-(until - self._ticker_due[due]) // self.pace.ticker))
        yield from self._trade_until(until)

    def _tell(self, row: int, ticker: TickerUpdated) -> Iterator[Event]:
        """Ticker and book of one contract; what was computed before a trade of the contract is computed anew."""
        now = self._at(ticker.time)
        if row in self._traded:
            (ticker,) = self.makers.tickers(np.array([row]), [now], self.smile, self._index)
        yield ticker if ticker.time == now else attrs.evolve(ticker, time=now, received=now)
        yield self.makers.book(row, now)

    def _trade_until(self, until: int) -> Iterator[Event]:
        while self._next_trade < until:
            yield from self._trade(self._at(self._next_trade))
            self._next_trade += self._wait()

    def _trade(self, now: int) -> Iterator[Event]:
        """A taker buys or sells one contract at the best price."""
        shares = np.cumsum(self.makers.interest(self.smile))
        row = min(int(np.searchsorted(shares, self.takers.random() * shares[-1], side="right")), len(shares) - 1)
        is_buy = self.takers.random() < 0.5
        done = self.makers.hit(row, ASK if is_buy else BID, 1 + int(self.takers.expovariate(1.0 / _TYPICAL_TRADE)))
        if done is None:
            return
        price, size = done
        self._trades += 1
        self._traded.add(row)
        signed = float(size if is_buy else -size)
        contract = self.makers.contracts[row].id
        yield Traded(time=now, received=now, contract=contract, price=price, size=signed, trade_id=str(self._trades))
        yield from self.makers.quoted(np.array([row]), now)

    def _at(self, time: int) -> int:
        """`time`, or as late as what was already emitted."""
        self._now = max(self._now, time)
        return self._now

    def _wait(self) -> int:
        """Time to the next trade: arrivals are Poisson."""
        return 1 + int(self.takers.expovariate(self.pace.trades_per_hour) * _HOUR)
