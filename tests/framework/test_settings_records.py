"""Records: what encoding wrote comes back as the same event or command, and nothing else does."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import events
from strikeloop.commands import Command
from strikeloop.contracts import Contract, ContractId
from strikeloop.encoding import described
from strikeloop.errors import StorageError
from strikeloop.events import Event
from strikeloop.settings import command_from_record, event_from_record

EVENTS = [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event)]
TEXT = st.text(max_size=8)

st.register_type_strategy(Decimal, st.decimals(-(10**20), 10**20, allow_nan=False, places=8))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63))
st.register_type_strategy(str, TEXT)
st.register_type_strategy(ContractId, st.builds(ContractId.of, TEXT, TEXT))


def built(cls: type) -> st.SearchStrategy[Any]:
    """Values of `cls` with every field drawn, those with a default too."""
    hints = get_type_hints(cls)
    drawn = {field.name: st.from_type(hints[field.name]) for field in attrs.fields(cls) if field.name != "raw"}
    return st.builds(cls, **drawn)


for kind in (Contract, *get_args(Command)):
    st.register_type_strategy(kind, built(kind))


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.__name__)
def test_an_event_comes_back_as_it_was(cls: type[Event]) -> None:
    @given(built(cls))
    def check(value: Event) -> None:
        assert event_from_record(json.loads(json.dumps(described(value)))) == value

    check()


@pytest.mark.parametrize("cls", get_args(Command), ids=lambda cls: cls.__name__)
def test_a_command_comes_back_as_it_was(cls: type[Command]) -> None:
    @given(built(cls))
    def check(value: Command) -> None:
        assert command_from_record(json.loads(json.dumps(described(value)))) == value

    check()


FILLED = {
    "event": "Filled",
    "time": 1,
    "received": 2,
    "origin": "venue",
    "adapter": "gate",
    "contract": "C",
    "trade_id": "7",
    "order_id": "9",
    "size": "1",
    "price": "2.5",
    "client_id": None,
    "fee": None,
    "is_maker": True,
    "synthetic": False,
}


def test_wire_fields_nobody_knew_are_kept() -> None:
    event = event_from_record({**FILLED, "raw": {"role": "maker"}})
    assert event.raw == {"role": "maker"}  # type: ignore[attr-defined]  # Filled is an AccountEvent


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 1}, "size: expected digits as text, got 1"),
        ({"size": "\uff11"}, "size: expected an exact number"),
        ({"time": True}, "time: expected a whole number, got true"),
        ({"is_maker": 1}, "is_maker: expected true or false, got 1"),
        ({"origin": "venu"}, "origin: expected one of"),
        ({"adapter": None}, "a contract is the text of adapter and name"),
        ({"surprise": 1}, "unknown field surprise"),
        ({"event": "Filed"}, "did you mean Filled"),
        ({"event": None}, "it must have the key event"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(StorageError, match=reason):
        event_from_record({**FILLED, **change})


@pytest.mark.parametrize("field", [name for name in FILLED if name != "event"])
def test_a_record_without_one_of_its_fields_is_refused(field: str) -> None:
    with pytest.raises(StorageError, match=r"is missing|a contract is"):
        event_from_record({name: value for name, value in FILLED.items() if name != field})


@pytest.mark.parametrize("record", [None, [], "Filled", 5])
def test_what_is_no_mapping_is_no_record(record: Any) -> None:
    with pytest.raises(StorageError):
        event_from_record(record)
