"""The simulated venue: matching, account and market, as a synchronous machine with virtual time.

Owns the public names of the distribution; they are resolved when they are asked for, so that naming one part does
not import the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strikeloop_venue.latency import LatencySettings
    from strikeloop_venue.level3 import OrderShown
    from strikeloop_venue.machine import SimulatedVenue
    from strikeloop_venue.market import GeneratedMarket
    from strikeloop_venue.recorded import RecordedMarket
    from strikeloop_venue.settings import VenueSettings

__all__ = ["GeneratedMarket", "LatencySettings", "OrderShown", "RecordedMarket", "SimulatedVenue", "VenueSettings"]

_HOMES = {
    "GeneratedMarket": "strikeloop_venue.market",
    "LatencySettings": "strikeloop_venue.latency",
    "OrderShown": "strikeloop_venue.level3",
    "RecordedMarket": "strikeloop_venue.recorded",
    "SimulatedVenue": "strikeloop_venue.machine",
    "VenueSettings": "strikeloop_venue.settings",
}


def __getattr__(name: str) -> Any:
    """The public name, from the module that owns it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
