"""The rows of a market as they pass: who asks finds the last one that has, whether anybody made an event of it or not.

Owns `Passing`, `Stretch`, `Table`, `Group` and `Known`. A driver lays out one stretch of rows after another and moves `at` forward;
portfolio and venue look back from there. Positions count the rows of a stretch in order of time. Needs numpy, and is imported
only where a market comes in columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from strikeloop.columns import Columns, Key
from strikeloop.events import Event, TickerUpdated

Positions = NDArray[np.int64]


class Table:
    """All rows of one kind in a stretch. `positions`: where each stands in it, None where the stretch has no other rows."""

    def __init__(self, columns: Columns, positions: Positions | None) -> None:
        self.columns, self.positions = columns, positions
        self.kind = columns.kind
        self._codes = {key: code for code, key in enumerate(columns.keys)}
        self._grouped: dict[str, NDArray[Any]] = {}

    @cached_property
    def by_key(self) -> NDArray[np.intp]:
        """The rows, key by key and each key's in order."""
        return self.columns.key.astype(np.int16 if len(self.columns.keys) < 1 << 15 else np.int32).argsort(kind="stable")

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.bincount(self.columns.key, minlength=len(self.columns.keys)).cumsum().tolist()]

    @cached_property
    def _places(self) -> Positions:
        """The positions, key by key."""
        return self.by_key.astype(np.int64) if self.positions is None else self.positions[self.by_key]

    def grouped(self, name: str) -> NDArray[Any]:
        """A field or the `time`, key by key."""
        column = self._grouped.get(name)
        if column is None:
            whole = self.columns.time if name == "time" else self.columns.fields[name]
            column = self._grouped[name] = whole[self.by_key]
        return column

    @cached_property
    def tells_more(self) -> NDArray[np.bool_]:
        """Of tickers: which rows, key by key, tell more than a mark."""
        more = np.zeros(len(self.columns), np.bool_)
        for name in ("delta", "mark_iv"):
            if name in self.columns.fields:
                more |= ~np.isnan(self.columns.fields[name])
        return more[self.by_key]

    def group(self, key: Key) -> Group | None:
        """The rows about `key`, None where there are none."""
        code = self._codes.get(key)
        if code is None or self._starts[code] == self._starts[code + 1]:
            return None
        return Group(self, self._starts[code], self._starts[code + 1])

    @cached_property
    def _present(self) -> list[int]:
        """Which keys have rows, by number, in the order of their first ones."""
        starts = np.array(self._starts)
        codes = (starts[1:] > starts[:-1]).nonzero()[0]
        found: list[int] = codes[self._places[starts[codes]].argsort()].tolist()
        return found

    def groups(self) -> Iterator[tuple[Key, Group]]:
        """Every key that has rows, in the order of their first ones."""
        for code in self._present:
            yield self.columns.keys[code], Group(self, self._starts[code], self._starts[code + 1])

    def lasts(self) -> Iterator[tuple[Key, Any, int]]:
        """The last event about every key that has rows, and its position, in the order of their first ones."""
        codes = self._present
        ends = [self._starts[code + 1] - 1 for code in codes]
        keys = (self.columns.keys[code] for code in codes)
        return zip(keys, self.columns.events(self.by_key[ends]), self._places[ends].tolist(), strict=True)


class Group:
    """The rows of one kind about one key in a stretch; row i of it stands at `positions[i]`."""

    __slots__ = ("_columns", "_looked_at", "_made", "_made_row", "_passed", "_start", "_stop", "_table", "positions")

    def __init__(self, table: Table, start: int, stop: int) -> None:
        self._table, self._start, self._stop = table, start, stop
        self.positions: Positions = table._places[start:stop]
        self._columns: dict[str, NDArray[Any]] = {}
        self._looked_at = self._made_row = -1
        self._passed = 0
        self._made: Any = None

    @property
    def rows(self) -> slice:
        """Which of the table's rows, key by key, these are."""
        return slice(self._start, self._stop)

    def has(self, name: str) -> bool:
        """Whether the rows have this field."""
        return name in self._table.columns.fields

    def column(self, name: str) -> NDArray[Any]:
        """A field of these rows, or their `time`; NaN where it is None."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._table.grouped(name)[self._start : self._stop]
        return column

    def passed(self, at: int) -> int:
        """How many of them stand before the position `at`."""
        if at != self._looked_at:
            self._looked_at, self._passed = at, int(self.positions.searchsorted(at))
        return self._passed

    def place(self, at: int) -> int:
        """The position of the last of them before `at`, −1 where there is none."""
        passed = self.passed(at)
        return self.positions.item(passed - 1) if passed else -1

    def last(self, at: int) -> Any:
        """The last of them before the position `at` as an event, None where there is none."""
        row = self.passed(at) - 1
        if row != self._made_row:
            self._made_row, self._made = row, None if row < 0 else self._table.columns.event(self._table.by_key.item(self._start + row))
        return self._made

    def events(self, start: int, stop: int) -> list[Any]:
        """Rows `start` to `stop` as events."""
        return self._table.columns.events(self._table.by_key[self._start + start : self._start + stop])


class Stretch:
    """Rows of all sources, in order: tables of columns, and `loose` events of kinds that have none at `loose_at`."""

    def __init__(
        self, time: NDArray[np.int64], tables: Sequence[Table], loose: Sequence[Event] = (), loose_at: Positions | None = None
    ) -> None:
        self.time, self.tables = time, {table.kind: table for table in tables}
        self.count = len(time)
        self.loose = list(loose)
        self.loose_at: Positions = np.zeros(0, np.int64) if loose_at is None else loose_at

    def __len__(self) -> int:
        return self.count

    @property
    def is_seen_at_once(self) -> bool:
        """Whether a client has each row the moment it happens: no `received` differs from its `time`."""
        at_once = all(table.columns.received is table.columns.time for table in self.tables.values())
        return at_once and all(event.received == event.time for event in self.loose)

    def next_loose(self, at: int) -> int:
        """The position of the first loose event at or after `at`; the end where there is none."""
        if not self.loose:
            return self.count
        index = int(self.loose_at.searchsorted(at))
        return int(self.loose_at[index]) if index < len(self.loose) else len(self)

    @cached_property
    def _which(self) -> tuple[NDArray[np.int16], NDArray[np.intp]]:
        """For each position its table's number (−1: loose), and its row there."""
        which, row = np.full(len(self), -1, np.int16), np.zeros(len(self), np.intp)
        row[self.loose_at] = np.arange(len(self.loose))
        for number, table in enumerate(self.tables.values()):
            at = slice(None) if table.positions is None else table.positions
            which[at], row[at] = number, np.arange(len(table.columns))
        return which, row

    def event(self, position: int) -> Any:
        """The row at this position as an event."""
        if len(self.tables) == 1 and not self.loose:
            (table,) = self.tables.values()
            return table.columns.event(position)
        number, row = (column.item(position) for column in self._which)
        return self.loose[row] if number < 0 else list(self.tables.values())[number].columns.event(row)

    def events(self, positions: Positions) -> list[Any]:
        """The rows at these positions as events."""
        if len(self.tables) == 1 and not self.loose:
            (table,) = self.tables.values()
            first, last = int(positions[0]), int(positions[-1])
            return table.columns.events(slice(first, last + 1) if last - first + 1 == len(positions) else positions)
        which, row = (column[positions] for column in self._which)
        made = np.empty(len(positions), object)
        for number, table in enumerate(self.tables.values()):
            mine = (which == number).nonzero()[0]
            made[mine] = _column(table.columns.events(row[mine]))
        mine = (which == -1).nonzero()[0]
        made[mine] = _column([self.loose[at] for at in row[mine].tolist()])
        found: list[Any] = made.tolist()
        return found


class Passing:
    """One stretch after another. `at`: how many rows of this one have passed; `before`: how many passed in those before it."""

    def __init__(self) -> None:
        self.at = self.before = 0
        self.stretch = Stretch(np.zeros(0, np.int64), ())
        self._carried: dict[type[Event], dict[Key, Any]] = {}
        self._carried_places: dict[type[Event], dict[Key, int]] = {}
        self._whole: dict[Key, tuple[Any, int]] = {}
        self._groups: dict[type[Event], dict[Key, Group | None]] = {}
        self._told: Any = None
        self._told_at = -1

    @property
    def passed(self) -> int:
        """How many rows have passed in all."""
        return self.before + self.at

    def has(self, kind: type[Event]) -> bool:
        """Whether there are rows of this kind at all."""
        return kind in self.stretch.tables or kind in self._carried

    def turn(self, stretch: Stretch) -> None:
        """All rows of this stretch have passed, the next one is laid out."""
        self.at = len(self.stretch)
        tickers = self.stretch.tables.get(TickerUpdated)
        if tickers is not None and not tickers.tells_more.all():
            self._whole.update((key, whole) for key, _ in tickers.groups() if (whole := self.whole_ticker(key))[0] is not None)
        for kind, table in self.stretch.tables.items():
            carried, places = self._carried.setdefault(kind, {}), self._carried_places.setdefault(kind, {})
            for key, event, position in table.lasts():
                carried[key], places[key] = event, self.before + position
        self.before += len(self.stretch)
        self.stretch, self.at, self._told_at = stretch, 0, -1
        self._groups = {kind: {} for kind in stretch.tables}

    def latest(self, kind: type[Event], key: Key) -> Any:
        """The last event of a kind about a key that has passed, None before the first."""
        group = self.group(kind, key)
        if group is not None and (place := group.place(self.at)) >= 0:
            return self._told if place == self._told_at else group.last(self.at)
        carried = self._carried.get(kind)
        return None if carried is None else carried.get(key)

    def tell(self, position: int, event: Any) -> None:
        """The row at this position is this event: it need not be made once more."""
        self._told_at, self._told = position, event

    def event(self, position: int) -> Any:
        """The row at this position as an event."""
        if position != self._told_at:
            self._told_at, self._told = position, self.stretch.event(position)
        return self._told

    def whole_ticker(self, key: Key) -> tuple[Any, int]:
        """The last ticker about a key that told more than a mark, and which row of the whole run it is; None and −1 before the first."""
        table = self.stretch.tables.get(TickerUpdated)
        group = None if table is None else table.group(key)
        if table is not None and group is not None:
            whole = table.tells_more[group.rows][: group.passed(self.at)].nonzero()[0]
            if len(whole):
                last = int(whole[-1])
                return group.events(last, last + 1)[0], self.before + int(group.positions[last])
        carried = self._carried.get(TickerUpdated, {}).get(key)
        if carried is None or (carried.delta is None and carried.mark_iv is None):
            return self._whole.get(key, (None, -1))
        return carried, self._carried_places[TickerUpdated][key]

    def place(self, kind: type[Event], key: Key) -> int:
        """Which row of the whole run `latest` is, counted from 0; −1 where there is none."""
        group = self.group(kind, key)
        place = -1 if group is None else group.place(self.at)
        return self._carried_places.get(kind, {}).get(key, -1) if place < 0 else self.before + place

    def group(self, kind: type[Event], key: Key) -> Group | None:
        """The rows of this stretch about a key, passed or not."""
        groups = self._groups.get(kind)
        if groups is None:
            return None
        if key not in groups:
            groups[key] = self.stretch.tables[kind].group(key)
        return groups[key]

    def keys(self, kind: type[Event]) -> list[Key]:
        """Every key of which a row has passed, in the order of their first ones."""
        known = dict.fromkeys(self._carried.get(kind, {}))
        table = self.stretch.tables.get(kind)
        if table is not None:
            known.update(dict.fromkeys(key for key, group in table.groups() if group.passed(self.at)))
        return list(known)


class Known(dict[Any, Any]):
    """The latest event of a kind by key, as a dict that looks at the rows when it is asked."""

    def __init__(self, passing: Passing, kind: type[Event]) -> None:
        super().__init__()
        self._passing, self._kind = passing, kind
        self._gone: dict[Any, int] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        if self._gone and key in self._gone and self._passing.place(self._kind, key) < self._gone[key]:
            return default
        event = self._passing.latest(self._kind, key)
        return default if event is None else event

    def __getitem__(self, key: Any) -> Any:
        event = self.get(key)
        if event is None:
            raise KeyError(key)
        return event

    def __contains__(self, key: object) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[Any]:
        return (key for key in self._passing.keys(self._kind) if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> Any:
        return dict.fromkeys(self).keys()

    def values(self) -> Any:
        return {key: self[key] for key in self}.values()

    def items(self) -> Any:
        return {key: self[key] for key in self}.items()

    def pop(self, key: Any, *default: Any) -> Any:
        """Forget what is known of a key, until another row tells of it."""
        event = self.get(key)
        self._gone[key] = self._passing.passed
        if event is None and not default:
            raise KeyError(key)
        return default[0] if event is None else event

    def __repr__(self) -> str:
        return repr(dict(self.items()))


class KnownTickers(Known):
    """Tickers, of which one that tells no more than a mark takes nothing else away: greeks and volatilities stay those before it."""

    def __init__(self, passing: Passing) -> None:
        super().__init__(passing, TickerUpdated)

    def get(self, key: Any, default: Any = None) -> Any:
        event = super().get(key, default)
        if event is default or event.delta is not None or event.mark_iv is not None:
            return event
        whole, _ = self._passing.whole_ticker(key)
        if whole is None:
            return event
        return attrs.evolve(whole, time=event.time, received=event.received, mark_price=event.mark_price)


def _column(values: Sequence[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), object)
    column[:] = values
    return column


__all__ = ["Group", "Known", "KnownTickers", "Passing", "Positions", "Stretch", "Table"]
