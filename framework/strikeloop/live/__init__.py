"""The live driver: see strikeloop.live.run."""

from strikeloop.live.clock import WallClock
from strikeloop.live.halting import Halting
from strikeloop.live.keeper import Switch
from strikeloop.live.local import LocalVenue
from strikeloop.live.run import Ending, Live
from strikeloop.live.status import state_of, status_of
from strikeloop.live.storage import Book

__all__ = ["Book", "Ending", "Halting", "Live", "LocalVenue", "Switch", "WallClock", "state_of", "status_of"]
