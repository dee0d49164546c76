"""The specification of strikeloop.summary.attribution."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strikeloop import ContractSettled, UnderlyingPriced
from strikeloop.contracts import DAY_NS
from strikeloop.portfolio import Portfolio
from strikeloop.summary.attribution import PARTS, Attribution
from strikeloop.testing import Sim
from strikeloop_strategies import DeltaBand, Quoter
from tests.framework.stage import CALL, EXPIRY, PUT, D, contract, fill, position, quoted, ticker


class Told:
    """An attribution and its portfolio, told what happens."""

    def __init__(self) -> None:
        self.portfolio = Portfolio()
        for one in (contract(), contract(PUT)):
            self.portfolio.add_contract(one)
        self.made = Attribution(self.portfolio)

    def market(self, mark: float, forward: float = 70_000.0, iv: float | None = 0.5, at: int = 0, **greeks: Any) -> None:
        self.portfolio.apply(ticker(mark=mark, at=at, underlying_price=forward, mark_iv=iv, **greeks))

    def position(self, size: int, *, at: int = 0, is_start: bool = False, **more: Any) -> None:
        self.made.on_position(position(size, at=at, **more), is_start=is_start)

    def row(self, **sizes: int) -> dict[str, Any]:
        (row,) = self.made.record()["contracts"]
        return dict(row)

    def settled(self, price: int, pnl: int, fee: str = "0", at: int = 0) -> None:
        self.made.on_settled(ContractSettled(time=at, received=at, contract=CALL, settle_price=D(price), size=D(0), pnl=D(pnl), fee=D(fee)))


GREEKS: dict[str, Any] = {"delta": 0.5, "gamma": 0.001, "vega": 20.0, "theta": -30.0}


def test_each_greek_explains_its_part_of_what_happened_between_two_looks() -> None:
    told = Told()
    told.market(100.0, **GREEKS)
    told.made.on_fill(fill("c", 2, 100))
    told.market(190.0, forward=70_100.0, iv=0.52, at=DAY_NS, **GREEKS)
    told.position(2, at=DAY_NS)
    row = told.row()
    assert row["pnl"] == "1.8"
    assert {name: Decimal(row[name]) for name in PARTS} == {
        "delta": D("1.00"),  # 2 · 0.01 · 0.5 · 100
        "gamma": D("0.10"),  # 2 · 0.01 · ½ · 0.001 · 100²
        "vega": D("0.80"),  # 2 · 0.01 · 20 · 2 points
        "theta": D("-0.60"),  # 2 · 0.01 · −30 · 1 day
        "trading": D(0),
    }
    assert (row["fees"], row["rest"]) == ("0", "0.5")


def test_the_greeks_are_those_before_the_move() -> None:
    told = Told()
    told.market(100.0, **GREEKS)
    told.made.on_fill(fill("c", 1, 100))
    told.market(150.0, forward=70_100.0, **{**GREEKS, "delta": 0.9})
    told.position(1)
    assert told.row()["delta"] == "0.5"


def test_a_trade_away_from_the_mark_is_trading_and_its_fee_is_a_fee() -> None:
    told = Told()
    told.market(100.0)
    told.made.on_fill(fill("c", -3, 90, fee=D("0.25")))
    row = told.row()
    assert (row["trading"], row["fees"], row["pnl"], row["rest"]) == ("-0.3", "-0.25", "-0.55", "0")


def test_a_fee_that_the_venue_does_not_say_is_computed_by_the_rates_of_the_contract_and_counted() -> None:
    told = Told()
    told.portfolio.add_contract(contract(taker_fee_rate=D("0.0003"), maker_fee_rate=D("0.0001"), fee_cap=D("0.125")))
    told.portfolio.apply(UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=70_000.0))
    told.made.on_fill(fill("c", 2, 500))
    told.made.on_fill(fill("c", -1, 500, is_maker=True))
    told.made.on_fill(fill("c", -1, 500, fee=D("0.01")))
    assert told.made.fees == D("0.0003") * 70_000 * 2 * D("0.01") + D("0.0001") * 70_000 * D("0.01") + D("0.01")
    assert told.made.fees_computed == 2


def test_a_trade_is_measured_against_the_middle_of_a_quote_that_is_newer_than_the_mark() -> None:
    told = Told()
    told.market(100.0, **GREEKS, index_price=69_990.0)
    told.portfolio.apply(UnderlyingPriced(time=5, received=5, adapter="sim", underlying="BTC_USDT", price=70_090.0))
    told.portfolio.apply(quoted(bid=148.0, ask=156.0, at=6))
    told.made.on_fill(fill("c", 1, 156, at=7))
    told.market(151.0, forward=70_100.0, at=8, **GREEKS)
    told.position(1, at=8)
    row = told.row()
    assert (row["trading"], row["delta"], row["pnl"]) == ("-0.04", "0", "-0.05")


def test_a_contract_without_a_mark_counts_at_its_price() -> None:
    told = Told()
    told.made.on_fill(fill("c", 1, 90))
    assert (told.row()["trading"], told.row()["pnl"]) == ("0", "0")


def test_what_has_no_greeks_is_not_explained() -> None:
    told = Told()
    told.market(100.0, iv=None)
    told.made.on_fill(fill("c", 1, 100))
    told.market(120.0, iv=None)
    told.position(1)
    assert (told.row()["rest"], told.row()["pnl"]) == ("0.2", "0.2")


def test_a_position_that_the_run_begins_with_gains_from_its_first_mark() -> None:
    told = Told()
    told.position(4, is_start=True, mark_price=50.0)
    told.position(4, mark_price=60.0, at=5)
    row = told.row()
    assert (row["pnl"], row["opened"], row["fills"]) == ("0.4", 0, 0)
    told.made.on_fill(fill("c", -4, 60, at=9))
    assert told.made.trips.won == 1


def test_a_position_told_before_its_fill_is_not_counted_twice() -> None:
    told = Told()
    told.market(100.0)
    told.position(2)
    told.made.on_fill(fill("c", 2, 100))
    told.position(2)
    assert told.row()["pnl"] == "0"


def test_a_settlement_pays_and_ends_the_trip() -> None:
    told = Told()
    told.market(100.0)
    told.made.on_fill(fill("c", -2, 100, fee=D("0.5")))
    told.settled(70_020, pnl=-1, fee="0.1", at=EXPIRY)
    row = told.row()
    assert (row["pnl"], row["fees"], row["rest"], row["settle_price"], row["closed"]) == ("0.4", "-0.6", "1", "70020", EXPIRY)
    assert (told.made.trips.won, told.made.trips.gained) == (1, D("0.4"))


def test_the_settlement_of_a_contract_that_was_never_held_is_nothing() -> None:
    told = Told()
    told.settled(70_000, pnl=0)
    assert told.made.record()["contracts"] == []


def test_a_fill_through_zero_ends_one_trip_and_begins_another() -> None:
    told = Told()
    told.market(100.0)
    told.made.on_fill(fill("c", 2, 100))
    told.made.on_fill(fill("c", -6, 110, fee=D("0.3"), at=3))
    trips = told.made.trips
    assert (trips.count, trips.gained) == (1, D("0.1"))  # 0.2 of price; a third of the fill closes, and bears a third of the fee
    told.made.on_fill(fill("c", 4, 100, at=4))
    assert (trips.count, trips.gained) == (2, D("0.3"))


SIZES = st.lists(st.tuples(st.integers(-5, 5).filter(bool), st.integers(1, 300), st.integers(1, 300), st.integers(0, 9)), max_size=20)


@given(SIZES)
def test_the_parts_sum_to_the_pnl_and_the_pnl_to_cash_and_marks_to_the_last_digit(steps: list[tuple[int, int, int, int]]) -> None:
    told, cash, size, mark = Told(), D(0), 0, 0
    for number, (traded, price, moved, fee) in enumerate(steps):
        mark = moved
        told.market(mark / 4, forward=70_000.0 + 7 * moved, iv=0.4 + moved / 1_000, at=number * 10**12, **GREEKS)
        told.made.on_fill(fill("c", traded, price, fee=D(fee) / 8, at=number * 10**12))
        cash -= D(price) * traded * D("0.01") + D(fee) / 8
        size += traded
    found = told.made.record()
    worth = D(repr(mark / 4)) * size * D("0.01")
    total = {name: Decimal(value) for name, value in found["total"].items()}
    assert total["pnl"] == cash + worth
    assert total["pnl"] == sum(total[name] for name in (*PARTS, "fees", "rest"))
    for rows in (found["contracts"], found["expiries"]):
        assert sum((Decimal(row["pnl"]) for row in rows), D(0)) == total["pnl"]


def test_trips_are_the_whole_pnl_of_a_contract_that_is_flat() -> None:
    told = Told()
    told.market(100.0)
    for size, price in ((2, 100), (-5, 130), (3, 90), (1, 10), (-1, 20)):
        told.made.on_fill(fill("c", size, price, fee=D("0.03")))
    trips = told.made.trips
    assert trips.gained - trips.given == Decimal(told.row()["pnl"])
    assert trips.count == 3


def test_in_a_simulated_run_nothing_is_outside_and_the_greeks_explain_nearly_all() -> None:
    played = Sim().run(Quoter(), DeltaBand(band=0.02), seconds=60)
    record = played.result.record()
    total = {name: Decimal(value) for name, value in record["pnl"]["total"].items()}
    assert record["pnl"]["outside"] == "0"
    assert Decimal(record["figures"]["pnl"]) == total["pnl"]
    assert total["pnl"] == sum(total[name] for name in (*PARTS, "fees", "rest"))
    assert abs(total["rest"]) < abs(total["pnl"]) / 100
    assert -total["fees"] == sum(event.fee or D(0) for event in played.fills)
