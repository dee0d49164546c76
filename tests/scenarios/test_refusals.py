"""Bad input: a configuration full of mistakes gets one report and no socket; a bad order gets a reason its strategy sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strikeloop import ContractExpired, ContractId, ContractListed, Desk, OrderRefused, OrderState, OrderUpdated, hookimpl, plugin, state
from strikeloop.testing import Sim
from tests.scenarios.console import KEYS, adapter, python, served, strikeloop

WITHOUT_SOCKETS = """
import os, sys

def refuse(event, _arguments):
    if event.startswith("socket."):
        os._exit(99)

sys.addaudithook(refuse)
from strikeloop.__main__ import main
main()
"""
MISTAKEN = """
from strikeloop import Desk, Quoted, Traded, hookimpl, plugin

@plugin
class Unknown:
    @hookimpl
    def on_qoute(self, event: Quoted, desk: Desk) -> None: ...

@plugin
class Waiting:
    @hookimpl
    async def on_quote(self, event: Quoted, desk: Desk) -> None: ...

@plugin
class Asking:
    @hookimpl
    def on_quote(self, quote: Quoted) -> None: ...

@plugin
class Confused:
    @hookimpl
    def on_quote(self, event: Traded) -> None: ...
"""
CONFIG = """
[run]
mode = "live"
backnd = "trio"
[adapters.gate]
use = "gate"
rest_url = "http://127.0.0.1:9/api/v4"
ws_url = "ws://127.0.0.1:9/v4/ws"
key = "written-in-clear"
secret = { env = "NOBODY_SET_THIS" }
[strategies.unknown]
use = "./mistaken.py:Unknown"
[strategies.waiting]
use = "./mistaken.py:Waiting"
[strategies.asking]
use = "./mistaken.py:Asking"
[strategies.confused]
use = "./mistaken.py:Confused"
[strategies.hedge]
use = "delta-band"
band = "wide"
bnd = 0.5
[strategies.missing]
use = "delta-bend"
[strategies.newer]
use = "from-tomorrow"
"""
REPORT = {
    "run.backnd": "did you mean backend?",
    "adapters.gate.key": "a secret is written in clear",
    "adapters.gate.secret": "NOBODY_SET_THIS is not set",
    "strategies.unknown": "did you mean on_quote?",
    "strategies.waiting": "on_quote is async",
    "strategies.asking": "takes an argument quote",
    "strategies.confused": "on_quote wants event: Traded",
    "strategies.hedge.band": 'expected a number, got "wide"',
    "strategies.hedge.bnd": "did you mean band?",
    "strategies.missing.use": "did you mean delta-band?",
    "strategies.newer.use": "wants strikeloop >=9",
}


@pytest.mark.parametrize("words", [("check", "--live"), ("run", "--live")])
def test_every_mistake_of_a_config_stands_in_one_report_before_a_socket_is_opened(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "mistaken.py").write_text(MISTAKEN)
    (tmp_path / "strikeloop.toml").write_text(CONFIG)
    wheel = tmp_path / "tomorrow-1.0.dist-info"
    wheel.mkdir()
    (wheel / "METADATA").write_text("Metadata-Version: 2.1\nName: tomorrow\nVersion: 1.0\nRequires-Dist: strikeloop>=9,<10\n")
    (wheel / "entry_points.txt").write_text("[strikeloop.strategies]\nfrom-tomorrow = tomorrow:Plugin\n")
    done = python(tmp_path, f"import sys; sys.path.append({str(tmp_path)!r})\n{WITHOUT_SOCKETS}", *words)
    assert (done.code, done.out) == (3, ""), done.err
    assert f"strikeloop: {len(REPORT)} problems" in done.err
    lines = done.err.replace("\n      ", " ").splitlines()
    for where, what in REPORT.items():
        assert [line for line in lines if f"  {where} " in line and what in line], (where, what)
    assert "written-in-clear" not in done.err
    assert not (tmp_path / "runs").exists()


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[run\n")
    done = python(tmp_path, WITHOUT_SOCKETS, "run", "-c", "broken.toml", "-c", "absent.toml")
    assert done.code == 3
    assert "broken.toml:1" in done.err
    assert "absent.toml" in done.err


CLUMSY = '''
from decimal import Decimal
from strikeloop import ContractId, Desk, OrderRefused, OrderState, OrderUpdated, hookimpl, plugin, state


@plugin
class Clumsy:
    """Ask once for everything that cannot be had, and say what came of it."""

    asked: bool = state(False)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(0.1, "ask")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        contract = desk.chain("BTC_USDT")[0]
        if self.asked or desk.quote(contract.id) is None:
            return
        self.asked = True
        desk.buy(contract.id, 0, price=10, tag="nothing")
        desk.buy(contract.id, 1, price=contract.tick + contract.tick / 2, tag="off-tick")
        desk.buy(ContractId(contract.id.adapter, "BTC_USDT-20990101-1-C"), 1, price=10, tag="unknown")
        desk.sell(contract.id, 9_000, price=desk.quote(contract.id).ask, tag="naked")

    @hookimpl
    def on_refused(self, event: OrderRefused, desk: Desk) -> None:
        desk.alert(f"{event.command.tag} refused: {event.reasons[0][1]}")

    @hookimpl
    def on_order(self, event: OrderUpdated, desk: Desk) -> None:
        if event.state is OrderState.REJECTED:
            desk.alert(f"rejected: {event.reason}")
'''
ANSWERS = (
    "nothing refused: size is 0",
    "off-tick refused: price 1.5 is off the tick of 1",
    "unknown refused: BTC_USDT-20990101-1-C is not listed",
    "rejected: ",
)


@pytest.mark.anyio
async def test_orders_that_cannot_be_had_come_back_to_the_strategy_with_a_reason(tmp_path: Path, anyio_backend_name: str) -> None:
    dialect = {"asyncio": "gate", "trio": "seed"}[anyio_backend_name]
    (tmp_path / "clumsy.py").write_text(CLUMSY)
    async with served(dialect, balance="1000") as server:
        (tmp_path / "strikeloop.toml").write_text(
            f'[run]\nmode = "live"\nbackend = "{anyio_backend_name}"\n{adapter(server)}[strategies.clumsy]\nuse = "./clumsy.py:Clumsy"\n'
        )
        done = await strikeloop(
            tmp_path, "run", "--live", "--duration", "90", "--json", env=KEYS, until=(*ANSWERS, "INSUFFICIENT_AVAILABLE")
        )
    assert done.code == 0, done.err
    for answer in ANSWERS:
        assert f"clumsy: {answer}" in done.err
    assert "INSUFFICIENT_AVAILABLE" in done.err
    short = json.loads(done.out)
    assert (short["refusals"], short["orders"], short["fills"], short["faults"]) == (3, 1, 0, 0)
    assert [order.status for order in server.orders_received()] == [400]


MINUTE_BEFORE_EXPIRY = 1_780_300_740_000_000_000  # 2026-06-01 07:59 UTC


@plugin
class Late:
    """Buys what has just expired."""

    heard: list[str] = state(factory=list)
    expired: list[ContractId] = state(factory=list)

    @hookimpl
    def on_contract(self, event: ContractListed | ContractExpired, desk: Desk) -> None:
        if isinstance(event, ContractExpired) and not self.expired:
            self.expired.append(event.contract)
            desk.buy(event.contract, 1, price=10, tag="late")

    @hookimpl
    def on_refused(self, event: OrderRefused) -> None:
        self.heard.append(event.reasons[0][1])

    @hookimpl
    def on_order(self, event: OrderUpdated) -> None:
        if event.state is OrderState.REJECTED:
            self.heard.append(event.reason)


def test_an_order_for_an_expired_contract_comes_back_with_a_reason() -> None:
    late = Late()
    Sim(market={"start": MINUTE_BEFORE_EXPIRY}).run(late, seconds=120)
    assert [name for name in late.heard if late.expired[0].name in name and "expired" in name] == late.heard != []
