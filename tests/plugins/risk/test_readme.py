"""The README: its Python runs, its config loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strikeloop.hooks import problems, settings_of
from strikeloop.load import load
from strikeloop_risk import ExpiryMonitor, GreekLimits, HealthMonitor, MarginGuard, MarginMonitor, OrderLimits, PositionMonitor, RiskMonitor

README = (Path(__file__).parents[3] / "plugins" / "risk" / "README.md").read_text(encoding="utf-8")
PLUGINS = (ExpiryMonitor, GreekLimits, HealthMonitor, MarginGuard, MarginMonitor, OrderLimits, PositionMonitor, RiskMonitor)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_of_the_readme_runs(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102  # the README is ours


def test_the_config_of_the_readme_loads_and_uses_every_plugin(tmp_path: Path) -> None:
    (config,) = blocks("toml")
    file = tmp_path / "strikeloop.toml"
    file.write_text(
        f'[run]\nmode = "sim"\n[market]\nuse = "generated"\n[venue]\nuse = "venue"\n[strategies.a]\nuse = "quoter"\n{config}',
        encoding="utf-8",
    )
    loaded = {plugin.cls.__name__ for plugin in load([file], environ={}).plugins if plugin.kind == "risk"}
    assert loaded == {cls.__name__ for cls in PLUGINS}


@pytest.mark.parametrize("cls", PLUGINS)
def test_no_plugin_has_a_mistake_in_its_hooks(cls: type) -> None:
    assert problems(cls, "risk") == []


@pytest.mark.parametrize("cls", PLUGINS)
def test_every_setting_is_told_in_the_docstring_of_its_plugin(cls: type) -> None:
    assert [field.name for field in settings_of(cls) if field.name not in (cls.__doc__ or "")] == []
