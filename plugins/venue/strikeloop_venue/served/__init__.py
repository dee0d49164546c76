"""The served face of the simulated venue: a loopback server that speaks Gate's options WebSocket and REST.

`serve` and what it gives are the public names.
"""

from strikeloop_venue.served.log import Received
from strikeloop_venue.served.server import Faults, ServedVenue, serve

__all__ = ["Faults", "Received", "ServedVenue", "serve"]
