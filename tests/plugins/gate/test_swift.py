"""The swift way gives what the thorough way gives, or nothing: for every channel, whatever is done to a frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import DecodeError, canonical
from strikeloop.adapter import Decoded
from strikeloop_gate.decode import Dialect, FrameDecoder
from tests.plugins.gate.frames import DOCUMENTED, NEARLY, ORDER, TRADE, Swift, frame, raw, swiftness

LITERALS = st.sampled_from(
    [
        "null", "true", "NaN", "-Infinity", "1e999", "-0", "-0.0", "01", "+1", ".5", "1.", "1_0", "1e2", "1E-2", "0.1", "5", "-3",
        "9" * 30, "9" * 50, "0." + "1" * 41, "9" * 5_000, "1.0", "[]", "{}", '""', '"x"', '"\\ud800"', '"\\u0031"', '"t-a"',
        '{"a":1,"a":2}', "-1600000000",
        "1600000000", "9000000001", "[" * 100 + "]" * 100, *(json.dumps(text) for text in NEARLY),
    ]
)  # fmt: skip


def both(text: bytes, dialect: Dialect, learned: bytes = b"") -> tuple[Decoded | None, Decoded | None]:
    """What the swift way gives once `learned`, or the frame itself, was read, and what the thorough way does; None for nothing."""
    decoder = FrameDecoder("gate", dialect)
    try:
        decoder.thoroughly(learned or text, 7)
    except DecodeError:
        assert Swift(decoder).swiftly(learned or text, 7) is None
    swift = Swift(decoder).swiftly(text, 7)
    try:
        return swift, decoder.thoroughly(text, 7)
    except DecodeError:
        return swift, None


def agree(text: bytes, dialect: Dialect, learned: bytes = b"") -> None:
    swift, thorough = both(text, dialect, learned)
    if swift is not None:
        assert swift == thorough
        assert thorough is not None
        assert [canonical(event) for event in swift.events] == [canonical(event) for event in thorough.events]


@given(st.sampled_from(DOCUMENTED), st.sampled_from(Dialect), st.data())
def test_a_field_that_is_changed_added_left_out_or_repeated_changes_nothing_about_it(
    document: dict[str, Any], dialect: Dialect, data: st.DataObject
) -> None:
    learned = text = json.dumps(document, separators=(",", ":"))
    for _ in range(data.draw(st.integers(0, 2))):
        pieces = text.split(",")
        at = data.draw(st.integers(0, len(pieces) - 1))
        key, colon, value = pieces[at].rpartition(":")
        match data.draw(st.sampled_from(["change", "leave out", "repeat", "add"])):
            case "change":
                pieces[at] = key + colon + data.draw(LITERALS) + "".join(end for end in value[-3:] if end in "}]")
            case "leave out":
                del pieces[at]
            case "repeat":
                pieces.insert(at, pieces[at])
            case "add":
                pieces.insert(at, f'"new":{data.draw(LITERALS)}')
        text = ",".join(pieces)
    agree(text.encode(), dialect, data.draw(st.sampled_from([learned.encode(), b""])))


@given(st.sampled_from(DOCUMENTED), st.data())
def test_bytes_that_are_changed_change_nothing_about_it(document: dict[str, Any], data: st.DataObject) -> None:
    learned = json.dumps(document).encode()
    text = bytearray(learned)
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    agree(bytes(text), Dialect.AUTO, learned)


@pytest.mark.parametrize("inside", [b"5", b"-", b"1.5"])
def test_a_list_that_was_empty_is_not_taken_for_one_that_holds_numbers(inside: bytes) -> None:
    learned = raw(next(document for document in DOCUMENTED if document["channel"] == "options.order_book_update"))
    assert b"[]" in learned
    assert both(learned.replace(b"[]", b"[" + inside + b"]"), Dialect.AUTO, learned) == (None, None)


@pytest.mark.parametrize("document", DOCUMENTED, ids=lambda document: document["channel"] + type(document["result"]).__name__)
def test_every_documented_update_is_read_the_swift_way(document: dict[str, Any]) -> None:
    swift, thorough = both(json.dumps(document).encode(), Dialect.AUTO)
    assert swift == thorough
    assert swift is not None


def test_every_update_of_the_reference_data_is_read_the_swift_way(shared: Path) -> None:
    files = [*(shared / "fixtures/gate/ws_docs").glob("*.json"), *(shared / "fixtures/seed_dialect").glob("ws_*.update.json")]
    slow = {file.name for file in files if both(file.read_bytes(), Dialect.AUTO)[0] is None}
    assert slow == {"pong.none.json"}


def test_a_field_nobody_documented_is_left_to_the_thorough_way() -> None:
    document = frame("options.trades", [TRADE])
    assert swiftness(document)
    assert not swiftness(document | {"conn_id": "x"})


def test_an_order_whose_state_nobody_documented_is_left_to_the_thorough_way_which_says_so() -> None:
    swift, thorough = both(raw(frame("options.orders", ORDER | {"status": "parked"})), Dialect.SEED)
    assert swift is None
    assert thorough is not None
    assert "not documented" in thorough.notices[0]
