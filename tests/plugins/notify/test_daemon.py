"""The specification of strikeloop_notify.daemon: blocking calls that nobody has to wait for."""

from __future__ import annotations

import subprocess
import sys
import threading

import anyio
import pytest

from strikeloop_notify.daemon import DaemonCalls

pytestmark = pytest.mark.anyio


async def test_a_call_gives_what_the_function_returns() -> None:
    assert await DaemonCalls().run(lambda: threading.current_thread().daemon) is True


async def test_a_call_raises_what_the_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await DaemonCalls().run(lambda: 1 // 0)


async def test_a_call_that_takes_too_long_is_left_behind_and_known_to_hang_until_it_returns() -> None:
    calls, gate = DaemonCalls(), threading.Event()
    with anyio.move_on_after(0.02) as limit:
        await calls.run(gate.wait)
    assert limit.cancelled_caught
    assert calls.is_hanging
    gate.set()
    with anyio.fail_after(10):
        while calls.is_hanging:  # noqa: ASYNC110  # what is waited for happens in another thread
            await anyio.sleep(0.001)
    assert await calls.run(lambda: 7) == 7


HANGING = """
import anyio, threading
from strikeloop_notify.daemon import DaemonCalls

async def main():
    with anyio.move_on_after(0.02):
        await DaemonCalls().run(threading.Event().wait)
    print("left")

anyio.run(main, backend="{backend}")
"""


async def test_a_process_ends_although_a_call_never_returns(anyio_backend_name: str) -> None:
    code = HANGING.replace("{backend}", anyio_backend_name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: ASYNC221  # nothing else goes on
    assert done.stdout == "left\n"
