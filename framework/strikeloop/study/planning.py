"""What a study is: the options of `strikeloop backtest`, and the arguments of `run_backtest`, as configuration.

Owns `plan_study` and `open_study`, and `plugin_of` and `spelled` for strategies and settings that are given as objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from strikeloop.backtest import Backtest
from strikeloop.backtest.ranges import between, instant
from strikeloop.engine import Plugin
from strikeloop.errors import ConfigError, Problem
from strikeloop.hooks import settings_of
from strikeloop.load import Mode, Plan, load, read_layers
from strikeloop.runs import backtest_of
from strikeloop.venue import Source

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
EMPTY: Mapping[str, Any] = {"run": {"mode": "sim"}, "market": {"use": "generated"}, "venue": {"use": "venue"}}
"""What a study is made on where nothing else is said: a generated day, on the simulated venue."""


def open_study(
    plan: Plan,
    *,
    source: Source | None = None,
    start: str | int | None = None,
    end: str | int | None = None,
    plugins: Sequence[Plugin] = (),
    **options: Any,
) -> Backtest:
    """The backtest of a plan within a range. Raises ConfigError for a range without any row."""
    first, last = (instant(one, where) if isinstance(one, str) else one for one, where in ((start, "--from"), (end, "--to")))
    return backtest_of(plan, market=lambda market: between(market, first, last), source=source, plugins=plugins, **options)


def plan_study(
    strategies: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    sets: Sequence[str] = (),
    data: str | None = None,
    seed: int | None = None,
    latency: str | None = None,
    queue: str | None = None,
    defaults: Mapping[str, Any] | None = None,
    disabled: Sequence[str] = (),
    alone: bool = False,
) -> Plan:
    """The checked plan of a study. With strategies named (or `alone`) those of the config are left out; its rules stay.

    Of one named strategy a key without a dot is a setting. Raises ConfigError.
    """
    names = {_instance(use): use for use in strategies}
    below = {**EMPTY, **(defaults or {})} if not (strategies or alone) else dict(EMPTY)
    below = {**below, **({"market": _market(data)} if data is not None else {})}
    if names:
        below["strategies"] = {name: {"use": use} for name, use in names.items()}
    options = [one if "." in one.partition("=")[0] or len(names) != 1 else f"strategies.{next(iter(names))}.{one}" for one in sets]
    options += [f"{key}={value}" for key, value in _orders(latency, queue)]
    options += [] if seed is None else [f"run.seed={seed}"]
    found = read_layers(files, sets=options).data
    if data is not None and "market" in found:
        options += [f"market.{key}={spelled(value)}" for key, value in _market(data).items()]
    left_out = [name for name in found.get("strategies", {}) if name not in names] if names or alone else []
    return load(files, sets=options, defaults=below, mode=Mode.SIM, disabled=[*disabled, *left_out])


def _orders(latency: str | None, queue: str | None) -> list[tuple[str, str]]:
    """--latency and --queue as settings of the venue."""
    found = [] if queue is None else [("venue.queue", queue)]
    if latency is not None:
        parts = [part.strip() for part in latency.split(",")]
        delays = [parts[0], parts[-1]] if len(parts) < 3 else parts
        try:
            wrong = len(delays) > 3 or any(float(part) < 0 for part in delays)
        except ValueError:
            wrong = True
        if wrong:
            raise ConfigError(Problem("--latency", f"{latency!r} is no delay", "write milliseconds: 5, or 5,20, or 5,20,1"))
        found += [(f"venue.latency.{name}_ms", part) for name, part in zip(("entry", "response", "feed"), delays, strict=False)]
    return found


def _market(data: str) -> dict[str, Any]:
    """The market that a path means."""
    return {"use": "recorded", "file": data} if data.endswith(".jsonl") else {"use": "store", "path": data}


def _instance(use: str) -> str:
    """What an instance is called where nobody named it: as its entry point, or its class in small letters."""
    return _WORDS.sub("-", use.rpartition(":")[2]).lower()


def spelled(value: Any) -> str:
    """A value as --set takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Sequence):
        return f"[{', '.join(map(spelled, value))}]"
    return str(value)


def plugin_of(given: Any) -> Plugin:
    """A strategy given as a class or an object: a fresh one with its settings."""
    cls = given if isinstance(given, type) else type(given)
    if not attrs.has(cls):
        raise ConfigError(Problem(f"strategy {cls.__name__}", "is no plugin", "write @plugin above the class"))
    made = cls() if isinstance(given, type) else cls(**{field.name: getattr(given, field.name) for field in settings_of(cls)})
    return Plugin(name=_instance(cls.__name__), kind="strategy", plugin=made)
