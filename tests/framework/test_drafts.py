"""The specification of strikeloop.drafts: what is made quickly is what is made slowly."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from strikeloop import ContractId, Quoted, canonical, events
from strikeloop.drafts import changer, maker

CONTRACT = ContractId.of("gate", "BTC_USDT-20260626-70000-C")
EVENTS = [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, events.Event)]


@pytest.mark.parametrize("cls", EVENTS)
def test_every_event_can_be_made_quickly_and_is_the_same(cls: type[events.Event]) -> None:
    figures = {field.name: number for number, field in enumerate(attrs.fields(cls))}
    made, slow = maker(cls)(*figures.values()), cls(**figures)
    assert type(made) is cls
    assert made == slow
    assert repr(made) == repr(slow)


def test_it_is_frozen_like_any_other() -> None:
    quote = maker(Quoted)(1, 2, CONTRACT, 3.0, 4.0, 5.0, 6.0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        quote.bid = 9.0  # type: ignore[misc]  # that it may not be done is the point
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del quote.bid
    assert hash(quote) == hash(Quoted(time=1, received=2, contract=CONTRACT, bid=3.0, ask=4.0, bid_size=5.0, ask_size=6.0))


def test_it_can_be_written_evolved_and_pickled() -> None:
    quote = maker(Quoted)(1, 2, CONTRACT, 3.0, 4.0, 5.0, 6.0)
    assert pickle.loads(pickle.dumps(quote)) == quote  # noqa: S301  # our own bytes
    assert attrs.evolve(quote, bid=2.0).bid == 2.0
    assert canonical(quote) == canonical(attrs.evolve(quote))


def test_a_missing_field_is_an_error() -> None:
    with pytest.raises(TypeError, match="ask_size"):
        maker(Quoted)(1, 2, CONTRACT, 3.0, 4.0, 5.0)


@attrs.frozen
class Converted:
    figure: int = attrs.field(converter=int)


@attrs.frozen
class Checked:
    figure: int

    def __attrs_post_init__(self) -> None:
        raise AssertionError


@attrs.frozen(slots=False)
class Open:
    figure: int


@pytest.mark.parametrize(
    ("cls", "reason"), [(Converted, "runs code when it is made .figure."), (Checked, "__attrs_post_init__"), (Open, "no __slots__")]
)
def test_a_class_that_needs_its_own_constructor_is_refused(cls: type[Any], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        maker(cls)


@pytest.mark.parametrize("cls", EVENTS)
def test_a_copy_with_something_changed_is_what_attrs_would_make(cls: type[events.Event]) -> None:
    value = maker(cls)(*range(len(attrs.fields(cls))))
    assert changer(cls)(value, received=77, time=78) == attrs.evolve(value, received=77, time=78)
    assert changer(cls, "received", "time")(value, 77, 78) == attrs.evolve(value, received=77, time=78)
    assert canonical_fields(changer(cls)(value)) == canonical_fields(value)


def canonical_fields(value: events.Event) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}


def test_a_change_of_what_is_no_field_is_an_error() -> None:
    value = maker(Quoted)(*range(len(attrs.fields(Quoted))))
    with pytest.raises(AttributeError, match="prise"):
        changer(Quoted)(value, prise=1.0)
    with pytest.raises(AttributeError, match="Quoted has no field prise"):
        changer(Quoted, "prise")
