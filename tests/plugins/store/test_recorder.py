"""A recording: events, market and frames of a run, kept in a thread, and honest about what is not there."""

from __future__ import annotations

import gzip
import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import polars as pl
import pyarrow.parquet as pq
import pytest

from strikeloop import (
    AlertRaised,
    ConfigError,
    ContractId,
    ContractListed,
    Event,
    Filled,
    OrderRefused,
    OrderState,
    OrderUpdated,
    Quoted,
    Reconciled,
    StorageError,
    SubmitOrder,
    Traded,
)
from strikeloop_store import StoredMarket, ledger, recorder, tape
from strikeloop_store.frames import Segments
from strikeloop_store.library import Library
from strikeloop_store.recorder import StoreRecorder, open_recorder
from strikeloop_store.results import run_events
from tests.plugins.store.stored import CALL, PUT, SECOND, START, contract

ID = ContractId.of("gate", CALL)


def at(second: float, **more: Any) -> dict[str, Any]:
    time = START + round(second * SECOND)
    return {"time": time, "received": time + 5, **more}


def quoted(second: float, bid: float, name: str = CALL) -> Quoted:
    return Quoted(**at(second), contract=ContractId.of("gate", name), bid=bid, ask=bid + 1, bid_size=1.0, ask_size=2.0)


LISTED: list[Event] = [ContractListed(**at(0), contract=contract(name).id, specification=contract(name)) for name in (CALL, PUT)]
ACCOUNT: list[Event] = [
    OrderUpdated(**at(1), contract=ID, state=OrderState.OPEN, size=Decimal(2), client_id="t-1", left=Decimal(2), price=Decimal("100.1")),
    Filled(**at(2), contract=ID, trade_id="7", order_id="9", size=Decimal(2), price=Decimal("100.1"), fee=Decimal("0.0300")),
    AlertRaised(**at(3), source="risk", topic="vega", text="much"),
    Reconciled(**at(4), adapter="gate", adjustments=("one", "two")),
    OrderRefused(
        **at(5),
        instance="hedge",
        contract=ID,
        client_id="t-2",
        command=SubmitOrder(contract=ID, client_id="t-2", size=Decimal(1), price=None),
        reasons=(("limits", "too large"),),
    ),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def kept(run: Path, *events: Event, **what: Any) -> StoreRecorder:
    """A recorder that was told of these events, and is still open."""
    recorder = open_recorder(run, **{"market": False, "frames": False, **what})
    for event in events:
        recorder.event(event)
    return recorder


def test_events_of_account_and_run_become_a_table_that_others_read(run: Path) -> None:
    assert kept(run, *ACCOUNT, quoted(1, 100.1)).close() == {"events": 5, "market": {}, "frames": {}, "dropped": 0}
    seen = pl.read_parquet(run / "events.parquet")
    assert seen.get_column("event").to_list() == ["OrderUpdated", "Filled", "AlertRaised", "Reconciled", "OrderRefused"]
    assert seen.get_column("sequence").to_list() == [0, 1, 2, 3, 4]
    assert seen.get_column("price").to_list()[:2] == [Decimal("100.1"), Decimal("100.1")]
    assert seen.get_column("state").to_list()[0] == "open"
    assert seen.get_column("adapter").to_list() == ["gate", "gate", None, "gate", "gate"]
    assert json.loads(seen.get_column("details")[3]) == {"port": "account", "adjustments": ["one", "two"]}
    assert json.loads(seen.get_column("details")[4])["reasons"] == [["limits", "too large"]]


def test_one_class_of_events_has_the_columns_that_it_uses(run: Path) -> None:
    kept(run, *ACCOUNT).close()
    fills = pl.DataFrame(run_events(run, "Filled"))
    assert fills.height == 1
    assert set(fills.columns) >= {"contract", "size", "price", "fee", "trade_id", "order_id"}
    assert "state" not in fills.columns
    with pytest.raises(ConfigError, match="cannot be read"):
        run_events(run.parent)


def test_a_figure_with_more_places_than_a_column_has_is_rounded_to_them() -> None:
    third = Decimal(1) / 3
    filled = Filled(**at(1), contract=ID, trade_id="7", order_id="9", size=Decimal(2), price=third)
    assert ledger.table([filled], 0).column("price").to_pylist() == [Decimal("0.333333333333333333")]
    with pytest.raises(ValueError, match=r"events\.parquet cannot hold"):
        ledger.table([Filled(**at(1), contract=ID, trade_id="7", order_id="9", size=Decimal("1e25"), price=third)], 0)


def test_a_run_without_events_has_a_table_without_rows(run: Path) -> None:
    kept(run).close()
    assert pq.read_metadata(run / "events.parquet").num_rows == 0


def test_the_market_of_a_run_is_a_market(run: Path) -> None:
    told = [quoted(1, 100.1), quoted(3, 100.2), quoted(2, 50.5, PUT), Traded(**at(3), contract=ID, price=100.2, size=-1.0, trade_id="1")]
    assert kept(run, *LISTED, *told, market=True).close()["market"] == {"quotes": 3, "trades": 1}
    source = StoredMarket(path=str(run / "market")).open("gate")
    assert list(source.events()) == [told[0], told[2], told[1], told[3]]
    assert [one.id.name for one in source.contracts()] == [CALL, PUT]


def test_a_market_that_is_stored_bit_by_bit_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "ROWS", 7)
    quotes = [quoted(second - (second % 3), 100.0 + second) for second in range(1, 60)]
    late = [quoted(86_400 - 30 + second, 100.0 + second) for second in range(60)]
    told = [*LISTED, *quotes, *late]
    recording = tape.Tape(tmp_path / "market")
    for start in range(0, len(told), 5):
        recording.add(told[start : start + 5])
    recording.close()
    source = StoredMarket(path=str(tmp_path / "market")).open("gate")
    assert sorted(map(str, source.events())) == sorted(map(str, [*quotes, *late]))
    assert len(list(Library.open(tmp_path / "market").paths("gate", ["quotes"]))) > 10


def test_what_happened_at_one_instant_is_told_in_the_order_it_was_heard_in(run: Path) -> None:
    trade = Traded(**at(1), contract=ID, price=100.2, size=-1.0, trade_id="1")
    told = [trade, quoted(1, 100.1), attrs.evolve(trade, trade_id="2"), quoted(1, 100.2)]
    kept(run, *LISTED, *told, market=True).close()
    assert list(StoredMarket(path=str(run / "market")).open("gate").events()) == told


def test_a_market_goes_to_the_store_that_is_named(run: Path) -> None:
    kept(run, *LISTED, quoted(1, 100.0), market=True, store=run.parent / "elsewhere").close()
    assert Library.open(run.parent / "elsewhere").venues() == ("gate",)
    assert not (run / "market").exists()


def test_frames_are_kept_as_they_came_with_the_time_they_came(run: Path) -> None:
    recorder = kept(run, frames=True, market=True)
    recorder.frames("gate", "feed", [b'{"a": 1}', "ä".encode()], 17)
    recorder.frames("gate", "account", [b"\xff"], 18)
    assert recorder.close()["frames"] == {"gate-account": 1, "gate-feed": 2}
    lines = [json.loads(line) for line in _all_that_is_there(run / "frames" / "gate-feed-0001.jsonl.gz").splitlines()]
    assert lines == [{"received": 17, "frame": '{"a": 1}'}, {"received": 17, "frame": "ä"}]
    odd = json.loads(_all_that_is_there(run / "frames" / "gate-account-0001.jsonl.gz"))
    assert odd["frame"].encode("utf-8", "surrogateescape") == b"\xff"


def test_segments_end_when_they_are_long_and_one_that_was_cut_off_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop_store.frames.SEGMENT", 100)
    segments = Segments(tmp_path, "gate-feed")
    for number in range(5):
        segments.add([b"x" * 60], number)
    segments.flush()
    names = ["gate-feed-0001.jsonl.gz", "gate-feed-0002.jsonl.gz", "gate-feed-0003.jsonl.gz.part"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    found = b"".join(_all_that_is_there(path) for path in sorted(tmp_path.iterdir()))
    assert found.count(b'"frame"') == 5
    segments.close()


def _all_that_is_there(path: Path) -> bytes:
    lines = b""
    try:
        with gzip.open(path) as file:
            while piece := file.read(10):
                lines += piece
    except EOFError:
        pass
    return lines


def test_market_events_without_room_are_counted_and_the_accounts_always_find_some(run: Path) -> None:
    recorder = StoreRecorder(run, market=True, frames=True, store=None, room=3)  # not started: nothing is taken away
    for second in range(5):
        recorder.event(quoted(second, 100.0))
    recorder.frames("gate", "feed", [b"1", b"2"], 1)
    recorder.frames("gate", "account", [b"3"], 1)
    recorder.event(ACCOUNT[0])
    assert recorder.dropped == 4
    recorder.start()
    assert recorder.close() == {"events": 1, "market": {"quotes": 3}, "frames": {"gate-account": 1}, "dropped": 4}


def test_a_disk_that_refuses_is_told_at_once_and_leaves_nothing_that_looks_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = threading.Event()

    def full(*_: object) -> None:
        refused.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Segments, "add", full)
    recorder = kept(run, *ACCOUNT, frames=True)
    recorder.frames("gate", "feed", [b"1"], 1)
    assert refused.wait(30)
    with pytest.raises(StorageError, match=r"the recording of .* ended: No space left on device"):
        recorder.close()
    assert "No space left" in recorder.trouble
    assert list(run.rglob("*.parquet")) == []


def test_the_thread_is_over_when_the_recording_is(run: Path) -> None:
    kept(run, *ACCOUNT).close()
    assert [thread for thread in threading.enumerate() if thread.name == "recorder"] == []
    assert recorder.ROOM > 100_000
