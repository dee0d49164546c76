"""The specification of strikeloop.commands."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from strikeloop import AmendOrder, Approved, CancelOrder, Refused, Resized, SubmitOrder, TimeInForce
from tests.framework.stage import CALL, D

SUBMIT = SubmitOrder(client_id="c", contract=CALL, size=D(1), price=D(10))


@pytest.mark.parametrize(
    "value",
    [
        SUBMIT,
        CancelOrder(client_id="c", contract=CALL),
        AmendOrder(client_id="c", contract=CALL),
        Refused("no"),
        Resized(D(1)),
        Approved(SUBMIT, "s", 0),
    ],
)
def test_commands_and_verdicts_cannot_be_changed(value: Any) -> None:
    name = attrs.fields(type(value))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, name, None)


def test_an_order_without_a_price_is_a_market_order() -> None:
    assert (SUBMIT.is_market, attrs.evolve(SUBMIT, price=None).is_market) == (False, True)


def test_an_order_rests_until_canceled_unless_it_says_otherwise() -> None:
    assert (SUBMIT.tif, SUBMIT.reduce_only) == (TimeInForce.GTC, False)
