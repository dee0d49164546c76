"""What users test their plugins with; the fixtures come with the core as a pytest plugin."""

from __future__ import annotations

from strikeloop.testing.sim import Played, Sim

__all__ = ["Played", "Sim"]
