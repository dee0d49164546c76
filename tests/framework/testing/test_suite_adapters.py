"""Each check of the contract suite can fail: adapters with one fault each fail the checks that are made for it, and say why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from strikeloop.testing import AdapterContract, ContractBrokenError
from tests.framework.testing.wrong_adapters import FAULTS, Suite

PAIRS = [(spoil, check) for spoil, checks in FAULTS for check in checks]
CHECKS = sorted(name for name in dir(AdapterContract) if name.startswith("test_"))


@pytest.mark.parametrize(("spoil", "check"), PAIRS, ids=lambda part: part if isinstance(part, str) else part.__name__)
def test_a_wrong_adapter_is_found(spoil: Callable[[Any], None], check: str) -> None:
    with pytest.raises(ContractBrokenError) as found:
        getattr(Suite(spoil), check)("asyncio")
    assert all((found.value.happened, found.value.expected, found.value.got, found.value.where))


def test_every_check_finds_something() -> None:
    assert sorted({check for _, check in PAIRS}) == CHECKS


def test_there_are_many_ways_to_be_wrong() -> None:
    assert len(FAULTS) >= 25
    assert len({spoil for spoil, _ in FAULTS}) == len(FAULTS)
