"""How long things take between the client and the venue.

Owns the latency models: entry (command to matching engine), response (outcome to client) and feed (market data to
client). A model draws from a generator of its own, made from a seed; it never reads a clock. Sequence on a connection
is the machine's: nothing overtakes what went before.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

from strikeloop_venue.latency_table import Row, read_table

MS = 1_000_000


@attrs.frozen
class Lost:
    """The command never reaches the matching engine; the client sees its refusal `after` ns."""

    after: int


class LatencyModel(Protocol):
    """Times in ns. `entry` may lose a command; `response` is asked once for each step of the venue that says something."""

    def entry(self, now: int) -> int | Lost:
        """From the client at `now` to the matching engine."""
        ...

    def response(self, now: int) -> int:
        """From the matching engine at `now` to the client."""
        ...

    def feed(self, now: int) -> int:
        """From the venue's market data at `now` to the client, on top of what a recording says."""
        ...

    def watch(self, delay: int) -> None:
        """Market data was on its way for this long. Only a model that is `watching` is told."""
        ...

    @property
    def watching(self) -> bool:
        """Whether it wants to know how long recorded market data took."""
        ...


@attrs.frozen(kw_only=True)
class Delays:
    """Entry, response and feed in ns as the settings give them; a negative entry loses the command, seen after |entry|."""

    entry: int
    response: int
    feed: int = 0

    def lost(self) -> Lost | None:
        return Lost(-self.entry) if self.entry < 0 else None


class Constant:
    """The same delays always. A negative entry loses the command. Source: hftbacktest, ConstantLatency."""

    watching = False

    def __init__(self, entry: int, response: int, feed: int = 0) -> None:
        self._entry: int | Lost = entry if entry >= 0 else Lost(-entry)
        self._response, self._feed = response, feed

    def entry(self, now: int) -> int | Lost:  # noqa: ARG002  # a constant asks nothing of the time
        return self._entry

    def response(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._response

    def feed(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._feed

    def watch(self, delay: int) -> None:
        """It is not watching."""


class Drawn:
    """Delays that `draw(floor, now, generator)` makes of the floors, each call anew; a floor of 0 for the feed is no delay."""

    watching = False

    def __init__(self, floors: Delays, seed: int, draw: Callable[[int, int, random.Random], int]) -> None:
        self._floors, self._draw = floors, draw
        self._random = random.Random(f"latency:{seed}")  # noqa: S311  # a simulation, not a secret

    def entry(self, now: int) -> int | Lost:
        return self._floors.lost() or self._draw(self._floors.entry, now, self._random)

    def response(self, now: int) -> int:
        return self._draw(self._floors.response, now, self._random)

    def feed(self, now: int) -> int:
        return self._draw(self._floors.feed, now, self._random) if self._floors.feed else 0

    def watch(self, delay: int) -> None:
        """It is not watching."""


def log_normal(median: float, sigma: float) -> Callable[[int, int, random.Random], int]:
    """Floor + median · e^(sigma · N(0, 1))."""

    def draw(floor: int, now: int, generator: random.Random) -> int:
        return floor + round(median * math.exp(sigma * generator.gauss(0.0, 1.0)))

    return draw


def cubic(a: float, unit: float, clip: float) -> Callable[[int, int, random.Random], int]:
    """Floor + (a / x³) · (floor / unit), x uniform on (clip, 1]. Source: ABIDES, cubic latency; a = 0.5, unit = 10, clip = 0.1."""

    def draw(floor: int, now: int, generator: random.Random) -> int:
        x = 1.0 - (1.0 - clip) * generator.random()
        return floor + round(a / x**3 * (floor / unit))

    return draw


class Spikes:
    """Quiet times and bursts take turns, both exponentially long; in a burst every delay is `factor` times its floor."""

    def __init__(self, every: float, length: float, factor: float) -> None:
        self._every, self._length, self._factor = every, length, factor
        self._burst: tuple[float, float] | None = None

    def __call__(self, floor: int, now: int, generator: random.Random) -> int:
        """The delay of something that starts at `now`."""
        burst = self._burst or self._after(now, generator)
        while now >= burst[1]:
            burst = self._after(burst[1], generator)
        self._burst = burst
        return round(floor * self._factor) if now >= burst[0] else floor

    def _after(self, time: float, generator: random.Random) -> tuple[float, float]:
        start = time + generator.expovariate(1 / self._every)
        return start, start + generator.expovariate(1 / self._length)


class FeedMultiple:
    """entry and response are multiples of how long the last market data took, plus an offset. Source: hftbacktest's tutorial, 4 and 3.

    Where a recording does not tell, `feed` is taken for it.
    """

    watching = True

    def __init__(self, entry: float, response: float, offset: int, feed: int = 0) -> None:
        self._factors, self._offset, self._feed = (entry, response), offset, feed
        self._last = feed

    def entry(self, now: int) -> int | Lost:  # noqa: ARG002  # it goes by what it saw
        return round(self._factors[0] * self._last) + self._offset

    def response(self, now: int) -> int:  # noqa: ARG002  # the same
        return round(self._factors[1] * self._last) + self._offset

    def feed(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._feed

    def watch(self, delay: int) -> None:
        self._last = delay or self._feed


class Interpolated:
    """Delays read off a recorded table of (request, at the venue, response) times, rows in order of request.

    entry is the linear interpolation of venue − request between the rows around `now`, response that of response −
    venue; `offset` is added to each. A row whose venue time is not positive lost its command: seen after the interpolated
    response − request. Source: hftbacktest, IntpOrderLatency. Outside the table the nearest row holds.
    """

    watching = False

    def __init__(self, rows: Sequence[Row], *, offset: int = 0, feed: int = 0) -> None:
        if not rows:
            raise ValueError("an interpolated latency needs at least one row")
        self._rows = tuple(rows)
        self._requests = tuple(row[0] for row in rows)
        if list(self._requests) != sorted(self._requests):
            raise ValueError("the rows of an interpolated latency must be in order of request")
        self._reached = tuple(row for row in rows if row[1] > 0)
        self._arrivals = tuple(row[1] for row in self._reached)
        self._offset, self._feed = offset, feed

    def entry(self, now: int) -> int | Lost:
        low, high = _around(self._rows, self._requests, now)
        if low[1] <= 0 or high[1] <= 0:
            return Lost(_between(now, (low[0], low[2] - low[0]), (high[0], high[2] - high[0])) + 2 * self._offset)
        return _between(now, (low[0], low[1] - low[0]), (high[0], high[1] - high[0])) + self._offset

    def response(self, now: int) -> int:
        if not self._reached:
            return self._offset
        low, high = _around(self._reached, self._arrivals, now)
        return _between(now, (low[1], low[2] - low[1]), (high[1], high[2] - high[1])) + self._offset

    def feed(self, now: int) -> int:  # noqa: ARG002  # the table speaks of orders
        return self._feed

    def watch(self, delay: int) -> None:
        """It is not watching."""


def _around(rows: Sequence[Row], keys: Sequence[int], now: int) -> tuple[Row, Row]:
    at = bisect_right(keys, now)
    last = len(rows) - 1
    return rows[min(max(at - 1, 0), last)], rows[min(at, last)]


def _between(x: int, low: tuple[int, int], high: tuple[int, int]) -> int:
    """The value at `x` on the line through two points, held constant outside of them."""
    if high[0] <= low[0] or x <= low[0]:
        return low[1]
    if x >= high[0]:
        return high[1]
    return low[1] + (high[1] - low[1]) * (x - low[0]) // (high[0] - low[0])


_SIGNED = ("entry_ms", "offset_ms")


@attrs.frozen(kw_only=True)
class LatencySettings:
    """Which model, and its figures in milliseconds; a figure that the model does not use is ignored.

    `entry_ms`, `response_ms`, `feed_ms` are the delays of `constant` and the floors of `lognormal`, `cubic` and `spikes`; a negative
    entry_ms loses every command and shows the refusal after |entry_ms|; feed_ms comes on top of what recorded data took.
    `lognormal` adds a delay with median `jitter_ms` and shape `sigma`. `cubic` uses `cubic_a`, `cubic_unit`, `cubic_clip`.
    `spikes`: in bursts, on average `spike_every_s` apart and `spike_ms` long, delays are `spike_factor` times as long.
    `feed` takes `entry_factor` and `response_factor` times what market data took, plus `offset_ms`. `table` reads `rows` of
    (request, at the venue, response) in ns, or the `file` that holds them (.csv with the header req_ts,exch_ts,resp_ts, or .npz as
    hftbacktest writes it), plus `offset_ms`. Raises ValueError for figures that make no sense and for a file that holds no table.
    """

    kind: str = "constant"
    entry_ms: float = 5.0
    response_ms: float = 5.0
    feed_ms: float = 0.0
    jitter_ms: float = 1.0
    sigma: float = 0.8
    cubic_a: float = 0.5
    cubic_unit: float = 10.0
    cubic_clip: float = 0.1
    spike_every_s: float = 60.0
    spike_ms: float = 500.0
    spike_factor: float = 20.0
    entry_factor: float = 4.0
    response_factor: float = 3.0
    offset_ms: float = 0.0
    rows: tuple[Row, ...] = ()
    file: str = ""

    def __attrs_post_init__(self) -> None:
        if self.kind not in MODELS:
            raise ValueError(f"latency.kind is {self.kind!r}; expected one of {', '.join(MODELS)}")
        for name, figure in attrs.asdict(self).items():
            if isinstance(figure, int | float) and not (math.isfinite(figure) and (figure >= 0 or name in _SIGNED)):
                expected = "a finite number" if name in _SIGNED else "a finite number that is not negative"
                raise ValueError(f"latency.{name} is {figure}; expected {expected}")
        if not self.cubic_unit or not 0 < self.cubic_clip < 1 or not self.spike_every_s or not self.spike_ms:
            raise ValueError("latency.cubic_unit and the times of latency.spike must be greater than 0, latency.cubic_clip between 0 and 1")
        if self.kind == "table" and bool(self.rows) == bool(self.file):
            raise ValueError('latency.kind "table" needs either latency.rows or latency.file')
        if self.kind == "table":
            self.open(0)  # a table that cannot be read is said before anything runs

    @property
    def floors(self) -> Delays:
        return Delays(entry=round(self.entry_ms * MS), response=round(self.response_ms * MS), feed=round(self.feed_ms * MS))

    def open(self, seed: int) -> LatencyModel:
        """The model, with a generator of its own."""
        return MODELS[self.kind](self, seed)


def _constant(settings: LatencySettings, _seed: int) -> LatencyModel:
    floors = settings.floors
    return Constant(floors.entry, floors.response, floors.feed)


def _log_normal(settings: LatencySettings, seed: int) -> LatencyModel:
    return Drawn(settings.floors, seed, log_normal(settings.jitter_ms * MS, settings.sigma))


def _cubic(settings: LatencySettings, seed: int) -> LatencyModel:
    return Drawn(settings.floors, seed, cubic(settings.cubic_a, settings.cubic_unit, settings.cubic_clip))


def _spikes(settings: LatencySettings, seed: int) -> LatencyModel:
    return Drawn(settings.floors, seed, Spikes(settings.spike_every_s * 1e9, settings.spike_ms * MS, settings.spike_factor))


def _feed(settings: LatencySettings, _seed: int) -> LatencyModel:
    return FeedMultiple(settings.entry_factor, settings.response_factor, round(settings.offset_ms * MS), settings.floors.feed)


def _table(settings: LatencySettings, _seed: int) -> LatencyModel:
    rows = settings.rows or read_table(settings.file)
    return Interpolated(rows, offset=round(settings.offset_ms * MS), feed=settings.floors.feed)


MODELS: Mapping[str, Callable[[LatencySettings, int], LatencyModel]] = {
    "constant": _constant,
    "lognormal": _log_normal,
    "table": _table,
    "feed": _feed,
    "cubic": _cubic,
    "spikes": _spikes,
}
"""Latency models by the name they have in the settings."""
