"""A store as a market: what `[market] use = "store"` and `strikeloop backtest --data` open.

Owns `StoredMarket`, the settings, and the source they open. Everything that can be wrong (folder, venue, kinds, contracts, dates) is
said before a run; rows are read as they are needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from strikeloop import ConfigError, Contract, Event, Problem
from strikeloop.venue import Batch, unrolled
from strikeloop_store.bars import MADE_OF, length_of, with_bars
from strikeloop_store.checks import shown
from strikeloop_store.kinds import CONTRACTS, KINDS, Kind
from strikeloop_store.library import Library, day_of
from strikeloop_store.part import Part
from strikeloop_store.single import is_single, single_listings
from strikeloop_store.specifications import Listing, texts
from strikeloop_store.streams import FOREVER, Cut, Ready, Rows, merged, stretches
from strikeloop_store.times import moment

MARKET_KINDS = tuple(name for name in KINDS if name != CONTRACTS.name)


@attrs.frozen(kw_only=True)
class StoredMarket:
    """Recorded or imported market data. `path` is a store, or one Parquet file of one.

    `venue` may be left out where the store holds one. Empty `kinds`, `contracts` and `underlyings` mean all; `start` and `end`
    ("2026-06-01", "2026-06-01T08:00:00Z") are the first moment and the one after the last. `bars` (30s, 1m, 4h, 1d) adds bars of that
    length, made of quotes or trades as `bars_of` says. Raises ValueError for what cannot be.
    """

    path: str
    venue: str = ""
    kinds: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    bars: str = ""
    bars_of: str = "quotes"

    def __attrs_post_init__(self) -> None:
        if self.bars:
            length_of(self.bars)
        if self.bars_of not in MADE_OF:
            raise ValueError(f"bars_of is {self.bars_of!r}; expected {' or '.join(MADE_OF)}")
        if self.bars and self.kinds and self.bars_of not in self.kinds:
            raise ValueError(f"bars are made of {self.bars_of}, which kinds leaves out")
        if not Path(self.path).exists():
            raise ValueError(f"{self.path}: there is no store and no file")
        unknown = [kind for kind in self.kinds if kind not in MARKET_KINDS]
        if unknown:
            raise ValueError(f"there is no kind {', '.join(unknown)}; there are {', '.join(MARKET_KINDS)}")
        if self._from >= self._until:
            raise ValueError(f"end {self.end} is not after start {self.start}")

    @property
    def _from(self) -> int:
        return 0 if self.start is None else moment(self.start)

    @property
    def _until(self) -> int:
        return FOREVER if self.end is None else moment(self.end)

    def open(self, adapter: str) -> StoredSource:
        """The market as the adapter instance `adapter` sees it. Raises ConfigError where there is nothing to see."""
        path = Path(self.path)
        venue, parts, listed = _of_file(path) if is_single(path) else self._of_store(Library.open(path))
        kinds = self.kinds or MARKET_KINDS
        return StoredSource(
            adapter=adapter,
            path=path,
            venue=venue,
            parts=tuple(part for part in parts if part.kind.name in kinds),
            listings=self._wanted(listed),
            narrowed=bool(self.contracts or self.underlyings),
            start=self._from,
            end=self._until,
            bars=(length_of(self.bars), self.bars_of) if self.bars else None,
        ).checked()

    def _of_store(self, library: Library) -> tuple[str, list[Part], dict[str, Listing]]:
        venues = library.venues()
        if self.venue and self.venue not in venues:
            raise ConfigError(Problem(self.path, f"holds nothing of {self.venue}", f"it holds {', '.join(venues) or 'nothing'}"))
        if not self.venue and len(venues) != 1:
            raise ConfigError(
                Problem(
                    self.path, f"holds {len(venues)} venues", f'say which: venue = "{venues[0]}"' if venues else "import something first"
                )
            )
        venue = self.venue or venues[0]
        days = (day_of(self._from), "9999-12-31" if self.end is None else day_of(self._until))
        return venue, library.parts(venue, self.kinds or MARKET_KINDS, days), library.listings(venue)

    def _wanted(self, listed: Mapping[str, Listing]) -> dict[str, Listing]:
        """The contracts that were asked for. Raises ConfigError for one that nobody specified."""
        unknown = [name for name in self.contracts if name not in listed]
        strange = sorted(set(self.underlyings) - {one.contract.underlying for one in listed.values()})
        if unknown or strange:
            raise ConfigError(
                Problem(
                    self.path, f"has no contract {', '.join([*unknown, *strange])}", "see what there is: strikeloop data list --contracts"
                )
            )
        return {
            name: one
            for name, one in listed.items()
            if (not self.contracts or name in self.contracts) and (not self.underlyings or one.contract.underlying in self.underlyings)
        }


def _of_file(path: Path) -> tuple[str, list[Part], dict[str, Listing]]:
    part = Part.open(path)
    return part.facts.get("venue", ""), [part], single_listings(part)


@attrs.frozen(kw_only=True, eq=False)
class StoredSource:
    """A `strikeloop.venue.Source` that is `Columnar` and `Bounded`."""

    adapter: str
    path: Path
    venue: str
    parts: tuple[Part, ...]
    listings: Mapping[str, Listing]
    narrowed: bool
    start: int
    end: int
    bars: tuple[int, str] | None = None
    """The length of bars that are made, ns, and of what kind."""
    _parts: tuple[Part, ...] = attrs.field(init=False)
    """Those that are read."""
    _first: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        wanted = None if not self.narrowed else {*self.listings, *(one.contract.underlying for one in self.listings.values())}
        read = tuple(
            part
            for part in self.parts
            if self._cut().touches(part.first, part.last) and (wanted is None or not wanted.isdisjoint(part.subjects))
        )
        object.__setattr__(self, "_parts", read)
        object.__setattr__(self, "_first", max(self.start, min((part.first for part in read), default=self.start)))

    def checked(self) -> StoredSource:
        """This source. Raises ConfigError where it holds no row, or rows of a contract without specification."""
        if not self._parts:
            until = "the end" if self.end == FOREVER else shown(self.end)
            raise ConfigError(
                Problem(str(self.path), f"holds no such row from {shown(self.start)} to {until}", "see what there is: strikeloop data list")
            )
        if not self.narrowed:
            told = {name for part in self._parts if part.kind.subject == "contract" for name in part.subjects}
            unknown = sorted(told - self.listings.keys())
            if unknown:
                raise ConfigError(
                    Problem(
                        str(self.path),
                        f"holds rows of {len(unknown)} contracts without specification: {', '.join(unknown[:3])}",
                        "import them: strikeloop data import --format contracts --help",
                    )
                )
        return self

    def contracts(self) -> tuple[Contract, ...]:
        """What can be traded when the first row comes."""
        first = self._first
        return tuple(one.named(self.adapter) for one in self._listed() if one.time <= first)

    def batches(self) -> Iterator[Batch]:
        """The market, a stretch at a time: no more of each kind is in memory than a row group or what overlaps with it."""
        found = self._batches()
        return found if self.bars is None else with_bars(found, self.bars[0], MADE_OF[self.bars[1]])

    def _batches(self) -> Iterator[Batch]:
        kinds: list[tuple[int, Iterator[Rows]]] = []
        later = tuple(one.event(self.adapter) for one in self._listed() if one.time > self._first)
        if later:
            kinds.append((CONTRACTS.rank, iter([Ready(later)])))
        for kind in KINDS.values():
            parts = self.parts_of(kind)
            if parts:
                kinds.append((kind.rank, stretches(kind, parts, self.cut_of(kind), self.adapter)))
        yield from merged(kinds)

    def events(self) -> Iterator[Event]:
        """The same, event by event."""
        return unrolled(self.batches())

    def content_hash(self) -> str:
        """SHA-256 of what is read: the content of each file, the range, the selection and the specifications. No path is part of it."""
        contents = sorted((part.kind.rank, part.first, part.content) for part in self._parts)
        narrowed = sorted(self.listings) if self.narrowed else []
        told = [self.adapter, self.start, self.end, narrowed, contents, texts(list(self._listed())), *(self.bars or ())]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def span(self) -> tuple[int, int]:
        """Times of the first and the last row that may be read."""
        return self._first, min(self.end, max(part.last for part in self._parts))

    def between(self, start: int | None, end: int | None) -> StoredSource:
        """The same market from `start` up to `end`, ns UTC. Raises ConfigError where nothing is left."""
        narrower = attrs.evolve(self, start=max(self.start, start or 0), end=min(self.end, FOREVER if end is None else end))
        return narrower.checked()

    def parts_of(self, kind: Kind) -> list[Part]:
        """The files of one kind that are read."""
        return [part for part in self._parts if part.kind is kind]

    def cut_of(self, kind: Kind) -> Cut:
        """Which rows of a kind are meant."""
        return self._of(kind.subject, self._cut())

    # ---- inside ----

    def _cut(self) -> Cut:
        return Cut(start=self.start, end=self.end)

    def _of(self, subject: str, cut: Cut) -> Cut:
        if not self.narrowed:
            return cut
        if subject == "contract":
            return attrs.evolve(cut, subjects=frozenset(self.listings))
        return attrs.evolve(cut, subjects=frozenset(one.contract.underlying for one in self.listings.values()))

    def _listed(self) -> Iterator[Listing]:
        """Contracts that live at some time of the range, by when they were listed and by name."""
        yield from (one for one in self.listings.values() if one.contract.expiry > self._first and one.time < self.end)
