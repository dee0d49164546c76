"""`strikeloop venue serve` as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from strikeloop import ConfigError, ContractListed
from strikeloop.encoding import canonical
from strikeloop_venue import GeneratedMarket
from strikeloop_venue.command import venue

START = [sys.executable, "-c", "from strikeloop_venue.command import venue; venue()", "serve"]


@contextmanager
def process(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*START, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def first_line(running: subprocess.Popen[str]) -> dict[str, Any]:
    assert running.stdout is not None
    line = json.loads(running.stdout.readline())
    assert isinstance(line, dict)
    return line


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_serves_and_ends_cleanly(ending: signal.Signals) -> None:
    with process("--balance", "5000") as running:
        where = first_line(running)
        assert where["ws"].startswith("ws://127.0.0.1:")
        assert where["ws"].endswith("/op-ws/v4/ws")
        assert where["accounts"] == [{"key": "key", "secret": "secret", "user_id": 10_001, "balance": "5000"}]
        assert (where["control"], where["dialect"]) == (None, "gate")
        answer = httpx.get(f"{where['rest']}/options/underlyings", trust_env=False)
        assert [row["name"] for row in answer.json()] == ["BTC_USDT"]
        running.send_signal(ending)
        rest, errors = running.communicate(timeout=10)
        assert (running.returncode, rest, errors) == (0, "", "")


def test_the_control_endpoint_is_there_for_who_asked_and_has_the_token() -> None:
    with process("--control", "--dialect", "seed", "--accounts", "3", "--speed", "60") as running:
        where = first_line(running)
        assert where["ws"].endswith("/ws/v4")
        assert [account["key"] for account in where["accounts"]] == ["key", "key2", "key3"]
        assert len({account["user_id"] for account in where["accounts"]}) == 3
        url = where["control"]["url"] + "/state"
        assert httpx.get(url, trust_env=False).status_code == 401
        state = httpx.get(url, trust_env=False, headers={"Authorization": f"Bearer {where['control']['token']}"}).json()
        assert (state["accounts"], state["speed"], state["dialect"]) == (3, 60, "seed")


def test_a_recorded_market_is_served(tmp_path: Path) -> None:
    recording = tmp_path / "market.jsonl"
    market = GeneratedMarket(seed=3, duration_s=60, strikes=1, daily=1, weekly=1, monthly=0, underlying="ETH_USDT").open("other")
    listed = [ContractListed(time=0, received=0, contract=one.id, specification=one) for one in market.contracts()]
    recording.write_bytes(b"".join(canonical(event) + b"\n" for event in (*listed, *market.events())))
    with process("--source", str(recording)) as running:
        rest = first_line(running)["rest"]
        names = {row["name"] for row in httpx.get(f"{rest}/options/contracts?underlying=ETH_USDT", trust_env=False).json()}
        assert names == {one.id.name for one in market.contracts()}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--limit", "orders"], "GROUP=N/S"),
        (["--limit", "order=1/1"], "'order=1/1'"),
        (["--limit", "orders=0/1"], "at least 1 request"),
        (["--speed", "nan"], "nan"),
        (["--speed", "0"], "above 0"),
        (["--source", "nothing.jsonl"], "nothing.jsonl"),
        (["--balance", "nan"], "balance"),
    ],
)
def test_options_that_make_no_server_are_usage_errors(options: list[str], said: str) -> None:
    result = CliRunner().invoke(venue, ["serve", *options])
    assert result.exit_code == 2
    assert said in result.output


def test_the_venue_and_the_market_of_a_config_file_are_served(tmp_path: Path) -> None:
    config = tmp_path / "strikeloop.toml"
    config.write_text(
        """
        [venue]
        balance = "3000"
        latency = { kind = "table", file = "table.csv" }
        [market]
        underlying = "ETH_USDT"
        strikes = 3
        [strategies.mine]
        use = "of no concern here"
        """
    )
    (tmp_path / "table.csv").write_text("req_ts,exch_ts,resp_ts\n0,1000000,2000000\n")
    with process("-c", str(config), "--accounts", "2") as running:
        where = first_line(running)
        assert [account["balance"] for account in where["accounts"]] == ["3000", "3000"]
        answer = httpx.get(f"{where['rest']}/options/underlyings", trust_env=False)
        assert [row["name"] for row in answer.json()] == ["ETH_USDT"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[venue]\nquue = 1", "did you mean queue"),
        ('[venue]\nuse = "paper"', "venue.use"),
        ('[market]\nuse = "tape"', "generated or recorded"),
        ("venue = 1", "is not a table"),
        ("[venue", "is not TOML"),
        (None, "cannot be read"),
    ],
)
def test_a_config_that_makes_no_server_is_refused_by_what_is_wrong_in_it(tmp_path: Path, text: str | None, said: str) -> None:
    config = tmp_path / "strikeloop.toml"
    if text is not None:
        config.write_text(text)
    with pytest.raises(ConfigError, match=said):
        CliRunner().invoke(venue, ["serve", "-c", str(config)], catch_exceptions=False)


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
