"""A venue in a process of its own, for other people's clients.

Owns the process and the accounts on it: each test takes one for itself. The clients come with the dependency
group `clients`; without it these tests are skipped and say so.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from tests.clients.account import Account

MISSING = "is not installed: uv sync --group clients"
ACCOUNTS = 20


def client(name: str) -> Any:
    """Somebody's client, or a skipped test."""
    return pytest.importorskip(name, reason=f"{name} {MISSING}")


@attrs.frozen
class Places:
    """Where the server is, and the accounts nobody has taken yet."""

    rest: str
    ws: str
    free: list[dict[str, Any]]
    control: dict[str, str]

    def take(self) -> Account:
        one = self.free.pop()
        return Account(self.rest, self.ws, one["key"], one["secret"], one["user_id"], self.control)


@contextmanager
def process(*options: str) -> Iterator[Places]:
    """A server of its own, which ends cleanly."""
    command = [sys.executable, "-m", "strikeloop", "venue", "serve", "--control", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            where = json.loads(running.stdout.readline())
            yield Places(where["rest"], where["ws"], where["accounts"], where["control"])
            running.send_signal(signal.SIGTERM)
            _, errors = running.communicate(timeout=60)
            assert (running.returncode, errors) == (0, "")
        finally:
            running.kill()


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    """One server for the tests of a client; its market moves, so that it ends with them."""
    client("ccxt")
    with process("--accounts", str(ACCOUNTS), "--seed", "7", "--speed", "2") as found:
        yield found


@pytest.fixture
def account(places: Places) -> Account:
    """An account of the test's own."""
    return places.take()
