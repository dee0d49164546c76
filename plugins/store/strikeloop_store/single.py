"""One Parquet file as a market: a file of a store, or one that was exported and carries its contracts with it.

Owns where its specifications come from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from strikeloop_store.library import Library
from strikeloop_store.part import Part
from strikeloop_store.specifications import Listing, effective, specified, texts

SPECIFICATIONS = "specifications"
_DEPTH = 4
"""A file of a store is STORE/venue=/kind=/day=/NAME."""


def is_single(path: Path) -> bool:
    return path.is_file()


def told(listings: Iterable[Listing]) -> str:
    """Contracts as a file carries them in its metadata."""
    ordered = sorted(listings, key=lambda one: (one.time, one.name))
    return json.dumps([[one.time, text] for one, text in ((one, texts([one])[0]) for one in ordered)])


def single_listings(part: Part) -> dict[str, Listing]:
    """The contracts that the rows of a file are about: it carries them, or its store has them. Empty where neither."""
    carried = part.facts.get(SPECIFICATIONS)
    if carried is not None:
        return effective(Listing(time, specified(json.loads(text))) for time, text in json.loads(carried))
    folder = part.path.resolve().parents
    if len(folder) < _DEPTH or not folder[2].name.startswith("venue="):
        return {}
    listed = Library.open(folder[3]).listings(folder[2].name.removeprefix("venue="))
    return {name: one for name, one in listed.items() if name in part.subjects}
