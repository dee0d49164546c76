"""The thread that watches the loop: which hook keeps it, at which line, said while it does."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from strikeloop import Desk
from strikeloop.engine import Engine, Plugin
from strikeloop.live.hooktimes import HookTimes
from strikeloop.live.watchdog import ALERT_S, BEAT_S, STUCK_S, Watchdog
from strikeloop.margin import Classic
from tests.framework.stage import made, position


class Watched:
    """A watchdog whose time the test makes."""

    def __init__(self) -> None:
        self.now_s, self.said, self.times = 100.0, list[str](), HookTimes()
        self.watchdog = Watchdog(self.said.append, self.times, lambda: self.now_s)
        self.watchdog._watched = threading.get_ident()

    def run(self, hook: Callable[[Any, Desk], None]) -> None:
        """A strategy's hook is called."""
        plugins = [Plugin(name="slow", kind="strategy", plugin=made(on_start=lambda event, desk: None, on_position=hook))]
        engine = Engine(plugins, margin=Classic(), wrap=self.times.wrap)
        engine.dispatch.start()
        engine.step(position(1))

    def later(self, seconds: float) -> None:
        """Time passes, and the thread looks."""
        self.now_s += seconds
        looking = threading.Thread(target=self.watchdog.look)
        looking.start()
        looking.join()


def deep(watched: Watched, seconds: float) -> None:
    watched.later(seconds)


def test_a_hook_that_keeps_the_loop_is_named_with_file_and_line() -> None:
    watched = Watched()
    watched.run(lambda event, desk: deep(watched, ALERT_S + BEAT_S + 0.001))
    (said,) = watched.said
    assert said.startswith("the loop has stood still for 0.25 s in slow.on_position at ")
    assert re.search(r" at \S+stage\.py:\d+ \(hook\), in \S+threading\.py:\d+ \(\w+\)$", said)


def test_below_the_limit_nothing_is_said() -> None:
    watched = Watched()
    watched.run(lambda event, desk: deep(watched, ALERT_S + BEAT_S - 0.01))
    assert watched.said == []


def test_it_is_said_once_and_once_more_when_it_lasts() -> None:
    watched = Watched()

    def hook(event: Any, desk: Desk) -> None:
        for _ in range(60):
            watched.later(0.0501)

    watched.run(hook)
    assert [text[: text.index(" in slow")] for text in watched.said] == [
        "the loop has stood still for 0.25 s",
        "the loop has stood still for 2.0 s",
    ]


def test_a_loop_that_stands_for_a_moment_without_a_hook_is_no_plugins_fault() -> None:
    watched = Watched()
    watched.later(1.0)
    assert watched.said == []
    watched.later(2.0)
    assert len(watched.said) == 1


def test_the_next_round_tells_for_how_long_and_where_and_begins_anew() -> None:
    watched = Watched()
    watched.run(lambda event, desk: deep(watched, 1.0 + BEAT_S))
    assert not watched.watchdog.is_stuck
    lag, where = watched.watchdog.beat()
    assert lag == pytest.approx(1.0)
    assert where.split(" at ")[0] == " in slow.on_position"
    assert watched.watchdog.beat() == (0.0, "")


def test_a_loop_that_stood_for_long_is_stuck_until_it_comes_round() -> None:
    watched = Watched()
    watched.now_s += STUCK_S + BEAT_S + 0.001
    assert watched.watchdog.is_stuck
    watched.watchdog.beat()
    assert not watched.watchdog.is_stuck


def test_the_thread_looks_by_itself_and_ends_when_it_is_told_to() -> None:
    said = threading.Event()
    now = [0.0]
    times = HookTimes()
    watchdog = Watchdog(lambda text: said.set(), times, lambda: now[0])
    watchdog.start()
    now[0] = 10.0
    assert said.wait(20)
    watchdog.stop()
    thread = watchdog._thread
    assert thread is not None
    thread.join(20)
    assert not thread.is_alive()
