"""What a user may set about the generated market, and the source it opens.

Owns `GeneratedMarket` and `GeneratedSource`. The settings determine every event; nothing else does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import attrs

from strikeloop import Contract, Event
from strikeloop_venue.market.expiries import SECOND, Cycle
from strikeloop_venue.market.path import REVERSION, Path
from strikeloop_venue.market.smile import Surface
from strikeloop_venue.market.specification import Listing
from strikeloop_venue.market.tape import Pace, Tape

GENERATION = 1
"""Raised whenever the same settings come to mean other events."""
_DEFAULT_START = 1_780_272_000 * SECOND
_MILLISECOND = 1_000_000
_SIGNIFICANT = 6


@attrs.frozen(kw_only=True)
class GeneratedMarket:
    """A market of options made from a seed. The same settings always give the same events.

    `start` is ns UTC (None: 2026-06-01 00:00), `duration_s` its length (None: without end). `step_ms` is the time between
    two index prices; makers answer each, so that no quote is left behind. `ticker_every_ms`: time between two tickers of
    one contract, at most one per step. `volatility`, `basis` and `skew` are fractions, per year where that has a meaning;
    `curvature` · (1 + |skew|) <= 2. `spread`: half spread at the money of a long expiry, in volatility points. `strikes`:
    number for each expiry when it is listed; `daily`, `weekly`, `monthly`: number of expiries. `levels`: depth of the book,
    one more or less. Raises ValueError for settings that make no market.

    >>> market = GeneratedMarket(seed=7, duration_s=60)
    >>> len(market.open("venue").contracts())
    90
    """

    seed: int = 1
    underlying: str = "BTC_USDT"
    start: int | None = None
    duration_s: int | None = 86_400
    step_ms: int = 60_000
    ticker_every_ms: int = 120_000
    spot: float = 70_000.0
    volatility: float = 0.55
    basis: float = 0.04
    skew: float = -0.25
    curvature: float = 0.8
    spread: float = 0.4
    strikes: int = 9
    daily: int = 2
    weekly: int = 2
    monthly: int = 1
    levels: int = 4
    trades_per_hour: float = 300.0
    multiplier: Decimal = Decimal("0.01")
    tick: Decimal = Decimal(1)
    mark_tick: Decimal = Decimal("0.1")

    def __attrs_post_init__(self) -> None:
        for name in _POSITIVE:
            figure = getattr(self, name)
            if figure is not None and not 0 < figure < math.inf:
                raise ValueError(f"{name} is {figure}; expected a finite number greater than 0")
        if min(self.daily, self.weekly, self.monthly) < 0 or self.daily + self.weekly + self.monthly < 1:
            raise ValueError("daily, weekly and monthly must not be negative, and one of them must be at least 1")
        if not abs(self.basis) <= 1:
            raise ValueError(f"basis is {self.basis}; expected a fraction per year between -1 and 1")
        self._surface()

    def open(self, adapter: str) -> GeneratedSource:
        """The market as the adapter instance `adapter` sees it."""
        return GeneratedSource(self, adapter)

    def tape(self, adapter: str) -> Tape:
        """A fresh run through the market, at its start."""
        return Tape(
            seed=str(self.seed),
            pace=self._pace(),
            cycle=Cycle(daily=self.daily, weekly=self.weekly, monthly=self.monthly),
            listing=self._listing(adapter),
            surface=self._surface(),
            path=Path(random=Random(f"{self.seed}:index"), index=float(self.spot), mean_volatility=self.volatility),  # noqa: S311  # a market, not a secret
            basis=self.basis,
            spread=self.spread,
            levels=self.levels,
            decimals=max(2, _SIGNIFICANT - math.floor(math.log10(self.spot))),
        )

    def _pace(self) -> Pace:
        start = _DEFAULT_START if self.start is None else self.start
        return Pace(
            start=start,
            end=None if self.duration_s is None else start + self.duration_s * SECOND,
            step=self.step_ms * _MILLISECOND,
            ticker=self.ticker_every_ms * _MILLISECOND,
            trades_per_hour=self.trades_per_hour,
        )

    def _listing(self, adapter: str) -> Listing:
        return Listing(
            adapter=adapter,
            underlying=self.underlying,
            strikes=self.strikes,
            multiplier=self.multiplier,
            tick=self.tick,
            mark_tick=self.mark_tick,
        )

    def _surface(self) -> Surface:
        return Surface(volatility=self.volatility, skew=self.skew, curvature=self.curvature, reversion=REVERSION)


_POSITIVE = (
    "duration_s",
    "step_ms",
    "ticker_every_ms",
    "spot",
    "volatility",
    "spread",
    "strikes",
    "levels",
    "trades_per_hour",
    "multiplier",
    "tick",
    "mark_tick",
)


@attrs.frozen
class GeneratedSource:
    """A `strikeloop.venue.Source`. Each call of `events` starts the market anew and generates as it is read."""

    settings: GeneratedMarket
    adapter: str

    def contracts(self) -> tuple[Contract, ...]:
        """Every contract listed at the start."""
        return self.settings.tape(self.adapter).contracts_at_start()

    def events(self) -> Iterator[Event]:
        """The market in order of time, `received` equal to `time`; the first events show the whole chain at the start."""
        return self.settings.tape(self.adapter).run()

    def content_hash(self) -> str:
        """SHA-256 of everything that determines the events: the settings, the adapter's name and the generator's version."""
        settings = {name: _canonical(figure) for name, figure in attrs.asdict(self.settings).items()}
        text = json.dumps({"generation": GENERATION, "adapter": self.adapter, **settings}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _canonical(figure: float | Decimal | str | None) -> str | None:
    """One text for one number, whatever its type: 1, 1.0 and Decimal("1.00") make the same market."""
    return figure if figure is None or isinstance(figure, str) else str(Decimal(str(figure)).normalize())
