"""Section [halt]: limits that contradict one another are refused."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop import ConfigError
from strikeloop.killswitch import HaltSettings
from strikeloop.settings import structure


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"collar": 0}, "halt: 'collar'"),
        ({"collar": 0.6}, "must not be below collar"),
        ({"collar_max": 1.5}, "halt: 'collar_max'"),
        ({"order_size": 0}, "halt: 'order_size'"),
        ({"attempts": 0}, "halt: 'attempts'"),
        ({"every_s": 0}, "halt: 'every_s'"),
        ({"cancel_s": 300}, "must be above cancel_s"),
        ({"colar": 0.1}, "collar"),
    ],
)
def test_wrong_limits_are_refused_by_name(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        structure(wrong, HaltSettings, "halt")


@pytest.mark.parametrize(("step", "widest"), [(0.1, 4), (0.0, 0), (0.3, 2), (0.4, 1), (1.0, 1)])
def test_a_collar_is_widened_until_it_is_at_its_widest(step: float, widest: int) -> None:
    assert HaltSettings(collar_step=step).widest == widest
