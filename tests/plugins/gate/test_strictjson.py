"""JSON without mercy: what is not exactly what the venue documents is refused with its place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from strikeloop.encoding import plain
from strikeloop_gate.strictjson import Figure, MalformedError, count_keys, extras, frozen, tree, twin


class Item(msgspec.Struct, kw_only=True):
    name: str
    price: Decimal
    delta: Figure
    note: str | msgspec.UnsetType = msgspec.UNSET


class Page(msgspec.Struct, kw_only=True):
    items: list[Item] | None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b'{"a":1', "not JSON"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b"[" * 100_000, "deeply"),
        (b"{} {}", "not JSON"),
    ],
)
def test_what_is_not_exactly_one_document_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        tree(raw)


def test_numbers_keep_their_text_whatever_their_length() -> None:
    assert tree(b"[" + b"9" * 5_000 + b",1.10,1e999]") == ["9" * 5_000, "1.10", "1e999"]


def test_a_kept_value_is_immutable_and_has_a_canonical_form() -> None:
    kept = frozen(tree(b'{"a":[1,2.50,1e999,null,true],"b":{"c":"d"}}'))
    assert plain(kept) == {"a": [1, "2.50", "1e999", None, True], "b": {"c": "d"}}
    with pytest.raises(TypeError):
        kept["a"] = 1


def test_a_kept_value_may_not_be_nested_without_end() -> None:
    with pytest.raises(MalformedError, match="deeply"):
        frozen(tree(b"[" * 200 + b"]" * 200))


def test_the_twin_reads_every_number_as_a_float_and_keeps_the_shape() -> None:
    decoder = msgspec.json.Decoder(twin(Page), strict=False)
    page: Any = decoder.decode(b'{"items":[{"name":"x","price":"1.50","delta":-2}]}')
    assert (page.items[0].name, page.items[0].price, page.items[0].delta) == ("x", 1.5, -2.0)


@pytest.mark.parametrize(
    "number", ['" 1"', '"1_0"', '"+1"', '".5"', '"01"', '"nan"', '"1."', '"１"', '"1e999"', "1e999", "true", "null", '""', "2e30"]
)
def test_the_twin_refuses_what_is_only_nearly_a_number(number: str) -> None:
    decoder = msgspec.json.Decoder(twin(Item), strict=False)
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(f'{{"name":"x","delta":1,"price":{number}}}'.encode())


@pytest.mark.parametrize(
    ("raw", "keys"),
    [
        (b'{"items":null}', 1),
        (b'{"items":[{"name":"x","price":1,"delta":1},{"name":"y","price":1,"delta":1,"note":"n"}]}', 8),
        (b'{"items":[{"name":"x","price":1,"delta":1,"other":5}]}', 4),
    ],
)
def test_known_keys_are_counted_at_every_depth(raw: bytes, keys: int) -> None:
    assert count_keys(msgspec.json.Decoder(twin(Page), strict=False).decode(raw)) == keys


def test_extras_are_the_fields_the_struct_does_not_have() -> None:
    raw = b'{"name":"x","price":1,"delta":1,"other":5}'
    assert extras(msgspec.json.Decoder(Item).decode(raw), tree(raw)) == {"other": 5}
