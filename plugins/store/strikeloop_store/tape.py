"""The market of a run on its way to a store: rows in memory, which become parts of it every few minutes.

Owns the cutting of a live market into parts. Rows of one part are sorted by the venue's time, for a feed may be late; parts that
overlap are merged when they are read.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs
import numpy as np
import pyarrow as pa

from strikeloop import ContractListed, Event, StateInUseError, StorageError
from strikeloop_store.arrays import numbers, raw, single
from strikeloop_store.kinds import CONTRACTS, KINDS, Kind
from strikeloop_store.library import DAY_NS, Change, Library
from strikeloop_store.rows import kind_of, table
from strikeloop_store.specifications import Listing, table_of
from strikeloop_store.ticks import Scale, found

ROWS: Final = 131_072
"""Of one kind, which become a part at once."""
EVERY_S: Final = 300.0
_TRIES: Final = 100
_WAIT_S: Final = 0.1


@attrs.define(eq=False)
class Tape:
    """The market of one run, on its way to the store at `path`. `add` and the others raise StorageError where the disk refuses."""

    path: Path
    counts: Counter[str] = attrs.field(factory=Counter)
    _rows: dict[tuple[str, str], list[pa.Table]] = attrs.field(factory=dict)
    _listed: dict[tuple[str, str], Listing] = attrs.field(factory=dict)
    _stored: dict[str, set[str]] = attrs.field(factory=dict)
    _waiting: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    _heard: int = 0
    _since: float = attrs.field(factory=time.monotonic)

    def add(self, events: Sequence[Event]) -> None:
        """The next events, of every kind."""
        sorted_out: dict[tuple[str, str], list[tuple[int, Event]]] = {}
        for event in events:
            self._heard += 1
            kind = kind_of(event)
            if isinstance(event, ContractListed):
                self._listed.setdefault((event.contract.adapter, event.contract.name), Listing(event.time, event.specification))
            elif kind is not None:
                sorted_out.setdefault((_adapter(event), kind.name), []).append((self._heard, event))
        for key, some in sorted_out.items():
            self._rows.setdefault(key, []).append(table(KINDS[key[1]], [event for _, event in some], [heard for heard, _ in some]))
            self._waiting[key] += len(some)
        if any(count >= ROWS for count in self._waiting.values()):
            self.store()

    def tick(self, now: float) -> None:
        """Time passed."""
        if now - self._since >= EVERY_S:
            self.store()

    def close(self) -> None:
        self.store()

    def store(self) -> None:
        """Make parts of everything that is in memory."""
        self._since = time.monotonic()
        if not self._rows and not self._listed:
            return
        library = Library.make(self.path)
        for _ in range(_TRIES):
            try:
                with library.change() as change:
                    self._put(library, change)
            except StateInUseError:
                time.sleep(_WAIT_S)  # an import is at work on the same store
            else:
                self._rows, self._listed = {}, {}
                self._waiting.clear()
                return
        raise StorageError(f"{self.path} was being changed by another process for {_TRIES * _WAIT_S:g} s")

    def _put(self, library: Library, change: Change) -> None:
        for (adapter, name), tables in sorted(self._rows.items()):
            whole = pa.concat_tables(tables).unify_dictionaries()
            order = np.argsort(raw(single(whole.column("time"))), kind="stable")
            whole = whole.take(pa.array(order))
            for day in _days(whole):
                change.add(adapter, KINDS[name], day, _scale(KINDS[name], day))
            self.counts[name] += whole.num_rows
        for adapter in sorted({adapter for adapter, _ in self._listed}):
            known = self._stored.setdefault(adapter, set(library.listings(adapter)))
            new = [one for (of, name), one in self._listed.items() if of == adapter and name not in known]
            for day in sorted({one.time // DAY_NS for one in new}):
                change.add(adapter, CONTRACTS, table_of(one for one in new if one.time // DAY_NS == day), Scale())
            known.update(one.name for one in new)


def _adapter(event: Event) -> str:
    contract = getattr(event, "contract", None)
    return str(event.adapter if contract is None else contract.adapter)  # type: ignore[attr-defined]  # of an underlying


def _days(whole: pa.Table) -> list[pa.Table]:
    days = raw(single(whole.column("time"))) // DAY_NS
    edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
    return [whole.slice(start, end - start) for start, end in pairwise(edges)]


def _scale(kind: Kind, rows: pa.Table) -> Scale:
    """Raises ValueError for a price that no tick tells exactly."""
    columns = [single(rows.column(column.name)) for column in kind.columns if column.is_price]
    scale = found([numbers(one.flatten() if pa.types.is_list(one.type) else one) for one in columns])
    if scale is None:
        raise ValueError(f"{kind.name} hold a price that no tick tells exactly")
    return scale
