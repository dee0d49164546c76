"""The market of a served venue recorded from the command line, and played, decoded and imported again."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import anyio
import polars as pl
import pytest

from strikeloop_store import StoredMarket
from tests.scenarios.console import KEYS, adapter, environ, served, strikeloop

pytestmark = pytest.mark.anyio
FRAMES = 40_000
"""Compressed bytes of frames: some thousand."""

BUYER = """
from strikeloop import Desk, Filled, hookimpl, plugin, state


@plugin
class Buyer:
    bought: bool = state(False)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT")
        desk.every(0.1, "look")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        contract = desk.chain("BTC_USDT")[0].id
        quote = desk.quote(contract)
        if not self.bought and quote is not None and quote.ask:
            self.bought = True
            desk.buy(contract, 1)

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        desk.alert("it was bought")
"""


@pytest.fixture(scope="module", params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """One loop is enough for a client in a process of its own."""
    return str(request.param)


def market(folder: Path) -> list[str]:
    """What a store says happened."""
    return sorted(map(str, StoredMarket(path=str(folder)).open("gate").events()))


async def recorded(folder: Path) -> dict[str, Any]:
    """`strikeloop record` until it has seen a good deal, then SIGTERM; what it printed."""
    async with await anyio.open_process([sys.executable, "-m", "strikeloop", "record", "--json"], cwd=folder, env=environ()) as process:
        frames = anyio.Path(folder / "runs")
        while not [path async for path in frames.glob("*/frames/*.part") if (await path.stat()).st_size > FRAMES]:  # noqa: ASYNC110 - another process writes
            await anyio.sleep(0.05)
        process.terminate()
        assert process.stdout is not None
        said = b"".join([piece async for piece in process.stdout])
    assert process.returncode == 0
    kept: dict[str, Any] = json.loads(said)
    return kept


async def test_a_recording_is_a_market_and_its_frames_say_the_same(tmp_path: Path) -> None:
    async with served("gate") as server:
        (tmp_path / "strikeloop.toml").write_text(adapter(server))
        kept = await recorded(tmp_path)
    assert kept["market"]["quotes"] > 100
    assert kept["dropped"] == 0
    frames = f"{kept['frames_folder']}/gate-feed-0001.jsonl.gz"

    verified = await strikeloop(tmp_path, "data", "verify", "--json")
    assert (verified.code, json.loads(verified.out)["defects"]) == (0, [])
    decoded = await strikeloop(tmp_path, "decode", "--adapter", "gate", frames)
    assert decoded.code == 0, decoded.err
    (tmp_path / "events.jsonl").write_text(decoded.out)
    words = ("data", "import", "events.jsonl", "--format", "recording", "--venue", "gate", "--order", "any", "--store", "again", "--json")
    again = await strikeloop(tmp_path, *words)
    rows = json.loads(again.out)["rows"]
    assert rows.get("trades", 0) == kept["market"].get("trades", 0)
    # A machine that lags is told the latest of each quote only; the frames hold them all.
    assert all(rows[kind] >= count for kind, count in kept["market"].items())

    (tmp_path / "backtest.toml").write_text(
        '[market]\nuse = "store"\npath = "market"\n[venue]\nuse = "venue"\n[strategies.q]\nuse = "quoter"\n'
    )
    ran = await strikeloop(tmp_path, "backtest", "-c", "backtest.toml", "--json")
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    assert result["events"]["Quoted"] == kept["market"]["quotes"]
    told = pl.read_parquet(tmp_path / "runs" / result["run"] / "events.parquet").get_column("event").to_list()
    assert told.count("OrderUpdated") == result["events"]["OrderUpdated"]


async def test_a_live_run_keeps_its_private_frames_where_it_is_told_to_and_no_secret_in_them(tmp_path: Path) -> None:
    async with served("gate") as server:
        told = '[run]\nmode = "live"\nrecord = "frames"\n'
        (tmp_path / "strikeloop.toml").write_text(told + adapter(server) + '[strategies.b]\nuse = "./buyer.py:Buyer"\n')
        (tmp_path / "buyer.py").write_text(BUYER)
        done = await strikeloop(tmp_path, "run", "--live", "--json", env=KEYS, until=("it was bought",))
    assert done.code == 0, done.err
    result = json.loads(done.out)
    folder = tmp_path / "runs" / result["run"]
    assert sorted(path.name for path in (folder / "frames").iterdir()) == ["gate-account-0001.jsonl.gz", "gate-feed-0001.jsonl.gz"]
    account = await strikeloop(tmp_path, "decode", "--adapter", "gate", str(folder / "frames" / "gate-account-0001.jsonl.gz"))
    assert account.code == 0, account.err
    assert '"OrderUpdated"' in account.out
    events = pl.read_parquet(folder / "events.parquet")
    assert events.filter(pl.col("event") == "Filled").height == result["fills"] == 1
    assert market(folder / "market")
    assert b"secret" not in b"".join(gzip.decompress(path.read_bytes()) for path in (folder / "frames").iterdir())
