"""The README of strikeloop-gate tells the settings and fields there are."""

from __future__ import annotations

import doctest
import importlib
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from strikeloop import DecodeError, Event
from strikeloop.wire import Secret
from strikeloop_gate import Dialect, Gate
from strikeloop_gate.decode import CHANNELS, FrameDecoder
from tests.plugins.gate.frames import DOCUMENTED, raw

README = Path(__file__).parents[3] / "plugins/gate/README.md"


def test_the_settings_of_the_readme_are_the_defaults() -> None:
    text = README.read_text().split("```toml\n")[1].split("```")[0]
    table = tomllib.loads(text)["adapters"]["gate"]
    assert (table.pop("use"), table.pop("key"), table.pop("secret")) == ("gate", {"env": "GATE_KEY"}, {"env": "GATE_SECRET"})
    table = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    secrets: dict[str, Any] = {"key": Secret("k"), "secret": Secret("s")}
    given, default = Gate(**table, **secrets), Gate(**secrets)
    assert given == default
    assert given.dialect is Dialect.GATE


@pytest.mark.parametrize("module", ["adapter", "decode", "restforms"])
def test_the_examples_in_the_docstrings_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"strikeloop_gate.{module}"))
    assert (result.failed, result.attempted > 0) == (0, True)


def spoken(document: dict[str, Any], field: str, value: Any) -> tuple[Event, ...] | None:
    """What a frame says with this value in its (first) item; None where it is refused."""
    result = document["result"]
    changed = [result[0] | {field: value}] if isinstance(result, list) else result | {field: value}
    try:
        return FrameDecoder("gate", Dialect.AUTO)(raw(document | {"result": changed}), 7).events
    except DecodeError:
        return None


def test_every_field_that_no_event_carries_is_named() -> None:
    section = README.read_text().split("No event carries these")[1].split("\n## ")[0]
    by_shape_alone = {"time", "create_time", "finish_time", "last", "unrealised_pnl", "unrealized_pnl"}  # where the same is said twice
    kept_in_raw = {"status", "role", "tif", "text", "type"}  # or known by their documented values alone
    silent = set()
    for document in DOCUMENTED:
        channel = next(one for one in CHANNELS if one.name == document["channel"])
        is_listed = isinstance(document["result"], list)
        way = channel.way(Dialect.AUTO, document["result"][0] if is_listed else document["result"], is_listed=is_listed)
        for field in msgspec.structs.fields(way.form):
            values = (("1", "2"), (1, 2), (True, False))
            pairs = [(spoken(document, field.name, one), spoken(document, field.name, two)) for one, two in values]
            told = [pair for pair in pairs if None not in pair]
            if told and all(one == two for one, two in told):
                silent.add(field.name)
    silent -= by_shape_alone | kept_in_raw
    assert {name for name in silent if f" {name}" not in section} == set()
