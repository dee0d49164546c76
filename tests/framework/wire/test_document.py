"""The specification of strikeloop.wire.document: strict JSON, where every refusal names its place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import DecodeError
from strikeloop.wire import Document

READERS: dict[str, Callable[[Document], Any]] = {
    "text": lambda value: value.text,
    "name": lambda value: value.name,
    "whole": lambda value: value.whole,
    "exact": lambda value: value.exact,
    "number": lambda value: value.number,
    "flag": lambda value: value.flag,
    "word": lambda value: value.word({"open": 1}),
    "time": lambda value: value.time(1_000),
    "list": list,
    "member": lambda value: value["x"].plain,
}


def document(value: str) -> Document:
    return Document.parse(f'{{"v": {value}}}', channel="orders")["v"]


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        ("text", '"BTC"', "BTC"),
        ("name", '"a"', "a"),
        ("name", "12", "12"),
        ("whole", "-12", -12),
        ("whole", '"12"', 12),
        ("exact", "0.10", Decimal("0.10")),
        ("exact", '"0.10"', Decimal("0.10")),
        ("exact", "1e-7", Decimal("1E-7")),
        ("number", '"0.5"', 0.5),
        ("number", "2", 2.0),
        ("flag", "true", True),
        ("word", '"open"', 1),
        ("time", "5", 5_000),
    ],
)
def test_a_value_of_its_kind_is_read(reader: str, value: str, read: Any) -> None:
    found = READERS[reader](document(value))
    assert (found, str(found)) == (read, str(read))


@pytest.mark.parametrize(
    ("reader", "values"),
    [
        ("text", ("1", "null", "true", "[]", "{}")),
        ("name", ('""', "1.5", "true", "null")),
        ("whole", ('"1.9"', "1.9", "true", '" 1"', '"1_000"', '"１２"', "1e3", '"01"', "9" * 41, "null")),
        ("exact", ('"NaN"', '"1e999"', "1e999", '"Infinity"', '" 1"', '"1_000"', "true", '"٣"', "null", "9" * 41)),
        ("number", ('"NaN"', "1e999", "false", '""', "null")),
        ("flag", ("1", '"true"', "null")),
        ("word", ('"opened"', "1", "[]", "{}")),
        ("time", ('"5"', "-1", "1.5", "9" * 30)),
        ("list", ("{}", '"x"', "null")),
        ("member", ("[]", '"x"', "null")),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_path(reader: str, values: tuple[str, ...]) -> None:
    for value in values:
        with pytest.raises(DecodeError, match="orders v: expected") as refused:
            READERS[reader](document(value))
        assert refused.value.frame.startswith('{"v"')


def test_a_member_that_is_missing_says_so_with_the_whole_path() -> None:
    rows = Document.parse('{"rows": [{"id": 1}, {}]}', channel="fills")["rows"]
    assert [row.path for row in rows] == ["rows[0]", "rows[1]"]
    with pytest.raises(DecodeError, match=r"fills rows\[1\]\.id: it is missing"):
        [row["id"].name for row in rows]


def test_a_member_that_may_be_missing_is_asked_for() -> None:
    row = Document.parse('{"fee": null, "size": "3"}')
    assert (row.get("fee"), row.get("role"), "fee" in row, "role" in row) == (None, None, True, False)
    size = row.get("size")
    assert size is not None
    assert size.exact == 3


def test_a_member_that_may_be_null_must_be_there() -> None:
    row = Document.parse('{"price": null, "size": 3}')
    size = row.nullable("size")
    assert (row.nullable("price"), size is not None and size.whole) == (None, 3)
    with pytest.raises(DecodeError, match="fee: it is missing"):
        row.nullable("fee")


def test_the_channel_may_be_learned_from_the_document() -> None:
    frame = Document.parse('{"ch": "quotes", "x": 1}')
    with pytest.raises(DecodeError, match="quotes x: expected a text") as refused:
        frame.on(frame["ch"].text)["x"].text.upper()
    assert refused.value.channel == "quotes"


@pytest.mark.parametrize(
    "text",
    ["", "{", b"\xff\xfe", '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": -Infinity}', "[" * 100_000, '{"a": "\x00"}', "{} {}", b'{"a": "\xc3"}'],
)
def test_a_text_that_is_not_one_json_value_is_refused(text: bytes | str) -> None:
    with pytest.raises(DecodeError):
        Document.parse(text)


def test_what_kind_of_value_it_is_can_be_asked() -> None:
    assert (document("[]").is_list, document("[]").is_object, document("{}").is_object, document("1").plain) == (True, False, True, "1")


@given(st.binary() | st.text())
def test_any_text_is_read_or_refused(text: bytes | str) -> None:
    try:
        value = Document.parse(text)
    except DecodeError:
        return
    for reader in READERS.values():
        try:
            reader(value)
        except DecodeError:
            continue
