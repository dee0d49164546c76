"""What a store holds, in figures: what `strikeloop data list` shows.

Owns the summary of files and of contracts. It reads metadata only.
"""

from __future__ import annotations

from typing import Any

from strikeloop_store.checks import shown
from strikeloop_store.kinds import KINDS
from strikeloop_store.library import Library, day_of


def stock(library: Library, venue: str, *, contracts: bool = False) -> list[dict[str, Any]]:
    """A row for each kind of a venue, or for each of its contracts. Raises ConfigError where a file is damaged."""
    return _contracts(library, venue) if contracts else _kinds(library, venue)


def _kinds(library: Library, venue: str) -> list[dict[str, Any]]:
    found = []
    for kind in KINDS:
        parts = library.parts(venue, [kind])
        if parts:
            found.append(
                {
                    "venue": venue,
                    "kind": kind,
                    "first": day_of(min(part.first for part in parts)),
                    "last": day_of(max(part.last for part in parts)),
                    "days": len({part.path.parent for part in parts}),
                    "files": len(parts),
                    "rows": sum(part.rows for part in parts),
                    "contracts": len({name for part in parts for name in part.subjects}),
                    "bytes": sum(part.path.stat().st_size for part in parts),
                }
            )
    return found


def _contracts(library: Library, venue: str) -> list[dict[str, Any]]:
    return [
        {
            "venue": venue,
            "contract": one.name,
            "underlying": one.contract.underlying,
            "kind": one.contract.kind.value,
            "strike": format(one.contract.strike, "f"),
            "expiry": shown(one.contract.expiry),
            "multiplier": format(one.contract.multiplier, "f"),
            "tick": format(one.contract.tick, "f"),
            "listed": shown(one.time),
        }
        for one in library.listings(venue).values()
    ]
