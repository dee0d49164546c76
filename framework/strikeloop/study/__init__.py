"""A backtest in one call: from a terminal, a script or a notebook, with or without a config file.

Owns `run_backtest`. Nothing here waits or needs an event loop, so that it may be called inside one. What a study is made of is loaded
when the first one runs: who has the name from `strikeloop` and runs nothing pays for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strikeloop.backtest import Progress, Result
    from strikeloop.venue import Source


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
    from strikeloop.study.planning import open_study, plan_study, plugin_of, spelled  # noqa: PLC0415 - only who runs one needs it

    named = [one for one in strategies if isinstance(one, str)]
    files = [config] if isinstance(config, str | Path) else [*config]
    source = None if data is None or isinstance(data, str | Path) else data
    plan = plan_study(
        named,
        files=[Path(file) for file in files],
        sets=[f"{key}={spelled(value)}" for key, value in (settings or {}).items()],
        data=None if source is not None or data is None else str(data),
        seed=seed,
        latency=None if latency is None else str(latency),
        queue=queue,
        alone=bool(strategies),
    )
    extra = [plugin_of(one) for one in strategies if not isinstance(one, str)]
    return open_study(plan, source=source, start=start, end=end, plugins=extra, **options).run(progress)
