"""Blocking calls in threads that nobody has to wait for.

Owns `DaemonCalls`. anyio's own worker threads hold up the end of a process until their call returns; a notification service
that hangs must not.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio.from_thread import BlockingPortal

T = TypeVar("T")


class DaemonCalls:
    """One call at a time. A call that was left behind because it took too long blocks the next ones until it returns."""

    def __init__(self) -> None:
        self.is_hanging = False
        """Whether a call has not returned yet, given up or not."""

    async def run(self, function: Callable[[], T]) -> T:
        """What `function` returns or raises, from a daemon thread. Cancelling leaves the thread behind."""
        done, results, errors = anyio.Event(), list[T](), list[Exception]()
        async with BlockingPortal() as portal:

            def call() -> None:
                try:
                    results.append(function())
                except Exception as error:  # noqa: BLE001  # it is raised again where it is waited for
                    errors.append(error)
                self.is_hanging = False
                with contextlib.suppress(RuntimeError):  # nobody waits any more: the portal, or its loop, is gone
                    portal.call(done.set)

            self.is_hanging = True
            threading.Thread(target=call, name="strikeloop-notify", daemon=True).start()
            await done.wait()
        if errors:
            raise errors[0]
        return results[0]
