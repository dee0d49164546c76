"""The few things a connection can be told to do; every fault is made of them.

Owns the operations as values. Carrying them out is the link's work.
"""

from __future__ import annotations

import attrs

from strikeloop.testing.faults.pieces import Piece, Request, Side


@attrs.frozen
class Write:
    """Send these bytes to a side; `request` is what they ask the server, where they do."""

    to: Side
    data: bytes
    request: Request | None = None

    @classmethod
    def of(cls, piece: Piece, to: Side) -> Write:
        """The writing of a piece, as it came or as it was made."""
        return cls(to, piece.write(to), piece if isinstance(piece, Request) else None)


@attrs.frozen
class Keep:
    """Carry out `write` once `behind` further pieces have gone to its side."""

    write: Write
    behind: int


@attrs.frozen
class Pause:
    """Wait, and let everything behind wait too."""

    seconds: float


@attrs.frozen
class Shape:
    """From now on write to a side in segments of `size` bytes (0: any) with a pause after each, or `gather` so many writes into one."""

    to: Side
    size: int = 0
    pause_s: float = 0.0
    gather: int = 1
    within_s: float = 0.05


@attrs.frozen
class Still:
    """From now on nothing goes either way, for so long, or until the proxy thaws."""

    seconds: float | None


@attrs.frozen
class Part:
    """End the connection: with a reset, or so that the client can read what was sent before."""

    is_reset: bool


Op = Write | Keep | Pause | Shape | Still | Part
