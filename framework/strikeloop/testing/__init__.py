"""What users test their plugins and adapters with; the fixtures come with the core as a pytest plugin."""

from __future__ import annotations

from strikeloop.testing.scripted import Held, ManualClock, ScriptedAccount, ScriptedAdapter, ScriptedFeed, ScriptedLink
from strikeloop.testing.sim import Played, Sim

__all__ = ["Held", "ManualClock", "Played", "ScriptedAccount", "ScriptedAdapter", "ScriptedFeed", "ScriptedLink", "Sim"]
