"""The specification of strikeloop.testing.virtual: hours that cost nothing, on asyncio and trio, and a stand-still that is told."""

from __future__ import annotations

import sys
import time

import anyio
import pytest

from strikeloop import ConfigError
from strikeloop.testing import VirtualClock, run_virtually

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@BACKENDS
def test_hours_pass_at_once_and_the_clock_follows(backend: str) -> None:
    async def wait() -> int:
        clock = VirtualClock()
        before = clock.now()
        await anyio.sleep(3 * 3600)
        return clock.now() - before

    began = time.process_time()
    assert run_virtually(backend, wait) == pytest.approx(3 * 3600 * 10**9, abs=1_000)
    assert time.process_time() - began < 60


@BACKENDS
def test_sleepers_wake_in_the_order_of_their_time(backend: str) -> None:
    woke: list[int] = []

    async def sleep(seconds: int) -> None:
        await anyio.sleep(seconds)
        woke.append(seconds)

    async def wait() -> None:
        async with anyio.create_task_group() as tasks:
            for seconds in (30, 10, 20):
                tasks.start_soon(sleep, seconds)

    run_virtually(backend, wait)
    assert woke == [10, 20, 30]


def test_who_waits_for_nobody_is_told() -> None:
    with pytest.raises(RuntimeError, match="everybody waits for somebody else"):
        run_virtually("asyncio", anyio.Event().wait)


def test_without_trio_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trio.testing", None)
    with pytest.raises(ConfigError, match=r"pip install strikeloop\[trio\]"):
        run_virtually("trio", anyio.Event().wait)
