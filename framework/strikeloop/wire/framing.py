"""The WebSocket protocol without I/O: bytes in, messages and answers out.

Theory of operation: nearly all that a venue sends is whole, unmasked, unfragmented text frames. Those are sliced from
the buffer directly. Everything else, byte for byte, goes to the `websockets` library's ClientProtocol, which answers
pings, judges what is wrong and closes. Once that has left its state OPEN, it gets every byte. Messages are handed over
before it gets anything, so that they can still be answered if what follows ends the link. No socket and no clock is read.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterable

import attrs
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from strikeloop.errors import AuthRejectedError, ConfigError, LinkLostError, Problem
from strikeloop.wire.endpoint import one_line

WHOLE_TEXT = 0x81  # FIN set, no reserved bit, opcode text
FIRST_TEXT = 0x01  # the first fragment of one
MASKED = 0x80
OPCODES = frozenset(Opcode)
ABNORMAL = 1006
HEAD_LIMIT = 65_536
_UTF8 = codecs.getincrementaldecoder("utf-8")
EMPTY_END = b"\x80\x00"
HEAD_END = b"\r\n\r\n"

# Its debug records would show signed frames and handshake headers, so the protocol gets a logger that reaches nobody.
_silent = logging.Logger("strikeloop.wire.framing", level=logging.CRITICAL + 1)  # noqa: LOG001 - outside the tree on purpose


def _size(data: bytes, at: int) -> tuple[int, int]:
    """Lengths of header and payload of the frame at `at`; of the header alone (payload 0) where not all of it is there."""
    if len(data) - at < 2:
        return 2, 0
    length = data[at + 1] & ~MASKED
    if length < 126:
        return 2, length
    header = 4 if length == 126 else 10
    if len(data) - at < header:
        return header, 0
    return header, int.from_bytes(data[at + 2 : at + header], "big")


@attrs.define(eq=False)
class Framing:
    """One connection after its handshake: feed it what arrives, send what `output` gives."""

    _protocol: ClientProtocol
    _max_size: int
    # Pieces of a text frame that has not arrived whole, joined once `_needed` bytes are there: linear for any slicing.
    _pieces: list[bytes] = attrs.field(init=False, factory=list)
    _held: int = attrs.field(init=False, default=0)
    _needed: int = attrs.field(init=False, default=0)
    # Reads the text in them, so that it is refused as early as it can be.
    _cut: codecs.IncrementalDecoder | None = attrs.field(init=False, default=None)
    # Bytes still to come of a frame that the protocol has begun to read.
    _owed: int = attrs.field(init=False, default=0)
    _fragments: bytearray | None = attrs.field(init=False, default=None)
    _utf8: codecs.IncrementalDecoder | None = attrs.field(init=False, default=None)

    @property
    def is_open(self) -> bool:
        """False once a close frame was sent or received, or the bytes have ended."""
        return self._protocol.state is State.OPEN

    @property
    def has_output(self) -> bool:
        """Whether `output` would give anything."""
        return bool(self._protocol.writes)

    @property
    def has_more(self) -> bool:
        """Whether bytes wait behind the messages that `feed` gave: call it again, with nothing."""
        return bool(self._pieces) and self._held >= self._needed

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that `data` completes, in order; text is checked to be UTF-8, binary messages come as they are."""
        if self._pieces:
            self._pieces.append(data)
            self._held += len(data)
            if self._held < self._needed:
                self._judge(self._cut, data)
                return []
            data = b"".join(self._pieces)
            self._pieces.clear()
        messages: list[bytes] = []
        at = 0
        while at < len(data):
            if not self._owed and self._fragments is None and self.is_open:
                at = self._slice(data, at, messages)
            if self._is_waiting(data, at):
                break
            if messages:
                self._owed = 0
                self._hold(data[at:], needed=0)
                break
            at = self._delegate(data, at, messages)
        return messages

    def feed_end(self) -> None:
        """The other side will send nothing more."""
        self._protocol.receive_eof()

    def send_text(self, frame: bytes) -> None:
        """Queue one text frame."""
        self._protocol.send_text(frame)

    def send_ping(self) -> None:
        """Queue a ping."""
        self._protocol.send_ping(b"")

    def send_close(self) -> None:
        """Queue the close frame of a normal end."""
        self._protocol.send_close(1000)

    def output(self) -> bytes:
        """All that is queued, to be sent as it is."""
        return b"".join(self._protocol.data_to_send())

    def loss(self) -> tuple[int, str]:
        """Close code and reason of a connection that is no longer open; 1006 where no close frame said it."""
        received, sent = self._protocol.close_rcvd, self._protocol.close_sent
        if received is not None and self._protocol.close_rcvd_then_sent is not False:
            return received.code, "closed by the venue: " + _close_text(received)
        if sent is not None and sent.code != 1000:
            return sent.code, "closed because the venue broke the protocol: " + _close_text(sent)
        if sent is not None:
            return sent.code, "closed by this side"
        return ABNORMAL, "the venue ended the connection without a close frame"

    def _slice(self, data: bytes, at: int, messages: list[bytes]) -> int:
        """Take whole text frames off the front; the position of the first thing that is not one."""
        size, longest, take = len(data), self._max_size, messages.append
        while at + 2 <= size and data[at] == WHOLE_TEXT:
            length = data[at + 1]
            start = at + 2
            if length == 126 and at + 4 <= size:
                length, start = data[at + 2] << 8 | data[at + 3], at + 4  # by far the most frequent, so without a call
            elif length > 125:
                if length & MASKED:
                    break
                header, length = _size(data, at)
                start = at + header
            end = start + length
            if end > size or length > longest:
                break
            text = data[start:end]
            if not text.isascii() and not _is_utf8(text):
                break
            take(text)
            at = end
        return at

    def _is_waiting(self, data: bytes, at: int) -> bool:
        """Hold the rest back if it is the beginning of text, or of a header that does not tell yet."""
        if self._owed or not self.is_open or at >= len(data):
            return at >= len(data)
        header, length = _size(data, at)
        left = len(data) - at
        # The protocol refuses these on seeing two bytes, whatever length they claim.
        is_refused_early = left >= 2 and (bool(data[at + 1] & MASKED) or data[at] & 0x0F not in OPCODES)
        is_text = self._fragments is None and data[at] in (WHOLE_TEXT, FIRST_TEXT) and length <= self._max_size
        if is_refused_early or (left >= header and not (is_text and left < header + length)):
            self._owed = header + length
            if self._fragments is not None and data[at] & 0x0F == Opcode.CLOSE:
                self._finish_fragments()
            return False
        self._hold(data[at:], needed=header + length)
        if left >= header:
            self._cut = _UTF8()
            self._judge(self._cut, data[at + header :])
        return True

    def _hold(self, data: bytes, *, needed: int) -> None:
        self._pieces.append(data)
        self._held, self._needed, self._cut = len(data), needed, None

    def _judge(self, decoder: codecs.IncrementalDecoder | None, text: bytes, *, is_all: bool = False) -> None:
        """Refuse text as soon as it cannot become UTF-8 any more."""
        try:
            if decoder is not None:
                decoder.decode(text, is_all)
        except UnicodeDecodeError:
            self._pieces.clear()
            self._protocol.fail(1007, "text is not UTF-8")

    def _finish_fragments(self) -> None:
        """A close frame may come amid a message (RFC 6455 §5.4); the library would take that for a broken protocol."""
        self._protocol.receive_data(EMPTY_END)
        self._protocol.events_received()
        self._fragments = None

    def _delegate(self, data: bytes, at: int, messages: list[bytes]) -> int:
        """Hand the protocol what is left of its frame, or everything once it has begun to close."""
        end = at + self._owed if self.is_open else len(data)
        chunk = data[at:end]
        self._owed = max(0, self._owed - len(chunk))
        self._protocol.receive_data(chunk)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._collect(event, messages)
        return at + len(chunk)

    def _collect(self, frame: Frame, messages: list[bytes]) -> None:
        if self._fragments is None:
            self._fragments = bytearray()
            self._utf8 = _UTF8() if frame.opcode is Opcode.TEXT else None
        self._judge(self._utf8, bytes(frame.data), is_all=frame.fin)
        self._fragments += frame.data
        if frame.fin and self.is_open:
            messages.append(bytes(self._fragments))
            self._fragments = None


@attrs.define(eq=False)
class Opening:
    """The handshake: send `request`, feed what arrives until it gives a Framing and the bytes that belong to it.

    Raises ConfigError for a URL or header that cannot be sent.
    """

    request: bytes
    _protocol: ClientProtocol
    _max_size: int
    _head: bytearray = attrs.field(init=False, factory=bytearray)

    @classmethod
    def start(cls, url: str, headers: Iterable[tuple[str, str]], max_size: int) -> Opening:
        """Ask for `url` with `headers` added; no extension is offered, so nothing arrives compressed."""
        try:
            protocol = ClientProtocol(parse_uri(url), max_size=max_size, logger=_silent)
        except InvalidURI as exc:
            raise ConfigError(Problem("url", "it cannot be read as a WebSocket URL", "write wss://host/path")) from exc
        request = protocol.connect()
        for name, value in headers:
            if not name.isascii() or not (name + value).isprintable():
                raise ConfigError(Problem("headers", f"header {one_line(name)} holds characters that cannot be sent", "remove them"))
            request.headers[name] = value
        protocol.send_request(request)
        return cls(b"".join(protocol.data_to_send()), protocol, max_size)

    def feed(self, data: bytes) -> tuple[Framing, bytes] | None:
        """None until the head of the answer is complete.

        Raises AuthRejectedError for HTTP 401 and 403, LinkLostError for any other refusal; `code` is the HTTP status.
        """
        # A terminator may be cut by the reads, so the search starts three bytes before what is new.
        known = max(0, len(self._head) - len(HEAD_END) + 1)
        self._head += data
        end = self._head.find(HEAD_END, known)
        if end < 0:
            if len(self._head) > HEAD_LIMIT:
                raise LinkLostError(f"the answer to the handshake has no end within {HEAD_LIMIT} bytes")
            return None
        end += len(HEAD_END)
        head, rest = bytes(self._head[:end]), bytes(self._head[end:])
        _check_status(head)
        self._protocol.receive_data(head)
        if self._protocol.handshake_exc is not None:
            reason = one_line(str(self._protocol.handshake_exc))
            raise LinkLostError(f"the answer to the handshake is not a WebSocket's: {reason}") from self._protocol.handshake_exc
        self._protocol.events_received()
        return Framing(self._protocol, self._max_size), rest


def _check_status(head: bytes) -> None:
    """Raise for a refusal without waiting for its body, which may never come; anything malformed is left to the protocol."""
    line = head.split(b"\r\n", 1)[0].decode("latin-1")
    version, _, status = line.partition(" ")
    if not version.startswith("HTTP/1.") or not (status[:3].isascii() and status[:3].isdigit()) or status[:3] == "101":
        return
    error = AuthRejectedError if status[:3] in ("401", "403") else LinkLostError
    raise error(f"the venue refused the handshake: HTTP {one_line(status)}", code=int(status[:3]))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _close_text(close: Close) -> str:
    return one_line(str(close))
