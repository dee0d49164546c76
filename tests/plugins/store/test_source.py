"""A store is a market: the rows in order of time, whatever files they stand in, and readable without us."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strikeloop import (
    BookUpdated,
    CandleClosed,
    ConfigError,
    ContractId,
    Event,
    Quoted,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
    canonical,
    described,
)
from strikeloop.venue import Bounded, Columnar
from strikeloop_store import StoredMarket, part
from strikeloop_store.exporting import arrow_rows, export
from strikeloop_store.kinds import BOOKS, KINDS, QUOTES, TRADES
from strikeloop_store.library import Library
from tests.plugins.store.stored import CALL, LATE, PUT, SECOND, START, quote, specify, take, written

ID = ContractId.of("gate", CALL)
AT: dict[str, Any] = {"contract": ID, "received": START + 2 * SECOND}
EVERY_KIND: list[Event] = [
    UnderlyingPriced(time=START + SECOND, received=START + SECOND, adapter="gate", underlying="BTC_USDT", price=77099.123456789),
    TickerUpdated(time=START + SECOND, mark_price=0.1 + 0.2, mark_iv=0.5, delta=-0.25, **AT),
    Quoted(time=START + SECOND, bid=None, ask=100.5, bid_size=0.0, ask_size=3.0, **AT),
    BookUpdated(time=START + SECOND, bids=((100.1, 2.0), (100.0, 1.0)), asks=((100.3, 5.0),), last_id=7, snapshot=True, **AT),
    Traded(time=START + SECOND, price=100.3, size=-2.0, trade_id="17", **AT),
    CandleClosed(
        time=START + SECOND, start=START - 59 * SECOND, interval=60 * SECOND, open=1.5, high=2.0, low=1.0, close=1.25, volume=3.0, **AT
    ),
    Quoted(time=START + 2 * SECOND, bid=100.25, ask=100.5, bid_size=1.0, ask_size=3.0, **AT),
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    specify(tmp_path / "market")
    return tmp_path / "market"


def recorded(path: Path, events: list[Event]) -> Path:
    path.write_text("".join(json.dumps(described(event)) + "\n" for event in events))
    return path


def test_every_kind_of_event_comes_back_as_it_was(store: Path, tmp_path: Path) -> None:
    take(store, recorded(tmp_path / "all.jsonl", EVERY_KIND), format_name="recording")
    source = StoredMarket(path=str(store)).open("gate")
    assert isinstance(source, Columnar)
    assert isinstance(source, Bounded)
    assert list(source.events()) == EVERY_KIND
    assert [contract.id.name for contract in source.contracts()] == [LATE, CALL, PUT]


def test_the_adapter_is_whoever_opens_the_market(store: Path, tmp_path: Path) -> None:
    take(store, recorded(tmp_path / "all.jsonl", EVERY_KIND), format_name="recording")
    source = StoredMarket(path=str(store)).open("other")
    assert {getattr(event, "contract", ContractId.of("other", "")).adapter for event in source.events()} == {"other"}
    assert {contract.id.adapter for contract in source.contracts()} == {"other"}


def test_files_that_overlap_in_time_are_one_market_in_order(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "ROWS", 10)  # many row groups, so that stretches end in the middle of one another
    random = np.random.default_rng(7)
    told = sorted(random.integers(1, 40, 300).tolist())
    for number in range(3):
        rows = [quote(second, CALL if at % 2 else PUT, at + 1, at + 2) for at, second in enumerate(told) if at % 3 == number]
        take(store, written(tmp_path / f"{number}.csv", *rows))
    trades = [Traded(time=START + second * SECOND, price=1.0, size=1.0, trade_id=str(at), **AT) for at, second in enumerate(told)]
    take(store, recorded(tmp_path / "trades.jsonl", list(trades)), format_name="recording")
    events = list(StoredMarket(path=str(store)).open("gate").events())
    assert len(events) == 600
    assert all(before.time <= after.time for before, after in pairwise(events))
    kinds = [(event.time, isinstance(event, Traded)) for event in events]
    assert kinds == sorted(kinds)  # at one instant quotes come before trades
    assert sorted(event.bid or 0 for event in events if isinstance(event, Quoted)) == [at + 1 for at in range(300)]


def test_the_market_is_the_same_however_its_rows_are_grouped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    markets = []
    rows = [quote(second // 3, (CALL, PUT)[second % 2], second + 1, second + 2) for second in range(3, 200)]
    for size in (1, 7, 1000):
        monkeypatch.setattr(part, "ROWS", size)
        store = tmp_path / f"market{size}"
        specify(store)
        take(store, written(tmp_path / "quotes.csv", *rows))
        source = StoredMarket(path=str(store)).open("gate")
        markets.append((source.content_hash(), [canonical(event) for event in source.events()]))
    assert markets[0] == markets[1] == markets[2]


def test_a_part_of_a_market_is_asked_for_by_time_kind_contract_and_underlying(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", *(quote(one * 40_000, (CALL, PUT)[one % 2], 1 + one, 9 + one) for one in range(1, 6))))
    take(store, recorded(tmp_path / "all.jsonl", EVERY_KIND[:1]), format_name="recording")
    whole = StoredMarket(path=str(store)).open("gate")

    def seconds(**settings: object) -> list[int]:
        found = StoredMarket(path=str(store), **settings).open("gate")  # type: ignore[arg-type]  # what a config would hold
        assert found.content_hash() != whole.content_hash()
        return [(event.time - START) // SECOND for event in found.events()]

    assert seconds(kinds=("quotes",)) == [40_000, 80_000, 120_000, 160_000, 200_000]
    assert seconds(contracts=(CALL,)) == [1, 80_000, 160_000]
    assert seconds(start="2026-06-02", end="2026-06-03") == [120_000, 160_000]
    assert seconds(start="2026-06-01T22:13:20Z", end="2026-06-02T09:20:00Z") == [80_000]
    bounded = whole.between(START + 2 * SECOND, START + 100_000 * SECOND)
    assert [event.time - START for event in bounded.events()] == [40_000 * SECOND, 80_000 * SECOND]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kinds": ("books",)}, "holds no such row"),
        ({"venue": "okx"}, "holds nothing of okx"),
        ({"contracts": ("BTC_USDT-20260626-1-C",)}, "has no contract BTC_USDT-20260626-1-C"),
        ({"underlyings": ("ETH_USDT",)}, "has no contract ETH_USDT"),
        ({"start": "2026-07-01"}, "holds no such row from 2026-07-01"),
    ],
)
def test_what_is_not_there_is_said_before_a_run(settings: dict[str, object], said: str, store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 1, 2)))
    with pytest.raises(ConfigError, match=said):
        StoredMarket(path=str(store), **settings).open("gate")  # type: ignore[arg-type]  # what a config would hold


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kinds": ("greeks",)}, "there is no kind greeks"),
        ({"start": "yesterday"}, "is no time"),
        ({"start": "2026-06-01T00:00:00"}, "bears no time zone"),
        ({"start": "2026-06-02", "end": "2026-06-02"}, "is not after start"),
        ({"path": "nowhere"}, "there is no store and no file"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], said: str, store: Path) -> None:
    with pytest.raises(ValueError, match=said):
        StoredMarket(**{"path": str(store), **settings})  # type: ignore[arg-type]  # what a config would hold


def test_rows_of_contracts_that_nobody_specified_are_no_market(tmp_path: Path) -> None:
    take(tmp_path / "market", written(tmp_path / "quotes.csv", quote(1, CALL, 1, 2)))
    with pytest.raises(ConfigError, match="rows of 1 contracts without specification: BTC_USDT-20260626-70000-C"):
        StoredMarket(path=str(tmp_path / "market")).open("gate")


def test_two_venues_must_be_told_apart(store: Path, tmp_path: Path) -> None:
    specify(store, venue="okx")
    file = written(tmp_path / "quotes.csv", quote(1, CALL, 1, 2))
    take(store, file)
    take(store, file, venue="okx")
    with pytest.raises(ConfigError, match="holds 2 venues"):
        StoredMarket(path=str(store)).open("gate")
    assert len(list(StoredMarket(path=str(store), venue="okx").open("gate").events())) == 1


def test_a_contract_that_is_listed_during_the_market_is_told_then(store: Path, tmp_path: Path) -> None:
    late = (tmp_path / "market-contracts.jsonl").read_text().splitlines()[0].replace("70000", "75000")
    (tmp_path / "late.jsonl").write_text(late.replace(f'"created": {START - SECOND}', f'"created": {START + 90 * SECOND}'))
    take(store, tmp_path / "late.jsonl", format_name="contracts")
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 1, 2), quote(100, CALL.replace("70000", "75000"), 1, 2)))
    source = StoredMarket(path=str(store)).open("gate")
    assert [contract.id.name for contract in source.contracts()] == [LATE, CALL, PUT]
    assert [(type(event).__name__, (event.time - START) // SECOND) for event in source.events()] == [
        ("Quoted", 1),
        ("ContractListed", 90),
        ("Quoted", 100),
    ]


# ---- without us ------------------------------------------------------------------------------------------------------------


def test_polars_and_duckdb_read_a_store_without_us(store: Path, tmp_path: Path) -> None:
    rows = [quote(1, CALL, 100.1, 100.3), quote(90_000, PUT, "", 0.0005, 0, 2)]
    take(store, written(tmp_path / "quotes.csv", *rows))
    files = f"{store}/venue=*/kind=quotes/day=*/*.parquet"
    price = pl.col("bid", "ask") * pl.col("numerator") / pl.col("denominator")
    seen = pl.scan_parquet(files, hive_partitioning=True).sort("time").select("contract", price, "venue", "day").collect()
    assert seen.get_column("bid").to_list() == [100.1, None]
    assert seen.get_column("ask").to_list() == [100.3, 0.0005]
    assert seen.get_column("venue").to_list() == ["gate", "gate"]
    told = asked(
        f"SELECT contract, bid * numerator / denominator, ask * numerator / denominator, epoch_ns(time), kind"  # noqa: S608 - our own path
        f" FROM read_parquet('{files}', hive_partitioning = true) ORDER BY time"
    )
    assert told == [(CALL, 100.1, 100.3, START + SECOND, "quotes"), (PUT, None, 0.0005, START + 90_000 * SECOND, "quotes")]


def test_the_scale_of_prices_stands_in_the_metadata_of_file_and_columns(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 100.25, 100.5)))
    (path,) = Library.open(store).paths("gate", ["quotes"])
    schema = pq.read_schema(path)
    assert schema.field("bid").type == pa.int64()
    assert schema.field("bid").metadata == {b"numerator": b"1", b"denominator": b"100", **_field_id(schema, "bid")}
    assert (schema.metadata[b"numerator"], schema.metadata[b"denominator"]) == (b"1", b"100")
    told = asked(f"SELECT value FROM parquet_kv_metadata('{path}') WHERE key = 'denominator'")  # noqa: S608 - our own path
    assert told == [(b"100",)]


def asked(query: str) -> list[Any]:
    """What duckdb answers."""
    found = duckdb.sql(query)
    assert found is not None
    return found.fetchall()


def _field_id(schema: pa.Schema, name: str) -> dict[bytes, bytes]:
    return {key: value for key, value in schema.field(name).metadata.items() if key == b"PARQUET:field_id"}


def test_rows_go_through_the_arrow_c_stream_to_whoever_takes_it(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 100.1, 100.3), quote(90_000, PUT, "", 51.0, 0, 2)))
    rows = arrow_rows(StoredMarket(path=str(store)).open("gate"), QUOTES)
    assert pl.DataFrame(rows).get_column("bid").to_list() == [100.1, None]
    found = duckdb.sql("SELECT sum(ask) FROM rows")
    assert found is not None
    assert found.fetchall() == [(151.3,)]
    assert pa.table(rows).num_rows == 2


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_was_exported_is_imported_as_the_same_market(suffix: str, store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 100.1, 100.3), quote(90_000, PUT, "", 51.0, 0, 2)))
    source = StoredMarket(path=str(store)).open("gate")
    target = tmp_path / f"out{suffix}"
    assert export(source, QUOTES, target) == 2
    other = tmp_path / "other"
    if suffix == ".parquet":
        again = StoredMarket(path=str(target)).open("gate")
        assert [contract.id for contract in again.contracts()] == [ContractId.of("gate", CALL), ContractId.of("gate", PUT)]
    elif suffix == ".jsonl":
        take(other, target, format_name="recording")
        again = StoredMarket(path=str(other)).open("gate")
    else:
        specify(other)
        columns = "\n".join(f'{name} = "{name}"' for name in ("contract", "bid", "ask", "bid_size", "ask_size"))
        mapping = (
            f'kind = "quotes"\n[time]\ncolumn = "time"\nunit = "ns"\n[received]\ncolumn = "received"\nunit = "ns"\n[columns]\n{columns}\n'
        )
        take(other, target, mapping=mapping)
        again = StoredMarket(path=str(other)).open("gate")
    assert list(again.events()) == list(source.events())


def test_an_export_that_fails_leaves_no_file(store: Path, tmp_path: Path) -> None:
    take(store, recorded(tmp_path / "all.jsonl", EVERY_KIND), format_name="recording")
    source = StoredMarket(path=str(store)).open("gate")
    with pytest.raises(ConfigError, match="lists in their columns"):
        export(source, BOOKS, tmp_path / "books.csv")
    with pytest.raises(ConfigError, match="of no format"):
        export(source, TRADES, tmp_path / "trades.xlsx")
    assert not list(tmp_path.glob("*books*")) + list(tmp_path.glob("*.xlsx"))


def test_one_file_of_a_store_is_a_market(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 100.1, 100.3)))
    (path,) = Library.open(store).paths("gate", ["quotes"])
    source = StoredMarket(path=str(path)).open("gate")
    assert [contract.id.name for contract in source.contracts()] == [CALL]
    assert len(list(source.events())) == 1


def test_a_foreign_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    pq.write_table(pa.table({"bid": [1.0]}), tmp_path / "quotes.parquet")
    with pytest.raises(ConfigError, match="not written by a store; import it with a mapping"):
        StoredMarket(path=str(tmp_path / "quotes.parquet")).open("gate")
    with gzip.open(tmp_path / "quotes.gz", "wb") as file:
        file.write(b"PAR1")
    with pytest.raises(ConfigError, match="cannot be read as Parquet"):
        StoredMarket(path=str(tmp_path / "quotes.gz")).open("gate")


def test_a_backtest_runs_on_a_store_and_its_digest_does_not_name_the_folder(store: Path, tmp_path: Path) -> None:
    take(
        store,
        written(tmp_path / "quotes.csv", *(quote(one, CALL, round(100 + one / 10, 1), round(101 + one / 10, 1)) for one in range(1, 50))),
    )
    moved = tmp_path / "elsewhere" / "market"
    moved.parent.mkdir()
    store.rename(moved)
    moved.rename(store)
    digests = set()
    for path in (store, moved):
        if path is moved:
            store.rename(moved)
        (tmp_path / "run.toml").write_text(
            f'[market]\nuse = "store"\npath = "{path}"\n[venue]\nuse = "venue"\n[adapters.gate]\nuse = "gate"\nunderlyings = ["BTC_USDT"]\n'
        )
        command = [sys.executable, "-m", "strikeloop", "backtest", "-c", "run.toml", "--no-save", "--json"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        digests.add(json.loads(ran.stdout)["digest"])
    assert len(digests) == 1


def test_the_recorded_chain_of_a_quarter_comes_in_exactly(shared: Path, tmp_path: Path) -> None:
    """The first 20,000 rows of the reference data: every quote is the float that was printed."""
    file = shared / "data" / "deribit_btc_chain_2026q2" / "chain.parquet"
    head = tmp_path / "chain.parquet"
    table = pq.ParquetFile(file).read().slice(0, 20_000)
    pq.write_table(table, head)
    declared = {"prices": "printed", "quote_size": "10", "tick": "0.0001", "multiplier": "1"}
    outcome = take(tmp_path / "market", head, venue="deribit", format_name="deribit-chain", declared=declared)
    assert (outcome.rows["quotes"], outcome.rows["tickers"]) == (20_000, 20_000)
    events = [event for event in StoredMarket(path=str(tmp_path / "market")).open("x").events() if isinstance(event, Quoted)]
    printed = sorted(zip(*(table.column(name).to_pylist() for name in ("instrument_name", "bid_price", "ask_price")), strict=True), key=str)
    assert sorted(((event.contract.name, event.bid, event.ask) for event in events), key=str) == printed
    assert set(KINDS) >= set(outcome.rows)


def test_reading_does_not_import_pandas(store: Path, tmp_path: Path) -> None:
    take(store, written(tmp_path / "quotes.csv", quote(1, CALL, 100.1, 100.3), quote(2, PUT, "", 51.0, 0, 2)))
    code = (
        "import sys\nfrom strikeloop_store import StoredMarket\n"
        f"assert len(list(StoredMarket(path={str(store)!r}).open('gate').events())) == 2\nprint('pandas' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_stretches_about_the_same_contracts_share_one_tuple_of_keys(store: Path, tmp_path: Path) -> None:
    for day in range(3):
        rows = [quote(86_400 * day + second, (CALL, PUT)[second % 2], 1, 2 + second) for second in range(1, 5)]
        take(store, written(tmp_path / f"{day}.csv", *rows))
    batches = list(StoredMarket(path=str(store)).open("gate").batches())
    assert len(batches) == 3
    assert len({id(one.keys) for batch in batches for one in batch.parts}) == 1
