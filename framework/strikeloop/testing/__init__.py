"""What users test their plugins and adapters with; the fixtures come with the core as a pytest plugin.

Re-exports the public names, each loaded on first use: every pytest run that has the core installed imports this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strikeloop.testing.scripted import Held, ManualClock, ScriptedAccount, ScriptedAdapter, ScriptedFeed, ScriptedLink
    from strikeloop.testing.sim import Played, Sim
    from strikeloop.testing.virtual import VirtualClock, run_virtually

__all__ = [
    "Held",
    "ManualClock",
    "Played",
    "ScriptedAccount",
    "ScriptedAdapter",
    "ScriptedFeed",
    "ScriptedLink",
    "Sim",
    "VirtualClock",
    "run_virtually",
]

_HOMES = {
    **dict.fromkeys(("Held", "ManualClock", "ScriptedAccount", "ScriptedAdapter", "ScriptedFeed", "ScriptedLink"), "scripted"),
    **dict.fromkeys(("Played", "Sim"), "sim"),
    **dict.fromkeys(("VirtualClock", "run_virtually"), "virtual"),
}


if not TYPE_CHECKING:  # a type checker that saw it would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
