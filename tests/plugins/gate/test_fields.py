"""Tables of fields: an event has just what they say, and each kind of field refuses by name what it cannot be."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import UNSET

from strikeloop import LedgerPosted, Origin, PortfolioRiskUpdated
from strikeloop_gate import fields
from strikeloop_gate.fields import Field, Meaning
from strikeloop_gate.sources import Source
from strikeloop_gate.strictjson import MalformedError

SOURCE = Source("gate", 5, 6, Origin.SNAPSHOT)
ENTRY = {
    "adapter": fields.ADAPTER,
    "currency": fields.always("USDT"),
    "change": fields.ledger("change"),
    "balance": fields.either("total", "balance"),
    "kind": fields.text("type"),
    "text": fields.always(""),
}


def item(**found: Any) -> Any:
    """An object from the wire, which leaves out what is not given."""
    return SimpleNamespace(**{"time": UNSET, "time_ms": UNSET, "total": UNSET, "balance": UNSET, **found})


def test_a_meaning_makes_the_event_that_its_table_says() -> None:
    (made,) = Meaning(LedgerPosted, ENTRY)(SOURCE, found := item(change="1.50", balance="2", type="fee", time=7), found)
    expected = LedgerPosted(
        time=7_000_000_000,
        received=6,
        origin=Origin.SNAPSHOT,
        adapter="gate",
        currency="USDT",
        change=Decimal("1.50"),
        balance=Decimal(2),
        kind="fee",
    )
    assert made == expected
    assert isinstance(made, LedgerPosted)
    assert str(made.change) == "1.50"


def test_the_rest_is_set_with_the_fields_at_hand_and_more_may_be_told_by_it() -> None:
    def rest(event: Any, found: Any) -> None:
        event.text = f"{found.type} {event.change}"

    meaning = Meaning(LedgerPosted, ENTRY, rest=rest, told=lambda event: (event, event))
    made, again = meaning(SOURCE, found := item(change="1", total="2", type="fee"), found)
    assert made is again
    assert isinstance(made, LedgerPosted)
    assert made.text == "fee 1"


@pytest.mark.parametrize(
    ("field", "found", "named"),
    [
        (fields.ledger("price"), {"price": "1" * 50}, "price"),
        (fields.contracts("size"), {"size": "1.5"}, "size"),
        (fields.identity("id"), {"id": "a b"}, "id"),
        (fields.seconds("at"), {"at": Decimal(-1)}, "at"),
        (fields.contract(), {"contract": "../x"}, "contract"),
        (fields.currency(), {"currency": "US DT"}, "currency"),
        (fields.either("total", "balance"), {"total": UNSET}, "total"),
    ],
)
def test_what_a_field_cannot_be_is_refused_by_its_name(field: Field, found: dict[str, Any], named: str) -> None:
    with pytest.raises(MalformedError) as refused:
        Meaning(LedgerPosted, {**ENTRY, "text": field})(SOURCE, one := item(**{"change": "1", "total": "2", "type": "", **found}), one)
    assert refused.value.field == named


@pytest.mark.parametrize("value", [UNSET, None])
def test_an_optional_field_is_none_where_it_is_absent_or_null(value: Any) -> None:
    meaning = Meaning(LedgerPosted, {**ENTRY, "change": fields.optional(fields.ledger("change"))})
    assert meaning.event(SOURCE, one := item(change=value, total="2", type="fee"), one).change is None


def test_market_figures_come_from_their_own_form_and_have_no_negative_zero() -> None:
    table = {"adapter": fields.ADAPTER, "total_delta": fields.market("delta"), "total_gamma": fields.market("gamma")}
    made = Meaning(PortfolioRiskUpdated, table).event(SOURCE, item(), SimpleNamespace(delta=-0.5, gamma=-0.0))
    assert (made.total_delta, str(made.total_gamma)) == (-0.5, "0.0")


def test_a_venues_id_is_text_however_it_is_sent_and_a_flag_is_true_or_not() -> None:
    table = {**ENTRY, "kind": fields.identity("id"), "text": fields.flag("is_close")}
    for number, flag in ((2**60, True), ("a1", UNSET)):
        made = Meaning(LedgerPosted, table).event(SOURCE, one := item(change="1", total="2", id=number, is_close=flag), one)
        assert (made.kind, made.text) == (str(number), flag is True)
