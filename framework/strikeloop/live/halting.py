"""The kill switch of a running process: what others ask of it from outside, and what is kept of it for the next run.

Owns `Halting`. It turns files and an earlier run's halt into inputs of the engine, each once; deciding is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from strikeloop.errors import StorageError
from strikeloop.events import AlertRaised, HaltRequested, HaltReset, HaltUpdated, Severity
from strikeloop.journal import Asked, HaltNote


def nobody() -> Asked | None:
    """Nobody asks for anything."""
    return None


def forget(_: HaltUpdated) -> None:
    """Nothing is kept."""


class Halting:
    """`asked` and `reset` tell what other processes ask for, `keep` notes each state; `standing` is a halt of an earlier run.

    `tags` are those of this state directory's runs by now: whoever acts in the place of a run that hangs has one of its own.
    """

    def __init__(
        self,
        *,
        asked: Callable[[], Asked | None] = nobody,
        reset: Callable[[], Asked | None] = nobody,
        keep: Callable[[HaltUpdated], None] = forget,
        standing: HaltNote | None = None,
        tags: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._asked, self._reset, self._keep, self._standing = asked, reset, keep, standing
        self.tags = tags
        self.heard = 0
        """The mark of what was last acted upon."""
        self._reset_heard = 0
        self._unkept: list[HaltUpdated] = []
        self._trouble = self._told_trouble = ""

    def from_earlier(self, now: int) -> list[HaltRequested]:
        """The halt that an earlier run left: what it had not done is done."""
        before = self._standing
        if before is None:
            return []
        when = f" (run {before.run}, {datetime.fromtimestamp(before.time / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC)" if before.run else ""
        reason = before.reason if before.cause == "restart" else f"{before.reason}{when}; it holds until: strikeloop halt --reset"
        flatten = before.flatten and before.is_unfinished
        return [HaltRequested(time=now, received=now, cause="restart", by=before.by, reason=reason, cancel=before.cancel, flatten=flatten)]

    def from_outside(self, now: int) -> list[HaltRequested | HaltReset]:
        """What is asked for since the last call."""
        found: list[HaltRequested | HaltReset] = []
        asked, reset = self._asked(), self._reset()
        if reset is not None and reset.mark > 0 and reset.mark != self._reset_heard:  # one that cannot be read arms nothing
            self._reset_heard = self.heard = reset.mark
            found.append(HaltReset(time=now, received=now, by=reset.by, reason=reset.reason))
        if asked is not None and asked.mark != self.heard:
            self.heard = asked.mark
            found.append(
                HaltRequested(
                    time=now, received=now, cause="command", by=asked.by, reason=asked.reason, cancel=asked.cancel, flatten=asked.flatten
                )
            )
        return found

    def see(self, told: HaltUpdated) -> None:
        """The kill switch is in another state: note it for the next run."""
        self._unkept.append(told)
        self._write()

    def troubles(self, now: int) -> list[AlertRaised]:
        """Try again what could not be noted; people are told once."""
        self._write()
        is_news, self._told_trouble = self._trouble != self._told_trouble, self._trouble
        if not self._trouble or not is_news:
            return []
        text = f"the next run will not know of this halt: {self._trouble}"
        return [AlertRaised(time=now, received=now, source="live", topic="storage", text=text, severity=Severity.CRITICAL)]

    def _write(self) -> None:
        self._trouble = ""
        while self._unkept:
            try:
                self._keep(self._unkept[0])
            except StorageError as error:
                self._trouble = str(error)
                return
            del self._unkept[0]
