"""What passes through a connection, piece by piece: WebSocket frames, HTTP requests and their responses.

Owns the pieces as values and how each is written. A piece that nobody changed is written with the bytes it came in.
It never judges what it writes: a wrong length or a reserved bit is as good as any other.
"""

from __future__ import annotations

from typing import Literal

import attrs

Side = Literal["client", "server"]
"""Where a piece goes."""
Headers = tuple[tuple[str, str], ...]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
DATA = frozenset({CONTINUATION, TEXT, BINARY})
MASK_KEY = b"\x37\xfa\x21\x3d"


@attrs.frozen
class Frame:
    """One WebSocket frame, unmasked; `reserved` are its three reserved bits."""

    payload: bytes
    opcode: int = TEXT
    fin: bool = True
    reserved: int = 0
    raw: bytes = attrs.field(default=b"", kw_only=True, repr=False, eq=False)

    def write(self, to: Side) -> bytes:
        """The frame's bytes: as they came, else made, and masked where it goes to the server."""
        if self.raw:
            return self.raw
        size, mask = len(self.payload), 0x80 if to == "server" else 0
        head = bytes([(0x80 if self.fin else 0) | self.reserved << 4 | self.opcode])
        if size < 126:
            head += bytes([mask | size])
        elif size < 65_536:
            head += bytes([mask | 126]) + size.to_bytes(2, "big")
        else:
            head += bytes([mask | 127]) + size.to_bytes(8, "big")
        return head + (MASK_KEY + masked(self.payload, MASK_KEY) if mask else self.payload)


@attrs.frozen(kw_only=True)
class Request:
    """One HTTP request, whole. `is_upgrade` asks for a WebSocket."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    raw: bytes = attrs.field(default=b"", repr=False, eq=False)

    @property
    def is_upgrade(self) -> bool:
        return (header(self.headers, "upgrade") or "").lower() == "websocket"

    def write(self, _to: Side) -> bytes:
        return self.raw or _head(f"{self.method} {self.target} HTTP/1.1", self.headers) + self.body


@attrs.frozen(kw_only=True)
class Response:
    """One HTTP response, whole, and the request it answers; its body without chunk marks."""

    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    request: Request
    raw: bytes = attrs.field(default=b"", repr=False, eq=False)

    def write(self, _to: Side) -> bytes:
        return self.raw or _head(f"HTTP/1.1 {self.status} {self.reason}", self.headers) + self.body


@attrs.frozen
class Opened:
    """A connection as such, before its first byte."""

    def write(self, _to: Side) -> bytes:
        return b""


Piece = Opened | Request | Response | Frame


@attrs.frozen
class Passing:
    """A piece on its way `to` one side, over the connection of this number (the first is 1)."""

    piece: Piece
    to: Side
    connection: int


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header; None where it is missing."""
    return next((value for key, value in headers if key.lower() == name.lower()), None)


def with_headers(headers: Headers, changes: dict[str, str | None]) -> Headers:
    """`headers` with some replaced or added; None takes one out."""
    changed = {name.lower() for name in changes}
    kept = tuple((name, value) for name, value in headers if name.lower() not in changed)
    return kept + tuple((name, value) for name, value in changes.items() if value is not None)


def masked(payload: bytes, key: bytes) -> bytes:
    """RFC 6455 §5.3; its own inverse."""
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def _head(first: str, headers: Headers) -> bytes:
    return "".join([first.rstrip(), "\r\n", *(f"{name}: {value}\r\n" for name, value in headers), "\r\n"]).encode("latin-1")
