"""From a checked plan to a run: the one place where plugins, adapters, venues and markets are put together.

Re-exports the public names, each loaded on first use: a backtest needs nothing of a live run. What a mode means is said in here and
nowhere else: the same plugins are handed to the same engine in every one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strikeloop.runs.earlier import Earlier, earlier_in
    from strikeloop.runs.keeping import recorder_of
    from strikeloop.runs.live import Options, Record, from_now, live_of, run_live, sinks_of
    from strikeloop.runs.making import margin_of, plugins_of
    from strikeloop.runs.simulated import backtest_of

__all__ = [
    "Earlier",
    "Options",
    "Record",
    "backtest_of",
    "earlier_in",
    "from_now",
    "live_of",
    "margin_of",
    "plugins_of",
    "recorder_of",
    "run_live",
    "sinks_of",
]

_HOMES = {
    "Earlier": "earlier",
    "Options": "live",
    "Record": "live",
    "backtest_of": "simulated",
    "earlier_in": "earlier",
    "from_now": "live",
    "live_of": "live",
    "margin_of": "making",
    "plugins_of": "making",
    "recorder_of": "keeping",
    "run_live": "live",
    "sinks_of": "live",
}


if not TYPE_CHECKING:  # a type checker that saw it would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
