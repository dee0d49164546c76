"""WebSocket links over real loopback sockets, on both event loops: batches, answers, ends, and every refusal."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute
from websockets.frames import Opcode

from strikeloop.adapter import Link
from strikeloop.errors import AuthRejectedError, ConfigError, LinkLostError
from strikeloop.wire import WebSocketLink, connect_websocket
from tests.framework.wire.conftest import Certificates
from tests.framework.wire.servers import VenueSide, frame, serving, text, venue

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def linked(
    script: Callable[[VenueSide], Awaitable[None]], *, how: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[WebSocketLink]:
    """A link to a venue that runs `script` once the WebSocket is open."""
    async with serving(venue(script, **(how or {}))) as port:
        link = await connect_websocket(f"ws://127.0.0.1:{port}/v4/ws", **options)
        try:
            with anyio.fail_after(10):
                yield link
        finally:
            await link.aclose()


async def read(link: Link, count: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < count:
        messages += await link.receive()
    return messages


async def lost(link: Link) -> LinkLostError:
    """Read until the link is lost."""
    try:
        while True:
            await link.receive()
    except LinkLostError as error:
        return error


async def silent(side: VenueSide) -> None:
    """Say nothing until the client closes."""
    while (await side.read()).opcode is not Opcode.CLOSE:
        pass


async def deaf(_side: VenueSide) -> None:
    """Neither read nor write."""
    await anyio.sleep_forever()


# ---- messages


async def test_one_write_of_the_venue_is_one_batch() -> None:
    async def script(side: VenueSide) -> None:
        await side.write(text("a") + text("b") + text("c"))
        await silent(side)

    async with linked(script) as link:
        assert await link.receive() == [b"a", b"b", b"c"]


async def test_every_byte_in_a_write_of_its_own_from_the_handshake_on() -> None:
    messages = [f'{{"n":{n},"s":"é"}}'.encode() for n in range(5)]
    extra = b"".join(frame(Opcode.TEXT, message) for message in messages)

    async with linked(silent, how={"extra": extra, "cut": lambda data: [data[i : i + 1] for i in range(len(data))]}) as link:
        assert await read(link, 5) == messages


async def test_frames_in_the_same_write_as_the_handshake_are_not_lost_even_when_one_is_cut() -> None:
    whole = text("first") + text("second")
    for cut in (0, 1, 2, 5, 7, 8, len(whole)):

        async def script(side: VenueSide, rest: bytes = whole[cut:]) -> None:
            await side.write(rest + text("last"))
            await silent(side)

        async with linked(script, how={"extra": whole[:cut]}) as link:
            assert await read(link, 3) == [b"first", b"second", b"last"]


async def test_a_ping_is_answered_and_returns_as_an_empty_sign_of_life() -> None:
    answered = anyio.Event()

    async def script(side: VenueSide) -> None:
        await side.write(frame(Opcode.PING, b"are you there"))
        pong = await side.read()
        assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"are you there")
        answered.set()
        await silent(side)

    async with linked(script) as link:
        assert await link.receive() == []
        await answered.wait()


async def test_a_ping_right_behind_the_handshake_is_answered() -> None:
    answered = anyio.Event()

    async def script(side: VenueSide) -> None:
        assert (await side.read()).opcode is Opcode.PONG
        answered.set()
        await silent(side)

    async with linked(script, how={"extra": frame(Opcode.PING, b"")}) as link:
        assert await link.receive() == []
        await answered.wait()


async def test_text_and_pings_of_ours_arrive_in_order_also_from_many_tasks() -> None:
    got: list[bytes] = []
    done = anyio.Event()

    async def script(side: VenueSide) -> None:
        while len(got) < 51:
            got.append(bytes((await side.read()).data))
        done.set()
        await silent(side)

    async with linked(script) as link:
        async with anyio.create_task_group() as tasks:
            for n in range(50):
                tasks.start_soon(link.send, b"%d" % n * 5_000)
        await link.ping()
        await done.wait()
    assert sorted(got[:50]) == sorted(b"%d" % n * 5_000 for n in range(50))
    assert got[50] == b""


async def test_a_fragmented_message_is_one_message() -> None:
    async def script(side: VenueSide) -> None:
        await side.write(frame(1, b"one ", fin=False), frame(9, b"x"), frame(0, b"message"), text("next"))
        await silent(side)

    async with linked(script) as link:
        assert await read(link, 2) == [b"one message", b"next"]


async def test_a_cancelled_receive_loses_nothing() -> None:
    begun = anyio.Event()

    async def script(side: VenueSide) -> None:
        await side.write(text("whole")[:3])
        begun.set()
        await side.read()
        await side.write(text("whole")[3:])
        await silent(side)

    async with linked(script) as link:
        await begun.wait()
        for _ in range(5):
            with anyio.move_on_after(0.01):
                assert await link.receive() == []
        await link.send(b"go on")
        assert await read(link, 1) == [b"whole"]


async def test_messages_do_not_wait_for_the_answer_to_the_ping_behind_them_to_be_written() -> None:
    go_on = anyio.Event()

    async def script(side: VenueSide) -> None:
        await side.write(text("kept") + frame(Opcode.PING, b"?"))
        await go_on.wait()
        await silent(side)

    async with linked(script, write_timeout_s=60) as link, anyio.create_task_group() as tasks:
        tasks.start_soon(link.send, b"x" * 12_000_000)
        await anyio.wait_all_tasks_blocked()
        assert await link.receive() == [b"kept"]
        with anyio.move_on_after(0.05) as scope:
            await link.receive()
        assert scope.cancelled_caught
        go_on.set()


async def test_a_venue_that_is_silent_does_not_end_the_link() -> None:
    async with linked(silent) as link:
        with anyio.move_on_after(0.05) as waited:
            await link.receive()
        assert waited.cancelled_caught
        await link.ping()


# ---- ends


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 4321])
async def test_a_close_frame_is_echoed_and_told_with_its_code_after_the_last_message(code: int) -> None:
    echoed: list[bytes] = []

    async def script(side: VenueSide) -> None:
        await side.write(text("last") + frame(Opcode.CLOSE, code.to_bytes(2, "big") + b"maintenance\n" + b"z" * 100))
        echoed.append(bytes((await side.read()).data))

    async with linked(script) as link:
        assert await link.receive() == [b"last"]
        error = await lost(link)
        assert error.code == code
        assert f"{code}" in str(error)
        assert "maintenance?z" in str(error)
        assert len(str(error)) < 260
        with pytest.raises(LinkLostError):
            await link.send(b"late")
        with pytest.raises(LinkLostError):
            await link.ping()
    assert echoed[0].startswith(code.to_bytes(2, "big"))


@pytest.mark.parametrize(
    ("bad", "code"), [(frame(1, b"x" * 1_001), 1009), (frame(1, b"\xff"), 1007), (frame(1, b"", masked=True), 1002)], ids=range(3)
)
async def test_what_breaks_the_protocol_is_refused_and_the_venue_reads_the_code(bad: bytes, code: int) -> None:
    codes: list[int] = []

    async def script(side: VenueSide) -> None:
        await side.write(text("good") + bad + text("ignored") * 1_000)
        codes.append(int.from_bytes(bytes((await side.read()).data)[:2], "big"))

    async with linked(script, max_size=1_000) as link:
        assert await read(link, 1) == [b"good"]
        assert (await lost(link)).code == code
    assert codes == [code]


async def test_an_end_without_a_close_frame_is_1006() -> None:
    async def script(side: VenueSide) -> None:
        await side.write(text("last") + text("half")[:3])

    async with linked(script) as link:
        assert await read(link, 1) == [b"last"]
        assert (await lost(link)).code == 1006


async def test_a_reset_connection_is_a_lost_link() -> None:
    async def script(side: VenueSide) -> None:
        raw = side.stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with linked(script) as link:
        error = await lost(link)
        assert error.code == 1006
        assert error.retryable
        assert (await lost(link)) is not error


async def test_closing_says_1000_and_waits_for_the_venue_to_have_read_it() -> None:
    codes: list[bytes] = []

    async def script(side: VenueSide) -> None:
        codes.append(bytes((await side.read()).data))

    async with linked(script) as link:
        await link.aclose()
        assert codes == [(1000).to_bytes(2, "big")]
        await link.aclose()
        assert (await lost(link)).code == 1006
        with pytest.raises(LinkLostError, match="closed by this side"):
            await link.send(b"late")


async def test_closing_says_1000_also_when_cancelled() -> None:
    codes: list[bytes] = []

    async def script(side: VenueSide) -> None:
        codes.append(bytes((await side.read()).data))

    async with linked(script) as link:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await link.aclose()
        assert codes == [(1000).to_bytes(2, "big")]


async def test_closing_gives_up_on_a_venue_that_does_not_answer_also_when_cancelled() -> None:
    async with linked(deaf) as link:
        started = anyio.current_time()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await link.aclose()
        assert anyio.current_time() - started < 2


async def test_closing_while_another_task_reads_ends_that_read() -> None:
    async with linked(silent) as link, anyio.create_task_group() as tasks:
        tasks.start_soon(lost, link)
        await anyio.wait_all_tasks_blocked()
        await link.aclose()


async def test_a_write_that_stalls_loses_the_link_for_reader_and_writer() -> None:
    async with linked(deaf, write_timeout_s=0.1) as link:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lost, link)
            with pytest.raises(LinkLostError, match="writing failed: no answer in time"):
                await link.send(b"x" * 12_000_000)
        with pytest.raises(LinkLostError):
            await link.send(b"after half a frame")


async def test_a_cancelled_write_may_have_left_half_a_frame_so_nothing_follows_it() -> None:
    read_by_venue = bytearray()
    go_on, ended = anyio.Event(), anyio.Event()

    async def script(side: VenueSide) -> None:
        await go_on.wait()
        try:
            while True:
                read_by_venue.extend(await side.stream.receive())
        finally:
            ended.set()

    async with linked(script, write_timeout_s=60) as link:
        with anyio.move_on_after(0.1) as scope:
            while True:
                await link.send(b"x" * 1_000_000)
        assert scope.cancelled_caught
        with pytest.raises(LinkLostError, match="cut short"):
            await link.send(b"never")
        await link.aclose()
        go_on.set()
        await ended.wait()
    assert read_by_venue
    assert (1000).to_bytes(2, "big") not in read_by_venue[-8:]


async def test_a_write_that_waited_for_its_turn_and_was_cancelled_is_not_sent_later() -> None:
    got: list[bytes] = []
    go_on, done = anyio.Event(), anyio.Event()

    async def script(side: VenueSide) -> None:
        await go_on.wait()
        while got[-1:] != [b"last"]:
            got.append(bytes((await side.read()).data))
        done.set()
        await silent(side)

    async with linked(script, write_timeout_s=60) as link:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.send, b"x" * 12_000_000)
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.01) as scope:
                await link.send(b"given up")
            assert scope.cancelled_caught
            go_on.set()
        await link.send(b"last")
        await done.wait()
    assert [len(message) for message in got] == [12_000_000, 4]


# ---- connecting


@pytest.mark.parametrize(
    ("status", "error"), [("401 Unauthorized", AuthRejectedError), ("403 Forbidden", AuthRejectedError), ("503 Busy", LinkLostError)]
)
async def test_a_refused_handshake_is_told_by_its_status(status: str, error: type[Exception]) -> None:
    async def refuse(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(f"HTTP/1.1 {status}\r\ncontent-length: 9\r\n\r\n".encode())
        await anyio.sleep_forever()

    async with serving(refuse) as port:
        with anyio.fail_after(5), pytest.raises(error, match=rf"127\.0\.0\.1:{port}: .*HTTP {status}"):
            await connect_websocket(f"ws://127.0.0.1:{port}")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Sw"])
async def test_a_venue_that_hangs_up_or_stalls_amid_the_handshake_is_a_lost_link(answer: bytes) -> None:
    async def cut(stream: ByteStream) -> None:
        await stream.send(answer or b"H")
        if not answer:
            await anyio.sleep_forever()

    async with serving(cut) as port:
        with pytest.raises(LinkLostError, match="cannot connect"):
            await connect_websocket(f"ws://127.0.0.1:{port}", connect_timeout_s=0.1 if not answer else 5)


async def test_a_refused_connection_is_a_lost_link_that_says_so() -> None:
    async with serving(by_closing) as port:
        pass
    with pytest.raises(LinkLostError, match=rf"127\.0\.0\.1:{port}: cannot connect.*(refused|failed)"):
        await connect_websocket(f"ws://127.0.0.1:{port}")


async def by_closing(stream: ByteStream) -> None:
    await stream.aclose()


async def test_a_cancelled_attempt_is_cancelled_and_leaves_nothing_open() -> None:
    reached, ended = anyio.Event(), anyio.Event()

    async def never(stream: ByteStream) -> None:
        reached.set()
        try:
            while True:
                await stream.receive()
        finally:
            ended.set()

    async with serving(never) as port, anyio.create_task_group() as tasks:
        tasks.start_soon(connect_websocket, f"ws://127.0.0.1:{port}")
        await reached.wait()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True), anyio.fail_after(5):
            await ended.wait()


async def test_the_venue_sees_path_and_headers() -> None:
    seen: list[Any] = []

    async def script(side: VenueSide) -> None:
        seen.append(side.request)

    async with linked(script, headers=[("X-Gate-Size-Decimal", "1")]) as link:
        await lost(link)
    assert seen[0].path == "/v4/ws"
    assert seen[0].headers["X-Gate-Size-Decimal"] == "1"
    assert "Sec-WebSocket-Extensions" not in seen[0].headers


async def test_plain_text_to_another_machine_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        await connect_websocket("ws://192.0.2.1/")


# ---- TLS


async def test_a_verified_venue_is_spoken_to_over_tls(certificates: Certificates) -> None:
    async def script(side: VenueSide) -> None:
        await side.write(text("a"), text("b" * 100_000))
        assert bytes((await side.read()).data) == b"c" * 100_000
        await side.write(text("d"))

    async with serving(venue(script), tls=certificates.good) as port:
        link = await connect_websocket(f"wss://127.0.0.1:{port}", ca_file=certificates.ca_file)
        assert await read(link, 2) == [b"a", b"b" * 100_000]
        await link.send(b"c" * 100_000)
        assert await read(link, 1) == [b"d"]
        assert (await lost(link)).code == 1006
        await link.aclose()


@pytest.mark.parametrize("fault", ["expired", "wrong host", "self-signed", "TLS 1.1"])
async def test_a_venue_that_cannot_prove_itself_gets_not_one_byte(certificates: Certificates, fault: str) -> None:
    assert await bytes_given_away(certificates.bad[fault], certificates.ca_file) == 0


async def test_a_good_certificate_of_an_authority_that_was_not_named_is_refused(certificates: Certificates) -> None:
    assert await bytes_given_away(certificates.good, None) == 0


async def bytes_given_away(context: ssl.SSLContext, ca_file: str | None) -> int:
    received = bytearray()

    async def listen(stream: ByteStream) -> None:
        while True:
            received.extend(await stream.receive())

    async with serving(listen, tls=context) as port:
        with pytest.raises(
            LinkLostError, match=r"cannot connect: .*(CERTIFICATE_VERIFY_FAILED|certificate verify failed|PROTOCOL|ALERT|alert|closed)"
        ):
            await connect_websocket(f"wss://127.0.0.1:{port}", headers=[("KEY", "k")], ca_file=ca_file, connect_timeout_s=5)
    return len(received)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["cut", "not TLS"])
async def test_a_tls_handshake_that_is_cut_or_answered_in_plain_text_gets_nothing(answer: bytes) -> None:
    received = bytearray()

    async def break_off(stream: ByteStream) -> None:
        received.extend(await stream.receive())
        if answer:
            await stream.send(answer)

    async with serving(break_off) as port:
        with pytest.raises(LinkLostError, match="cannot connect"):
            await connect_websocket(f"wss://127.0.0.1:{port}", headers=[("KEY", "k" * 40)])
    assert received[0] == 22  # a TLS handshake record
    assert b"k" * 40 not in received


# ---- one code base for three loops


def test_uvloop_is_served_by_the_same_code() -> None:
    pytest.importorskip("uvloop", reason="uvloop is not installed")

    async def echo(side: VenueSide) -> None:
        while (said := await side.read()).opcode is Opcode.TEXT:
            await side.write(frame(Opcode.TEXT, bytes(said.data)))

    async def main() -> list[bytes]:
        async with linked(echo) as link:
            for n in range(20):
                await link.send(b"%d" % n)
            return await read(link, 20)

    assert anyio.run(main, backend="asyncio", backend_options={"use_uvloop": True}) == [b"%d" % n for n in range(20)]
