"""Bytes into pieces: however they are cut, the same pieces come out, and written again they are the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.testing.faults.pieces import Frame, Piece, Request, Response
from strikeloop.testing.faults.splitter import Splitter, Talk

UPGRADE = b"GET /ws?x=1 HTTP/1.1\r\nHost: venue\r\nUpgrade: WebSocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: venue\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


def split(to: str, data: bytes, *, asked: tuple[str, ...] = (), step: int = 0, is_over: bool = False) -> list[Piece]:
    talk = Talk()
    talk.asked.extend(Request(method=method, target="/") for method in asked)
    splitter = Splitter(to, talk)  # type: ignore[arg-type]  # the two sides, as the parameter of a test
    pieces = [piece for at in range(0, len(data), step or len(data)) for piece in splitter.feed(data[at : at + (step or len(data))])]
    return pieces + (splitter.end() if is_over else [])


@pytest.mark.parametrize("step", [0, 1, 7])
def test_requests_are_told_apart_however_they_are_cut(step: int) -> None:
    first, second = split("server", POST + GET, step=step)
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert (first.method, first.target, first.body, second.target) == ("POST", "/b", b"abc", "/a")
    assert first.write("server") + second.write("server") == POST + GET


@pytest.mark.parametrize("step", [0, 1, 7])
def test_an_answer_knows_its_request_and_its_body_without_chunk_marks(step: int) -> None:
    (answer,) = split("client", CHUNKED, asked=("GET",), step=step)
    assert isinstance(answer, Response)
    assert (answer.status, answer.reason, answer.body, answer.request.method) == (200, "OK", b"abcde", "GET")
    assert answer.write("client") == CHUNKED


def test_an_answer_without_a_body_ends_with_its_head() -> None:
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    head, interim, final = split("client", told + b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", asked=("HEAD", "POST"))
    assert [piece.status for piece in (head, interim, final) if isinstance(piece, Response)] == [200, 100, 204]


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    data = b"HTTP/1.1 200 OK\r\n\r\nall that comes"
    assert split("client", data, asked=("GET",)) == []
    (answer,) = split("client", data, asked=("GET",), is_over=True)
    assert isinstance(answer, Response)
    assert answer.body == b"all that comes"


def test_after_the_upgrade_both_directions_are_frames() -> None:
    talk = Talk()
    asking, answering = Splitter("server", talk), Splitter("client", talk)
    (request,) = asking.feed(UPGRADE)
    assert isinstance(request, Request)
    assert request.is_upgrade
    talk.asked.append(request)
    frame = Frame(b"hello").write("client")
    assert [type(piece) for piece in answering.feed(SWITCHED + frame + frame)] == [Response, Frame, Frame]
    assert asking.feed(Frame(b"from us").write("server")) == [Frame(b"from us")]


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n\r\n", b"\r\n\r\n"])
def test_what_is_not_http_is_an_error_of_the_test(data: bytes) -> None:
    with pytest.raises(ValueError, match="not HTTP"):
        split("server", data)


def test_an_answer_to_nothing_is_an_error_of_the_test() -> None:
    with pytest.raises(ValueError, match="never got"):
        split("client", CHUNKED)


frames = st.builds(
    Frame, st.binary(max_size=300) | st.just(b"x" * 70_000), st.sampled_from([0, 1, 2, 8, 9, 10]), st.booleans(), st.integers(0, 7)
)


@given(st.lists(frames, max_size=5), st.sampled_from(["client", "server"]), st.integers(1, 400))
def test_frames_written_and_split_anywhere_are_the_same_frames(several: list[Frame], to: str, step: int) -> None:
    talk = Talk(is_websocket=True)
    splitter = Splitter(to, talk)  # type: ignore[arg-type]  # the two sides, as the parameter of a test
    data = b"".join(frame.write(to) for frame in several)  # type: ignore[arg-type]  # the same
    step = max(step, len(data) // 50)
    found = [piece for at in range(0, len(data), step) for piece in splitter.feed(data[at : at + step])]
    assert found == several
    assert b"".join(piece.write(to) for piece in found) == data  # type: ignore[arg-type]  # the same
