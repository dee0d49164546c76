"""The live driver: see strikeloop.live.run."""

from strikeloop.live.clock import WallClock
from strikeloop.live.local import LocalVenue
from strikeloop.live.run import Book, Ending, Live, status_of

__all__ = ["Book", "Ending", "Live", "LocalVenue", "WallClock", "status_of"]
