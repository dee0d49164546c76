"""What happens to a piece that a rule strikes. Every fault is a value that turns the piece into operations, purely.

Owns the faults. One of your own needs only `ops`: the operations, in order, in place of the piece's passing; chance
comes from the generator that is handed in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from random import Random
from typing import Any, Protocol

import attrs

from strikeloop.testing.faults.ops import Keep, Op, Part, Pause, Shape, Still, Write
from strikeloop.testing.faults.pieces import (
    CLOSE,
    CONTINUATION,
    Frame,
    Opened,
    Passing,
    Piece,
    Request,
    Response,
    Side,
    header,
    with_headers,
)

MILLISECONDS_FROM = 10**11


class Fault(Protocol):
    """What is done in place of letting a piece pass."""

    def ops(self, passing: Passing, random: Random, /) -> Iterable[Op]: ...


def _as_frames(frames: Frame | str | bytes | Sequence[Frame | str | bytes]) -> tuple[Frame, ...]:
    several = [frames] if isinstance(frames, Frame | str | bytes) else frames
    return tuple(one if isinstance(one, Frame) else Frame(one.encode() if isinstance(one, str) else one) for one in several)


@attrs.frozen
class Pass:
    """Let it pass as it is: an exception from the rules behind."""

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write.of(passing.piece, passing.to)]


@attrs.frozen
class Drop:
    """It is lost; the connection goes on."""

    def ops(self, _passing: Passing, _random: Random, /) -> Iterable[Op]:
        return []


@attrs.frozen
class Repeat:
    """It arrives `times` times."""

    times: int = 2

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write.of(passing.piece, passing.to)] * self.times


@attrs.frozen
class Delay:
    """It waits, between `seconds` and `until_s` (seeded) if both are given; everything behind it waits too."""

    seconds: float
    until_s: float | None = None

    def ops(self, passing: Passing, random: Random, /) -> Iterable[Op]:
        wait = self.seconds if self.until_s is None else random.uniform(self.seconds, self.until_s)
        return [Pause(wait), Write.of(passing.piece, passing.to)]


@attrs.frozen
class Hold:
    """It is overtaken by the next `behind` pieces to the same side; where none follow, it never arrives."""

    behind: int = 1

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Keep(Write.of(passing.piece, passing.to), self.behind)]


@attrs.frozen
class Freeze:
    """The connection stays up, and from this piece on nothing comes through either way: for `seconds`, or until `thaw`.

    What was sent meanwhile arrives after it, as after an interrupted line.
    """

    seconds: float | None = None

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Still(self.seconds), Write.of(passing.piece, passing.to)]


@attrs.frozen
class Replace:
    """Its payload (a frame) or body (a message) is another one, or what a function makes of it; lengths are put right."""

    by: bytes | str | Callable[[bytes], bytes]

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write.of(_with_content(passing.piece, _content(self.by, passing.piece)), passing.to)]


@attrs.frozen
class Send:
    """A frame that nobody sent, or several, behind the piece; a str or bytes is the payload of a text frame."""

    frames: tuple[Frame, ...] = attrs.field(converter=_as_frames)
    to: Side = "client"

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write.of(passing.piece, passing.to), *(Write.of(frame, self.to) for frame in self.frames)]


@attrs.frozen
class Reply:
    """A frame to the server is not handed on; the client is answered with this text, or what a function makes of its payload."""

    by: bytes | str | Callable[[bytes], bytes]

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write.of(Frame(_content(self.by, passing.piece)), "client")]


@attrs.frozen
class Fragment:
    """A frame comes in `parts` fragments, of which only the first `sent` are sent if that is given."""

    parts: int = 2
    sent: int | None = None

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        frame = passing.piece
        if not isinstance(frame, Frame):
            return [Write.of(passing.piece, passing.to)]
        size = -(-len(frame.payload) // self.parts) or 1
        cuts = [frame.payload[at * size : (at + 1) * size] for at in range(self.parts)]
        parts = [Frame(cut, CONTINUATION if at else frame.opcode, fin=at == self.parts - 1) for at, cut in enumerate(cuts)]
        return [Write.of(part, passing.to) for part in parts[: self.sent]]


@attrs.frozen
class Close:
    """The client gets a close frame (`code` None: without one) and then the end of the connection."""

    code: int | None = 1000
    reason: str = ""

    def ops(self, _passing: Passing, _random: Random, /) -> Iterable[Op]:
        payload = b"" if self.code is None else self.code.to_bytes(2, "big") + self.reason.encode()
        return [Write.of(Frame(payload, CLOSE), "client"), Part(is_reset=False)]


@attrs.frozen
class HangUp:
    """The connection ends like a line that was hung up (FIN), without a word of the protocol above."""

    def ops(self, _passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Part(is_reset=False)]


@attrs.frozen
class Reset:
    """The connection is torn down (RST): an error at both sides."""

    def ops(self, _passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Part(is_reset=True)]


@attrs.frozen
class Cut:
    """The first `share` of its bytes arrives, then the connection ends."""

    share: float = 0.5
    is_reset: bool = False

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        data = passing.piece.write(passing.to)
        return [Write(passing.to, data[: max(1, int(len(data) * self.share))]), Part(is_reset=self.is_reset)]


@attrs.frozen
class Slice:
    """From here on every write to a side is cut into segments of `size` bytes, with a pause after each."""

    size: int = 1
    pause_s: float = 0.0
    to: Side = "client"

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Shape(self.to, size=self.size, pause_s=self.pause_s), Write.of(passing.piece, passing.to)]


@attrs.frozen
class Coalesce:
    """From here on `count` writes to a side become one, or as many as there are after `within_s`."""

    count: int = 8
    within_s: float = 0.05
    to: Side = "client"

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Shape(self.to, gather=self.count, within_s=self.within_s), Write.of(passing.piece, passing.to)]


@attrs.frozen
class Raw:
    """These bytes go to a side in place of the piece, whatever they are."""

    data: bytes
    to: Side = "client"

    def ops(self, _passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write(self.to, self.data)]


@attrs.frozen
class Respond:
    """The client gets this HTTP response: to a request the server then never sees, or in place of the server's own."""

    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str | None] = attrs.field(factory=dict, kw_only=True)

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        request = passing.piece if isinstance(passing.piece, Request) else Request(method="", target="")
        plain = {"content-type": "application/json", "content-length": str(len(body))}
        headers = with_headers(tuple(plain.items()), dict(self.headers))
        reason = next((known.phrase for known in HTTPStatus if known == self.status), "Unknown")
        response = Response(status=self.status, reason=reason, headers=headers, body=body, request=request)
        return [Write.of(response, "client")]


@attrs.frozen(kw_only=True)
class Edit:
    """A message goes on with another status or other headers (None takes one out); lengths are left as they are told."""

    status: int | None = None
    headers: Mapping[str, str | None] = attrs.field(factory=dict)

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        return [Write.of(self._edited(passing.piece), passing.to)]

    def _edited(self, piece: Piece) -> Piece:
        if not isinstance(piece, Request | Response):
            return piece
        changed = _plain(piece, with_headers(piece.headers, dict(self.headers)), piece.body)
        if isinstance(changed, Response) and self.status is not None:
            return attrs.evolve(changed, status=self.status, reason="")
        return changed


@attrs.frozen
class Skew:
    """The server's clock is off by `seconds`: in the header Date, and in these members of a JSON object (s or ms)."""

    seconds: float
    members: tuple[str, ...] = ("server_time", "time", "time_ms")

    def ops(self, passing: Passing, _random: Random, /) -> Iterable[Op]:
        piece = passing.piece
        if not isinstance(piece, Opened):
            piece = _with_content(piece, self._shifted(_content(lambda body: body, piece)))
        date = header(piece.headers, "date") if isinstance(piece, Response) else None
        if isinstance(piece, Response) and date is not None:
            moved = formatdate(parsedate_to_datetime(date).timestamp() + self.seconds, usegmt=True)
            piece = attrs.evolve(piece, headers=with_headers(piece.headers, {"date": moved}))
        return [Write.of(piece, passing.to)]

    def _shifted(self, content: bytes) -> bytes:
        try:
            document = json.loads(content)
        except ValueError:
            return content
        if not isinstance(document, dict):
            return content
        return json.dumps({name: self._moved(value) if name in self.members else value for name, value in document.items()}).encode()

    def _moved(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return type(value)(value + self.seconds * (1_000 if value >= MILLISECONDS_FROM else 1))


def _content(by: bytes | str | Callable[[bytes], bytes], piece: Piece) -> bytes:
    if isinstance(by, str):
        return by.encode()
    if isinstance(by, bytes):
        return by
    if isinstance(piece, Frame):
        return by(piece.payload)
    return by(b"" if isinstance(piece, Opened) else piece.body)


def _with_content(piece: Piece, content: bytes) -> Piece:
    if isinstance(piece, Opened):
        return piece
    if isinstance(piece, Frame):
        return attrs.evolve(piece, payload=content, raw=b"")
    return _plain(piece, with_headers(piece.headers, {"content-length": str(len(content))}), content)


def _plain(piece: Request | Response, headers: tuple[tuple[str, str], ...], body: bytes) -> Request | Response:
    """The message to be written anew, without chunks."""
    return attrs.evolve(piece, headers=with_headers(headers, {"transfer-encoding": None}), body=body, raw=b"")
