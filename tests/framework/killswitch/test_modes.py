"""The kill switch in a backtest and in a replay of it: the same machine, the same decisions, the same exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from strikeloop.cli import main

STRATEGY = """
from strikeloop import Desk, HaltUpdated, TimerFired, hookimpl, plugin


@plugin
class Halts:
    flatten: bool = True

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.at(desk.now + 60_000_000_000, "trade")
        desk.at(desk.now + 120_000_000_000, "halt")
        desk.at(desk.now + 600_000_000_000, "again")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        quoted = [c.id for c in desk.chain("BTC_USDT") if (q := desk.quote(c.id)) and q.bid and q.ask]
        if event.name == "halt":
            desk.halt("enough", cancel=True, flatten=self.flatten)
            return
        for contract in quoted[:4]:
            quote = desk.quote(contract)
            desk.sell(contract, 3, quote.bid, tif="ioc", tag=event.name)
            desk.buy(contract, 1, quote.bid, tag=event.name)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halts.py").write_text(STRATEGY)
    (tmp_path / "strikeloop.toml").write_text(
        """
[market]
use = "generated"
duration_s = 900

[venue]
use = "venue"

[strategies.halts]
use = "./halts.py:Halts"
"""
    )
    return tmp_path


def test_a_backtest_that_is_halted_withdraws_closes_and_says_so(here: Path) -> None:
    done = CliRunner().invoke(main, ["backtest", "--json"])
    assert done.exit_code == 5, done.output
    short = json.loads(done.stdout)
    assert (short["halt"]["state"], short["halt"]["cause"], short["halt"]["by"]) == ("flat", "strategy", "halts")
    result = json.loads((here / "runs" / short["run"] / "result.json").read_text())
    assert [row["state"] for row in result["halt_list"]] == ["halted", "canceling", "reducing", "flat"]
    assert result["positions"] == []
    ours = [order for order in result["order_list"] if order["instance"] == "killswitch"]
    assert ours
    assert {order["tif"] for order in ours} == {"ioc"}
    assert {order["state"] for order in result["order_list"]} <= {"filled", "canceled", "expired"}
    assert {row["reason"].split(":")[0] for row in result["refusal_list"]} == {"halted by halts"}


def test_a_replay_of_it_decides_the_same(here: Path) -> None:
    run = json.loads(CliRunner().invoke(main, ["backtest", "--json"]).stdout)["run"]
    done = CliRunner().invoke(main, ["replay", run, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["divergence"]) == (0, None), done.output
