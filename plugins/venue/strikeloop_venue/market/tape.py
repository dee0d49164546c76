"""The generated market as it happens: one step of the index after another, and what makers and takers do about it.

Owns the sequence of events. Within a step: the index, expiries and listings at 08:00, quotes that no longer fit (each
10 µs after the other), then tickers and trades at their own times. Never reads a clock: time is what it has emitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

import attrs

from strikeloop import Contract, ContractExpired, ContractId, ContractListed, Event, Traded, UnderlyingPriced
from strikeloop_venue.market.expiries import Cycle, next_rollover
from strikeloop_venue.market.maker import Maker
from strikeloop_venue.market.path import Path
from strikeloop_venue.market.smile import Smile, Surface
from strikeloop_venue.market.specification import Listing

_HOUR = 3_600_000_000_000
_YEAR = 365 * 24 * _HOUR
_REACTION = 10_000
"""Nanoseconds between one maker's answer to a move of the index and the next one's."""
_TYPICAL_TRADE = 6.0


@attrs.frozen(kw_only=True)
class Pace:
    """How often things happen, ns; `end` None never ends. `ticker` is the time between two tickers of one contract."""

    start: int
    end: int | None
    step: int
    ticker: int
    trades_per_hour: float


@attrs.define(eq=False, kw_only=True)
class Tape:
    """One run through the market. `seed` names the stream of each random thing, so that none disturbs another."""

    seed: str
    pace: Pace
    cycle: Cycle
    listing: Listing
    surface: Surface
    path: Path
    basis: float
    spread: float
    levels: int
    decimals: int
    """Digits after the point of index and forwards."""
    makers: dict[ContractId, Maker] = attrs.field(factory=dict)
    smiles: dict[int, Smile] = attrs.field(factory=dict)
    _takers: Random = attrs.field(init=False)
    _next_trade: int = 0
    _trades: int = 0
    _expiries: tuple[int, ...] = ()
    _now: int = 0
    _index: float = 0.0

    def __attrs_post_init__(self) -> None:
        self._takers = Random(f"{self.seed}:takers")  # noqa: S311  # a market, not a secret

    def contracts_at_start(self) -> tuple[Contract, ...]:
        """The first chain: every expiry of the cycle, strikes around its forward."""
        start, index, volatility = self.pace.start, self.path.index, self.path.volatility
        return tuple(
            contract
            for expiry in self.cycle.expiries(start)
            for contract in self.listing.contracts(expiry, start, self._forward(index, expiry, start), volatility)
        )

    def run(self) -> Iterator[Event]:
        """All events from the start on; the first are the index and the whole chain at the time of the start."""
        now, end = self.pace.start, self.pace.end
        rollover = next_rollover(now)
        self._next_trade, self._expiries = now + self._wait(), self.cycle.expiries(now)
        chain = self.contracts_at_start()
        self._move(now)
        yield self._underlying_priced(now)
        yield from self._open(chain, now)
        while True:
            until = min(now + self.pace.step, rollover if end is None else min(rollover, end))
            yield from self._requote(until - now)
            yield from self._act(now, until)
            if until == end:
                return
            self.path.advance(until - now)
            now, is_rollover = until, until == rollover
            if is_rollover:
                rollover, self._expiries = next_rollover(now), self.cycle.expiries(now)
            self._move(now)
            yield self._underlying_priced(now)
            if is_rollover:
                yield from self._roll(now)

    def _move(self, now: int) -> None:
        """The index as published, and the smile of each expiry that lies ahead."""
        self._now, self._index = now, self._published(self.path.index)
        volatility = self.path.volatility
        self.smiles = {
            expiry: self.surface.smile(self._forward(self._index, expiry, now), (expiry - now) / _YEAR, volatility)
            for expiry in self._expiries
        }

    def _forward(self, index: float, expiry: int, now: int) -> float:
        return self._published(index * math.exp(self.basis * (expiry - now) / _YEAR))

    def _published(self, price: float) -> float:
        return max(10.0**-self.decimals, round(price, self.decimals))

    def _roll(self, now: int) -> Iterator[Event]:
        """What expired goes; a new expiry comes, and strikes that the index has moved to."""
        for contract_id in [maker.contract.id for maker in self.makers.values() if maker.contract.expiry <= now]:
            del self.makers[contract_id]
            yield ContractExpired(time=now, received=now, contract=contract_id)
        for expiry, smile in self.smiles.items():
            wanted = self.listing.contracts(expiry, now, smile.forward, self.path.volatility)
            new = tuple(contract for contract in wanted if contract.id not in self.makers)
            for contract in new:
                yield ContractListed(time=now, received=now, contract=contract.id, specification=contract)
            yield from self._open(new, now)

    def _open(self, contracts: tuple[Contract, ...], now: int) -> Iterator[Event]:
        """Makers for these contracts, and what each shows at once."""
        for contract in contracts:
            random = Random(f"{self.seed}:{contract.id.name}")  # noqa: S311  # a market, not a secret
            due = now + random.randrange(self.pace.ticker)
            maker = Maker(contract=contract, random=random, spread=self.spread, levels=self.levels, due=due)
            self.makers[contract.id] = maker
            maker.follow(self.smiles[contract.expiry])
            yield from self._refresh(maker, now)

    def _requote(self, span: int) -> Iterator[Event]:
        """Makers whose quote the last move left behind answer it, one after another and within `span` ns."""
        pause = min(_REACTION, span // (len(self.makers) + 1))
        for maker in self.makers.values():
            smile = self.smiles[maker.contract.expiry]
            if maker.follow(smile):
                maker.requote(smile, self.path.stress)
                self._now += pause
                yield from maker.shown(self._now)

    def _act(self, now: int, until: int) -> Iterator[Event]:
        """Tickers and trades that fall due before `until`, in the order of their times."""
        due = [(maker.due, rank, maker) for rank, maker in enumerate(self.makers.values()) if maker.due < until]
        due.sort(key=lambda entry: entry[:2])
        for time, _, maker in due:
            yield from self._trade_until(time)
            maker.due = max(now, maker.due) + self.pace.ticker
            yield from self._refresh(maker, self._at(time))
        yield from self._trade_until(until)

    def _refresh(self, maker: Maker, now: int) -> Iterator[Event]:
        smile = self.smiles[maker.contract.expiry]
        maker.redraw()
        maker.requote(smile, self.path.stress)
        yield maker.ticker(now, smile, self._index)
        yield from maker.shown(now)

    def _trade_until(self, until: int) -> Iterator[Event]:
        while self._next_trade < until:
            yield from self._trade(self._at(self._next_trade))
            self._next_trade += self._wait()

    def _trade(self, now: int) -> Iterator[Event]:
        """A taker buys or sells one contract at the best price."""
        makers = list(self.makers.values())
        weights = [maker.interest(self.smiles[maker.contract.expiry]) for maker in makers]
        maker = self._takers.choices(makers, weights)[0]
        is_buy = self._takers.random() < 0.5
        done = maker.hit(is_buy, 1 + int(self._takers.expovariate(1.0 / _TYPICAL_TRADE)))
        if done is None:
            return
        price, size = done
        self._trades += 1
        signed = float(size if is_buy else -size)
        yield Traded(time=now, received=now, contract=maker.contract.id, price=price, size=signed, trade_id=str(self._trades))
        yield from maker.shown(now)

    def _at(self, time: int) -> int:
        """`time`, or as late as what was already emitted."""
        self._now = max(self._now, time)
        return self._now

    def _wait(self) -> int:
        """Time to the next trade: arrivals are Poisson."""
        return 1 + int(self._takers.expovariate(self.pace.trades_per_hour) * _HOUR)

    def _underlying_priced(self, now: int) -> UnderlyingPriced:
        return UnderlyingPriced(time=now, received=now, adapter=self.listing.adapter, underlying=self.listing.underlying, price=self._index)
