"""What the wire needs to be imported, and what it says when an optional library is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import strikeloop.wire
from strikeloop.errors import ConfigError
from strikeloop.wire.extras import require_live

WITHOUT = """
import sys
for name in ("websockets", "h11", "msgspec", "uvloop"):
    sys.modules[name] = None
"""


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_missing_library_is_named_with_its_user_and_the_command_that_brings_it() -> None:
    with pytest.raises(ConfigError, match=r"some_user: the library not_there is not installed \(pip install strikeloop\[live\]\)"):
        require_live("some_user", "not_there")


def test_secret_and_rate_limiter_work_without_the_optional_libraries() -> None:
    assert (
        run(WITHOUT + "from strikeloop.wire import RateLimiter, Secret; print(Secret('x').reveal(), RateLimiter(2, 1.0).delay(0))")
        == "x 0.0\n"
    )


def test_secret_loads_neither_http_nor_websockets() -> None:
    assert (
        run("import sys; from strikeloop.wire import Secret; print({'httpx', 'websockets', 'h11', 'anyio'} & set(sys.modules))")
        == "set()\n"
    )


def test_links_say_what_to_install_when_they_are_used_and_not_before() -> None:
    code = """
import anyio
from strikeloop.errors import ConfigError
from strikeloop.wire import WebSocketLink, connect_websocket
try:
    anyio.run(connect_websocket, "wss://venue.example")
except ConfigError as error:
    print(error)
"""
    assert run(WITHOUT + code) == "connect_websocket: the library websockets is not installed (pip install strikeloop[live])\n"


def test_the_transport_says_what_to_install() -> None:
    # httpx brings h11 today; the transport asks for it itself, because nobody promised that it stays so.
    code = """
import httpx, sys
sys.modules["h11"] = None
from strikeloop.errors import ConfigError
from strikeloop.wire import HttpTransport
try:
    HttpTransport()
except ConfigError as error:
    print(error)
"""
    assert run(code) == "HttpTransport: the library h11 is not installed (pip install strikeloop[live])\n"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in strikeloop.wire.__all__:
        assert getattr(strikeloop.wire, name).__name__ == name
    assert dir(strikeloop.wire) == sorted(strikeloop.wire.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = strikeloop.wire.no_such_name  # type: ignore[attr-defined]  # the mistake under test
