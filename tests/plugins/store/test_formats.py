"""Files of venues and vendors: what each row of them means, and what must be declared of them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from strikeloop import BookUpdated, CandleClosed, ConfigError, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced
from strikeloop_store import StoredMarket
from strikeloop_store.defects import BadDataError
from strikeloop_store.formats import FORMATS
from strikeloop_store.importing import Order
from tests.plugins.store.stored import CALL, PUT, SECOND, START, specify, take, written

US = START // 1_000
TERMS = {"tick": "5", "multiplier": "1"}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    specify(tmp_path / "market")
    return tmp_path / "market"


def market(store: Path, venue: str = "gate") -> list[Event]:
    return list(StoredMarket(path=str(store), venue=venue).open("gate").events())


def test_tardis_quotes(store: Path, tmp_path: Path) -> None:
    header = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
    with gzip.open(tmp_path / "quotes.csv.gz", "wt") as file:
        file.write(f"{header}\ngate,{CALL},{US + 1},{US + 2500},7,100.5,100.25,3\ngate,{PUT},{US + 2},{US + 2600},7,100.5,,0\n")
    take(store, tmp_path / "quotes.csv.gz", format_name="tardis-quotes")
    first, second = market(store)
    assert isinstance(first, Quoted)
    assert isinstance(second, Quoted)
    assert (first.time, first.received) == (START + 1_000, START + 2_500_000)
    assert (first.bid, first.bid_size, first.ask, first.ask_size) == (100.25, 3.0, 100.5, 7.0)
    assert (second.bid, second.bid_size) == (None, 0.0)


def test_tardis_trades_bear_the_takers_side_as_a_sign(store: Path, tmp_path: Path) -> None:
    header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
    rows = [f"gate,{CALL},{US + 1},{US + 2},a1,buy,100.5,2", f"gate,{CALL},{US + 1},{US + 2},a2,sell,100,3"]
    take(store, written(tmp_path / "trades.csv", *rows, header=header), format_name="tardis-trades")
    assert [(event.trade_id, event.size, event.price) for event in market(store) if isinstance(event, Traded)] == [
        ("a1", 2.0, 100.5),
        ("a2", -3.0, 100.0),
    ]
    with pytest.raises(BadDataError, match="side is 'unknown', expected one of buy, sell"):
        take(store, written(tmp_path / "trades.csv", rows[0].replace("buy", "unknown"), header=header), format_name="tardis-trades")
    with pytest.raises(BadDataError, match="duplicate"):
        take(store, written(tmp_path / "trades.csv", rows[0], rows[0].replace("100.5", "101"), header=header), format_name="tardis-trades")


def test_tardis_book_snapshots_end_where_a_level_is_empty(store: Path, tmp_path: Path) -> None:
    cells = [f"{side}[{level}].{what}" for level in range(2) for side in ("asks", "bids") for what in ("price", "amount")]
    header = ",".join(["exchange", "symbol", "timestamp", "local_timestamp", *cells])
    row = f"gate,{CALL},{US + 1},{US + 2},100.5,1,100,2,101,3,,"
    take(store, written(tmp_path / "books.csv", row, header=header), format_name="tardis-book-snapshots", declared={"levels": "2"})
    (book,) = market(store)
    assert isinstance(book, BookUpdated)
    assert (book.bids, book.asks, book.snapshot) == (((100.0, 2.0),), ((100.5, 1.0), (101.0, 3.0)), True)
    for wrong, said in (
        ("100.5,1,100,2,,,99,", "without a size"),
        ("100.5,1,100,2,101,3,100.25,1", "not in the order"),
        (",,100,2,101,3,,", "behind an empty level"),
    ):
        bad = written(tmp_path / "bad.csv", f"gate,{CALL},{US + 1},{US + 2},{wrong}", header=header)
        with pytest.raises(BadDataError, match=said):
            take(store, bad, format_name="tardis-book-snapshots", declared={"levels": "2"})
    crossed = written(tmp_path / "bad.csv", f"gate,{CALL},{US + 1},{US + 2},99,1,100,2,101,3,,", header=header)
    with pytest.raises(BadDataError, match=r"the best bid 100\.0 is above the best ask 99\.0"):
        take(store, crossed, format_name="tardis-book-snapshots", declared={"levels": "2"})


CHAIN = (
    "exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,open_interest,last_price,bid_price,bid_amount,bid_iv,"
    "ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,underlying_price,delta,gamma,vega,theta,rho"
)


def chain_row(name: str = "BTC-26JUN26-70000-C", *, at: int = 1, strike: str = "70000", mark_iv: str = "64.6", kind: str = "call") -> str:
    expiry = US + 25 * 86_400_000_000
    about = f"deribit,{name},{US + at},{US + at + 1},{kind},{strike},{expiry}"
    return f"{about},12,,0.0295,5,63,0.0305,4,66,0.03,{mark_iv},I,71003.5,0.5,0.00001,90,-80,20"


def test_tardis_options_chain_becomes_contracts_tickers_and_quotes_in_dollars(tmp_path: Path) -> None:
    file = written(tmp_path / "chain.csv", chain_row(), chain_row("ETH-26JUN26-4000-P", at=2, kind="put"), header=CHAIN)
    declared = {"prices": "dollars", "iv": "percent", "underlying": "BTC", "select": "BTC-", "maker_fee_rate": "0.0003", **TERMS}
    outcome = take(tmp_path / "market", file, format_name="tardis-options-chain", venue="deribit", declared=declared)
    assert (outcome.rows, outcome.contracts) == ({"tickers": 1, "quotes": 1}, 1)
    source = StoredMarket(path=str(tmp_path / "market")).open("gate")
    (contract,) = source.contracts()
    assert (contract.strike, contract.tick, contract.multiplier, contract.maker_fee_rate) == (
        Decimal(70000),
        Decimal(5),
        Decimal(1),
        Decimal("0.0003"),
    )
    ticker, quote = source.events()
    assert isinstance(ticker, TickerUpdated)
    assert isinstance(quote, Quoted)
    assert (ticker.mark_iv, ticker.mark_price, ticker.last_price, ticker.delta) == (64.6 / 100, 0.03 * 71003.5, None, 0.5)
    assert (quote.bid, quote.ask) == (2090.0, 2170.0)  # 2,094.60 and 2,165.61: down and up to the tick of 5


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("iv", "iv=percent or iv=fraction"),
        ("prices", "prices=printed keeps them"),
        ("tick", "step of order prices"),
        ("underlying", "written on"),
    ],
)
def test_what_a_format_must_be_told_is_asked_for(missing: str, said: str, tmp_path: Path) -> None:
    declared = {"prices": "printed", "iv": "percent", "underlying": "BTC", **TERMS}
    del declared[missing]
    with pytest.raises(ConfigError, match=said):
        take(
            tmp_path / "market",
            written(tmp_path / "chain.csv", chain_row(), header=CHAIN),
            format_name="tardis-options-chain",
            declared=declared,
        )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tick": "0"}, "must be above 0"),
        ({"tick": "1e3"}, "is no number"),
        ({"iv": "log"}, "expected one of percent"),
        ({"colour": "red"}, "knows no such thing"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(wrong: dict[str, str], said: str, tmp_path: Path) -> None:
    declared = {"prices": "printed", "iv": "percent", "underlying": "BTC", **TERMS, **wrong}
    with pytest.raises(ConfigError, match=said):
        take(
            tmp_path / "market",
            written(tmp_path / "chain.csv", chain_row(), header=CHAIN),
            format_name="tardis-options-chain",
            declared=declared,
        )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([chain_row(mark_iv="64.6")], "chain.csv:2: range: mark_iv is 64.6: a fraction is expected, is this percent?"),
        ([chain_row(), chain_row(at=2, strike="71000")], "chain.csv:3: range: BTC-26JUN26-70000-C has another strike"),
        ([chain_row(kind="future")], "chain.csv:2: range: type is 'future', expected one of call, put"),
        ([chain_row(strike="0")], "chain.csv:2: range: strike_price is 0"),
    ],
)
def test_a_chain_that_contradicts_itself_is_refused(rows: list[str], said: str, tmp_path: Path) -> None:
    declared = {"prices": "printed", "iv": "fraction", "underlying": "BTC", **TERMS}
    with pytest.raises(BadDataError) as error:
        take(
            tmp_path / "market", written(tmp_path / "chain.csv", *rows, header=CHAIN), format_name="tardis-options-chain", declared=declared
        )
    assert any(said in str(one) for one in error.value.defects), list(error.value.defects)


def test_deribit_chain_tells_the_index_once_for_each_snapshot(tmp_path: Path) -> None:
    header = (
        "timestamp,instrument_name,currency,option_type,strike,expiry_datetime,underlying,index_price,"
        "bid_price,ask_price,mark_price,implied_volatility,delta,vega"
    )
    rows = [
        f"2026-06-01T00:00:0{second}Z,BTC-26JUN26-{strike}-C,BTC,call,{strike},2026-06-26T08:00:00Z,71003.5,{index},0.03,0.031,0.0305,0.64,0.5,90"
        for second, strike, index in ((1, 70000, 71000.5), (1, 71000, 71000.25), (2, 70000, 71001))
    ]
    file = written(tmp_path / "chain.csv", *rows, header=header)
    declared = {"prices": "printed", "quote_size": "10", **TERMS}
    with pytest.raises(ConfigError, match="no timestamp"):  # the format is of Parquet, whose times are typed
        take(tmp_path / "market", file, format_name="deribit-chain", declared=declared)
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    pq.write_table(pacsv.read_csv(file), tmp_path / "chain.parquet")
    take(tmp_path / "market", tmp_path / "chain.parquet", format_name="deribit-chain", declared=declared)
    events = market(tmp_path / "market", venue="gate")
    assert [(event.time, event.price) for event in events if isinstance(event, UnderlyingPriced)] == [
        (START + SECOND, 71000.25),
        (START + 2 * SECOND, 71001.0),
    ]


def test_gate_trades_newest_first(store: Path, tmp_path: Path) -> None:
    rows = [
        {"id": 2, "create_time": START // SECOND + 2, "contract": CALL, "size": -3, "price": "100.5"},
        {"id": 1, "create_time": START // SECOND + 1, "contract": CALL, "size": 5, "price": "100.4"},
    ]
    (tmp_path / "trades.json").write_text(json.dumps(rows))
    with pytest.raises(BadDataError, match=r"trades\.json:2: unsorted"):
        take(store, tmp_path / "trades.json", format_name="gate-trades", declared={"time": "s"})
    take(store, tmp_path / "trades.json", format_name="gate-trades", declared={"time": "s"}, order=Order.NEWEST)
    assert [(event.trade_id, event.size) for event in market(store) if isinstance(event, Traded)] == [("1", 5.0), ("2", -3.0)]


def test_gate_candlesticks_close_an_interval_after_they_begin(store: Path, tmp_path: Path) -> None:
    rows = [{"t": START // SECOND + 60 * at, "v": 4, "o": "1.5", "h": "2", "l": "1", "c": "1.25"} for at in range(2)]
    (tmp_path / "bars.json").write_text(json.dumps(rows))
    take(store, tmp_path / "bars.json", format_name="gate-candlesticks", declared={"contract": CALL, "interval": "1m"})
    first, _ = market(store)
    assert isinstance(first, CandleClosed)
    assert (first.start, first.time, first.received, first.interval) == (START, START + 60 * SECOND, START + 60 * SECOND, 60 * SECOND)
    assert (first.open, first.high, first.low, first.close, first.volume) == (1.5, 2.0, 1.0, 1.25, 4.0)
    for change, said in (
        ({"h": "1"}, "not between low"),
        ({"v": -1}, "volume is -1"),
        ({"o": None}, "open has no value"),
        ({"c": "NaN"}, "close is nan"),
    ):
        (tmp_path / "bad.json").write_text(json.dumps([{**rows[0], **change}]))
        with pytest.raises(BadDataError, match=said):
            take(store, tmp_path / "bad.json", format_name="gate-candlesticks", declared={"contract": CALL, "interval": "1m"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is no event"),
        ("[]", "expected an object"),
        ('{"event": "Quoted"}', "is no event"),
        ('{"event": "Strange"}', "names no event we know"),
        (json.dumps({"event": "Quoted", "time": 1, "received": 1, "adapter": "x", "contract": "C", "bid": 1.0}), "ask_size is missing"),
    ],
)
def test_a_line_of_a_recording_that_is_no_event_is_refused_by_its_number(line: str, said: str, store: Path, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(BadDataError) as error:
        take(store, tmp_path / "events.jsonl", format_name="recording")
    (defect,) = error.value.defects
    assert defect.row == 2
    assert said in defect.what


def test_every_format_says_what_it_is_and_what_it_needs(tmp_path: Path) -> None:
    assert all(one.about for one in FORMATS.values())
    with pytest.raises(ConfigError, match="there is no such format"):
        take(tmp_path / "market", Path("x.csv"), format_name="excel")
