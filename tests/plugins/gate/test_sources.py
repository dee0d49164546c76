"""Times, contracts and ids of objects from the wire."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import UNSET

from strikeloop import ContractId
from strikeloop_gate.sources import Names, Source, creation, moment, names_of, nanoseconds
from strikeloop_gate.strictjson import MalformedError

FRAME = Source("gate", 5, 6)


@pytest.mark.parametrize(
    ("milliseconds", "seconds", "time"), [(1_001, 1, 1_001_000_000), (UNSET, Decimal("1.5"), 1_500_000_000), (UNSET, UNSET, 5)]
)
def test_the_time_of_an_object_is_its_milliseconds_else_its_seconds_else_the_frames(milliseconds: Any, seconds: Any, time: int) -> None:
    assert moment(FRAME, SimpleNamespace(time_ms=milliseconds, time=seconds)) == time
    assert creation(FRAME, SimpleNamespace(create_time_ms=milliseconds, create_time=seconds)) == time


def test_a_time_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(MalformedError, match=r"^create_time: -1 is no time"):
        nanoseconds(Decimal(-1), "create_time")


def test_names_give_the_one_id_of_a_contract_and_refuse_what_is_no_name_each_time() -> None:
    names = names_of("gate")
    assert names["BTC-C"] is names["BTC-C"] is ContractId.of("gate", "BTC-C")
    assert names is names_of("gate")
    for _ in range(2):
        with pytest.raises(MalformedError, match=r"^contract: "):
            names["../x"]


def test_names_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop_gate.sources.MOST_NAMES", 3)
    names = Names("gate")
    assert [names[name].name for name in "ABCD"] == ["A", "B", "C", "D"]
    assert list(names) == ["D"]
