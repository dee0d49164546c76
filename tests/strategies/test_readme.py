"""The README: its config loads, and it tells every setting with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strikeloop.hooks import problems, settings_of
from strikeloop.load import load
from strikeloop_strategies import CalendarRoller, CoveredCall, DeltaBand, GammaScalper, MarketMaker, Quoter, ShortStrangle
from tests.strategies.notebook import TITLE

STRATEGIES = [CalendarRoller, CoveredCall, DeltaBand, GammaScalper, MarketMaker, Quoter, ShortStrangle]
README = (Path(__file__).parents[2] / "strategies" / "README.md").read_text(encoding="utf-8").partition(f"\n{TITLE}\n")[0]
"""Without its tutorial, which is a notebook too: tests/strategies/test_notebook.py."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_config_of_the_readme_loads(tmp_path: Path) -> None:
    config = "".join(blocks("toml"))
    file = tmp_path / "strikeloop.toml"
    file.write_text(f'[run]\nmode = "sim"\n[market]\nuse = "generated"\n[venue]\nuse = "venue"\n{config}', encoding="utf-8")
    assert [plugin.use for plugin in load([file], environ={}).plugins if plugin.kind == "strategy"] == [
        "delta-band",
        "quoter",
        "covered-call",
        "calendar-roller",
        "gamma-scalper",
        "short-strangle",
        "market-maker",
    ]


@pytest.mark.parametrize("cls", STRATEGIES)
def test_no_strategy_has_a_mistake_in_its_hooks(cls: type) -> None:
    assert problems(cls, "strategy") == []


@pytest.mark.parametrize("cls", STRATEGIES)
def test_every_setting_is_told_in_the_docstring_and_in_the_readme(cls: type) -> None:
    names = [field.name for field in settings_of(cls)]
    assert [name for name in names if name not in (cls.__doc__ or "")] == []
    assert [name for name in names if not re.search(rf"`{name}`|^{name} = ", README, re.MULTILINE)] == []
