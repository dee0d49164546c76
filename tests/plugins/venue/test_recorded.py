"""A recorded market is the market that was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strikeloop import ConfigError, ContractListed, Event, Quoted
from strikeloop.encoding import canonical, described
from strikeloop_venue import GeneratedMarket, RecordedMarket
from tests.plugins.venue.served_stage import call, listing, quote

MARKET = GeneratedMarket(seed=3, duration_s=120, strikes=1, daily=1, weekly=1, monthly=0)


def recording(path: Path, *events: Event) -> RecordedMarket:
    path.write_bytes(b"".join(canonical(event) + b"\n" for event in events))
    return RecordedMarket(file=str(path))


def listed(adapter: str) -> list[Event]:
    source = MARKET.open(adapter)
    at = next(iter(source.events())).time
    return [ContractListed(time=at, received=at, contract=one.id, specification=one) for one in source.contracts()]


def test_events_and_contracts_come_back_under_the_name_they_are_opened_with(tmp_path: Path) -> None:
    told = [*listed("elsewhere"), *MARKET.open("elsewhere").events()]
    source = recording(tmp_path / "market.jsonl", *told).open("venue")
    assert source.contracts() == MARKET.open("venue").contracts()
    assert list(source.events()) == [*listed("venue"), *MARKET.open("venue").events()]


def test_rows_of_a_journal_are_read_and_what_is_no_market_event_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl"
    rows = [
        {"seq": 1, "kind": "intent", "key": "t-1", "body": {"command": "SubmitOrder"}},
        {"seq": 2, "kind": "input", "key": "", "body": described(listing(call()))},
        {"seq": 3, "kind": "input", "key": "", "body": {"event": "RunStarted", "time": 1, "received": 1}},
        {"seq": 4, "kind": "input", "key": "", "body": described(quote(490, 510, at=1))},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    source = RecordedMarket(file=str(path)).open("venue")
    assert [type(event) for event in source.events()] == [ContractListed, Quoted]
    assert source.contracts() == (call(),)


def test_time_never_goes_back(tmp_path: Path) -> None:
    source = recording(tmp_path / "market.jsonl", listing(call(), at=2), quote(490, 510, at=1)).open("venue")
    times = [(event.time, event.received) for event in source.events()]
    assert times[0] == times[1]


@pytest.mark.parametrize("line", ["{", "[]", '{"event": "Quotes"}', '{"event": "Quoted", "time": "now"}'])
def test_a_line_that_is_no_event_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "market.jsonl"
    path.write_bytes(canonical(listing(call())) + b"\n\n" + line.encode() + b"\n")
    with pytest.raises(ConfigError, match=r"market\.jsonl:3"):
        list(RecordedMarket(file=str(path)).open("venue").events())


def test_a_file_that_is_not_there_is_named_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.jsonl: there is no such recording"):
        RecordedMarket(file=str(tmp_path / "none.jsonl"))


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.jsonl"
    path.touch()
    source = RecordedMarket(file=str(path)).open("venue")
    path.unlink()
    with pytest.raises(ConfigError, match=r"gone\.jsonl: the recording cannot be read"):
        source.contracts()


def test_the_hash_is_that_of_the_file_and_of_the_name(tmp_path: Path) -> None:
    first, second = recording(tmp_path / "a.jsonl", listing(call())), recording(tmp_path / "b.jsonl", listing(call()))
    assert first.open("venue").content_hash() == second.open("venue").content_hash() != first.open("other").content_hash()
