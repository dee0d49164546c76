"""An import is whole or is nothing, and every wrong row is named with its file."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strikeloop import ConfigError, StateInUseError, StorageError
from strikeloop_store import StoredMarket
from strikeloop_store.checks import Limits
from strikeloop_store.defects import BadDataError
from strikeloop_store.importing import Order
from strikeloop_store.library import Library
from tests.plugins.store.stored import CALL, HEADER, LATE, MAPPING, PUT, SECOND, START, quote, specify, take, written

GOOD = [quote(1, CALL, 100.1, 100.3), quote(2, PUT, 50.5, 51.0), quote(3, CALL, "", 100.5, 0, 2), quote(4, PUT, 50.5, 51.0)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    specify(tmp_path / "market")
    return tmp_path / "market"


def files_of(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file() and path.name != ".lock"}


def content(store: Path) -> str:
    return StoredMarket(path=str(store)).open("gate").content_hash()


def refused(store: Path, *rows: str, **more: Any) -> list[str]:
    """Import rows that are wrong; what was said of them, file first, after seeing that nothing is left of them."""
    before = files_of(store)
    with pytest.raises(BadDataError) as error:
        take(store, written(store.parent / "bad.csv", *rows, header=more.pop("header", HEADER)), **more)
    assert files_of(store) == before
    assert not [path.name for path in store.iterdir() if path.name.startswith(".staging")]
    return [str(one).removeprefix(f"{store.parent}/") for one in error.value.defects]


def test_rows_come_in_and_are_the_market_that_was_in_the_file(store: Path, tmp_path: Path) -> None:
    outcome = take(store, written(tmp_path / "quotes.csv", *GOOD))
    assert (outcome.rows, outcome.files) == ({"quotes": 4}, 1)
    events = list(StoredMarket(path=str(store)).open("gate").events())
    assert [(event.time - START, event.contract.name, event.bid, event.ask, event.bid_size) for event in events] == [  # type: ignore[attr-defined]  # every event here is a quote
        (1 * SECOND, CALL, 100.1, 100.3, 1.0),
        (2 * SECOND, PUT, 50.5, 51.0, 1.0),
        (3 * SECOND, CALL, None, 100.5, 0.0),
        (4 * SECOND, PUT, 50.5, 51.0, 1.0),
    ]


WRONG: dict[str, tuple[Callable[[], list[str]], str]] = {
    "a row goes back in time": (lambda: [quote(2, CALL, 1, 2), quote(1, CALL, 1, 2)], "bad.csv:3: unsorted: 2026-06-01T00:00:01"),
    "a row is there twice": (lambda: [quote(1, CALL, 1, 2), quote(1, CALL, 1, 2)], "bad.csv:3: duplicate: "),
    "bid above ask": (lambda: [quote(1, CALL, 1, 2), quote(2, CALL, 3, 2)], "bad.csv:3: crossed: bid 3.0 is above ask 2.0"),
    "NaN as bid": (lambda: [quote(1, CALL, "NaN", 2)], "bad.csv:2: nan: bid is nan"),
    "infinity as ask": (lambda: [quote(1, CALL, 1, "inf")], "bad.csv:2: nan: ask is inf"),
    "NaN as size": (lambda: [quote(1, CALL, 1, 2, "nan")], "bad.csv:2: nan: bid_size is nan"),
    "a word as price": (lambda: [quote(1, CALL, "abc", 2)], "bad.csv:2: nan: bid is 'abc', no number"),
    "digits with separators": (lambda: [quote(1, CALL, '"1,000.5"', 2000)], "bad.csv:2: nan: bid is '1,000.5', no number"),
    "hexadecimal digits": (lambda: [quote(1, CALL, "0x10", 2000)], "bad.csv:2: nan: bid is '0x10', no number"),
    "negative price": (lambda: [quote(1, CALL, -1, 2)], "bad.csv:2: range: bid is -1"),
    "negative size": (lambda: [quote(1, CALL, 1, 2, 1, -3)], "bad.csv:2: range: ask_size is -3"),
    "a size without a price": (lambda: [quote(1, CALL, "", 2, 5)], "bad.csv:2: missing: bid_size is given and bid is not"),
    "no size": (lambda: [quote(1, CALL, 1, 2, "")], "bad.csv:2: missing: bid_size has no value"),
    "no contract": (lambda: [quote(1, "", 1, 2)], "bad.csv:2: missing: contract has no value"),
    "no time": (lambda: [f",{CALL},1,2,1,1"], "bad.csv:2: missing: time has no value"),
    "a word as time": (lambda: [f"noon,{CALL},1,2,1,1"], "bad.csv:2: nan: ts is 'noon'"),
    "seconds told as microseconds": (lambda: [f"{START // SECOND},{CALL},1,2,1,1"], "bad.csv:2: range: time is 1970-01-01"),
    "nanoseconds told as microseconds": (lambda: [f"{START},{CALL},1,2,1,1"], "bad.csv:2: range: ts is 17802720"),
    "unknown contract": (lambda: [quote(1, "BTC_USDT-20260626-71000-C", 1, 2)], "bad.csv:2: unknown: BTC_USDT-20260626-71000-C has no"),
    "after expiry": (lambda: [quote(3 * 86_400, LATE, 1, 2)], "bad.csv:2: range: BTC_USDT-20260603-90000-C expired at 2026-06-03T08:00"),
    "too few cells": (lambda: [quote(1, CALL, 1, 2), f"1,{CALL},3"], "bad.csv:3: missing: has 3 cells, expected 6"),
    "too many cells": (lambda: [quote(1, CALL, 1, 2) + ",9"], "bad.csv:2: missing: has 7 cells, expected 6"),
    "a price that no tick has": (lambda: [quote(1, CALL, repr(0.1 + 0.2), 2)], "bad.csv:2: range: bid has more digits"),
    "a huge jump": (
        lambda: [quote(1, CALL, 1, 2), quote(2, CALL, 100_000, 200_000)],
        "bad.csv:3: jump: BTC_USDT-20260626-70000-C goes from 1.5 to 150000",
    ),
    "the last cell of many": (
        lambda: [quote(one, CALL, 1, 2) for one in range(1, 3000)] + [quote(3000, CALL, 5, 2)],
        "bad.csv:3001: crossed",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_row_is_refused_by_file_and_row(what: str, store: Path) -> None:
    rows, told = WRONG[what]
    (said,) = refused(store, *rows())
    assert said.startswith(told)


def test_a_gap_is_refused_where_a_longest_one_is_declared(store: Path) -> None:
    rows = [quote(1, CALL, 1, 2), quote(100, CALL, 1, 2.5)]
    (said,) = refused(store, *rows, limits=Limits(max_gap_s=60))
    assert said.startswith("bad.csv:3: gap: 99.0 s without quotes")


def test_everything_that_is_wrong_is_told_in_one_report(store: Path) -> None:
    said = refused(store, quote(1, CALL, 3, 2), quote(2, PUT, -1, 2), quote(3, PUT, "x", 2))
    assert [one.split(": ")[0] for one in said] == ["bad.csv:4"]  # what cannot be read hides what cannot be judged before it is mended
    said = refused(store, quote(1, CALL, 3, 2), quote(2, PUT, -1, 2))
    assert [one.split(": ")[:2] for one in said] == [["bad.csv:2", "crossed"], ["bad.csv:3", "range"]]


def test_thousands_of_bad_rows_are_counted_and_the_first_are_told(store: Path) -> None:
    with pytest.raises(BadDataError, match="981 more") as error:
        take(store, written(store.parent / "bad.csv", *(quote(one, CALL, 5, 2) for one in range(1, 1002))))
    assert len(error.value.defects) == 1001


def test_the_order_in_which_files_are_named_changes_nothing(tmp_path: Path) -> None:
    files = [
        written(tmp_path / "a.csv", quote(1, CALL, 1, 2), quote(5, CALL, 1, 3)),
        written(tmp_path / "b.csv", quote(1, PUT, 1, 2), quote(3, PUT, 1, 3)),
        written(tmp_path / "c.csv", quote(1, CALL, 2, 4), quote(90_000, CALL, 2, 3)),
    ]
    found = set()
    for number, order in enumerate(permutations(files)):
        store = tmp_path / f"market{number}"
        specify(store)
        take(store, *order)
        found.add((content(store), tuple(sorted(files_of(store)))))
    assert len(found) == 1


def test_files_that_come_one_after_another_are_the_same_market_as_all_at_once(tmp_path: Path) -> None:
    first = written(tmp_path / "a.csv", quote(1, CALL, 1, 2), quote(5, CALL, 1, 3))
    second = written(tmp_path / "b.csv", quote(90_000, PUT, 1, 2))
    hashes = set()
    stores: dict[str, list[tuple[Path, ...]]] = {
        "at-once": [(first, second)],
        "forth": [(first,), (second,)],
        "back": [(second,), (first,)],
    }
    for name, imports in stores.items():
        specify(tmp_path / name)
        for files in imports:
            take(tmp_path / name, *files)
        hashes.add(content(tmp_path / name))
    assert len(hashes) == 1


def test_the_same_file_again_adds_nothing_and_a_part_of_it_is_a_duplicate(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", *GOOD))
    before = files_of(store)
    again = take(store, tmp_path / "quotes.csv")
    assert (again.rows, again.known) == ({}, 1)
    assert files_of(store) == before
    (said,) = refused(store, GOOD[1])
    assert "bad.csv:2: duplicate: BTC_USDT-20260626-70000-P says again what venue=gate/kind=quotes/day=2026-06-01/" in said


@pytest.mark.parametrize(("order", "rows"), [(Order.NEWEST, GOOD[::-1]), (Order.ANY, [GOOD[2], GOOD[0], GOOD[3], GOOD[1]])])
def test_another_order_is_taken_where_it_is_declared(order: Order, rows: list[str], store: Path, tmp_path: Path) -> None:
    outcome = take(store, written(tmp_path / "quotes.csv", *rows), order=order)
    assert outcome.moved == (2 if order is Order.ANY else 0)
    plain = tmp_path / "plain"
    specify(plain)
    take(plain, written(tmp_path / "quotes.csv", *GOOD))
    assert content(store) == content(plain)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (MAPPING.replace('unit = "us"', 'unit = "hours"'), "unit"),
        (MAPPING.replace('bid = "bid"', 'bid = "best"'), "has no column best"),
        (MAPPING.replace('bid_size = "bid_size"\n', ""), "bid_size is not declared"),
        (MAPPING.replace('kind = "quotes"', 'kind = "greeks"'), "kind"),
        (MAPPING + 'size = "n"\n', "quotes have no column size"),
        (MAPPING + "[values]\nbid = '1'\n", "both a column and a value"),
        (MAPPING.replace('unit = "us"', 'unit = "us"\nzone = "UTC"'), "since 1970 are UTC"),
        (MAPPING.replace('unit = "us"', 'unit = "iso"\nzone = "Mars/Olympus"'), "no time zone"),
        ("kind = ", "is no mapping"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_before_anything_is_read(mapping: str, said: str, store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        take(store, written(tmp_path / "quotes.csv", *GOOD), mapping=mapping)


@pytest.mark.parametrize(
    ("zone", "cell", "expected"),
    [
        ("", "2026-06-01T00:00:01Z", START + SECOND),
        ("", "2026-06-01T02:00:01+02:00", START + SECOND),
        ("Europe/Berlin", "2026-06-01T02:00:01.000000001", START + SECOND + 1),
        ("UTC", "2026-06-01 00:00:01", START + SECOND),
    ],
)
def test_a_written_time_is_read_in_the_zone_it_bears_or_the_declared_one(
    zone: str, cell: str, expected: int, store: Path, tmp_path: Path
) -> None:
    mapping = MAPPING.replace('unit = "us"', f'unit = "iso"\nzone = "{zone}"')
    take(store, written(tmp_path / "quotes.csv", f"{cell},{CALL},1,2,1,1"), mapping=mapping)
    assert [event.time for event in StoredMarket(path=str(store)).open("gate").events()] == [expected]


@pytest.mark.parametrize(
    ("zone", "cell", "said"),
    [
        ("", "2026-06-01T00:00:01", "expected ISO 8601 with a zone"),
        ("UTC", "2026-06-01T00:00:01Z", "expected a time without zone"),
        ("Europe/Berlin", "2026-03-29T02:30:00", "twice or not at all"),
        ("Europe/Berlin", "2026-10-25T02:30:00", "twice or not at all"),
        ("UTC", "2026-06-31", "ts is '2026-06-31'"),
    ],
)
def test_a_written_time_that_says_no_moment_is_refused(zone: str, cell: str, said: str, store: Path) -> None:
    mapping = MAPPING.replace('unit = "us"', f'unit = "iso"\nzone = "{zone}"')
    (told,) = refused(store, f"{cell},{CALL},1,2,1,1", mapping=mapping)
    assert told.startswith("bad.csv:2: range: ")
    assert said in told


def test_two_times_of_a_row_in_different_zones_are_noticed(store: Path) -> None:
    mapping = MAPPING.replace("[columns]", '[received]\ncolumn = "seen"\nunit = "iso"\nzone = "Asia/Shanghai"\n[columns]')
    (told,) = refused(store, quote(1, CALL, 1, 2) + ",2026-06-01T00:00:01", mapping=mapping, header=HEADER + ",seen")
    assert "bad.csv:2: range: was received -28,800 s after its time" in told


def test_parquet_without_zone_needs_one_declared(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "quotes.parquet"
    columns = {"symbol": [CALL], "bid": [1.0], "ask": [2.0], "bid_size": [1], "ask_size": [1]}
    pq.write_table(pa.table({"ts": pa.array([START + SECOND], pa.timestamp("ns")), **columns}), file)
    typed = MAPPING.replace('unit = "us"', 'unit = "timestamp"')
    with pytest.raises(ConfigError, match="bears no time zone and none is declared"):
        take(store, file, mapping=typed, format_name="parquet")
    assert take(store, file, mapping=typed.replace('"timestamp"', '"timestamp"\nzone = "UTC"'), format_name="parquet").rows == {"quotes": 1}


@pytest.mark.parametrize("name", ["../gate", "/gate", "Gate", "", "a/b", ".."])
def test_a_venue_cannot_lead_out_of_the_store(name: str, store: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no name for a venue"):
        take(store, written(tmp_path / "quotes.csv", *GOOD), venue=name)


@pytest.mark.parametrize("form", ["empty", "header only", "missing", "binary"])
def test_a_file_without_rows_is_refused(form: str, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "quotes.csv"
    if form != "missing":
        file.write_bytes({"empty": b"", "header only": f"{HEADER}\n".encode(), "binary": bytes(range(256)) * 10}[form])
    with pytest.raises(ConfigError):
        take(store, file)
    assert "venue=gate/kind=quotes" not in " ".join(files_of(store))


def test_a_disk_that_is_full_leaves_the_store_as_it_was(store: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "quotes.csv", *(quote(one / 10, CALL, round(100 + one * 0.7 % 50, 1), 200) for one in range(1, 40_000)))
    before = files_of(store)
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom tests.plugins.store.stored import take\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"take(Path({str(store)!r}), Path({str(file)!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert ran.returncode == 1
    assert "StorageError: cannot write to" in ran.stderr
    assert files_of(store) == before
    assert take(store, file).rows == {"quotes": 39_999}


def test_an_import_that_was_killed_before_its_commit_leaves_nothing_and_after_it_everything(store: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "quotes.csv", *GOOD, quote(90_000, CALL, 1, 2))
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom tests.plugins.store.stored import take\n"
        "sequence, real, seen = Path.replace, Path.replace, []\n"
        "def dying(self, target):\n    seen.append(target)\n"
        "    if len(seen) > {survives}: os.kill(os.getpid(), signal.SIGKILL)\n    return real(self, target)\n"
        "Path.replace = dying\n"
        f"take(Path({str(store)!r}), Path({str(file)!r}))"
    )
    root = Path(__file__).parents[3]
    before = files_of(store)
    for survives, rows in ((0, None), (1, 5), (2, 5)):  # the commit itself, the first move, the second
        ran = subprocess.run([sys.executable, "-c", code.format(survives=survives)], capture_output=True, check=False, cwd=root)
        assert ran.returncode == -signal.SIGKILL
        library = Library.open(store)
        parts = library.parts("gate", ["quotes"])
        assert sum(part.rows for part in parts) == (rows or 0)
        if rows is None:
            assert {one for one in files_of(store) if not one.startswith(".staging")} == before
        for part in parts:
            part.path.unlink()
    take(store, file)
    assert not [path.name for path in store.iterdir() if path.name.startswith(".") and path.name != ".lock"]


def test_two_imports_at_once_are_not_mixed(store: Path, tmp_path: Path) -> None:
    with Library.open(store).change(), pytest.raises(StateInUseError):
        take(store, written(tmp_path / "quotes.csv", *GOOD))


def test_terms_that_change_are_refused(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    lines = (tmp_path / "market-contracts.jsonl").read_text()
    file.write_text(lines.replace('"strike":"70000"', '"strike":"70001"').replace('"strike": "70000"', '"strike": "70001"'))
    with pytest.raises(ConfigError, match="specified in two ways: strike 7000"):
        take(store, file, format_name="contracts")


def test_a_store_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot make a store"):
        Library.make(tmp_path / "file" / "market")
    with pytest.raises(ConfigError, match="there is no store here"):
        Library.open(tmp_path / "nothing")
