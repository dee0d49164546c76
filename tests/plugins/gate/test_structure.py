"""Trees as forms: every leaf as it stands or refused with its place, nothing taken for something else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET, Raw, Struct, UnsetType

from strikeloop_gate.forms import Blank, Ordinal
from strikeloop_gate.strictjson import MalformedError, tree
from strikeloop_gate.structure import structured
from tests.plugins.gate.frames import NEARLY


class Level(Struct, kw_only=True):
    p: Raw


class Item(Struct, kw_only=True):
    name: str
    size: Decimal
    delta: Raw
    bid: Blank
    at: Ordinal
    id: str | int
    is_open: bool = False
    note: str | UnsetType = UNSET
    reason: str | UnsetType | None = UNSET
    levels: list[Level] | UnsetType = UNSET


GOOD = {"name": '"x"', "size": '"1.50"', "delta": "-2", "bid": '""', "at": "5", "id": "7"}


def read(**fields: str) -> Any:
    text = ",".join(f'"{key}":{value}' for key, value in (GOOD | fields).items())
    return structured(tree(f"{{{text}}}".encode()), Item)


def refused(**fields: str) -> str:
    with pytest.raises(MalformedError) as caught:
        read(**fields)
    return str(caught.value)


def test_figures_are_exact_or_floats_as_the_form_has_them() -> None:
    item = read(size="0.10000000000000000001", delta='"0.5"')
    assert (item.size, item.delta, item.bid, item.at) == (Decimal("0.10000000000000000001"), 0.5, "", 5)


def test_an_id_is_text_or_a_whole_number() -> None:
    assert (read().id, read(id='"7"').id) == (7, "7")
    assert refused(id="1.5") == "id: expected `int`, got `float` ('1.5')"


def test_what_is_optional_is_left_unset_and_null_is_taken_where_the_form_says_so() -> None:
    assert (read().note, read().reason, read(reason="null").reason) == (UNSET, UNSET, None)
    assert refused(note="null") == "note: expected `str`, got `null`"


@pytest.mark.parametrize("value", [repr(text).replace("'", '"') for text in NEARLY if "\\" not in repr(text)])
@pytest.mark.parametrize("field", ["size", "delta"])
def test_what_is_only_nearly_a_number_is_none(field: str, value: str) -> None:
    assert refused(**{field: value}).startswith(f"{field}: expected `number`, got `str`")


@pytest.mark.parametrize("value", ["true", "null", "[]", "{}", "2e30", "9" * 5_000])
@pytest.mark.parametrize("field", ["size", "delta", "bid", "at"])
def test_nothing_else_is_taken_for_a_number(field: str, value: str) -> None:
    assert refused(**{field: value}).startswith(f"{field}: expected `")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "5", "name: expected `str`, got `int` ('5')"),
        ("is_open", "1", "is_open: expected `bool`, got `int` ('1')"),
        ("at", "1.0", "at: expected `int`, got `float` ('1.0')"),
        ("at", "-1", "at: expected `int` from 0 to 9223372036854775807, got -1"),
        ("at", '"5"', "at: expected `int`, got `str` ('5')"),
        ("levels", "{}", "levels: expected `array`, got `object`"),
        ("levels", "[5]", "levels[0]: expected `object`, got `int` ('5')"),
        ("levels", '[{"p":1},{"p":"x"}]', "levels[1].p: expected `number`, got `str` ('x')"),
        ("levels", "[{}]", "levels[0].p: the field is missing"),
    ],
)
def test_the_refusal_tells_the_place_and_what_was_found(field: str, value: str, said: str) -> None:
    assert refused(**{field: value}) == said


def test_an_object_is_no_list() -> None:
    with pytest.raises(MalformedError, match="expected `object`, got `array`"):
        structured([], Item)
