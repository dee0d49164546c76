"""Loading: config layers and installed plugins become one checked `Plan`, or one report of everything wrong.

Owns the layers and who set which key, plugin discovery, and the plan a driver runs. Never opens a connection, and
imports only what the config names.
"""

from __future__ import annotations

from strikeloop.load.discovery import KINDS, Installed, installed
from strikeloop.load.layers import Setter, read_layers
from strikeloop.load.loading import ACCOUNTS, load
from strikeloop.load.plan import Backend, Countdown, Mode, Plan, PluginPlan, RunSettings
from strikeloop.load.toml import to_toml

__all__ = [
    "ACCOUNTS",
    "KINDS",
    "Backend",
    "Countdown",
    "Installed",
    "Mode",
    "Plan",
    "PluginPlan",
    "RunSettings",
    "Setter",
    "installed",
    "load",
    "read_layers",
    "to_toml",
]
