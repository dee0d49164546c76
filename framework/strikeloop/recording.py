"""The contract of a recorder: what keeps a run's events, its market and its raw frames beside the journal.

Owns the protocol and `Keep`. strikeloop-store implements it (entry-point group strikeloop.recorders, name `store`); the core
imports nothing heavy for it, hands over what happens, and waits for nothing before the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from strikeloop.events import Event


class Keep(StrEnum):
    """What a run keeps: nothing; account and run events; the market too; and the raw frames of every connection too."""

    NOTHING = "nothing"
    ACCOUNT = "account"
    MARKET = "market"
    FRAMES = "frames"

    @property
    def market(self) -> bool:
        return self in (Keep.MARKET, Keep.FRAMES)

    @property
    def frames(self) -> bool:
        return self is Keep.FRAMES


class Recorder(Protocol):
    """Told of everything, on the loop and in order: `event` and `frames` return at once and never raise.

    What the account says is never left out. Of the market, what finds no room is counted in `dropped`.
    """

    @property
    def trouble(self) -> str:
        """Why nothing more is kept (the disk is full), "" while all is well."""
        ...

    @property
    def dropped(self) -> int:
        """Market events and frames of feeds that found no room."""
        ...

    def event(self, event: Event) -> None:
        """The engine has seen an event."""
        ...

    def frames(self, adapter: str, port: str, frames: Sequence[bytes], received: int) -> None:
        """One read of a socket, as it came; `received` is ns UTC."""
        ...

    def close(self) -> Mapping[str, Any]:
        """Finish what was begun; returns what was kept, in plain JSON types. Raises StorageError where not all of it could be."""
        ...


class OpenRecorder(Protocol):
    """What the entry point names. `folder` is the run's; `store` is where the market goes, a folder of the run where None."""

    def __call__(self, folder: Path, *, market: bool, frames: bool, store: Path | None = None) -> Recorder: ...
