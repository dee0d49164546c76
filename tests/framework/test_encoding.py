"""The specification of strikeloop.encoding."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from enum import Enum
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import AlertRaised, CancelOrder, Digest, InvariantError, OrderState, SubmitOrder, canonical, described, events, record
from strikeloop.encoding import plain
from tests.framework.stage import CALL, D, contract, fill, position, update

SUBMIT = SubmitOrder(client_id="c", contract=CALL, size=D("1.0"), price=D("1E+2"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Color(Enum):
    RED = "red"


@given(JSON)
def test_json_values_are_plain_already(value: Any) -> None:
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (D("1.50"), "1.50"),
        (D("1E+2"), "100"),
        (D("1E-7"), "0.0000001"),
        (OrderState.OPEN, "open"),
        (Color.RED, "red"),
        (CALL, CALL.name),
        ((1, (2,)), [1, [2]]),
        (MappingProxyType({CALL: D(1)}), {CALL.name: "1"}),
        (0.1, 0.1),
        (True, True),
    ],
)
def test_every_value_has_its_plain_form(value: Any, form: Any) -> None:
    assert plain(value) == form


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, D("NaN"), D("Infinity"), {1}, object(), b"x", 1j])
def test_what_has_no_exact_form_is_refused(value: Any) -> None:
    with pytest.raises(InvariantError, match="has no canonical form"):
        plain(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=D("-1e30"), max_value=D("1e30"), places=9))
def test_a_decimal_survives_its_form(value: D) -> None:
    assert D(plain(value)) == value


def test_a_contract_is_written_with_its_adapter_before_it() -> None:
    assert list(record(CancelOrder(client_id="c", contract=CALL)).items()) == [
        ("client_id", "c"),
        ("adapter", "sim"),
        ("contract", CALL.name),
    ]


def test_a_specification_is_written_with_its_adapter_too() -> None:
    assert record(contract())["adapter"] == "sim"


def test_unknown_wire_fields_are_written_where_there_are_any() -> None:
    assert "raw" not in record(position(1))
    assert record(position(1, raw={"new": [1]}))["raw"] == {"new": [1]}


@pytest.mark.parametrize(("value", "head"), [(SUBMIT, ("command", "SubmitOrder")), (fill("c", 1), ("event", "Filled"))])
def test_events_and_commands_are_led_by_their_class(value: Any, head: tuple[str, str]) -> None:
    assert next(iter(described(value).items())) == head


def test_the_canonical_form_is_compact_json_in_the_order_of_the_fields() -> None:
    form = f'{{"command":"SubmitOrder","client_id":"c","adapter":"sim","contract":"{CALL.name}","size":"1.0","price":"100"'
    assert canonical(SUBMIT).decode() == form + ',"tif":"gtc","reduce_only":false,"iceberg":"0","mmp":false,"tag":""}'


@given(st.text())
def test_every_text_has_a_canonical_form_that_json_reads_back(text: str) -> None:
    alert = AlertRaised(time=0, received=0, source="s", topic="t", text=text)
    assert json.loads(canonical(alert))["text"] == text


def test_half_a_surrogate_pair_has_a_canonical_form_too() -> None:
    alert = AlertRaised(time=0, received=0, source="s", topic="t", text="\ud800x")
    assert json.loads(canonical(alert).decode())["text"] == "\ud800x"


# ---- the digest ------------------------------------------------------------------------------------------------------


def test_the_digest_depends_on_the_header_but_not_on_its_order() -> None:
    assert Digest({"a": 1, "b": 2}).hexdigest() == Digest({"b": 2, "a": 1}).hexdigest() != Digest({"a": 1, "b": 3}).hexdigest()


def test_the_digest_depends_on_the_order_of_what_is_added() -> None:
    one, other = Digest({}), Digest({})
    for digest, values in ((one, (SUBMIT, fill("c", 1))), (other, (fill("c", 1), SUBMIT))):
        for value in values:
            digest.add(value)
    assert one.hexdigest() != other.hexdigest()


def test_adding_one_more_changes_the_digest() -> None:
    digest = Digest({})
    before = digest.hexdigest()
    digest.add(update("c", OrderState.OPEN))
    assert digest.hexdigest() != before


def test_the_digest_is_the_same_under_every_hash_seed() -> None:
    program = """
from decimal import Decimal
from strikeloop import ContractId, Digest, SubmitOrder
digest = Digest({"plugins": {"b": 1, "a": ["x", 2.5]}, "sources": ["0"]})
digest.add(SubmitOrder(client_id="c", contract=ContractId.of("sim", "x"), size=Decimal("1.10")))
print(digest.hexdigest())
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": seed}, text=True)
        for seed in ("0", "1", "random")
    ]
    digests = {run.communicate()[0] for run in runs}
    assert len(digests) == 1
    assert all(run.returncode == 0 for run in runs)


@pytest.mark.parametrize("cls", [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, events.Event)])
def test_the_canonical_form_is_the_description_as_compact_json(cls: type[events.Event]) -> None:
    samples: list[Any] = ['a"ü\n\ud800', 7, True, None, 0.1, D("1E+3"), OrderState.OPEN, CALL, (1.5, "x"), {"k": D(2)}, {}]
    names = [field.name for field in attrs.fields(cls)]
    for shift in range(len(samples)):
        event = cls(**{name: samples[(place + shift) % len(samples)] for place, name in enumerate(names)})
        expected = json.dumps(described(event), separators=(",", ":"), ensure_ascii=False).encode(errors="backslashreplace")
        assert canonical(event) == expected


@pytest.mark.parametrize("wrong", [math.nan, math.inf, D("NaN"), D("-Infinity")])
def test_what_has_no_exact_form_is_refused_where_it_is_added(wrong: Any) -> None:
    with pytest.raises(InvariantError, match="has no canonical form"):
        Digest({}).add(attrs.evolve(position(1), mark_price=wrong, size=wrong))


def test_the_digest_is_the_hash_of_the_header_and_of_each_canonical_form_after_a_line_break() -> None:
    values = [SUBMIT, fill("c", 1), update("c", OrderState.OPEN)] * 200
    digest, whole = Digest({"seed": 1}), hashlib.sha256(b'{"seed":1}')
    for value in values:
        digest.add(value)
        whole.update(b"\n" + canonical(value))
    assert digest.hexdigest() == whole.hexdigest()


def test_a_digest_goes_on_after_it_was_asked() -> None:
    one, other = Digest({}), Digest({})
    for value in (SUBMIT, fill("c", 1)):
        one.add(value)
        one.hexdigest()
        other.add(value)
    assert one.hexdigest() == other.hexdigest()
