"""What faults make of a piece: operations, the same for the same seed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from strikeloop.testing.faults import (
    GARBAGE,
    Close,
    Delay,
    Drop,
    Edit,
    Fragment,
    Frame,
    Mutate,
    Opened,
    Passing,
    Replace,
    Reply,
    Request,
    Respond,
    Response,
    Send,
    Skew,
    nested,
    oversized,
)
from strikeloop.testing.faults.ops import Op, Part, Pause, Write

FRAME = Passing(Frame(b'{"time": 1700000000, "time_ms": 1700000000000, "channel": "orders", "result": [1]}'), "client", 1)
PLAIN = Request(method="GET", target="/time")
TOLD = (("Date", "Tue, 14 Nov 2023 22:13:20 GMT"), ("Transfer-Encoding", "chunked"))
TIME = b'{"server_time": 1700000000000, "ok": true}'
ANSWER = Passing(Response(status=200, reason="OK", headers=TOLD, body=TIME, request=PLAIN), "client", 1)


def ops(fault: Any, passing: Passing = FRAME, seed: int = 0) -> list[Op]:
    return list(fault.ops(passing, Random(seed)))


def written(fault: Any, passing: Passing) -> bytes:
    return b"".join(op.data for op in ops(fault, passing) if isinstance(op, Write))


def test_a_close_frame_has_a_code_and_a_reason_or_neither() -> None:
    assert ops(Close(1008, "no")) == [Write("client", b"\x88\x04\x03\xf0no"), Part(is_reset=False)]
    assert ops(Close(None)) == [Write("client", b"\x88\x00"), Part(is_reset=False)]


def test_a_delay_between_two_bounds_is_drawn() -> None:
    pauses = {op.seconds for seed in range(9) for op in ops(Delay(1.0, 2.0), seed=seed) if isinstance(op, Pause)}
    assert len(pauses) == 9
    assert all(1.0 <= pause <= 2.0 for pause in pauses)


def test_fragments_add_up_and_only_the_last_is_final() -> None:
    assert [op.data for op in ops(Fragment(3), Passing(Frame(b"abcd"), "client", 1)) if isinstance(op, Write)] == [
        b"\x01\x02ab",
        b"\x00\x02cd",
        b"\x80\x00",
    ]
    assert written(Fragment(3, sent=1), Passing(Frame(b"abcd"), "client", 1)) == b"\x01\x02ab"


def test_an_answer_of_ours_tells_its_length_unless_it_is_told_otherwise() -> None:
    asked = Passing(PLAIN, "server", 1)
    assert b"content-length: 2" in written(Respond(200, "{}"), asked)
    assert b"content-length: 9" in written(Respond(200, "{}", headers={"content-length": "9"}), asked)
    assert b"content-length" not in written(Respond(200, "{}", headers={"content-length": None}), asked)
    assert written(Respond(599, ""), asked).startswith(b"HTTP/1.1 599 Unknown\r\n")


def test_status_and_headers_are_edited_and_the_body_stays() -> None:
    data = written(Edit(status=503, headers={"date": None, "x": "y"}), ANSWER)
    assert data.startswith(b"HTTP/1.1 503\r\nx: y\r\n")
    assert data.endswith(b"\r\n\r\n" + TIME)


def test_a_clock_is_off_in_the_date_and_in_the_members_that_tell_time() -> None:
    data = written(Skew(3_600), ANSWER)
    assert b"date: Tue, 14 Nov 2023 23:13:20 GMT" in data
    assert json.loads(data.split(b"\r\n\r\n")[1]) == {"server_time": 1_700_003_600_000, "ok": True}
    frame = json.loads(written(Skew(-60), FRAME)[2:])
    assert (frame["time"], frame["time_ms"], frame["channel"]) == (1_699_999_940, 1_699_999_940_000, "orders")


@pytest.mark.parametrize("content", [b"", b"not json", b"[1]", b'{"time": "now", "time_ms": true}'])
def test_content_that_tells_no_time_is_left_as_it_is(content: bytes) -> None:
    answer = Passing(Response(status=200, body=content, request=PLAIN), "client", 1)
    assert written(Skew(60), answer).endswith(b"\r\n\r\n" + content)


@pytest.mark.parametrize("fault", [Drop(), Replace("x"), Send(["a"]), Reply("x"), Skew(1), Edit(status=500), Fragment(), Mutate()])
def test_on_a_connection_as_such_there_is_nothing_to_change(fault: Any) -> None:
    assert all(isinstance(op, Write) for op in ops(fault, Passing(Opened(), "client", 1)))


def test_the_same_seed_damages_a_frame_in_the_same_way_and_leaves_it_text() -> None:
    damaged = [written(Mutate(), Passing(Frame(FRAME.piece.payload), "client", 1)) for _ in range(2)]  # type: ignore[union-attr]  # a frame
    assert damaged[0] == damaged[1]
    several = [op for seed in range(200) for op in ops(Mutate(), seed=seed) if isinstance(op, Write)]
    assert len({op.data for op in several}) > 150
    for op in several:
        op.data[4 if op.data[1] == 126 else 2 if op.data[1] < 126 else 10 :].decode()


def test_garbage_is_named_and_the_large_ones_are_as_large_as_asked() -> None:
    assert all(isinstance(frame, Frame) for frame in GARBAGE.values())
    assert len(nested(1_000).payload) == 2_000
    assert len(oversized(1_000).payload) == 1_000
