"""The specification of strikeloop.portfolio."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    BalanceUpdated,
    BookUpdated,
    CandleClosed,
    ContractExpired,
    ContractId,
    ContractListed,
    Event,
    LedgerPosted,
    PortfolioRiskUpdated,
    Traded,
    UnderlyingPriced,
)
from strikeloop.portfolio import Portfolio
from strikeloop.pricing import Greeks
from tests.framework.stage import CALL, PUT, SECOND, D, contract, position, quoted, ticker

GREEKS: dict[str, Any] = {"delta": 0.5, "gamma": 0.001, "vega": 20.0, "theta": -30.0}
OTHER: dict[str, Any] = {"delta": 0.25, "gamma": 0.002, "vega": 10.0, "theta": -15.0}


def portfolio(*events: Event, listed: bool = True) -> Portfolio:
    made = Portfolio()
    if listed:
        made.add_contract(contract())
        made.add_contract(contract(PUT))
    for event in events:
        made.apply(event)
    return made


def held(*events: Event, listed: bool = True) -> Any:
    found = portfolio(*events, listed=listed).position(CALL)
    assert found is not None
    return found


def balance(total: int, at: int = 0, adapter: str = "sim", currency: str = "USDT") -> BalanceUpdated:
    return BalanceUpdated(time=at, received=at, adapter=adapter, currency=currency, total=D(total), available=D(total))


def ledger(after: int, at: int, adapter: str = "sim", currency: str = "USDT") -> LedgerPosted:
    return LedgerPosted(time=at, received=at, adapter=adapter, currency=currency, change=D(-1), balance=D(after), kind="fee")


def greeks_of(found: Any) -> dict[str, float]:
    return {"delta": found.delta, "gamma": found.gamma, "vega": found.vega, "theta": found.theta}


# ---- positions -------------------------------------------------------------------------------------------------------


def test_what_the_venue_says_of_a_position_is_kept_as_it_is() -> None:
    found = held(position(2, mark_price=99.5, unrealized_pnl=D("0.19"), **GREEKS))
    assert (found.size, found.entry_price, found.mark_price, found.unrealized_pnl) == (D(2), D(90), 99.5, D("0.19"))
    assert greeks_of(found) == GREEKS


def test_greeks_that_the_venue_leaves_out_come_from_the_ticker() -> None:
    assert greeks_of(held(ticker(**GREEKS), position(2))) == GREEKS


def test_greeks_that_nobody_told_are_zero() -> None:
    assert greeks_of(held(position(2))) == dict.fromkeys(GREEKS, 0.0)


def test_a_mark_that_the_venue_leaves_out_comes_from_the_ticker() -> None:
    assert held(ticker(mark=95.5), position(2)).mark_price == 95.5


def test_a_mark_that_the_venue_leaves_out_comes_from_the_quote_where_no_ticker_came() -> None:
    assert held(quoted(bid=90, ask=92), position(2)).mark_price == 91.0


def test_a_position_without_any_mark_has_none() -> None:
    found = held(position(2))
    assert (found.mark_price, found.unrealized_pnl) == (None, None)


def test_what_is_not_realized_is_reckoned_where_the_venue_leaves_it_out() -> None:
    assert held(position(-2, mark_price=95.5)).unrealized_pnl == D("-0.11")


def test_a_ticker_moves_mark_and_greeks_of_a_position() -> None:
    found = held(position(2, mark_price=99.5, unrealized_pnl=D(7), **GREEKS), ticker(mark=100.0, **OTHER))
    assert (found.mark_price, found.unrealized_pnl, greeks_of(found)) == (100.0, D("0.2"), OTHER)


def test_a_ticker_without_greeks_leaves_those_of_the_position() -> None:
    assert greeks_of(held(position(2, **GREEKS), ticker())) == GREEKS


def test_a_ticker_without_greeks_leaves_those_of_the_ticker_before() -> None:
    assert greeks_of(held(position(2, **GREEKS), ticker(**OTHER), ticker())) == OTHER


def test_an_update_without_greeks_and_mark_leaves_those_that_a_snapshot_told() -> None:
    found = held(position(2, mark_price=99.5, **GREEKS), position(3))
    assert (found.size, found.mark_price, found.unrealized_pnl, greeks_of(found)) == (D(3), 99.5, D("0.285"), GREEKS)


def test_an_update_is_completed_with_what_the_venue_left_out() -> None:
    made = portfolio(ticker(mark=95.5, **GREEKS), position(-2))
    whole = made.completed(position(-2))
    assert (whole.mark_price, whole.unrealized_pnl, greeks_of(whole)) == (95.5, D("-0.11"), GREEKS)


def test_what_nobody_told_stays_open_in_a_completed_update() -> None:
    made = portfolio(position(2))
    assert made.completed(position(2)) == position(2)


def test_a_mark_alone_takes_nothing_else_away() -> None:
    made = portfolio(ticker(mark=95.5, **GREEKS), ticker(mark=96.5))
    assert made.mark(CALL) == 96.5
    assert made.greeks(CALL) == Greeks(**GREEKS)


def test_a_ticker_of_a_flat_position_makes_none() -> None:
    assert portfolio(position(2), position(0), ticker(**GREEKS)).positions == ()


def test_exposure_is_per_unit_times_size_times_multiplier() -> None:
    assert held(position(-3, **GREEKS)).exposure == Greeks(delta=-0.015, gamma=-0.00003, vega=-0.6, theta=0.8999999999999999)


@given(size=st.integers(-1000, 1000).filter(bool), delta=st.floats(-1, 1), multiplier=st.sampled_from(["0.01", "0.1", "1"]))
def test_exposure_is_proportional_to_the_size(size: int, delta: float, multiplier: str) -> None:
    made = Portfolio()
    made.add_contract(contract(multiplier=D(multiplier)))
    made.apply(position(size, delta=delta))
    (found,) = made.positions
    assert found.exposure.delta == pytest.approx(size * float(multiplier) * delta)


def test_a_position_that_came_before_its_contract_gets_the_multiplier_with_it() -> None:
    listed = ContractListed(time=0, received=0, contract=CALL, specification=contract())
    found = held(position(2, mark_price=100.0, **GREEKS), listed, listed=False)
    assert (found.multiplier, found.unrealized_pnl) == (D("0.01"), D("0.2"))


def test_what_is_told_whole_stands_in_its_place_whoever_looks_and_whenever() -> None:
    whole: dict[str, Any] = {"mark_price": 9.0, "unrealized_pnl": D(1), "delta": 0.1, "gamma": 0.2, "vega": 0.3, "theta": 0.4}
    seen, unseen = Portfolio(), Portfolio()
    updates = position(1, **whole), position(2, PUT), position(3, **whole), position(4, PUT, **whole), ticker()
    for update in updates:
        seen.apply(update)
        assert seen.positions
        unseen.apply(update)
    assert unseen.positions == seen.positions
    assert [held.size for held in unseen.positions] == [3, 4]


def test_flat_positions_are_left_out() -> None:
    made = portfolio(position(2), position(1, PUT), position(0))
    assert [one.contract for one in made.positions] == [PUT]
    assert made.position(CALL) is None


def test_positions_stand_in_the_order_in_which_they_came() -> None:
    assert [one.contract for one in portfolio(position(1, PUT), position(1), position(2, PUT)).positions] == [PUT, CALL]


# ---- cash ------------------------------------------------------------------------------------------------------------


def test_a_ledger_entry_moves_the_cash() -> None:
    made = portfolio(balance(100), ledger(99, SECOND))
    assert made.balance is not None
    assert made.balance.total == D(99)


def test_a_ledger_entry_older_than_the_balance_is_old() -> None:
    made = portfolio(balance(100, 2 * SECOND), ledger(99, SECOND))
    assert made.balance == balance(100, 2 * SECOND)


def test_a_ledger_entry_with_whole_seconds_counts_within_the_second_of_the_balance() -> None:
    made = portfolio(balance(100, SECOND + 500), ledger(99, SECOND))
    assert made.balance is not None
    assert made.balance.total == D(99)


def test_ledger_entries_that_come_late_do_not_take_the_cash_back() -> None:
    made = portfolio(balance(100), ledger(98, 3 * SECOND), ledger(99, SECOND))
    assert made.balance is not None
    assert made.balance.total == D(98)


def test_a_ledger_entry_without_a_balance_makes_none() -> None:
    assert portfolio(ledger(99, 1)).balance is None


def test_each_account_and_currency_has_its_balance() -> None:
    made = portfolio(balance(100), balance(5, currency="BTC"), balance(7, adapter="other"), ledger(6, SECOND, "other"))
    assert {key: one.total for key, one in made.balances.items()} == {
        ("sim", "USDT"): D(100),
        ("sim", "BTC"): D(5),
        ("other", "USDT"): D(6),
    }


def test_the_risk_is_the_accounts_last() -> None:
    def risk(delta: float) -> PortfolioRiskUpdated:
        greeks: dict[str, Any] = {"total_delta": delta, "total_gamma": 0.0, "total_vega": 0.0, "total_theta": 0.0}
        margin: dict[str, Any] = {"margin_occupied": D(0), "margin_required": D(0), "effective_leverage": 0.0}
        return PortfolioRiskUpdated(time=0, received=0, adapter="sim", **greeks, **margin)

    assert portfolio(risk(1.0), risk(2.0)).risk == risk(2.0)
    assert portfolio().risk is None


# ---- markets ---------------------------------------------------------------------------------------------------------


def test_the_last_of_each_market_event_is_kept() -> None:
    events = (
        quoted(),
        Traded(time=0, received=0, contract=CALL, price=1.0, size=1.0),
        BookUpdated(time=0, received=0, contract=CALL, bids=(), asks=()),
        CandleClosed(time=0, received=0, contract=CALL, start=0, interval=1, open=1.0, high=1.0, low=1.0, close=1.0),
        ticker(),
    )
    made = portfolio(*events)
    assert (made.quotes[CALL], made.trades[CALL], made.books[CALL], made.candles[CALL], made.tickers[CALL]) == events


def test_an_expired_contract_leaves_nothing_of_its_market() -> None:
    made = portfolio(quoted(), ticker(**GREEKS), quoted(PUT), ContractExpired(time=0, received=0, contract=CALL))
    assert (list(made.quotes), list(made.tickers), made.mark(CALL), made.greeks(CALL)) == ([PUT], [], None, None)


def test_the_position_in_an_expired_contract_stands_until_the_venue_settles_it() -> None:
    made = portfolio(position(2), ContractExpired(time=0, received=0, contract=CALL))
    assert [one.size for one in made.positions] == [D(2)]


def test_the_mark_is_the_tickers_before_the_quotes() -> None:
    made = portfolio(quoted(), ticker(mark=77.0))
    assert made.mark(CALL) == 77.0


def test_there_is_no_mark_with_half_a_quote() -> None:
    assert portfolio(quoted(ask=None)).mark(CALL) is None


def test_greeks_are_there_once_a_ticker_tells_them() -> None:
    assert portfolio(ticker()).greeks(CALL) is None
    assert portfolio(ticker(delta=0.5)).greeks(CALL) == Greeks(delta=0.5, gamma=0.0, vega=0.0, theta=0.0)


def index(price: float) -> UnderlyingPriced:
    return UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=price)


def test_the_underlying_price_is_the_forward_where_a_ticker_tells_it() -> None:
    assert portfolio(index(70_000.0), ticker(underlying_price=70_500.0)).underlying_price(CALL) == 70_500.0


def test_the_underlying_price_is_else_the_index() -> None:
    assert portfolio(index(70_000.0), ticker()).underlying_price(CALL) == 70_000.0


def test_an_unknown_contract_has_no_underlying_price() -> None:
    assert portfolio(index(70_000.0)).underlying_price(ContractId.of("sim", "x")) is None


def test_an_event_of_another_kind_changes_nothing() -> None:
    known = portfolio(Event(time=0, received=0))
    untouched = portfolio()
    assert [known.positions, known.balances, known.risks, known.quotes, known.contracts] == [
        untouched.positions,
        untouched.balances,
        untouched.risks,
        untouched.quotes,
        untouched.contracts,
    ]
