"""What is stored is looked through: damage and impossible rows are named with file and row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from strikeloop_store import part
from strikeloop_store.checks import Limits
from strikeloop_store.kinds import CANDLES, QUOTES, TICKERS, TRADES, UNDERLYINGS, Kind
from strikeloop_store.library import Library
from strikeloop_store.ticks import Scale
from strikeloop_store.verifying import verify
from tests.plugins.store.stored import CALL, LATE, PUT, SECOND, START, quote, specify, take, written


@pytest.fixture
def store(tmp_path: Path) -> Path:
    specify(tmp_path / "market")
    return tmp_path / "market"


def rows_of(kind: Kind, *rows: dict[str, object]) -> pa.Table:
    """Rows in memory form; what is not told is as plain as it can be."""
    plain: dict[str, object] = {
        "sequence": 0,
        "contract": CALL,
        "underlying": "BTC_USDT",
        "bid": 1.0,
        "ask": 2.0,
        "bid_size": 1.0,
        "ask_size": 1.0,
    }
    plain |= {"price": 1.0, "size": 1.0, "trade_id": "", "mark_price": 1.0, "interval": 60 * SECOND, "start": START, "volume": 1.0}
    plain |= dict.fromkeys(("open", "high", "low", "close"), 1.0)
    told = [{"time": START + at * SECOND, **plain, **row} for at, row in enumerate(rows)]
    told = [{"received": row["time"], **row} for row in told]
    arrays = []
    for field in kind.schema:
        values = [row.get(field.name) for row in told]
        wanted = pa.int64() if pa.types.is_timestamp(field.type) else pa.string() if pa.types.is_dictionary(field.type) else field.type
        arrays.append(pa.array(values, wanted).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=pa.schema([field.with_nullable(True) for field in kind.schema]))


def put(store: Path, kind: Kind, *rows: dict[str, object]) -> None:
    """Write rows past every check, as a program that is none of ours might."""
    with Library.open(store).change() as change:
        change.add("gate", kind, rows_of(kind, *rows), Scale(1, 100))


def told(store: Path, **limits: float) -> list[str]:
    found = verify(store, limits=Limits(**limits))
    return [f"{Path(one.file).parent.parent.name.removeprefix('kind=')}:{one.row}: {one.sort}: {one.what}" for one in found.defects]


WRONG: list[tuple[Kind, list[dict[str, object]], str]] = [
    (QUOTES, [{"time": START + SECOND}, {"time": START}], "quotes:2: unsorted: 2026-06-01T00:00:00.000000000Z comes after"),
    (QUOTES, [{}, {"time": START}], "quotes:2: duplicate"),
    (QUOTES, [{"bid": 3.0}], "quotes:1: crossed: bid 3.0 is above ask 2.0"),
    (QUOTES, [{"bid_size": np.nan}], "quotes:1: nan: bid_size is nan"),
    (QUOTES, [{"contract": "X"}], "quotes:1: unknown: X has no specification"),
    (QUOTES, [{"bid": -1.0}], "quotes:1: range: bid is -1"),
    (QUOTES, [{"received": START + 8 * 3600 * SECOND}], "quotes:1: range: was received 28,800 s after its time"),
    (TRADES, [{"price": 0.0}], "trades:1: range: price is 0"),
    (TRADES, [{"size": 0.0}], "trades:1: range: size is 0"),
    (TRADES, [{"trade_id": "7"}, {"trade_id": "7", "price": 2.0}], "trades:2: duplicate"),
    (TRADES, [{}, {"price": 1e6}], "trades:2: jump"),
    (TICKERS, [{"mark_iv": 55.0}], "tickers:1: range: mark_iv is 55: a fraction is expected"),
    (TICKERS, [{"mark_iv": -0.5}], "tickers:1: range: mark_iv is -0.5"),
    (TICKERS, [{"delta": 45.0}], "tickers:1: range: delta is 45"),
    (TICKERS, [{"vega": np.inf}], "tickers:1: nan: vega is inf"),
    (TICKERS, [{"mark_price": np.nan}], "tickers:1: nan: mark_price is nan"),
    (UNDERLYINGS, [{}, {"price": 3.0}], "underlyings:2: jump: BTC_USDT goes from 1 to 3"),
    (UNDERLYINGS, [{"price": -5.0}], "underlyings:1: range: price is -5"),
    (CANDLES, [{"high": 0.5}], "candles:1: range: open 1 and close 1 are not between"),
    (CANDLES, [{"volume": -1.0}], "candles:1: range: volume is -1"),
    (CANDLES, [{"interval": 0}], "candles:1: range: interval is 0"),
    (CANDLES, [{}, {"close": 1.0}], "candles:2: duplicate"),
]


@pytest.mark.parametrize(("kind", "rows", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_an_impossible_row_is_named(kind: Kind, rows: list[dict[str, object]], said: str, store: Path) -> None:
    put(store, kind, *rows)
    found = told(store)
    assert [one for one in found if one.startswith(said)], found
    assert len(found) == 1


def test_a_row_of_another_day_is_named(store: Path) -> None:
    put(store, QUOTES, {}, {"time": START + 86_400 * SECOND})
    (said,) = told(store)
    assert said == "quotes:2: damaged: is not of the day 2026-06-01"


def test_a_row_after_expiry_is_named(store: Path) -> None:
    put(store, QUOTES, {"contract": LATE, "time": START + 3 * 86_400 * SECOND})
    (said,) = told(store)
    assert f"{LATE} expired at 2026-06-03T08:00:00" in said


def test_a_gap_is_named_where_a_longest_one_is_declared(store: Path) -> None:
    put(store, QUOTES, {}, {"time": START + 100 * SECOND})
    assert told(store) == []
    (said,) = told(store, max_gap_s=60)
    assert said.startswith("quotes:2: gap: 100.0 s without quotes")


def test_repetitions_in_two_files_are_named(store: Path) -> None:
    put(store, QUOTES, {}, {"bid": 1.5}, {"contract": PUT})
    put(store, QUOTES, {}, {"bid": 1.5})
    found = verify(store).defects
    assert found.by_sort() == {"duplicate": 2}


def test_the_same_quote_after_another_at_one_instant_is_no_repetition(store: Path) -> None:
    instant: dict[str, object] = {"time": START, "received": START}
    put(store, QUOTES, instant, {**instant, "bid": 1.5}, instant)
    assert told(store) == []


@pytest.mark.parametrize("damage", ["cut off", "other rows", "no Parquet", "empty"])
def test_a_damaged_file_is_named_and_the_others_are_looked_through(damage: str, store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", *(quote(one, CALL, 1 + one, 9 + one) for one in range(1, 200))))
    put(store, TRADES, {"price": 0.0})
    (path,) = Library.open(store).paths("gate", ["quotes"])
    whole = bytearray(path.read_bytes())
    if damage == "cut off":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "other rows":
        facts = part.Part.open(path)
        path.unlink()
        part.write(path, QUOTES, rows_of(QUOTES, {}, {}), Scale(1, 100), {"content": facts.content})
    else:
        path.write_bytes(b"" if damage == "empty" else b"no Parquet at all")
    found = [one for one in verify(store).defects if one.sort != "duplicate"]
    assert [one.sort for one in found] == ["damaged", "range"]
    assert path.name in found[0].file


def test_a_sound_store_has_no_defect_and_is_counted(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", *(quote(one, CALL, 1 + one, 9 + one) for one in range(1, 200))))
    found = verify(store)
    assert (found.rows, found.files, len(found.defects)) == (202, 2, 0)
    (path,) = Library.open(store).paths("gate", ["quotes"])
    alone = verify(path)
    assert (alone.rows, alone.files, len(alone.defects)) == (199, 1, 0)


def test_no_flipped_byte_changes_a_market_unseen(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", *(quote(one, (CALL, PUT)[one % 2], 1 + one, 9 + one) for one in range(1, 60))))
    (path,) = Library.open(store).paths("gate", ["quotes"])
    whole = path.read_bytes()
    told = part.Part.open(path)
    harmless = 0
    for at in range(3, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        if not len(verify(path).defects):
            seen = part.Part.open(path)
            assert (seen.content, seen.first, seen.last, seen.spans, seen.subjects) == (
                told.content,
                told.first,
                told.last,
                told.spans,
                told.subjects,
            )
            assert seen.read().equals(told.read())
            harmless += 1
    assert harmless < 120
