"""When a rule strikes: what a piece must be like. Every condition that is given must hold; without any, all do.

Owns the five selectors. Each is a value; one of your own needs only `matches`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import attrs

from strikeloop.testing.faults.pieces import DATA, Frame, Opened, Passing, Request, Response, Side


class When(Protocol):
    """A condition on a passing piece."""

    def matches(self, passing: Passing) -> bool: ...


@attrs.frozen
class Connections:
    """A connection, when it is accepted and nothing has been said yet. `number` counts from 1."""

    number: int | None = None

    def matches(self, passing: Passing) -> bool:
        return isinstance(passing.piece, Opened) and self.number in (None, passing.connection)


@attrs.frozen(kw_only=True)
class Frames:
    """WebSocket frames of data on their way `to` a side (None: either), or those with `opcode`.

    `text` stands anywhere in the payload; `has` are members that the payload's JSON object has, with these values.
    """

    to: Side | None = "client"
    text: str = ""
    has: Mapping[str, Any] = attrs.field(factory=dict)
    opcode: int | None = None
    connection: int | None = None

    def matches(self, passing: Passing) -> bool:
        frame = passing.piece
        if not isinstance(frame, Frame) or not _fits(passing, self.to, self.connection):
            return False
        is_of_kind = frame.opcode in DATA if self.opcode is None else frame.opcode == self.opcode
        return is_of_kind and self.text.encode() in frame.payload and (not self.has or _has(frame.payload, self.has))


@attrs.frozen
class Requests:
    """HTTP requests, those for a WebSocket excepted; `path` stands anywhere in the path or query."""

    method: str | None = None
    path: str = ""
    connection: int | None = attrs.field(default=None, kw_only=True)

    def matches(self, passing: Passing) -> bool:
        piece = passing.piece
        return isinstance(piece, Request) and _asks(piece, self.method, self.path) and _fits(passing, None, self.connection)


@attrs.frozen
class Responses:
    """Answers to such HTTP requests, those with `status` if one is given."""

    method: str | None = None
    path: str = ""
    status: int | None = attrs.field(default=None, kw_only=True)
    connection: int | None = attrs.field(default=None, kw_only=True)

    def matches(self, passing: Passing) -> bool:
        piece = passing.piece
        if not isinstance(piece, Response) or self.status not in (None, piece.status):
            return False
        return _asks(piece.request, self.method, self.path) and _fits(passing, None, self.connection)


@attrs.frozen(kw_only=True)
class Upgrades:
    """The handshake of a WebSocket: the request (`to` the server), or its answer (`to` the client)."""

    to: Side = "server"
    connection: int | None = None

    def matches(self, passing: Passing) -> bool:
        piece = passing.piece
        request = piece.request if isinstance(piece, Response) else piece
        return isinstance(request, Request) and request.is_upgrade and _fits(passing, self.to, self.connection)


def _fits(passing: Passing, to: Side | None, connection: int | None) -> bool:
    return to in (None, passing.to) and connection in (None, passing.connection)


def _asks(request: Request, method: str | None, path: str) -> bool:
    return not request.is_upgrade and method in (None, request.method) and path in request.target


def _has(payload: bytes, members: Mapping[str, Any]) -> bool:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and all(name in found and found[name] == value for name, value in members.items())
