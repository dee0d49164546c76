"""The served face of the simulated venue: a loopback server that speaks Gate's options WebSocket and REST.

`serve` and what it gives are the public names.
"""

from strikeloop_venue.served.limits import Limit
from strikeloop_venue.served.log import Received
from strikeloop_venue.served.server import Faults, Login, ServedVenue, ServerRules, serve

__all__ = ["Faults", "Limit", "Login", "Received", "ServedVenue", "ServerRules", "serve"]
