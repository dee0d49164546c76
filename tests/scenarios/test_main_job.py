"""The main job piped into another program, and the same digest whatever surrounds a backtest."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from tests.scenarios.console import Done, strikeloop

pytestmark = pytest.mark.anyio

SECONDS = 4.0
DIALECTS = {"asyncio": "seed", "trio": "gate"}
DEMANDED = {"events", "connections", "reconnects", "orders", "fills", "refusals", "alerts", "digest", "report"}


async def test_the_demo_prints_one_object_and_loses_its_connection_in_the_first_third(tmp_path: Path, anyio_backend_name: str) -> None:
    options = ("--duration", str(SECONDS), "--dialect", DIALECTS[anyio_backend_name], "--backend", anyio_backend_name)
    done = await strikeloop(tmp_path, "demo", "--json", *options)
    assert done.code == 0, done.err
    assert done.out.count("\n") == 1
    short = json.loads(done.out)
    assert short.keys() >= DEMANDED
    assert (short["connections"], short["reconnects"], short["faults"]) == (2, 1, 0)
    assert min(short["orders"], short["events"]["options.orders"]) > 0
    # Gate tells what changed of a balance, and nothing changes without a fill.
    is_told = DIALECTS[anyio_backend_name] == "seed" or short["fills"] > 0
    assert short["events"]["options.balances"] > 0 or not is_told
    result = json.loads((tmp_path / "runs" / short["run"] / "result.json").read_text())
    account = [(row["event"], row["time"]) for row in result["stream_list"] if row["port"] == "account"]
    (lost,) = [time for event, time in account if event == "StreamLost"]
    assert (lost - short["started"]) / 1e9 < SECONDS / 3
    after = [event for event, time in account if time > lost]
    assert "StreamOpened" in after
    assert "Reconciled" in after
    assert short["run"] in await anyio.Path(short["report"]).read_text()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_default_backtest_has_one_digest_in_every_surrounding(tmp_path: Path) -> None:
    surroundings = [
        ({"PYTHONHASHSEED": "0"}, ()),
        ({"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, ("--set", "run.backend=trio")),
        ({"PYTHONHASHSEED": "random", "PYTHONOPTIMIZE": "1", "LC_ALL": "C"}, ("--set", "run.state_dir=elsewhere")),
    ]
    ended: list[Done] = []

    async def one(number: int) -> None:
        env, words = surroundings[number]
        folder = tmp_path / str(number)
        folder.mkdir()
        ended.append(await strikeloop(folder, "backtest", "--json", "--set", "market.duration_s=900", *words, env=env))

    async with anyio.create_task_group() as tasks:
        for number in range(len(surroundings)):
            tasks.start_soon(one, number)
    assert [done.code for done in ended] == [0, 0, 0], [done.err for done in ended]
    shorts = [json.loads(done.out) for done in ended]
    assert all(short["orders"] > 0 for short in shorts)
    assert len({short["digest"] for short in shorts}) == 1
