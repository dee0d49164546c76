"""The README: its config loads, every rule has an entry."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import strikeloop_risk
from strikeloop.hooks import hooks_of, problems, settings_of
from strikeloop.load import load

README = (Path(__file__).parents[3] / "plugins" / "risk" / "README.md").read_text(encoding="utf-8")
PLUGINS = tuple(cls for name in strikeloop_risk.__all__ if isinstance(cls := getattr(strikeloop_risk, name), type))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_config_of_the_readme_loads_and_uses_every_plugin(tmp_path: Path) -> None:
    config = "".join(blocks("toml"))
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


def test_every_rule_has_an_entry_that_tells_every_setting() -> None:
    named = {point.name: point.load() for point in entry_points(group="strikeloop.risk") if point.value.startswith("strikeloop_risk:")}
    rules = {name: cls for name, cls in named.items() if "review_order" in hooks_of(cls)}
    assert len(rules) == 10
    for name, cls in rules.items():
        entry = README.split(f"### {name}\n")[1].split("\n##")[0]
        told = {field.name for field in settings_of(cls) if f"`{field.name}`" in entry or field.name == "on_breach"}
        assert told == {field.name for field in settings_of(cls)}, name
        assert f'use = "{name}"' in entry


LEVELS = {"warn_at", "clear", "warn_again_s", "again_s", "on_critical"}


def test_every_monitor_has_an_entry_that_tells_every_setting_and_an_example() -> None:
    named = {point.name: point.load() for point in entry_points(group="strikeloop.risk") if point.name.endswith("-monitor")}
    assert len(named) == 5
    for name, cls in named.items():
        entry = README.split(f"### {name}\n")[1].split("\n##")[0]
        told = {field.name for field in settings_of(cls) if f"`{field.name}`" in entry}
        assert told == {field.name for field in settings_of(cls)} - LEVELS, name
        assert f'use = "{name}"' in entry
    levels = README.split("**Levels.**")[1].split("\n###")[0]
    assert all(f"`{setting}`" in levels for setting in LEVELS)
