"""The sinks that tell people of alerts: by apprise, by a webhook, on the desktop, and in a file.

Owns what they share (which alerts, how often) and what each may be told. Alerts are those of plugins and of the run, faults
of plugins, liquidations, and, as information, the start and the end of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import attrs

from strikeloop import AlertRaised, Event, Liquidated, PluginFaulted, RunStarted, RunStopping, Severity, hookimpl, plugin, state
from strikeloop.wire import Secret
from strikeloop_notify.alert_file import AlertFile
from strikeloop_notify.apprise_channel import by_apprise
from strikeloop_notify.channels import Channel, Mask
from strikeloop_notify.courier import Courier
from strikeloop_notify.desktop_channel import DesktopChannel
from strikeloop_notify.notes import RANKS, Note, note_of
from strikeloop_notify.outgoing import Outgoing
from strikeloop_notify.settings import not_empty, positive
from strikeloop_notify.webhook_channel import WebhookChannel


class Listener:
    """Hears what is worth a note, and hands those that are severe enough to `tell`."""

    min_severity: Severity

    async def tell(self, note: Note) -> None:
        raise NotImplementedError

    @hookimpl
    async def on_start(self, event: RunStarted) -> None:
        await self._hear(event)

    @hookimpl
    async def on_alert(self, event: AlertRaised) -> None:
        await self._hear(event)

    @hookimpl
    async def on_fault(self, event: PluginFaulted) -> None:
        await self._hear(event)

    @hookimpl
    async def on_liquidation(self, event: Liquidated) -> None:
        await self._hear(event)

    @hookimpl
    async def on_stop(self, event: RunStopping) -> None:
        await self._hear(event)

    async def _hear(self, event: Event) -> None:
        note = note_of(event)
        if note is not None and RANKS[note.severity] >= RANKS[self.min_severity]:
            await self.tell(note)


@plugin
class Sender(Listener):
    """What every sink that sends messages may be told."""

    min_severity: Severity = Severity.WARNING
    group_s: float = attrs.field(default=60.0, validator=positive)
    per_minute: float = attrs.field(default=6.0, validator=positive)
    tries: int = attrs.field(default=8, validator=positive)
    timeout_s: float = attrs.field(default=15.0, validator=positive)
    label: str = ""
    couriers: tuple[Courier, ...] = state(default=())

    def __attrs_post_init__(self) -> None:
        mask = Mask(self.secrets())
        self.couriers = tuple(Courier(name, channel, self._outgoing(), mask, self.timeout_s) for name, channel in self.channels())

    def channels(self) -> Iterator[tuple[str, Channel]]:
        """Each way to people with a name for the log; none waits for another. Raises ValueError for one that cannot work."""
        raise NotImplementedError

    def secrets(self) -> tuple[Secret, ...]:
        return ()

    async def tell(self, note: Note) -> None:
        for courier in self.couriers:
            courier.put(note)

    async def work(self) -> None:
        async with anyio.create_task_group() as tasks:
            for courier in self.couriers:
                tasks.start_soon(courier.work)

    async def flush(self) -> None:
        """One last attempt with everything that waits."""
        async with anyio.create_task_group() as tasks:
            for courier in self.couriers:
                tasks.start_soon(courier.flush)

    @hookimpl
    async def on_stop(self, event: RunStopping) -> None:
        await self._hear(event)
        await self.flush()

    def _outgoing(self) -> Outgoing:
        return Outgoing(group_s=self.group_s, per_minute=self.per_minute, tries=self.tries, label=self.label)


@plugin
class AppriseAlerts(Sender):
    """Send alerts through any service that apprise knows: mail, Telegram, Slack, Matrix, Pushover, ntfy and many more.

    urls: addresses in apprise's form, each a reference to a secret, because they hold tokens; none waits for another.
    min_severity: info, warning or critical: what is less severe is not sent. group_s: seconds within which more of the same
    source and topic is counted instead of sent. per_minute: messages at most; beyond it everything that waits leaves as one.
    tries: attempts before a note is given up. timeout_s: seconds for one attempt. label: begins each title.
    """

    urls: tuple[Secret, ...] = attrs.field(validator=not_empty)

    def channels(self) -> Iterator[tuple[str, Channel]]:
        yield from by_apprise(self.urls)

    def secrets(self) -> tuple[Secret, ...]:
        return self.urls


@plugin
class WebhookAlerts(Sender):
    """POST alerts as JSON to an address of yours.

    url: https address, a reference to a secret. token: sent as bearer token, a reference to a secret.
    min_severity, group_s (seconds), per_minute, tries, timeout_s (seconds) and label are as in the sink on apprise.
    """

    url: Secret
    token: Secret | None = None

    def channels(self) -> Iterator[tuple[str, Channel]]:
        yield "webhook", WebhookChannel(self.url, self.token, self.timeout_s)

    def secrets(self) -> tuple[Secret, ...]:
        return (self.url,) if self.token is None else (self.url, self.token)


@plugin
class DesktopAlerts(Sender):
    """Show alerts on the desktop of this machine, by notify-send or osascript.

    min_severity, group_s (seconds), per_minute, tries, timeout_s (seconds) and label are as in the sink on apprise.
    """

    def channels(self) -> Iterator[tuple[str, Channel]]:
        yield "desktop", DesktopChannel()


@plugin
class LogAlerts(Listener):
    """Append every alert to a file, as JSON lines: time, severity, source, topic, text.

    file: where, relative to the working directory; its folder must exist. max_mb: megabytes after which it becomes FILE.1.
    min_severity: info, warning or critical: what is less severe is not written.
    """

    file: Path = Path("alerts.jsonl")
    max_mb: float = attrs.field(default=10.0, validator=positive)
    min_severity: Severity = Severity.INFO
    written: AlertFile = state(default=None)

    def __attrs_post_init__(self) -> None:
        if not self.file.parent.is_dir():
            raise ValueError(f"there is no folder {self.file.parent} for {self.file.name}; make it first")
        self.written = AlertFile(self.file, self.max_mb * 1e6)

    async def tell(self, note: Note) -> None:
        await anyio.to_thread.run_sync(self.written.write, note)
