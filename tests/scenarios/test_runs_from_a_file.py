"""One strategy, unchanged: simulated, on paper and live, from a file; and each run decided again from its journal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner

from strikeloop.cli import main
from strikeloop.journal import Journal
from tests.scenarios.console import KEYS, Done, adapter, served, strikeloop

pytestmark = pytest.mark.anyio

LADDER = '''
from strikeloop import Desk, Filled, OrderRefused, hookimpl, plugin, state


@plugin
class Ladder:
    """Buy one more each time, and at last more than the rule allows."""

    steps: int = 3
    done: int = state(0)
    bought: int = state(0)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT")
        desk.every(0.1, "step")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        contract = desk.chain("BTC_USDT")[0].id
        quote = desk.quote(contract)
        if self.done < self.steps and quote is not None and quote.ask:
            self.done += 1
            desk.buy(contract, 500 if self.done == self.steps else self.done, tag=f"step-{self.done}")

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        self.bought += int(event.size)
        desk.alert(f"{self.bought} bought")

    @hookimpl
    def on_refused(self, event: OrderRefused, desk: Desk) -> None:
        desk.alert(f"{event.command.tag} refused by {event.reasons[0][0]}")
'''
PLUGINS = """
[strategies.low]
use = "./ladder.py:Ladder"
[strategies.high]
use = "./ladder.py:Ladder"
steps = 2
[risk.limits]
use = "order-limits"
max_size = 10
"""
DIALECTS = {"asyncio": "seed", "trio": "gate"}
TOLD = ("low: step-3 refused by limits", "high: step-2 refused by limits", "low: 3 bought", "high: 1 bought")
PLACED = [("high", "1", "step-1"), ("low", "1", "step-1"), ("low", "2", "step-2")]


def configured(folder: Path, mode: str, rest: str) -> Path:
    """A folder with a config file and the strategy beside it."""
    here = folder / mode
    here.mkdir()
    (here / "ladder.py").write_text(LADDER)
    (here / "strikeloop.toml").write_text(f'[run]\nmode = "{mode}"\n{rest}{PLUGINS}')
    return here


def intents(folder: Path, run: str) -> list[tuple[str, str, str]]:
    """Who placed what, from the journal: instance, size, tag."""
    with Journal.open(folder / "runs" / run / "journal.sqlite") as journal:
        return sorted((row.body["instance"], row.body["size"], row.body["tag"]) for row in journal.rows("intent"))


async def conduct(folder: Path, *words: str, backend: str) -> tuple[dict[str, Any], Done]:
    """check, run and replay; gives the run's summary and what the run said."""
    live = [word for word in words if word == "--live"]
    checked = await strikeloop(folder, "check", *live, env=KEYS)
    assert checked.code == 0, checked.err
    options = ("--duration", "90", "--json", "--set", f"run.backend={backend}")
    done = await strikeloop(folder, "run", *words, *options, env=KEYS, until=TOLD)
    assert done.code == 0, done.err
    short = json.loads(done.out)
    replayed = await strikeloop(folder, "replay", short["run"], "--json", env=KEYS)
    assert replayed.code == 0, replayed.out
    assert json.loads(replayed.out)["commands"] == short["orders"] == 3
    replayed_in_part(folder, short["run"])
    return short, done


def replayed_in_part(folder: Path, run: str) -> None:
    """Up to just before and just after each order was approved, the plugins decide what they had decided by then."""
    with Journal.open(folder / "runs" / run / "journal.sqlite") as journal:
        approved = [row.body["approved"] for row in journal.rows("intent")]
        received = [row.body["received"] for row in journal.rows("input")]
    for moment in sorted({at // 1_000 + after for at in approved for after in (0, 1)}):
        until = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).isoformat()
        with contextlib.chdir(folder):
            done = CliRunner().invoke(main, ["replay", run, "--until", until, "--json"], env=KEYS)
        told = json.loads(done.stdout)
        assert (done.exit_code, told["divergence"]) == (0, None)
        assert told["commands"] == sum(at <= moment * 1_000 for at in approved)
        assert 0 < told["inputs"] < len(received)


async def test_a_strategy_twice_under_two_names_decides_the_same_simulated_on_paper_and_live(
    tmp_path: Path, anyio_backend_name: str
) -> None:
    found: dict[str, tuple[dict[str, Any], Done]] = {}
    dialect = DIALECTS[anyio_backend_name]
    async with served(dialect) as quoted, served(dialect) as traded:
        folders = {"sim": configured(tmp_path, "sim", "")}
        folders |= {mode: configured(tmp_path, mode, adapter(on)) for mode, on in (("paper", quoted), ("live", traded))}

        async def one(mode: str) -> None:
            words = ["--live"] if mode == "live" else []
            found[mode] = await conduct(folders[mode], *words, backend=anyio_backend_name)

        async with anyio.create_task_group() as tasks:
            for mode in folders:
                tasks.start_soon(one, mode)
    for mode, (short, done) in found.items():
        assert (short["mode"], short["backend"], short["refusals"], short["faults"]) == (mode, anyio_backend_name, 2, 0)
        assert short["fills"] >= 3, "two contracts may be bought at two prices"
        assert intents(folders[mode], short["run"]) == PLACED
        for text in TOLD:
            assert text in done.err
    assert quoted.log
    assert not [message for message in quoted.log if message.signed], "a paper run signs nothing"
    assert quoted.orders_received() == []
    assert [order.method for order in traded.orders_received()] == ["POST"] * 3


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_live_config_is_on_paper_until_live_is_asked_for_and_says_so(tmp_path: Path) -> None:
    async with served("gate") as server:
        folder = configured(tmp_path, "live", adapter(server))
        checked = await strikeloop(folder, "check")
        done = await strikeloop(folder, "run", "--duration", "0.5", "--json")
    assert (checked.code, done.code) == (0, 0)
    assert json.loads(done.out)["mode"] == "paper"
    assert "--live was not given" in checked.err
    assert "--live was not given" in done.err
    assert not [message for message in server.log if message.signed]


async def test_wrong_credentials_are_tried_once_and_told(tmp_path: Path, anyio_backend_name: str) -> None:
    ended: dict[str, Done] = {}
    wrong, refusal = {**KEYS, "GATE_SECRET": "not-the-right-one"}, "critical live: gate refused the credentials"
    dialect = DIALECTS[anyio_backend_name]
    async with served(dialect) as strict, served(dialect) as patient, anyio.create_task_group() as tasks:

        async def one(server: Any, name: str, *words: str, until: Sequence[str] = ()) -> None:
            (tmp_path / name).mkdir()
            folder = configured(tmp_path / name, "live", adapter(server))
            options = ("--live", "--json", "--set", f"run.backend={anyio_backend_name}", *words)
            ended[name] = await strikeloop(folder, "run", *options, env=wrong, until=until)

        tasks.start_soon(one, strict, "strict", "--fail-fast", "--duration", "90")
        tasks.start_soon(partial(one, patient, "patient", "--duration", "90", until=[refusal]))
    assert (ended["strict"].code, ended["patient"].code) == (4, 4)
    for name, server in (("strict", strict), ("patient", patient)):
        assert refusal in ended[name].err
        assert "not-the-right-one" not in ended[name].err
        assert (json.loads(ended[name].out)["alerts"], json.loads(ended[name].out)["orders"]) == (1, 0)
        assert len([message for message in server.log if message.signed]) == 1, "no hot retry"
