"""The specification of strikeloop.unrolled."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop.clock import Clock
from strikeloop.dispatch import Route
from strikeloop.passing import Passing
from strikeloop.unrolled import End, loop_of
from tests.framework.stage import quoted

ROWS = [(place + 1, quoted(at=10 * (place + 1))) for place in range(3)]


class Played:
    """A loop over `ROWS` with so many calls; call `number` raises or asks at row `at`."""

    def __init__(self, count: int, *, fails: tuple[int, int] | None = None, asks: tuple[int, int] | None = None) -> None:
        self.heard: list[tuple[int, int, int, int]] = []
        self.clock, self.passing, self.asked, self.fails, self.asks = Clock(), Passing(), list[str](), fails, asks
        route: Route = tuple((self.call(number), number, None, "on_quote") for number in range(count))  # type: ignore[misc]  # any desk will do
        self.end: End = loop_of(count)(self.passing, iter(ROWS), self.clock, self.asked, route)

    def call(self, number: int) -> Any:
        def hook(event: Any, desk: Any) -> None:
            self.heard.append((event.received, self.clock.now, self.passing.at, desk))
            if self.fails == (number, self.passing.at):
                raise ValueError("x")
            if self.asks == (number, self.passing.at):
                self.asked.append("s")

        return hook


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_each_row_moves_the_clock_and_is_heard_by_all_in_order(count: int) -> None:
    played = Played(count)
    assert played.heard == [(event.received, event.received, at, number) for at, event in ROWS for number in range(count)]
    assert (played.end, played.clock.now, played.passing.at) == (None, 30, 3)


@pytest.mark.parametrize("number", [0, 1])
def test_it_stops_behind_the_row_for_which_something_was_asked(number: int) -> None:
    played = Played(2, asks=(number, 2))
    assert (played.end, played.passing.at, len(played.heard)) == ((1, ROWS[1][1], None), 2, 4)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_it_stops_at_the_call_that_raises(number: int) -> None:
    played = Played(3, fails=(number, 2))
    assert played.end is not None
    last, event, error = played.end
    assert (last, event, str(error), len(played.heard)) == (number, ROWS[1][1], "x", 4 + number)


def test_what_the_rows_themselves_raise_is_nobody_s_fault() -> None:
    with pytest.raises(StopAsyncIteration):
        loop_of(1)(Passing(), _broken(), Clock(), [], ((lambda *_: None, None, None, "on_quote"),))  # type: ignore[arg-type]  # any desk


def _broken() -> Any:
    raise StopAsyncIteration
    yield
