"""The specification of strikeloop.adapter: what an adapter declares, and what the core takes for granted where it declares nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from strikeloop import adapter
from strikeloop.adapter import BookIds, Channel, DeadMansSwitch, Decoded, MassCancel, Mmp, Protection, ReportsRisk, Settlements, Snapshot
from tests.framework.stage import D

OFFERS: list[tuple[Any, tuple[str, ...]]] = [
    (DeadMansSwitch, ("countdown",)),
    (MassCancel, ("cancel_all",)),
    (Settlements, ("settled",)),
    (Protection, ("mmp", "set_mmp", "reset_mmp")),
    (ReportsRisk, ("risk",)),
]


async def nothing(_self: object) -> None:
    return None


def account(*names: str) -> object:
    """An object with these methods."""
    return type("Account", (), dict.fromkeys(names, nothing))()


def test_every_public_name_is_listed() -> None:
    defined = {name for name, one in vars(adapter).items() if getattr(one, "__module__", "") == adapter.__name__ and name[0] != "_"}
    assert defined | {"ServerClock"} == set(adapter.__all__)


@pytest.mark.parametrize(("offer", "methods"), OFFERS, ids=lambda part: getattr(part, "__name__", ""))
def test_an_account_declares_what_its_venue_offers_by_having_it(offer: Any, methods: tuple[str, ...]) -> None:
    assert isinstance(account(*methods), offer)


@pytest.mark.parametrize(("offer", "methods"), OFFERS, ids=lambda part: getattr(part, "__name__", ""))
def test_what_an_account_has_not_whole_it_does_not_offer(offer: Any, methods: tuple[str, ...]) -> None:
    assert not isinstance(account(*methods[1:]), offer)


def test_a_channel_is_acknowledged_and_no_more_unless_it_says_so() -> None:
    declared = attrs.asdict(Channel(name="x"))
    assert declared.pop("name") == "x"
    assert declared.pop("acknowledged")
    assert declared.pop("books") is BookIds.NONE
    assert not any(declared.values())


def test_a_frame_of_which_only_the_channel_is_known_tells_nothing() -> None:
    decoded = attrs.asdict(Decoded(channel="x"))
    assert decoded.pop("channel") == "x"
    assert not any(decoded.values())


def test_a_snapshot_is_the_whole_account_unless_it_says_otherwise() -> None:
    assert Snapshot(time=1, received=2).complete


def test_quoting_is_free_unless_protection_says_until_when_it_is_not() -> None:
    assert Mmp(underlying="BTC_USDT", window_ms=5000, frozen_ms=0, qty_limit=D(1), delta_limit=D(1)).frozen_until is None


@pytest.mark.parametrize("value", [Channel(name="x"), Decoded(channel="x"), Snapshot(time=1, received=2)], ids=lambda v: type(v).__name__)
def test_what_an_adapter_hands_over_cannot_be_changed(value: Any) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, attrs.fields(type(value))[0].name, "other")
