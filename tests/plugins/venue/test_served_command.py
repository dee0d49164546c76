"""`strikeloop venue serve` as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner

from strikeloop_venue.command import venue

START = [sys.executable, "-c", "from strikeloop_venue.command import venue; venue()", "serve"]


@contextmanager
def process(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*START, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_serves_and_ends_cleanly(ending: signal.Signals) -> None:
    with process("--json", "--dialect", "gate", "--balance", "5000") as running:
        assert running.stdout is not None
        where = json.loads(running.stdout.readline())
        assert where["dialect"] == "gate"
        assert where["ws_url"] == f"ws://127.0.0.1:{where['port']}/v4/ws"
        answer = httpx.get(f"{where['rest_url']}/options/underlyings", trust_env=False)
        assert [row["name"] for row in answer.json()] == ["BTC_USDT"]
        running.send_signal(ending)
        rest, errors = running.communicate(timeout=10)
        assert (running.returncode, rest, errors) == (0, "", "")


def test_without_json_the_first_line_holds_both_addresses() -> None:
    with process() as running:
        assert running.stdout is not None
        ws_url, rest_url = running.stdout.readline().split()
        assert ws_url.startswith("ws://127.0.0.1:")
        assert ws_url.endswith("/ws/v4")
        assert rest_url.endswith("/api/v4")


def test_a_port_that_is_taken_is_a_usage_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(venue, ["serve", "--port", str(port)])
        assert result.exit_code == 2
        assert f"127.0.0.1:{port}" in result.output


def test_the_help_ends_in_two_examples() -> None:
    lines = CliRunner().invoke(venue, ["serve", "--help"]).output.rstrip().splitlines()
    assert lines[-3].strip() == "Examples:"
    assert all(line.strip().startswith("strikeloop venue serve") for line in lines[-2:])
