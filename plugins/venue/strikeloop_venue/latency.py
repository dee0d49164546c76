"""How long things take between the client and the venue.

Owns the latency models: entry (command to matching engine), response (outcome to client) and feed (market data to
client). A model draws from a generator of its own, made from a seed; it never reads a clock.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import attrs

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
        """From the venue's market data at `now` to the client."""
        ...


@attrs.frozen(kw_only=True)
class LatencySettings:
    """Which model, and its figures in milliseconds; a figure that the model does not use is ignored.

    `constant`: entry_ms, response_ms, feed_ms as they are; a negative entry_ms loses every command and shows the
    refusal after |entry_ms|. `lognormal`: the figure is the floor, on top comes a lognormal delay with median
    jitter_ms and shape `sigma`.
    """

    kind: str = "constant"
    entry_ms: float = 5.0
    response_ms: float = 5.0
    feed_ms: float = 0.0
    jitter_ms: float = 1.0
    sigma: float = 0.8

    def __attrs_post_init__(self) -> None:
        if self.kind not in MODELS:
            raise ValueError(f"latency.kind is {self.kind!r}; expected one of {', '.join(MODELS)}")
        figures = (self.entry_ms, self.response_ms, self.feed_ms, self.jitter_ms, self.sigma)
        if not all(map(math.isfinite, figures)) or min(figures[1:]) < 0:
            raise ValueError(f"latency figures must be finite and, entry_ms excepted, not negative; got {figures}")

    def open(self, seed: int) -> LatencyModel:
        """The model, with a generator of its own."""
        return MODELS[self.kind](self, seed)


class Constant:
    """The same delays always: hftbacktest's ConstantLatency. A negative entry loses the command."""

    def __init__(self, entry: int, response: int, feed: int = 0) -> None:
        self._entry: int | Lost = entry if entry >= 0 else Lost(-entry)
        self._response, self._feed = response, feed

    def entry(self, now: int) -> int | Lost:  # noqa: ARG002  # a constant asks nothing of the time
        return self._entry

    def response(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._response

    def feed(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._feed


class ShiftedLogNormal:
    """A floor plus a lognormal tail, drawn from a seeded generator of its own."""

    def __init__(self, settings: LatencySettings, seed: int) -> None:
        self._floors = tuple(round(ms * MS) for ms in (settings.entry_ms, settings.response_ms, settings.feed_ms))
        self._median, self._sigma = settings.jitter_ms * MS, settings.sigma
        self._random = random.Random(f"latency:{seed}")  # noqa: S311  # a simulation, not a secret

    def _draw(self, floor: int) -> int:
        return floor + round(self._median * math.exp(self._sigma * self._random.gauss(0.0, 1.0)))

    def entry(self, now: int) -> int | Lost:  # noqa: ARG002  # independent draws
        floor = self._floors[0]
        return self._draw(floor) if floor >= 0 else Lost(-floor)

    def response(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._draw(self._floors[1])

    def feed(self, now: int) -> int:  # noqa: ARG002  # the same
        return self._draw(self._floors[2])


class Interpolated:
    """Delays read off a recorded table of (request, at the venue, response) times, rows in order of request.

    entry is the linear interpolation of venue − request between the rows around `now`, response that of response −
    venue. A row whose venue time is not positive lost its command: seen after the interpolated response − request.
    Source: hftbacktest, IntpOrderLatency. Outside the table the nearest row holds.
    """

    def __init__(self, rows: Sequence[tuple[int, int, int]]) -> None:
        if not rows:
            raise ValueError("an interpolated latency needs at least one row")
        self._rows = tuple(rows)
        self._requests = tuple(row[0] for row in rows)
        self._arrivals = tuple(row[1] for row in rows)

    def entry(self, now: int) -> int | Lost:
        low, high = self._around(self._requests, now)
        if low[1] <= 0 or high[1] <= 0:
            return Lost(_between(now, (low[0], low[2] - low[0]), (high[0], high[2] - high[0])))
        return _between(now, (low[0], low[1] - low[0]), (high[0], high[1] - high[0]))

    def response(self, now: int) -> int:
        low, high = self._around(self._arrivals, now)
        return _between(now, (low[1], low[2] - low[1]), (high[1], high[2] - high[1]))

    def feed(self, now: int) -> int:  # noqa: ARG002  # the table speaks of orders
        return 0

    def _around(self, keys: Sequence[int], now: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        at = bisect_right(keys, now)
        last = len(self._rows) - 1
        return self._rows[min(max(at - 1, 0), last)], self._rows[min(at, last)]


def _between(x: int, low: tuple[int, int], high: tuple[int, int]) -> int:
    """The value at `x` on the line through two points, held constant outside of them."""
    if high[0] <= low[0] or x <= low[0]:
        return low[1]
    if x >= high[0]:
        return high[1]
    return low[1] + (high[1] - low[1]) * (x - low[0]) // (high[0] - low[0])


def _constant(settings: LatencySettings, _seed: int) -> LatencyModel:
    return Constant(round(settings.entry_ms * MS), round(settings.response_ms * MS), round(settings.feed_ms * MS))


MODELS: Mapping[str, Callable[[LatencySettings, int], LatencyModel]] = {"constant": _constant, "lognormal": ShiftedLogNormal}
