"""Commands as the bodies Gate takes, and orders out of its answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from strikeloop import ContractId, OrderRejectedError, OrderState, OutcomeUnknownError, SubmitOrder, TimeInForce
from strikeloop_gate import placing
from strikeloop_gate.sources import Source

CONTRACT = ContractId.of("gate", "BTC_USDT-20260516-77500-P")
SOURCE = Source("gate", 1, 2)
PLAIN = {"contract": CONTRACT.name, "size": 2, "price": "200.5", "tif": "gtc", "text": "t-r1-a-1"}


def command(**changes: Any) -> SubmitOrder:
    fields: dict[str, Any] = {"client_id": "t-r1-a-1", "contract": CONTRACT, "size": Decimal(2), "price": Decimal("200.5")}
    return SubmitOrder(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({}, {}),
        ({"price": None}, {"price": "0", "tif": "ioc"}),
        ({"tif": TimeInForce.POC}, {"tif": "poc"}),
        ({"size": Decimal(-3), "reduce_only": True}, {"size": -3, "reduce_only": True}),
        (
            {"size": Decimal(0), "reduce_only": True, "price": None},
            {"size": 0, "price": "0", "tif": "ioc", "reduce_only": True, "close": True},
        ),
        ({"iceberg": Decimal(1)}, {"iceberg": 1}),
        ({"mmp": True}, {"mmp": True}),
        ({"price": Decimal("1E+3")}, {"price": "1000"}),
    ],
    ids=["limit", "market", "poc", "reduce", "close", "iceberg", "mmp", "exponent"],
)
def test_an_order_takes_the_form_the_venue_has_for_it(changes: dict[str, Any], body: dict[str, Any]) -> None:
    assert json.loads(placing.new_order(command(**changes))) == PLAIN | body


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "mine"},
        {"client_id": "t-" + "x" * 29},
        {"client_id": "t-ä"},
        {"size": Decimal("1.5")},
        {"tif": TimeInForce.FOK},
        {"iceberg": Decimal("0.5")},
    ],
)
def test_an_order_the_venue_has_no_form_for_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(OrderRejectedError):
        placing.new_order(command(**changes))


def test_an_amendment_names_price_and_size() -> None:
    assert json.loads(placing.amended_order(CONTRACT, Decimal("7.50"), Decimal(-2))) == {
        "contract": CONTRACT.name,
        "price": "7.50",
        "size": -2,
    }


@pytest.mark.parametrize(
    ("changes", "state", "filled"),
    [
        ({}, OrderState.OPEN, 0),
        ({"status": "finished", "finish_as": "filled", "left": 0}, OrderState.FILLED, 2),
        ({"status": "finished", "finish_as": "cancelled", "tif": "poc"}, OrderState.CANCELED, 0),
        ({"status": "finished", "finish_as": "poc", "tif": "poc"}, OrderState.REJECTED, 0),
        ({"status": "finished", "finish_as": "ioc", "tif": "ioc", "left": 1}, OrderState.EXPIRED, 1),
        ({"status": "finished", "finish_as": "reduce_only"}, OrderState.CANCELED, 0),
        ({"status": "finished", "finish_as": "mmp_cancelled"}, OrderState.CANCELED, 0),
        ({"status": "finished", "finish_as": "liquidated", "left": 1}, OrderState.LIQUIDATED, 1),
        ({"status": "finished", "finish_as": "something new"}, OrderState.UNKNOWN, 0),
    ],
    ids=["open", "filled", "poc-cancelled", "poc", "ioc", "reduce-only", "mmp", "liquidated", "unheard-of"],
)
def test_an_answer_may_tell_that_the_order_is_over_already(
    order: dict[str, Any], changes: dict[str, Any], state: OrderState, filled: int
) -> None:
    updated = placing.answered(SOURCE, "POST", json.dumps(order | changes).encode(), "t-r1-a-1")
    assert (updated.state, updated.filled) == (state, Decimal(filled))


def test_an_answer_keeps_our_id_where_the_venue_leaves_its_text_out(order: dict[str, Any]) -> None:
    assert placing.answered(SOURCE, "POST", json.dumps(order | {"text": "-"}).encode(), "t-r1-a-1").client_id == "t-r1-a-1"


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"id": 1}', b'{"id":1', b"null", b'"label"'])
def test_an_answer_that_holds_no_order_tells_nothing(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        placing.answered(SOURCE, "POST", body, "t-r1-a-1")
