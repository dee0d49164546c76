"""The main job shown in twenty seconds: a served venue, the Gate adapter on a real WebSocket, strategies and rules.

Owns the demonstration's configuration, which `strikeloop backtest` without arguments uses too, and `serve_demo`. It
needs no network and no keys.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from strikeloop.load import Plan, load
from strikeloop.load.discovery import find
from strikeloop.runs import from_now
from strikeloop.venue import Served

DROP_SHARE = 0.25
ADAPTER = "gate"

PLUGINS: Mapping[str, Any] = {
    "strategies": {
        "hedge": {"use": "delta-band", "band": 0.02},
        "maker": {"use": "quoter", "requote_s": 0.5},
    },
    "risk": {
        "orders": {"use": "order-limits", "max_size": 6, "max_open_orders": 24, "price_collar": 0.5},
        "greeks": {"use": "greek-limits", "max_delta": 0.06, "max_vega": 20.0},
        "margin": {"use": "margin-guard", "max_share": 0.5},
        "exposure": {"use": "risk-monitor", "max_delta": 0.03},
        "positions": {"use": "position-monitor"},
        "expiries": {"use": "expiry-monitor"},
    },
}
"""Two strategies, three rules and three monitors: what the demonstration and the default backtest run."""

BACKTEST: Mapping[str, Any] = {
    "run": {"mode": "sim", "seed": 1},
    "market": {"use": "generated"},
    "venue": {"use": "venue"},
    **PLUGINS,
    "strategies": {**PLUGINS["strategies"], "maker": {"use": "quoter", "requote_s": 60.0}},
}
"""The same plugins over one generated day, whose index moves once a minute: the maker looks as often."""


def demo_plan(served: Served, *, dialect: str, backend: str, seed: int, state_dir: str) -> Plan:
    """The demonstration as a live run against `served`. Raises ConfigError."""
    adapter = {
        "use": "gate",
        "dialect": dialect,
        "rest_url": served.rest_url,
        "ws_url": served.ws_url,
        "key": {"env": "STRIKELOOP_DEMO_KEY"},
        "secret": {"env": "STRIKELOOP_DEMO_SECRET"},
    }
    run = {"mode": "live", "backend": backend, "seed": seed, "state_dir": state_dir}
    environ = {"STRIKELOOP_DEMO_KEY": "key", "STRIKELOOP_DEMO_SECRET": "secret"}
    return load(defaults={"run": run, "adapters": {ADAPTER: adapter}, **PLUGINS}, environ=environ, live=True)


@asynccontextmanager
async def serve_demo(*, dialect: str, seed: int, duration_s: float) -> AsyncIterator[Served]:
    """The venue on a loopback port; it drops the account's connection once, in the first third of the time.

    Raises ValueRefusedError where strikeloop-venue is not installed.
    """
    market = from_now(find("sources", "generated").value(seed=seed), time.time_ns())
    venue = find("venues", "venue").value()
    async with venue.serve(market.open("venue"), dialect=dialect, drop_after_s=(duration_s * DROP_SHARE,)) as served:
        yield served
