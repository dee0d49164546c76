"""What every driver is given of a plan: fresh plugins, and the margin model.

Owns `plugins_of` and `margin_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strikeloop.engine import Plugin
from strikeloop.load.plan import Mode, Plan
from strikeloop.margin import Classic, MarginModel

SIM = "sim"
"""What the venue of a run is called where the plan has no adapter."""


def plugins_of(plan: Plan, memories: Mapping[str, dict[str, Any]] | None = None) -> list[Plugin]:
    """Fresh plugin objects of the plan's strategies and rules, with what they remembered."""
    memories = memories or {}
    return [Plugin(name=p.name, kind=p.kind, plugin=p.make(), memory=memories.get(p.name, {})) for p in plan.plugins if p.kind != "sink"]


def margin_of(plan: Plan) -> MarginModel:
    """What `desk.what_if` computes margin with: the model of the simulated venue the run trades on, else Gate's classic account."""
    named = None if plan.run.mode is Mode.LIVE else getattr(plan.venue, "margin_model", None)
    return Classic() if named is None else named
