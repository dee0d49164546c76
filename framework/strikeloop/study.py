"""A backtest in one call: from a terminal, a script or a notebook, with or without a config file.

Owns `run_backtest` and `plan_study`, which says what the options of `strikeloop backtest` mean as configuration. Nothing here waits or
needs an event loop, so that it may be called inside one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from strikeloop.backtest import Backtest, Progress, Result
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


def run_backtest(
    *strategies: Any,
    data: Source | str | Path | None = None,
    config: str | Path | Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    start: str | int | None = None,
    end: str | int | None = None,
    seed: int | None = None,
    latency: str | float | None = None,
    queue: str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Result:
    """Run strategies over a market and return what came of it.

    `strategies`: names of installed ones, "./file.py:Class", plugin classes, or plugin objects (whose settings are taken, not the object).
    `data`: a source, the path of a store of market data, or a recording; the configured market, else a generated day. `settings`:
    configuration by dotted key, above all files. `start` and `end`: ns UTC or a date, the end not included. `latency`: milliseconds of
    order entry and response, "entry,response" or "entry,response,feed". `options` are those of `strikeloop.backtest.Backtest`.
    Raises ConfigError with everything that is wrong before anything runs; a strategy that raises is in `Result.faults`.

    >>> from strikeloop import Desk, Quoted, hookimpl, plugin, run_backtest
    >>> @plugin
    ... class Watcher:
    ...     @hookimpl
    ...     def on_start(self, desk: Desk) -> None:
    ...         desk.watch("BTC_USDT")
    >>> run_backtest(Watcher, settings={"market.duration_s": 60}).summary.orders
    0
    """
    named = [one for one in strategies if isinstance(one, str)]
    files = [config] if isinstance(config, str | Path) else [*config]
    source = None if data is None or isinstance(data, str | Path) else data
    plan = plan_study(
        named,
        files=[Path(file) for file in files],
        sets=[f"{key}={_spelled(value)}" for key, value in (settings or {}).items()],
        data=None if source is not None or data is None else str(data),
        seed=seed,
        latency=None if latency is None else str(latency),
        queue=queue,
        alone=bool(strategies),
    )
    extra = [_plugin(one) for one in strategies if not isinstance(one, str)]
    return open_study(plan, source=source, start=start, end=end, plugins=extra, **options).run(progress)


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
        options += [f"market.{key}={_spelled(value)}" for key, value in _market(data).items()]
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


def _spelled(value: Any) -> str:
    """A value as --set takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_spelled, value))}]"
    return str(value)


def _plugin(given: Any) -> Plugin:
    """A strategy given as a class or an object: a fresh one with its settings."""
    cls = given if isinstance(given, type) else type(given)
    if not attrs.has(cls):
        raise ConfigError(Problem(f"strategy {cls.__name__}", "is no plugin", "write @plugin above the class"))
    made = cls() if isinstance(given, type) else cls(**{field.name: getattr(given, field.name) for field in settings_of(cls)})
    return Plugin(name=_instance(cls.__name__), kind="strategy", plugin=made)
