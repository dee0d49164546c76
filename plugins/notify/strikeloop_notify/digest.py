"""The sink that sums up: what happened to the account, every so many hours and at the end of the run.

Owns `Digest`. Its hours are those of UTC, so that a daily one comes at the same time each day.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import anyio
import attrs

from strikeloop import Event, RunStopping, Severity, hookimpl, plugin, state
from strikeloop.wire import Secret
from strikeloop_notify.account_digest import AccountDigest
from strikeloop_notify.alerts import Sender
from strikeloop_notify.apprise_channel import by_apprise
from strikeloop_notify.channels import Channel
from strikeloop_notify.notes import Note
from strikeloop_notify.settings import positive
from strikeloop_notify.webhook_channel import WebhookChannel

HOUR_S = 3_600.0


@plugin
class Digest(Sender):
    """Send a summary of the account: equity and its change, fills, positions, greeks, refusals, alerts, faults.

    urls: addresses in apprise's form; webhook: an https address that takes JSON; each a reference to a secret, one at least.
    every_h: hours between two summaries. offset_h: hours after midnight UTC from which they are counted: 24 and 8 is daily at
    08:00 UTC. The end of a run is summed up too.
    tries, timeout_s (seconds), label, per_minute, group_s (seconds) and min_severity are as in the sink on apprise; the last
    two change nothing here.
    """

    urls: tuple[Secret, ...] = ()
    webhook: Secret | None = None
    every_h: float = attrs.field(default=24.0, validator=positive)
    offset_h: float = 0.0
    seen: AccountDigest = state(factory=AccountDigest)
    last: int = state(default=0)
    count: int = state(default=0)

    def channels(self) -> Iterator[tuple[str, Channel]]:
        if not self.urls and self.webhook is None:
            raise ValueError("Digest has nowhere to go; set urls or webhook")
        yield from by_apprise(self.urls)
        if self.webhook is not None:
            yield "webhook", WebhookChannel(self.webhook, None, self.timeout_s)

    def secrets(self) -> tuple[Secret, ...]:
        return self.urls if self.webhook is None else (*self.urls, self.webhook)

    async def tell(self, note: Note) -> None:
        """Single alerts are for the other sinks; here they are counted."""

    @hookimpl
    async def on_event(self, event: Event) -> None:
        self.last = event.received
        self.seen.see(event)

    @hookimpl
    async def on_stop(self, event: RunStopping) -> None:
        self.last = event.received
        self._sum_up(f"the run ends: {event.reason or 'it was asked to'}")
        await self.flush()

    async def work(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(super().work)
            while True:
                await anyio.sleep(until_next(time.time(), self.every_h * HOUR_S, self.offset_h * HOUR_S))
                self._sum_up(f"the last {self.every_h:g} h")

    def _sum_up(self, about: str) -> None:
        self.count += 1
        text = f"{about}\n{self.seen.text()}"
        self.seen.restart()
        # Each under a topic of its own: two digests are never one.
        note = Note(source="strikeloop", topic=f"digest {self.count}", severity=Severity.INFO, text=text, time=self.last)
        for courier in self.couriers:
            courier.put(note)


def until_next(now_s: float, every_s: float, offset_s: float) -> float:
    """Seconds from `now_s` to the next multiple of `every_s` after `offset_s`; never 0.

    >>> until_next(7 * 3600.0, 24 * 3600.0, 8 * 3600.0)
    3600.0
    """
    return every_s - (now_s - offset_s) % every_s
