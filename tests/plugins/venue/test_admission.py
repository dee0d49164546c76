"""Which orders the venue takes, and what it says of the others."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from strikeloop import ContractId, OrderState, SubmitOrder, TimeInForce
from tests.plugins.venue.stage import CALL, EXPIRY, SECOND, START, Stage, contract

HOUR = 3600


@pytest.fixture
def stage() -> Stage:
    return Stage().index(70_000).ticker(500).quote(490, 510)


def label(stage: Stage, order: str) -> str:
    told = stage.order(order)
    assert told.state is OrderState.REJECTED
    return told.reason.split(":")[0]


@pytest.mark.parametrize(
    ("size", "price", "expected"),
    [
        ("0", "500", "INVALID_PARAM_VALUE"),
        ("1.5", "500", "INVALID_PARAM_VALUE"),
        ("NaN", "500", "INVALID_PARAM_VALUE"),
        ("10001", "500", "SIZE_TOO_LARGE"),
        ("1", "500.5", "INVALID_PARAM_VALUE"),
        ("1", "-500", "INVALID_PARAM_VALUE"),
        ("1", "Infinity", "INVALID_PARAM_VALUE"),
        ("1", "14501", "PRICE_TOO_DEVIATED"),
    ],
)
def test_an_order_outside_the_contract_s_terms_is_refused(stage: Stage, size: str, price: str, expected: str) -> None:
    assert label(stage, stage.submit(size, price)) == expected


def test_a_price_at_the_edge_of_the_band_is_taken(stage: Stage) -> None:
    assert stage.order(stage.submit(-1, 14_500)).state is OrderState.OPEN


def test_fok_is_refused(stage: Stage) -> None:
    assert label(stage, stage.submit(1, 500, TimeInForce.FOK)) == "INVALID_PARAM_VALUE"


def test_an_unknown_contract_is_refused(stage: Stage) -> None:
    assert label(stage, stage.submit(1, 500, contract=ContractId.of("venue", "BTC_USDT-20260601-1-C"))) == "CONTRACT_NOT_FOUND"


def test_an_expired_contract_is_refused(stage: Stage) -> None:
    order = stage.at(9 * HOUR).submit(1, 500)
    assert label(stage, order) == "CONTRACT_NOT_FOUND"
    assert "has expired" in stage.order(order).reason


def test_an_order_that_arrives_at_the_expiry_comes_too_late() -> None:
    stage = Stage(latency_ms=5).index(70_000).ticker(500).quote(490, 510)
    order = stage.at((EXPIRY - START) / SECOND - 0.005).submit(1, 510)
    assert label(stage.at(9 * HOUR), order) == "CONTRACT_NOT_FOUND"


def test_more_open_orders_than_allowed_are_refused(stage: Stage) -> None:
    orders = [stage.submit(1, 480) for _ in range(11)]
    assert label(stage, orders[-1]) == "TOO_MANY_ORDERS"
    assert stage.order(stage.submit(1, 510, TimeInForce.IOC)).state is OrderState.FILLED


def test_the_position_limit_counts_what_is_waiting() -> None:
    stage = Stage(contract(position_limit=D(10)), balance="10000000").index(70_000).ticker(500).quote(490, 510)
    stage.submit(4, 510)
    stage.submit(6, 480)
    assert label(stage, stage.submit(1, 480)) == "RISK_LIMIT_EXCEEDED"
    assert stage.order(stage.submit(-4, 520)).state is OrderState.OPEN


def test_a_naked_short_beyond_the_margin_is_refused() -> None:
    stage = Stage(balance="100").index(70_000).ticker(500).quote(490, 510)
    order = stage.submit(-1, 490)
    assert label(stage, order) == "INSUFFICIENT_AVAILABLE"
    assert stage.venue.positions() == ()


def test_a_naked_short_within_the_margin_is_taken() -> None:
    stage = Stage(balance="120").index(70_000).ticker(500).quote(490, 510)
    assert stage.order(stage.submit(-1, 490)).state is OrderState.FILLED


def test_a_premium_beyond_the_cash_is_refused() -> None:
    stage = Stage(balance="1000").index(70_000).ticker(500).quote(490, 510, ask_size=1000)
    assert label(stage, stage.submit(200, 510)) == "INSUFFICIENT_AVAILABLE"


def test_resting_orders_hold_margin_back() -> None:
    stage = Stage(balance="11").index(70_000).ticker(500).quote(490, 510)
    assert stage.order(stage.submit(1, 480)).state is OrderState.OPEN
    assert stage.venue.account().available == D(11) - D(480) * D("0.01") - D("0.21")
    stage.submit(1, 480)
    assert label(stage, stage.submit(1, 480)) == "INSUFFICIENT_AVAILABLE"


def test_closing_a_position_needs_no_margin() -> None:
    stage = Stage(balance="6").index(70_000).ticker(500).quote(490, 510)
    stage.submit(1, 510)
    assert stage.order(stage.submit(-1, 520)).state is OrderState.OPEN
    assert stage.venue.account().order_margin == 0


def test_a_market_order_is_judged_by_the_worst_price_it_would_reach() -> None:
    stage = Stage(balance="20").index(70_000).ticker(500).depth([(490, 5)], [(510, 1), (3000, 5)])
    assert label(stage, stage.submit(2, None)) == "INSUFFICIENT_AVAILABLE"
    assert stage.order(stage.submit(1, None)).state is OrderState.FILLED


def test_a_refused_order_does_not_exist_and_its_id_is_free(stage: Stage) -> None:
    refused = stage.submit("1.5", 500)
    assert stage.venue.order(refused) is None


def submit(stage: Stage, **terms: object) -> str:
    """Send an order with its own client id and other rare terms."""
    fields: dict[str, object] = {"client_id": "t-x", "contract": CALL, "size": D(3), "price": D(480), **terms}
    stage.send(SubmitOrder(**fields))  # type: ignore[arg-type]  # the terms are what a test says
    return str(fields["client_id"])


@pytest.mark.parametrize("client_id", ["mine", "t-", "t-" + "x" * 29, "t-a b", "api-", "T-1"])
def test_a_text_that_is_none_is_refused(stage: Stage, client_id: str) -> None:
    assert label(stage, submit(stage, client_id=client_id)) == "INVALID_PARAM_VALUE"


@pytest.mark.parametrize("client_id", ["t-0", "t-" + "x" * 28, "t-_.-", "api-1", "web-7"])
def test_what_a_client_may_write_and_what_the_venue_writes_itself_is_taken(stage: Stage, client_id: str) -> None:
    assert stage.order(submit(stage, client_id=client_id)).state is OrderState.OPEN


@pytest.mark.parametrize("shown", ["-1", "1.5", "4", "NaN"])
def test_an_iceberg_shows_a_whole_part_of_itself(stage: Stage, shown: str) -> None:
    assert label(stage, submit(stage, iceberg=D(shown))) == "INVALID_PARAM_VALUE"
    assert stage.order(submit(stage, iceberg=D(3))).state is OrderState.OPEN


def test_the_band_of_the_contract_can_be_switched_off() -> None:
    stage = Stage(price_deviation=False).index(70_000).ticker(500).quote(490, 510)
    assert stage.order(stage.submit(-1, 20_000)).state is OrderState.OPEN


@pytest.mark.parametrize(("price", "taken"), [(250, True), (249, False), (750, True), (751, False)])
def test_prices_stay_within_multiples_of_the_mark_where_that_is_asked(price: int, taken: bool) -> None:
    stage = Stage(mark_price_up="1.5", mark_price_down="0.5").index(70_000).ticker(500).quote(100, 900)
    told = stage.order(stage.submit(1, price))
    assert (told.state is OrderState.OPEN) is taken
    assert taken or told.reason.startswith("PRICE_TOO_DEVIATED: ")


@pytest.mark.parametrize("margin", ["classic", "portfolio", "deribit_like", "span_like"])
@pytest.mark.parametrize("price", [490, 14_000, None])
def test_a_hundred_dollars_do_not_sell_a_hundred_naked_calls(margin: str, price: int | None) -> None:
    """Neither for a premium that would pay for itself nor at market."""
    stage = Stage(balance="100", margin=margin).index(70_000).ticker(500).quote(490, 510, bid_size=1_000)
    sold = stage.order(stage.submit(-100, price))
    assert (sold.state, sold.reason.split(":")[0]) == (OrderState.REJECTED, "INSUFFICIENT_AVAILABLE")
    assert (stage.venue.positions(), stage.venue.account().total) == ((), D(100))
