"""Time that jumps: event loops that go to the next timer at once when nothing is left to do, and a clock that follows them.

Owns `run_virtually` and `VirtualClock`. A minute of waiting costs nothing, and the same program does the same each time
on asyncio; on trio tasks are shuffled, which is what trio is asked for here.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

from strikeloop.clock import SECOND_NS
from strikeloop.errors import ConfigError
from strikeloop.live.clock import WallClock
from strikeloop.testing.scripted import START_NS

T = TypeVar("T")


class NoTrioError(ConfigError):
    """The backend that was asked for is not installed."""


class JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: where it should, time is moved on instead."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left to do and no timer is set: everybody waits for somebody else")
        if not ready and timeout is not None and timeout > 0:
            self.jumped += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.jumped


class VirtualClock(WallClock):
    """ns UTC on the loop's own time, from 1 June 2026 on."""

    def now(self) -> int:
        return START_NS + round(anyio.current_time() * SECOND_NS)


def run_virtually(backend: str, function: Callable[[], Awaitable[T]]) -> T:
    """Run `function` on virtual time. Works with whatever opens no socket and starts no thread.

    `backend` is asyncio or trio. Raises NoTrioError where trio is not installed.
    """
    options: dict[str, Any] = {"loop_factory": JumpingLoop} if backend == "asyncio" else {"clock": _mock_clock()}
    return anyio.run(function, backend=backend, backend_options=options)


def _mock_clock() -> Any:
    try:
        from trio.testing import MockClock  # noqa: PLC0415 - an extra of the core
    except ImportError as exc:
        raise NoTrioError("tests on trio need trio: pip install strikeloop[trio]") from exc
    return MockClock(autojump_threshold=0)
