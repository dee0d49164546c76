"""The WebSocket protocol without sockets: what is sliced, what is delegated, what is refused, and that both ways agree."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs
import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from strikeloop.errors import AuthRejectedError, ConfigError, LinkLostError
from strikeloop.wire.framing import HEAD_LIMIT, Framing, Opening
from tests.framework.wire.servers import frame, text

URL = "ws://127.0.0.1:1/v4/ws?x=1"
LONGEST = 70_000


def accepted(request: bytes) -> bytes:
    server = ServerProtocol()
    server.receive_data(request)
    (event,) = server.events_received()
    assert isinstance(event, Request)
    server.send_response(server.accept(event))
    return b"".join(server.data_to_send())


def opened(max_size: int = LONGEST) -> Framing:
    opening = Opening.start(URL, (), max_size)
    result = opening.feed(accepted(opening.request))
    assert result is not None
    assert result[1] == b""
    return result[0]


def sent(data: bytes) -> list[tuple[Opcode, bytes]]:
    """What a server reads from the client's bytes."""
    server = ServerProtocol(state=State.OPEN, max_size=None)
    server.receive_data(data)
    return [(event.opcode, bytes(event.data)) for event in server.events_received() if isinstance(event, Frame)]


def refusal(framing: Framing) -> int:
    """The close code that the client has sent."""
    (opcode, payload) = sent(framing.output())[-1]
    assert opcode is Opcode.CLOSE
    return int.from_bytes(payload[:2], "big")


def whole(framing: Framing, data: bytes) -> list[bytes]:
    """All messages of these bytes, also those behind the first that is not plain text."""
    messages = framing.feed(data)
    while framing.has_more:
        messages += framing.feed(b"")
    return messages


# ---- messages


def test_whole_text_frames_of_one_read_are_one_batch_in_order() -> None:
    assert opened().feed(text("a") + text("") + text("b" * 126) + text("é")) == [b"a", b"", b"b" * 126, "é".encode()]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, LONGEST])
@pytest.mark.parametrize("form", [125, 126, 127])
def test_every_way_to_write_a_length_is_understood(size: int, form: int) -> None:
    if (form == 125 and size > 125) or (form == 126 and size > 65_535):
        form = 127
    assert opened().feed(frame(Opcode.TEXT, b"x" * size, form=form)) == [b"x" * size]


def test_a_message_sliced_into_single_bytes_arrives_once_and_whole() -> None:
    framing = opened()
    data = text("first") + text("s" * 300) + frame(Opcode.PING, b"p") + text("third")
    batches = [framing.feed(data[i : i + 1]) for i in range(len(data))]
    assert [message for batch in batches for message in batch] == [b"first", b"s" * 300, b"third"]
    assert sent(framing.output()) == [(Opcode.PONG, b"p")]


def test_a_large_message_in_single_bytes_is_not_copied_for_each_of_them() -> None:
    framing = opened()
    data = text("x" * 60_000)
    for i in range(len(data) - 1):
        assert framing.feed(data[i : i + 1]) == []
    assert len(framing._pieces) > 1_000
    assert framing.feed(data[-1:]) == [b"x" * 60_000]


def test_fragments_are_joined_also_around_a_ping_and_within_a_character() -> None:
    euro = "€".encode()
    data = frame(1, b"a" + euro[:1], fin=False) + frame(9, b"?") + frame(0, euro[1:], fin=False) + frame(0, b"z") + text("next")
    framing = opened()
    assert whole(framing, data) == ["a€z".encode(), b"next"]
    assert sent(framing.output()) == [(Opcode.PONG, b"?")]


def test_a_binary_message_is_handed_over_as_it_is() -> None:
    assert opened().feed(frame(2, b"\xff\x00") + text("t")) == [b"\xff\x00", b"t"]


def test_a_pong_gives_no_message_and_no_answer() -> None:
    framing = opened()
    assert framing.feed(frame(10, b"")) == []
    assert not framing.has_output
    assert framing.is_open


def test_messages_can_be_answered_before_what_is_behind_them_ends_the_link() -> None:
    framing = opened()
    assert framing.feed(text("one") + text("two") + frame(1, b"x", reserved=4)) == [b"one", b"two"]
    framing.send_text(b"answer")
    assert sent(framing.output()) == [(Opcode.TEXT, b"answer")]
    assert framing.has_more
    assert framing.feed(b"") == []
    assert not framing.has_more
    assert refusal(framing) == 1002


# ---- what is refused, and with which code


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(1, b"\xff"), 1007),
        (frame(1, b"\xed\xa0\x80"), 1007),
        (frame(1, b"\xe2\x82", fin=False) + frame(0, b"x"), 1007),
        (frame(1, b"\xc3"), 1007),
        (frame(1, b"x" * (LONGEST + 1)), 1009),
        (frame(1, b"x" * 60_000, fin=False) + frame(0, b"x" * 60_000), 1009),
        (bytes([0x81, 127]) + b"\xff" * 8, 1009),
        (frame(1, b"x", masked=True), 1002),
        (frame(1, b"x", reserved=4), 1002),
        (frame(3, b"x"), 1002),
        (frame(11, b""), 1002),
        (frame(0, b"x"), 1002),
        (frame(1, b"x", fin=False) + text("y"), 1002),
        (frame(9, b"x", fin=False), 1002),
        (frame(9, b"x" * 126), 1002),
        (frame(8, b"\x03"), 1002),
        (frame(8, (1005).to_bytes(2, "big")), 1002),
        (frame(8, (1000).to_bytes(2, "big") + b"\xff"), 1007),
    ],
    ids=range(18),
)
@pytest.mark.parametrize("step", [1, 100_000])
def test_a_broken_frame_closes_with_its_code_after_what_came_before_it(bad: bytes, code: int, step: int) -> None:
    framing = opened()
    data = text("before") + bad + text("after")
    messages = [message for i in range(0, len(data), step) for message in whole(framing, data[i : i + step])]
    assert messages == [b"before"]
    assert not framing.is_open
    assert refusal(framing) == code
    assert framing.loss()[0] == code


@pytest.mark.parametrize(
    "head", [bytes([0x81, 0x80 | 50]), bytes([0x83, 126]), bytes([0xCF, 126])], ids=["masked", "opcode 3", "opcode 15"]
)
def test_a_masked_frame_or_unknown_opcode_is_refused_by_two_bytes(head: bytes) -> None:
    framing = opened()
    assert framing.feed(head) == []
    assert refusal(framing) == 1002


@pytest.mark.parametrize("form", [125, 126, 127])
@pytest.mark.parametrize("step", [1, 3, 100])
def test_text_is_refused_as_soon_as_it_cannot_become_utf_8_any_more(form: int, step: int) -> None:
    framing = opened()
    data = frame(1, "ÄÖ€".encode() + b"\xff" + b"x" * 90, form=form)[:-1]
    assert [framing.feed(data[i : i + step]) for i in range(0, len(data), step) if framing.is_open][-1] == []
    assert refusal(framing) == 1007
    assert framing.feed(b"xx") == []


def test_a_text_frame_amid_fragments_is_measured_by_what_they_have_left() -> None:
    framing = opened(max_size=1_000)
    assert framing.feed(frame(1, b"half", fin=False) + bytes([0x81, 126]) + (1_000).to_bytes(2, "big")) == []
    assert refusal(framing) == 1009


def test_an_oversized_frame_is_refused_by_its_header_alone() -> None:
    framing = opened(max_size=1_000)
    assert framing.feed(bytes([0x81, 126]) + (1_001).to_bytes(2, "big")) == []
    assert refusal(framing) == 1009


# ---- the end


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 4001])
def test_a_close_frame_is_answered_and_its_code_and_reason_are_told(code: int) -> None:
    framing = opened()
    assert whole(framing, text("last") + frame(8, code.to_bytes(2, "big") + b"why\n" + b"y" * 110) + text("ignored")) == [b"last"]
    assert refusal(framing) == code
    told, reason = framing.loss()
    assert told == code
    assert "why?y" in reason
    assert len(reason) < 200


def test_a_close_frame_without_a_code_is_1005() -> None:
    framing = opened()
    framing.feed(frame(8, b""))
    assert framing.loss()[0] == 1005


def test_a_close_frame_amid_a_message_is_answered_like_any_other() -> None:
    framing = opened()
    framing.feed(frame(1, b"half", fin=False) + frame(8, (1012).to_bytes(2, "big")))
    assert framing.loss()[0] == 1012
    assert refusal(framing) == 1012


def test_an_end_without_a_close_frame_is_1006() -> None:
    framing = opened()
    framing.feed_end()
    assert not framing.is_open
    assert framing.loss()[0] == 1006


def test_a_close_of_ours_is_told_as_ours() -> None:
    framing = opened()
    framing.send_close()
    assert refusal(framing) == 1000
    framing.feed(frame(8, (1000).to_bytes(2, "big")))
    assert framing.loss() == (1000, "closed by this side")


def test_what_is_sent_is_masked_text_and_ping() -> None:
    framing = opened()
    framing.send_text(b"hello")
    framing.send_ping()
    data = framing.output()
    assert b"hello" not in data
    assert sent(data) == [(Opcode.TEXT, b"hello"), (Opcode.PING, b"")]


# ---- the handshake


def test_the_request_asks_for_path_and_query_with_the_headers_and_offers_no_compression() -> None:
    request = Opening.start("ws://localhost:8080/v4/ws?x=1", [("X-Key", "abc")], LONGEST).request
    assert request.startswith(b"GET /v4/ws?x=1 HTTP/1.1\r\nHost: localhost:8080\r\n")
    assert b"X-Key: abc\r\n" in request
    assert b"Extensions" not in request


def test_frames_that_follow_the_handshake_in_the_same_read_are_not_lost_wherever_it_is_cut() -> None:
    for cut in range(1, 400, 7):
        opening = Opening.start(URL, (), LONGEST)
        data = accepted(opening.request) + text("first") + text("second")
        opened_at = opening.feed(data[:cut]) or opening.feed(data[cut:])
        assert opened_at is not None
        framing, rest = opened_at
        later = data[cut:] if cut > data.index(b"\r\n\r\n") + 3 else b""
        assert framing.feed(rest) + framing.feed(later) == [b"first", b"second"]


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_401_and_403_say_that_the_credentials_were_refused_without_waiting_for_the_body(status: str) -> None:
    with pytest.raises(AuthRejectedError, match=status) as caught:
        Opening.start(URL, (), LONGEST).feed(f"HTTP/1.1 {status}\r\ncontent-length: 1000000\r\n\r\n".encode())
    assert caught.value.code == int(status[:3])


@pytest.mark.parametrize("status", ["302 Found", "429 Too Many Requests", "503 Service Unavailable", "200 OK"])
def test_every_other_status_is_a_lost_link_that_names_it(status: str) -> None:
    with pytest.raises(LinkLostError, match=status) as caught:
        Opening.start(URL, (), LONGEST).feed(f"HTTP/1.1 {status}\r\nlocation: http://elsewhere/\r\n\r\n".encode())
    assert caught.value.code == int(status[:3])


@pytest.mark.parametrize(
    "change",
    [
        lambda head: head.replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"),
        lambda head: head.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        lambda head: head.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        lambda _head: b"SSH-2.0-OpenSSH\r\n\r\n",
        lambda _head: b"\r\n\r\n",
    ],
    ids=["wrong accept", "other protocol", "unasked extension", "not HTTP", "empty"],
)
def test_an_answer_that_is_not_ours_is_refused(change: Callable[[bytes], bytes]) -> None:
    opening = Opening.start(URL, (), LONGEST)
    with pytest.raises(LinkLostError, match="handshake"):
        opening.feed(change(accepted(opening.request)))


def test_an_endless_answer_is_cut_off() -> None:
    opening = Opening.start(URL, (), LONGEST)
    with pytest.raises(LinkLostError, match="no end"):
        opening.feed(b"HTTP/1.1 101 x\r\n" + b"a: b\r\n" * HEAD_LIMIT)


@pytest.mark.parametrize(("name", "value"), [("X", "a\r\nEvil: 1"), ("X\n", "a"), ("Ключ", "a")])
def test_a_header_that_would_break_the_request_is_refused_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match="header") as caught:
        Opening.start(URL, [(name, value)], LONGEST)
    assert "Evil" not in str(caught.value)


def test_nothing_of_the_frames_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    Opening.start(URL, [("KEY", "k")], LONGEST)
    framing = opened()
    framing.send_text(b'{"KEY": "k", "SIGN": "s"}')
    framing.feed(text("private"))
    framing.feed_end()
    assert {record.name for record in caplog.records} == {"websockets.server"}  # the server of this test, and nobody else


# ---- the fast path and the library agree


@attrs.define
class Outcome:
    messages: list[bytes]
    answers: list[tuple[Opcode, bytes]]
    state: State


def by_the_library(chunks: list[bytes]) -> Outcome:
    """The same stream through the library alone, with the checks of text that it leaves to its caller."""
    protocol = ClientProtocol(parse_uri(URL), state=State.OPEN, max_size=LONGEST)
    messages: list[bytes] = []
    parts: list[Frame] = []
    output = b""
    for byte_or_more in chunks:
        # One byte at a time, so that a refusal of text comes before the frames behind it.
        for i in range(len(byte_or_more)):
            protocol.receive_data(byte_or_more[i : i + 1])
            for event in protocol.events_received():
                if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                    parts.append(event)
                    whole = b"".join(bytes(part.data) for part in parts)
                    if parts[0].opcode is Opcode.TEXT and not could_be_text(whole, is_all=event.fin):
                        protocol.fail(1007, "text is not UTF-8")
                    elif event.fin:
                        messages.append(whole)
                        parts = []
            output += b"".join(protocol.data_to_send())
    answers = sent(output)
    if parts and protocol.close_rcvd is not None and answers[-1][1].startswith((1002).to_bytes(2, "big")):
        # The library refuses a close frame amid a message, which RFC 6455 §5.4 allows.
        received = protocol.close_rcvd
        answers[-1] = (Opcode.CLOSE, b"" if received.code == 1005 else received.serialize())
    return Outcome(messages, answers, protocol.state)


def agree(ours: Outcome, library: Outcome) -> bool:
    """Whether both did the same, except that we refuse text that has not arrived whole as soon as it cannot become UTF-8."""
    if library.state is State.OPEN and ours.answers[-1:] == [(Opcode.CLOSE, b"\x03\xeftext is not UTF-8")]:
        return (ours.messages, ours.answers[:-1]) == (library.messages, library.answers)
    return ours == library


def could_be_text(data: bytes, *, is_all: bool) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        return not is_all and exc.reason == "unexpected end of data"
    return True


def by_the_fast_path(chunks: list[bytes]) -> Outcome:
    framing = opened()
    messages: list[bytes] = []
    output = b""
    for chunk in chunks:
        messages += whole(framing, chunk)
        output += framing.output()
    return Outcome(messages, sent(output), framing._protocol.state)


def random_stream(rng: random.Random) -> bytes:
    """Mostly what a venue sends, with fragments, control frames and, in one stream of three, something broken."""
    sizes = [0, 1, 5, 5, 5, 40, 125, 126, 300]
    words = [b"x", b"x", b"x", "é".encode(), "€".encode()]
    frames: list[bytes] = []
    for _ in range(rng.randrange(1, 9)):
        payload = rng.choice(words) * rng.choice(sizes)
        kind = rng.randrange(10)
        if kind < 6:
            frames.append(frame(1, payload, form=rng.choice([None, None, 126, 127])))
        elif kind == 6:
            cut = rng.randrange(len(payload) + 1)
            inner = frame(9, b"in") if rng.random() < 0.3 else b""
            frames.append(frame(rng.choice([1, 2]), payload[:cut], fin=False) + inner + frame(0, payload[cut:]))
        elif kind == 7:
            frames.append(frame(rng.choice([9, 10]), payload[:125]))
        elif kind == 8:
            frames.append(frame(2, payload))
        elif rng.random() < 0.6:
            frames.append(broken(rng, payload))
    return b"".join(frames)[: rng.choice([None, None, None, rng.randrange(1, 600)])]


def broken(rng: random.Random, payload: bytes) -> bytes:
    return rng.choice(
        [
            frame(rng.randrange(16), payload, fin=rng.random() < 0.7, reserved=rng.choice([0, 0, 1, 4])),
            frame(1, payload, masked=True),
            frame(1, b"\xff" + payload),
            frame(1, b"\xe2", fin=False),
            frame(8, rng.choice([b"", b"\x03", b"\x03\xe8", b"\x03\xf0no", b"\x0f\xa1", b"\x03\xed"])),
            bytes([0x81, 127]) + rng.choice([LONGEST, LONGEST + 1, 1 << 63]).to_bytes(8, "big"),
            rng.randbytes(rng.randrange(1, 30)),
        ]
    )


def random_chunks(rng: random.Random, data: bytes) -> list[bytes]:
    longest = rng.choice([1, 3, 30, 1_000])
    chunks: list[bytes] = []
    while data:
        size = rng.randint(1, longest)
        chunks.append(data[:size])
        data = data[size:]
    return chunks


@pytest.mark.parametrize("seed", range(8))
def test_random_streams_in_random_chunks_give_what_the_library_gives(seed: int) -> None:
    rng = random.Random(seed)
    refused = 0
    for case in range(150):
        chunks = random_chunks(rng, random_stream(rng))
        expected = by_the_library(chunks)
        assert agree(by_the_fast_path(chunks), expected), f"seed {seed}, case {case}: {chunks!r}"
        refused += expected.state is not State.OPEN
    assert 10 < refused < 140
