"""Memory and descriptors of this process against what it may use: a warning in time, and no new orders when it gets tight.

Owns `ResourceWatch` and `usage`. Limits are the least of those that are known: of the process, of its control group, of the machine, and
the one that is declared. It stops nothing that is on its way; the engine refuses what opens.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from strikeloop import events as e
from strikeloop.clock import SECOND_NS

EVERY_NS = SECOND_NS
RELIEF = 0.05
"""So far below its threshold a share must fall before the trouble is called over."""
NO_LIMIT = 1 << 60
GROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc/self")


@attrs.frozen
class Use:
    """How much is used of how much."""

    used: int
    limit: int
    unit: str

    @property
    def share(self) -> float:
        return self.used / self.limit

    def __str__(self) -> str:
        if self.unit == "bytes":
            return f"{self.used / 2**20:.0f} of {self.limit / 2**20:.0f} MB"
        return f"{self.used} of {self.limit} {self.unit}"


@attrs.frozen(kw_only=True)
class Thresholds:
    """Shares of a limit: from `warn_at` on people are told, from `deny_at` on nothing opens. `memory` is a limit of our own, bytes."""

    warn_at: float = 0.7
    deny_at: float = 0.85
    memory: int | None = None


class ResourceWatch:
    """Asks `read` once a second; tells by `deliver` and refuses orders of `adapters` by a gap of the driver."""

    def __init__(
        self,
        thresholds: Thresholds,
        adapters: Callable[[], Sequence[str]],
        deliver: Callable[[Sequence[e.Event]], None],
        read: Callable[[int | None], Mapping[str, Use]] | None = None,
    ) -> None:
        self._thresholds, self._adapters, self._deliver = thresholds, adapters, deliver
        self._read = usage if read is None else read
        self._levels: dict[str, int] = {}
        self._next_at = 0
        self.last: Mapping[str, Use] = {}

    def tick(self, now: int) -> None:
        """Time passed."""
        if now < self._next_at:
            return
        self._next_at = now + EVERY_NS
        self.last = self._read(self._thresholds.memory)
        for name, use in self.last.items():
            self._judge(name, use, now)

    def _judge(self, name: str, use: Use, now: int) -> None:
        before = self._levels.get(name, 0)
        level = self._levels[name] = self._level(use.share, before)
        if level == before:
            return
        if before == 2:
            self._tell(e.GapClosed, name, now)
        if level == 2:
            self._tell(e.GapOpened, name, now, reason=f"{use} of {name} are used")
        what = ("there is enough again", "it gets tight", "nothing is opened any more")[level]
        severity = (e.Severity.INFO, e.Severity.WARNING, e.Severity.CRITICAL)[level]
        text = f"{name}: {use} ({use.share:.0%}): {what}"
        self._deliver([e.AlertRaised(time=now, received=now, source="live", topic="resources", text=text, severity=severity)])

    def _level(self, share: float, before: int) -> int:
        """0 enough, 1 tight, 2 too tight; a level is left only well below its threshold."""
        level = 0
        for number, threshold in ((1, self._thresholds.warn_at), (2, self._thresholds.deny_at)):
            if share >= threshold - (RELIEF if before >= number else 0):
                level = number
        return level

    def _tell(self, kind: type[e.GapOpened | e.GapClosed], name: str, now: int, **words: str) -> None:
        self._deliver([kind(time=now, received=now, adapter=one, port="driver", channel=name, **words) for one in self._adapters()])


def usage(declared: int | None = None) -> dict[str, Use]:
    """What this process uses, where the system tells; `declared` is a limit of memory in bytes.

    Where no file can be opened any more, not even to look, every descriptor is used.
    """
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        found = {"memory": _memory(declared), "descriptors": Use(_descriptors(), limit, "descriptors")}
    except FileNotFoundError:
        return {}
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        return {"descriptors": Use(limit, limit, "descriptors")}
    return {name: use for name, use in found.items() if 0 < use.limit < NO_LIMIT}


def _memory(declared: int | None) -> Use:
    """The tighter of two: what is resident against the least limit of memory, and the address space against its own."""
    size, resident = (int(pages) * resource.getpagesize() for pages in (PROC / "statm").read_text().split()[:2])
    memory = Use(resident, min(limit for limit in (declared, *_group_limits(), _of_machine()) if limit), "bytes")
    address_space = resource.getrlimit(resource.RLIMIT_AS)[0]
    if address_space == resource.RLIM_INFINITY:
        return memory
    return max(memory, Use(size, address_space, "bytes"), key=lambda use: use.share)


def _descriptors() -> int:
    """Without the one that looks."""
    return sum(1 for _ in (PROC / "fd").iterdir()) - 1


def _of_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _group_limits() -> Iterator[int]:
    """Memory limits of the control groups this process is in, from its own up to the root."""
    try:
        lines = (PROC / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, name = (GROUPS, "memory.max") if not controllers else (GROUPS / "memory", "memory.limit_in_bytes")
        own = Path(group.lstrip("/"))
        for place in (own, *own.parents):
            yield from _limit(root / place / name)


def _limit(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdigit() and int(text) < NO_LIMIT:
        yield int(text)
