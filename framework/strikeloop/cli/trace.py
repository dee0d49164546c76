"""Who hears what, in which order, and how long each takes: the hook table of a config, played on a market where asked for.

Owns `traced`. The plugins are those of the config, made anew; nothing leaves the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from strikeloop.cli.options import config_files
from strikeloop.desk import Desk
from strikeloop.load import Mode, load
from strikeloop.runs import backtest_of

Function = Callable[[Any, Desk], Any]


@attrs.frozen(kw_only=True)
class Traced:
    """One call of a hook: its place in the order of that hook, and what it took where a market was played."""

    hook: str
    place: int
    instance: str
    kind: str
    calls: int = 0
    total_ms: float = 0.0
    mean_us: float = 0.0


@attrs.define
class _Spent:
    calls: int = 0
    ns: int = 0


def traced(files: Sequence[Path], sets: Sequence[str], disabled: Sequence[str], seconds: int | None) -> list[Traced]:
    """The calls of each hook of the plugins a config names, in order. Raises ConfigError as a run would."""
    options = sets if seconds is None else (*sets, f"market.duration_s={seconds}")
    plan = load(config_files(files), sets=options, disabled=disabled, mode=Mode.SIM)
    spent: dict[tuple[str, str], _Spent] = {}
    run = backtest_of(plan, wrap=partial(_clocked, spent))
    if seconds is not None:
        run.run()
    return [
        _row(hook, place, call.instance.name, call.instance.kind, spent.get((call.instance.name, hook), _Spent()))
        for hook, calls in run.engine.dispatch.order().items()
        for place, call in enumerate(calls, start=1)
    ]


def _row(hook: str, place: int, instance: str, kind: str, spent: _Spent) -> Traced:
    mean = spent.ns / spent.calls / 1e3 if spent.calls else 0.0
    return Traced(hook=hook, place=place, instance=instance, kind=kind, calls=spent.calls, total_ms=spent.ns / 1e6, mean_us=mean)


def _clocked(spent: dict[tuple[str, str], _Spent], call: Function, instance: str, hook: str) -> Function:
    """The same call under a clock."""
    mine = spent[instance, hook] = _Spent()

    def clocked(event: Any, desk: Desk) -> Any:
        begin = time.perf_counter_ns()
        try:
            return call(event, desk)
        finally:
            mine.calls += 1
            mine.ns += time.perf_counter_ns() - begin

    return clocked
