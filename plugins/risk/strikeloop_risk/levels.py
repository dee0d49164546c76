"""Three levels with hysteresis and reminders: what a monitor says once, again while it lasts, and when it is over.

Owns `Level`, which knows shares of a limit and nothing of what they are shares of, and `Alarms`, what every monitor that
judges by levels may be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs

from strikeloop import Desk, Severity, plugin, state
from strikeloop_risk.limits import positive, share

SECOND_NS = 1_000_000_000
OnCritical = Literal["alert", "halt", "cancel", "flatten"]
"""What a critical figure leads to beside its alert: nothing; no more openings; orders withdrawn too; positions closed too."""
_RANKS = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)


@attrs.define
class Level:
    """Where a figure stands against its limit.

    It rises to warning at the share `warn_at` and to critical at 1, at once. It falls only when the share is below
    `clear` times the threshold it rose at.

    >>> level = Level(warn_at=0.8, clear=0.9)
    >>> [level.move(share) for share in (0.5, 1.01, 0.95, 0.85, 0.7)]
    [None, <Severity.CRITICAL: 'critical'>, None, <Severity.WARNING: 'warning'>, <Severity.INFO: 'info'>]
    """

    warn_at: float
    clear: float
    now: Severity = Severity.INFO
    since: int = 0
    """When it reached the present level, ns."""
    told: int = 0
    """When it was last told, ns."""

    def move(self, share: float) -> Severity | None:
        """The new level where `share` of the limit changes it, None where it stays."""
        reached = self._at(share, 1.0)
        kept = min(_rank(self.now), self._at(share, self.clear))
        level = _RANKS[max(reached, kept)]
        if level is self.now:
            return None
        self.now = level
        return level

    def _at(self, share: float, factor: float) -> int:
        return 2 if share >= factor else 1 if share >= self.warn_at * factor else 0


@plugin
class Alarms:
    """What monitors that judge by levels have in common: a warning before the limit, hysteresis, and reminders while it lasts.

    A figure that becomes critical may also halt the run, by the kill switch.
    """

    warn_at: float = attrs.field(default=0.8, validator=share)
    clear: float = attrs.field(default=0.9, validator=share)
    warn_again_s: float | None = attrs.field(default=3_600.0, validator=positive)
    again_s: float | None = attrs.field(default=900.0, validator=positive)
    on_critical: OnCritical = "alert"
    levels: dict[tuple[str, ...], Level] = state(factory=dict)

    def judge(self, desk: Desk, key: tuple[str, ...], share: float, topic: str, say: Callable[[Severity], str]) -> Severity | None:
        """Raise the alert that is due of the figure `key` at this share of its limit, in the words of `say`; its severity, if any was."""
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(self.warn_at, self.clear)
        severity, lasting = level.move(share), ""
        if severity is not None:
            level.since = desk.now
        elif self._is_due(level, desk.now):
            severity, lasting = level.now, f", for {span(desk.now - level.since)} now"
        if severity is None:
            return None
        level.told, text = desk.now, f"{say(severity)}{lasting}"
        desk.alert(text, topic=topic, severity=severity)
        if severity is Severity.CRITICAL and not lasting and self.on_critical != "alert":
            desk.halt(text, cancel=self.on_critical != "halt", flatten=self.on_critical == "flatten")
        return severity

    def _is_due(self, level: Level, now: int) -> bool:
        again_s = {Severity.WARNING: self.warn_again_s, Severity.CRITICAL: self.again_s}.get(level.now)
        return again_s is not None and now - level.told >= again_s * SECOND_NS


def span(left: int) -> str:
    """A time in ns as its two largest units, rounded down to the second.

    >>> span(90_061_000_000_000)
    '1 d 1 h'
    """
    seconds = left // SECOND_NS
    sizes = {"d": seconds // 86_400, "h": seconds // 3_600 % 24, "min": seconds // 60 % 60, "s": seconds % 60}
    parts = [f"{count} {unit}" for unit, count in sizes.items() if count]
    return " ".join(parts[:2]) or "less than 1 s"


def _rank(level: Severity) -> int:
    return _RANKS.index(level)
