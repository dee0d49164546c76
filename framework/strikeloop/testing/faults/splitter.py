"""From bytes to pieces: the two directions of one connection, first HTTP/1.1, then WebSocket once both have agreed.

Owns `Splitter`. It reads what well-behaved clients and servers write; what is not HTTP at all is an error of the test,
raised as ValueError. It does no I/O.
"""

from __future__ import annotations

from collections import deque

import attrs

from strikeloop.testing.faults.pieces import Frame, Headers, Piece, Request, Response, Side, header, masked

HEAD_END = b"\r\n\r\n"
BODILESS = frozenset({204, 304})
UNTIL_CLOSE = -1


@attrs.define(eq=False)
class Talk:
    """What the two directions of a connection must know of each other."""

    asked: deque[Request] = attrs.field(factory=deque)
    """Requests that went to the server and are not answered yet."""
    is_websocket: bool = False


@attrs.define(eq=False)
class Splitter:
    """The pieces on their way `to` one side."""

    to: Side
    talk: Talk
    _data: bytearray = attrs.field(factory=bytearray, init=False)
    _is_over: bool = attrs.field(default=False, init=False)

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that `data` completes."""
        self._data += data
        pieces: list[Piece] = []
        while (piece := self._next()) is not None:
            pieces.append(piece)
        return pieces

    def end(self) -> list[Piece]:
        """The sender will say nothing more: a response without a length is whole now."""
        self._is_over = True
        return self.feed(b"")

    def _next(self) -> Piece | None:
        if self.talk.is_websocket:
            return self._frame()
        end = self._data.find(HEAD_END)
        if end < 0:
            return None
        first, headers = _parse(bytes(self._data[:end]))
        return self._request(first, headers, end + 4) if self.to == "server" else self._response(first, headers, end + 4)

    def _request(self, first: list[str], headers: Headers, at: int) -> Request | None:
        found = self._body(headers, at, 0)
        if found is None:
            return None
        body, raw = found
        return Request(method=first[0], target=first[1], headers=headers, body=body, raw=raw)

    def _response(self, first: list[str], headers: Headers, at: int) -> Response | None:
        status = int(first[1])
        is_final = status >= 200 or status == 101
        if not self.talk.asked:
            raise ValueError(f"the server answered {status} to a request that it never got")
        request = self.talk.asked[0]
        is_bodiless = not is_final or status in BODILESS or status == 101 or request.method == "HEAD"
        found = self._body(headers, at, 0 if is_bodiless else UNTIL_CLOSE, is_bodiless=is_bodiless)
        if found is None:
            return None
        if is_final:
            self.talk.asked.popleft()
        self.talk.is_websocket = status == 101
        body, raw = found
        reason = first[2] if len(first) > 2 else ""
        return Response(status=status, reason=reason, headers=headers, body=body, request=request, raw=raw)

    def _body(self, headers: Headers, at: int, otherwise: int, *, is_bodiless: bool = False) -> tuple[bytes, bytes] | None:
        """The body and all bytes of the message whose body begins at `at`; None while it is not all there."""
        length = header(headers, "content-length")
        if not is_bodiless and (header(headers, "transfer-encoding") or "").lower() == "chunked":
            chunks = _chunks(self._data, at)
            return None if chunks is None else (chunks[0], self._take(chunks[1]))
        size = otherwise if is_bodiless or length is None else int(length)
        if size == UNTIL_CLOSE:
            return (bytes(self._data[at:]), self._take(len(self._data))) if self._is_over else None
        if len(self._data) < at + size:
            return None
        return bytes(self._data[at : at + size]), self._take(at + size)

    def _take(self, end: int) -> bytes:
        raw = bytes(self._data[:end])
        del self._data[:end]
        return raw

    def _frame(self) -> Frame | None:
        data = self._data
        if len(data) < 2:
            return None
        length, at = data[1] & 0x7F, 2
        if length > 125:
            at = 4 if length == 126 else 10
            length = int.from_bytes(data[2:at], "big")
        is_masked = bool(data[1] & 0x80)
        start = at + 4 if is_masked else at
        if len(data) < start + length:
            return None
        raw = self._take(start + length)
        payload = masked(raw[start:], raw[at:start]) if is_masked else raw[start:]
        return Frame(payload, raw[0] & 0x0F, bool(raw[0] & 0x80), raw[0] >> 4 & 0x7, raw=raw)


def _parse(head: bytes) -> tuple[list[str], Headers]:
    lines = head.decode("latin-1").split("\r\n")
    first = lines[0].split(" ", 2)
    if len(first) < 2 or "HTTP/1." not in lines[0]:
        raise ValueError(f"this is not HTTP/1.1: {lines[0][:80]!r}")
    pairs = (line.partition(":") for line in lines[1:])
    return first, tuple((name, value.strip()) for name, _, value in pairs)


def _chunks(data: bytearray, at: int) -> tuple[bytes, int] | None:
    """The joined chunks of a body and where it ends; None while the last is missing. Trailers are not understood."""
    body = bytearray()
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line].partition(b";")[0], 16)
        at = line + 2 + size + 2
        if len(data) < at:
            return None
        if not size:
            return bytes(body), at
        body += data[line + 2 : at - 2]
    return None
