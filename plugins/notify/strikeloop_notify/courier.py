"""The courier: takes messages from `Outgoing` to a channel, in a task of its own.

Owns `Courier`. Whatever a channel does (hang, refuse, break) ends at its time limit and becomes another attempt; nothing of
it reaches the run.
"""

from __future__ import annotations

import logging
import math

import anyio

from strikeloop_notify.channels import Channel, Mask, UndeliveredError
from strikeloop_notify.notes import Message, Note
from strikeloop_notify.outgoing import Outgoing

logger = logging.getLogger("strikeloop.notify")


class Courier:
    """`timeout_s` is how long one attempt may take; `name` stands in the log where one fails."""

    def __init__(self, name: str, channel: Channel, outgoing: Outgoing, mask: Mask, timeout_s: float) -> None:
        self._name, self._channel, self._outgoing, self._mask, self._timeout_s = name, channel, outgoing, mask, timeout_s
        self._wake = anyio.Event()
        self._turn = anyio.Lock()
        self.delivered = 0
        """Messages that arrived."""
        self.problem = ""
        """Why the last attempt failed; "" after one that did not."""

    def put(self, note: Note) -> None:
        """Something to tell. Never waits."""
        self._outgoing.add(note, anyio.current_time())
        self._wake.set()

    async def work(self) -> None:
        """Deliver, until cancelled."""
        while True:
            now = anyio.current_time()
            message = None if self._turn.locked() else self._outgoing.take(now)
            if message is None:
                await self._wait(self._outgoing.next_time(now) - now)
            else:
                await self._try(message)

    async def flush(self) -> None:
        """One last attempt with everything that waits."""
        async with self._turn:
            message = self._outgoing.take_all()
            if message is not None:
                await self._deliver(message)

    async def _wait(self, seconds: float) -> None:
        self._wake = anyio.Event()
        with anyio.move_on_after(max(0.0, seconds) if seconds < math.inf else None):
            await self._wake.wait()

    async def _try(self, message: Message) -> None:
        async with self._turn:
            await self._deliver(message)

    async def _deliver(self, message: Message) -> None:
        try:
            with anyio.fail_after(self._timeout_s):
                await self._channel.send(message)
        except TimeoutError:
            self._fail(f"no answer within {self._timeout_s:g} s")
        except UndeliveredError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001  # a service's client may raise anything; it costs an attempt and no more
            self._fail(f"{type(error).__name__}: {error}")
        else:
            self._outgoing.delivered()
            self.delivered, self.problem = self.delivered + 1, ""

    def _fail(self, reason: str) -> None:
        pause = self._outgoing.failed(anyio.current_time())
        self.problem = self._mask(reason)
        logger.warning("%s: a message was not delivered: %s; next attempt in %g s", self._name, self.problem, pause)
