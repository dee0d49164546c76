"""Contracts that expire while no run is there: each settlement is booked once, and the cash is the venue's to the last unit."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from strikeloop import Contract, ContractId, ContractListed, Event, OptionKind, Quoted, TickerUpdated, UnderlyingPriced
from strikeloop.encoding import canonical
from strikeloop.journal import Journal
from tests.scenarios.console import environ
from tests.scenarios.kills import Venue, configure, start, venue_process

pytest.importorskip("strikeloop_gate")
pytest.importorskip("strikeloop_venue")

SECOND = 10**9
EXPIRIES = 50
MODEL: dict[str, Any] = {"mark_iv": 0.5, "delta": 0.9, "gamma": 0.0, "vega": 1.0, "theta": -1.0}


def recording(now: int, life_s: int) -> Iterator[Event]:
    """Fifty calls in the money that all expire soon, quoted once, on an index that moves."""
    expiry = (now // SECOND + life_s) * SECOND
    for number in range(EXPIRIES):
        contract = ContractId.of("venue", f"BTC_USDT-20301231-{60_000 + 100 * number}-C")
        terms = Contract(
            id=contract,
            underlying="BTC_USDT",
            kind=OptionKind.CALL,
            strike=Decimal(60_000 + 100 * number),
            expiry=expiry,
            multiplier=Decimal("0.01"),
            tick=Decimal(1),
            mark_tick=Decimal("0.1"),
            size_max=Decimal(1_000),
        )
        at: dict[str, Any] = {"time": now, "received": now, "contract": contract}
        yield ContractListed(**at, specification=terms)
        yield TickerUpdated(**at, mark_price=9_000.0 - 100 * number, underlying_price=69_000.0, **MODEL)
        yield Quoted(**at, bid=8_990.0 - 100 * number, ask=9_010.0 - 100 * number, bid_size=100.0, ask_size=100.0)
    for step in range(240):
        moment = now + step * SECOND // 2
        yield UnderlyingPriced(time=moment, received=moment, adapter="venue", underlying="BTC_USDT", price=69_000.0 + step * 1.37)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    """A venue that plays the recording, where one lot of each contract is held."""
    file = tmp_path / "market.jsonl"
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "strikeloop", "check", "--help"], env=environ(), capture_output=True, check=True)
    life_s = 8 + round(24 * (time.monotonic() - began))  # until then a venue starts, a run comes and goes, and orders are placed
    file.write_bytes(b"".join(canonical(event) + b"\n" for event in recording(time.time_ns(), life_s)))
    with venue_process(tmp_path, 1, "--source", str(file)) as (found,):
        yield found


def booked(folder: Path) -> list[dict[str, Any]]:
    """Every settlement that any run was told of."""
    found = []
    for run in sorted((folder / "runs").glob("2*")):
        with Journal.open(run / "journal.sqlite") as journal:
            found += [row.body for row in journal.events("ContractSettled")]
    return found


def cash(folder: Path) -> Decimal:
    """The cash as the last run knew it at its end."""
    last = max((folder / "runs").glob("2*"))
    with Journal.open(last / "journal.sqlite") as journal:
        return Decimal([row.body["total"] for row in journal.events("BalanceUpdated")][-1])


def one_run(folder: Path) -> None:
    """A run from start to READY and a second more."""
    child = start(folder)
    try:
        assert child.wait_for("ready", seconds=30) == "ready", (folder / "run.err").read_text()
        time.sleep(1)
        assert child.end() == 0
    finally:
        if child.process.poll() is None:
            child.kill()


def test_what_expired_while_no_run_was_there_is_booked_once_over_any_number_of_restarts(tmp_path: Path, venue: Venue) -> None:
    configure(tmp_path, venue, strategies="")
    one_run(tmp_path)
    for row in venue.request("GET", "/options/contracts", underlying="BTC_USDT"):
        venue.request("POST", "/options/orders", {"contract": row["name"], "size": 1, "price": "0", "tif": "ioc"})
    deadline = time.monotonic() + 100
    while len(venue.listed("/options/my_settlements", underlying="BTC_USDT")) < EXPIRIES:
        assert time.monotonic() < deadline, "the contracts never expired"
        time.sleep(0.2)
    assert booked(tmp_path) == []
    one_run(tmp_path)
    one_run(tmp_path)
    told = {row["contract"]: Decimal(row["pnl"]) for row in booked(tmp_path)}
    assert len(booked(tmp_path)) == len(told) == EXPIRIES
    settled = venue.listed("/options/my_settlements", underlying="BTC_USDT")
    assert told == {row["contract"]: Decimal(row["settle_profit"]) * Decimal(row["size"]) for row in settled}
    assert cash(tmp_path) == Decimal(venue.request("GET", "/options/accounts")["total"])
