"""What goes wrong on purpose while a server runs: rules for frames and for requests, each for so many times.

Owns the rules and their counting. It decides what becomes of a frame or a request; carrying that out is the faces'.
Reads no clock: what is delayed is handed to `later`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from enum import StrEnum
from http import HTTPStatus

import attrs

from strikeloop_venue.served.outbox import Connection


class FrameFault(StrEnum):
    """What may happen to an update on its way to a client."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"


class RequestFault(StrEnum):
    """What may happen to a REST request: another answer, its answer lost after it was carried out, or late."""

    ANSWER = "answer"
    LOSE = "lose"
    LATE = "late"


@attrs.define(kw_only=True)
class FrameRule:
    """The next `count` updates that fit (None fits all); 0 is without end. `seconds` is how late a delayed one is."""

    fault: FrameFault = attrs.field(converter=FrameFault)
    channel: str | None = None
    connection: int | None = None
    count: int = 1
    seconds: float = 1.0
    used: int = 0

    def fits(self, connection: Connection, channel: str) -> bool:
        return self.channel in (None, channel) and self.connection in (None, connection.number)


def _label(rule: RequestRule) -> str:
    return "TOO_MANY_REQUESTS" if rule.status == HTTPStatus.TOO_MANY_REQUESTS else "SERVER_ERROR"


@attrs.define(kw_only=True)
class RequestRule:
    """The next `count` requests of this method whose path under /api/v4 begins so; 0 is without end.

    `status`, `body` (text; None is the venue's error object with `label`) and `content_type` make the answer; `seconds` how late it is.
    """

    fault: RequestFault = attrs.field(converter=RequestFault)
    method: str | None = None
    path: str = "/"
    count: int = 1
    seconds: float = 1.0
    status: int = 500
    label: str = attrs.field(default=attrs.Factory(_label, takes_self=True))
    body: str | None = None
    content_type: str = "application/json"
    used: int = 0

    def fits(self, method: str, path: str) -> bool:
        return self.method in (None, method) and path.startswith(self.path)


Rule = FrameRule | RequestRule


@attrs.define(eq=False)
class Injection:
    """The rules of one server. `later(seconds, action)` does something after that time."""

    later: Callable[[float, Callable[[], object]], object] = lambda seconds, action: action()
    rules: dict[int, Rule] = attrs.field(factory=dict)
    _ids: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def add(self, rule: Rule) -> int:
        """A rule from now on; returns the number by which it is removed."""
        number = next(self._ids)
        self.rules[number] = rule
        return number

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.rules.clear()

    def deliver(self, connection: Connection, channel: str, frame: bytes, key: object) -> None:
        """Put an update into the connection's outbox, or do to it what the first rule that fits says."""
        rule = next((rule for rule in self.rules.values() if isinstance(rule, FrameRule) and rule.fits(connection, channel)), None)
        if rule is None:
            connection.outbox.put(frame, key)
            connection.release()
            return
        self._use(rule)
        match rule.fault:
            case FrameFault.DROP:
                pass
            case FrameFault.DUPLICATE:
                connection.outbox.put(frame)
                connection.outbox.put(frame)
            case FrameFault.REORDER:
                connection.held.append((frame, key))
            case FrameFault.DELAY:
                self.later(rule.seconds, lambda: connection.outbox.put(frame))

    def request(self, method: str, path: str) -> RequestRule | None:
        """The first rule that fits a request; it is used by being asked for."""
        rule = next((rule for rule in self.rules.values() if isinstance(rule, RequestRule) and rule.fits(method, path)), None)
        if rule is not None:
            self._use(rule)
        return rule

    def _use(self, rule: Rule) -> None:
        rule.used += 1
        if rule.count and rule.used >= rule.count:
            self.rules = {number: other for number, other in self.rules.items() if other is not rule}
