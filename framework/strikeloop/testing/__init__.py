"""What users test their plugins and adapters with; the fixtures come with the core as a pytest plugin.

Re-exports the public names, each loaded on first use: every pytest run that has the core installed imports this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strikeloop.testing.factories import CALL, PUT, contract, event
    from strikeloop.testing.frames import Frames
    from strikeloop.testing.scripted import Held, ManualClock, ScriptedAccount, ScriptedAdapter, ScriptedFeed, ScriptedLink
    from strikeloop.testing.sim import Played, Sim
    from strikeloop.testing.stage import DeskStage
    from strikeloop.testing.suite import asked
    from strikeloop.testing.suite.adapters import AdapterContract
    from strikeloop.testing.suite.books import Books
    from strikeloop.testing.suite.broken import ContractBrokenError
    from strikeloop.testing.suite.spelling import KEY, SECRET, Spelling, plain
    from strikeloop.testing.suite.strategies import StrategyContract
    from strikeloop.testing.virtual import VirtualClock, run_virtually

__all__ = [
    "CALL",
    "KEY",
    "PUT",
    "SECRET",
    "AdapterContract",
    "Books",
    "ContractBrokenError",
    "DeskStage",
    "Frames",
    "Held",
    "ManualClock",
    "Played",
    "ScriptedAccount",
    "ScriptedAdapter",
    "ScriptedFeed",
    "ScriptedLink",
    "Sim",
    "Spelling",
    "StrategyContract",
    "VirtualClock",
    "asked",
    "contract",
    "event",
    "plain",
    "run_virtually",
]

_HOMES = {
    **dict.fromkeys(("Held", "ManualClock", "ScriptedAccount", "ScriptedAdapter", "ScriptedFeed", "ScriptedLink"), "scripted"),
    **dict.fromkeys(("CALL", "PUT", "contract", "event"), "factories"),
    **dict.fromkeys(("Played", "Sim"), "sim"),
    **dict.fromkeys(("KEY", "SECRET", "Spelling", "plain"), "suite.spelling"),
    "AdapterContract": "suite.adapters",
    "DeskStage": "stage",
    "Frames": "frames",
    "StrategyContract": "suite.strategies",
    "Books": "suite.books",
    "ContractBrokenError": "suite.broken",
    "asked": "suite.asked",
    **dict.fromkeys(("VirtualClock", "run_virtually"), "virtual"),
}


if not TYPE_CHECKING:  # a type checker that saw it would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(f"{__name__}.{_HOMES[name]}")
        return home if name == "asked" else getattr(home, name)


def __dir__() -> list[str]:
    return __all__
