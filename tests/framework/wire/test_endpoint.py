"""Which URLs may be used, how TLS is set up, and how a connection is opened."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import ByteStream

from strikeloop.errors import ConfigError
from strikeloop.wire import endpoint as endpoint_module
from strikeloop.wire.endpoint import FAILURES, Endpoint, describe, one_line, open_stream, parse_endpoint, tls_context
from tests.framework.wire.servers import serving


def parsed(url: str) -> Endpoint:
    return parse_endpoint(url, plain="ws", secure="wss")


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("wss://venue.example/v4/ws", Endpoint("venue.example", 443, True)),
        ("WSS://Venue.Example:8443", Endpoint("venue.example", 8443, True)),
        ("ws://127.0.0.1:81/x", Endpoint("127.0.0.1", 81, False)),
        ("ws://127.8.9.10", Endpoint("127.8.9.10", 80, False)),
        ("ws://[::1]:81", Endpoint("::1", 81, False)),
        ("ws://LOCALHOST", Endpoint("localhost", 80, False)),
    ],
)
def test_tls_goes_anywhere_and_plain_text_to_this_machine(url: str, endpoint: Endpoint) -> None:
    assert parsed(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "ws://venue.example/ws",
        "ws://10.0.0.1",
        "ws://0.0.0.0",
        "ws://127.1",
        "ws://localhost.venue.example",
        "ws://127.0.0.1.venue.example",
        "ws://[::ffff:127.0.0.1]",
        "ws://[::2]",
    ],
)
def test_plain_text_to_anywhere_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        parsed(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "venue.example",
        "https://venue.example",
        "wss://",
        "wss:///path",
        "wss://a..b",
        "wss://a:99999",
        "wss://[::1",
        "wss://" + "a" * 70,
    ],
    ids=range(9),
)
def test_what_is_not_such_a_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="wss"):
        parsed(url)


@pytest.mark.parametrize("url", ["ws://localhost@venue.example/", "wss://me:s3cr3t@venue.example/", "wss://venue.example/?sign=s3cr3t#x"])
def test_credentials_and_fragments_are_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(url)
    assert "s3cr3t" not in str(caught.value)


def test_the_context_verifies_name_and_chain_from_tls_1_2_on() -> None:
    context = tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    for path in (str(empty), str(tmp_path / "absent.pem")):
        with pytest.raises(ConfigError, match=Path(path).name):
            tls_context(path)


def test_a_failure_is_told_by_its_cause_in_one_line() -> None:
    outer = OSError("All connection attempts failed")
    outer.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert describe(outer) == "[Errno 111] Connection refused"
    assert describe(TimeoutError()) == "no answer in time"
    assert one_line("a\r\nFAKE LOG LINE\x1b[0m" + "x" * 500) == ("a??FAKE LOG LINE?[0m" + "x" * 500)[:160]


async def hang_up(stream: ByteStream) -> None:
    await stream.aclose()


def fake_names(monkeypatch: pytest.MonkeyPatch, *addresses: str, failure: int = 0) -> list[str]:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if failure:
            raise socket.gaierror(failure, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.anyio
async def test_every_attempt_resolves_anew_and_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(hang_up) as port:
        asked = fake_names(monkeypatch, "127.0.0.9", "127.0.0.1", "127.0.0.8")
        for _ in range(2):
            stream = await open_stream(Endpoint("localhost", port, False), timeout_s=5)
            await stream.aclose()
    assert asked == ["localhost"] * 2


@pytest.mark.anyio
async def test_a_plain_text_name_that_leads_away_from_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_names(monkeypatch, "127.0.0.1", "192.0.2.1")
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        await open_stream(Endpoint("localhost", 1, False), timeout_s=5)


@pytest.mark.anyio
@pytest.mark.parametrize("failure", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
async def test_a_name_that_cannot_be_resolved_is_a_failure(monkeypatch: pytest.MonkeyPatch, failure: int) -> None:
    fake_names(monkeypatch, failure=failure)
    with pytest.raises(FAILURES, match="not known"):
        await open_stream(Endpoint("venue.example", 443, True), timeout_s=5)


@pytest.mark.anyio
async def test_a_name_without_addresses_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_names(monkeypatch)
    with pytest.raises(FAILURES, match="no address"):
        await open_stream(Endpoint("venue.example", 443, True), timeout_s=5)


@pytest.mark.anyio
async def test_a_resolver_that_hangs_is_given_up_on_while_everything_else_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answering, turns = threading.Event(), 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answering.wait(30) and [])
    monkeypatch.setattr(endpoint_module, "RESOLVE_WITHIN_S", 0.05)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(others)
        with anyio.fail_after(10), pytest.raises(TimeoutError):
            await open_stream(Endpoint("venue.example", 443, True), timeout_s=60)
        tasks.cancel_scope.cancel()
    answering.set()
    assert turns > 100


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_process_ends_at_once_although_resolvers_of_it_still_hang(backend: str) -> None:
    program = """
import socket, sys, time, anyio
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
from strikeloop.wire import connect_websocket, endpoint
endpoint.RESOLVE_WITHIN_S = 0.05
async def main():
    for _ in range(8):
        try:
            await connect_websocket("wss://venue.example/ws")
        except Exception as error:
            print(type(error).__name__, flush=True)
anyio.run(main, backend=sys.argv[1])
"""
    ran = subprocess.run([sys.executable, "-c", program, backend], capture_output=True, text=True, timeout=30, check=False)
    assert ran.stdout.split() == ["LinkLostError"] * 8, ran.stderr
