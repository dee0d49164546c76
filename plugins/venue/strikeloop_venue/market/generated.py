"""What a user may set about the generated market, and the source it opens.

Owns `GeneratedMarket` and `GeneratedSource`. The settings determine every event; nothing else does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import attrs

from strikeloop import Contract, Event
from strikeloop_venue.market.expiries import SECOND, Cycle
from strikeloop_venue.market.process import Process, ProcessSettings
from strikeloop_venue.market.scenarios import SCENARIOS, Scenario
from strikeloop_venue.market.specification import Listing

if TYPE_CHECKING:
    from strikeloop_venue.market.tape import Tape

GENERATION = 2
"""Raised whenever the same settings come to mean other events."""
_DEFAULT_START = 1_780_272_000 * SECOND
_DAY_S = 86_400
_MILLISECOND = 1_000_000
_SIGNIFICANT = 6


def _process(value: ProcessSettings | Mapping[str, Any]) -> ProcessSettings:
    return value if isinstance(value, ProcessSettings) else ProcessSettings(**value)


@attrs.frozen(kw_only=True)
class GeneratedMarket:
    """A market of options made from a seed. The same settings always give the same events.

    `scenario`: a name of `strikeloop_venue.market.scenarios.SCENARIOS`, which happens over the length of the market (over a
    day where it has no end). `process`: how the index moves, a table with `kind` gbm, jumps or heston.
    `start` is ns UTC (None: 2026-06-01 00:00), `duration_s` its length (None: without end). `step_ms` is the time between
    two index prices; makers answer each, so that no quote is left behind. `quote_every_ms`: time between two looks of a maker
    at its own quote (None: as for tickers), `ticker_every_ms` between two tickers and books of one contract, each at most once a step.
    `volatility`, `basis` and `skew` are fractions, per year where that has a meaning; `curvature` · (1 + |skew|) <= 2.
    `spread`: half spread at the money of a long expiry, in volatility points. `strikes`: number for each expiry when it is
    listed; `daily`, `weekly`, `monthly`: number of expiries. `levels`: depth of the book, one more or less.
    Raises ValueError for settings that make no market.

    >>> market = GeneratedMarket(seed=7, duration_s=60)
    >>> len(market.open("venue").contracts())
    90
    """

    seed: int = 1
    scenario: str = "plain"
    process: ProcessSettings = attrs.field(factory=ProcessSettings, converter=_process)
    underlying: str = "BTC_USDT"
    start: int | None = None
    duration_s: int | None = _DAY_S
    step_ms: int = 60_000
    quote_every_ms: int | None = None
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
        if self.scenario not in SCENARIOS:
            raise ValueError(f"scenario is {self.scenario!r}; expected one of {', '.join(SCENARIOS)}")
        for name in _POSITIVE:
            figure = getattr(self, name)
            if figure is not None and not 0 < figure < math.inf:
                raise ValueError(f"{name} is {figure}; expected a finite number greater than 0")
        if min(self.daily, self.weekly, self.monthly) < 0 or self.daily + self.weekly + self.monthly < 1:
            raise ValueError("daily, weekly and monthly must not be negative, and one of them must be at least 1")
        if not abs(self.basis) <= 1:
            raise ValueError(f"basis is {self.basis}; expected a fraction per year between -1 and 1")
        if not (abs(self.skew) < 1 and self.curvature > 0 and self.curvature * (1 + abs(self.skew)) <= 2):
            raise ValueError(f"skew {self.skew} and curvature {self.curvature} admit arbitrage: curvature · (1 + |skew|) must be in (0, 2]")
        self._open_process()

    def open(self, adapter: str) -> GeneratedSource:
        """The market as the adapter instance `adapter` sees it."""
        return GeneratedSource(self, adapter)

    def tape(self, adapter: str) -> Tape:
        """A fresh run through the market, at its start."""
        import numpy as np  # noqa: PLC0415  # numpy is needed to make a market, not to name one

        from strikeloop_venue.market.path import Path  # noqa: PLC0415  # the same
        from strikeloop_venue.market.quotes import Ladder, Makers, Manner  # noqa: PLC0415  # the same
        from strikeloop_venue.market.smile import Surface  # noqa: PLC0415  # the same
        from strikeloop_venue.market.tape import Pace, Tape  # noqa: PLC0415  # the same

        scenario, end = self._scenario, None if self.duration_s is None else self.begin + self.duration_s * SECOND
        quote_every_ms = self.ticker_every_ms if self.quote_every_ms is None else self.quote_every_ms
        process = self._open_process()
        return Tape(
            pace=Pace(
                start=self.begin,
                end=end,
                step=self.step_ms * _MILLISECOND,
                quote=quote_every_ms * _MILLISECOND,
                ticker=self.ticker_every_ms * _MILLISECOND,
                trades_per_hour=self.trades_per_hour * scenario.trades,
            ),
            cycle=Cycle(daily=self.daily, weekly=self.weekly, monthly=self.monthly),
            listing=Listing(
                adapter=adapter,
                underlying=self.underlying,
                strikes=self.strikes,
                multiplier=self.multiplier,
                tick=self.tick,
                mark_tick=self.mark_tick,
            ),
            surface=Surface(volatility=process.long_volatility, skew=self.skew, curvature=self.curvature, reversion=process.reversion),
            path=Path(process=process, scenario=scenario, span=(self.duration_s or _DAY_S) * SECOND, index=float(self.spot)),
            basis=self.basis,
            decimals=max(2, _SIGNIFICANT - math.floor(math.log10(self.spot))),
            makers=Makers(
                Manner(spread=self.spread * scenario.spread, levels=self.levels, size=scenario.size, absent=scenario.absent),
                Ladder.of(self.tick),
                Ladder.of(self.mark_tick),
                np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(f"{self.seed}:makers".encode()).digest()[:16]))),
            ),
            takers=self._random("takers"),
        )

    @property
    def begin(self) -> int:
        """The time of the first event, ns UTC."""
        return _DEFAULT_START if self.start is None else self.start

    @property
    def _scenario(self) -> Scenario:
        return SCENARIOS[self.scenario]

    def _open_process(self) -> Process:
        return self.process.open(self.volatility * self._scenario.volatility, self._random("index"))

    def _random(self, stream: str) -> Random:
        """Each random thing has a stream of its own, so that none disturbs another."""
        return Random(f"{self.seed}:{stream}")  # noqa: S311  # a market, not a secret


_POSITIVE = (
    "duration_s",
    "step_ms",
    "quote_every_ms",
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

    def span(self) -> tuple[int, int] | None:
        """From the start to the end; None where there is none."""
        start, length = self.settings.begin, self.settings.duration_s
        return None if length is None else (start, start + length * SECOND)

    def content_hash(self) -> str:
        """SHA-256 of everything that determines the events: the settings, the adapter's name and the generator's version."""
        settings = {name: _canonical(figure) for name, figure in attrs.asdict(self.settings).items()}
        text = json.dumps({"generation": GENERATION, "adapter": self.adapter, **settings}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _canonical(figure: Any) -> Any:
    """One text for one number, whatever its type: 1, 1.0 and Decimal("1.00") make the same market."""
    if isinstance(figure, dict):
        return {name: _canonical(value) for name, value in figure.items()}
    return figure if figure is None or isinstance(figure, str) else str(Decimal(str(figure)).normalize())
