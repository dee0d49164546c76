"""Which rows of a stretch somebody hears of, and by which calls.

Owns `Heard` and `Ears`. It is worked out for many rows at once, and anew when a watch, a listing or a halt changes who hears what:
for few rows then, and for four times as many each time that nothing changes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from strikeloop.columns import Key
from strikeloop.contracts import ContractId
from strikeloop.dispatch import Dispatch, Plain, Route
from strikeloop.events import Event
from strikeloop.passing import Group, Positions, Stretch, Table

CHUNK = 4_096
"""How many rows become events at a time: more do not stay in a processor's own cache until they are delivered."""
FEWEST, MOST = 1_024, 1 << 20
"""How many rows are looked at at a time."""
Delivery = tuple[Iterator[tuple[int, Any]], Route | Iterator[Route]]
"""How many rows have passed with each one and what it is, and who hears of it: one route where all have the same."""
Counted = tuple[tuple[Plain, int, list[int]], ...]
"""The calls of one key of which some are made each n-th time only: the call, n, and how many have passed since the last."""
NOBODY = -1


@attrs.define(eq=False)
class _Hearing:
    """Of one kind: the number of the route of each key, and apart those of which somebody hears each n-th row."""

    numbers: NDArray[np.int32] = attrs.field(factory=lambda: np.zeros(0, np.int32))
    counted: dict[int, Counted] = attrs.field(factory=dict)
    codes: dict[Key, int] = attrs.field(factory=dict)


class Ears:
    """Who hears of each kind and key; routes are known by their number."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self._version = dispatch.version
        self._by_kind: dict[type[Event], _Hearing] = {}
        self._relisted: dict[ContractId, None] = {}
        self._numbers: dict[Route, int] = {}
        self.routes: list[Route] = []
        self.span = MOST
        """How many rows are worth looking at at a time."""
        dispatch.when_relisted(lambda contract: self._relisted.update({contract: None}))

    @property
    def is_old(self) -> bool:
        """Whether something changed who hears what: `renew` then."""
        return bool(self._relisted) or self._version != self._dispatch.version

    def renew(self) -> None:
        """Ask anew who hears what; where contracts were listed or went and nothing else changed, only about them."""
        self.span = FEWEST
        if self._version != self._dispatch.version:
            self._version = self._dispatch.version
            self._by_kind, self._numbers, self.routes = {}, {}, []
        for kind, hearing in self._by_kind.items():
            for contract in self._relisted:
                if contract in hearing.codes:
                    code = hearing.codes[contract]
                    hearing.counted.pop(code, None)
                    hearing.numbers[code] = self._ask(kind, hearing, code, contract)
        self._relisted.clear()

    def of(self, table: Table) -> _Hearing:
        """Who hears of the keys of a table."""
        hearing = self._by_kind.setdefault(table.kind, _Hearing())
        fresh = table.columns.keys[len(hearing.codes) :]
        if fresh:
            numbers = []
            for key in fresh:
                code = hearing.codes[key] = len(hearing.codes)
                numbers.append(self._ask(table.kind, hearing, code, key))
            hearing.numbers = np.concatenate([hearing.numbers, np.array(numbers, np.int32)])
        return hearing

    def number(self, route: Route) -> int:
        """The number of a route."""
        if not route:
            return NOBODY
        found = self._numbers.get(route)
        if found is None:
            found = self._numbers[route] = len(self.routes)
            self.routes.append(route)
        return found

    def _ask(self, kind: type[Event], hearing: _Hearing, code: int, key: Key) -> int:
        """The number of the route of a key; nobody's where rows must be counted."""
        heard = self._dispatch.heard(kind, key)
        if any(every > 1 for _, every, _ in heard):
            hearing.counted[code] = heard
            return NOBODY
        return self.number(tuple(call for call, _, _ in heard))


class Heard:
    """The rows of one stretch, from the position `at` on, that somebody hears of, to be taken one after the other."""

    def __init__(self, stretch: Stretch, at: int, ears: Ears) -> None:
        self._stretch, self._ears, self._looked = stretch, ears, at
        self._counting: list[tuple[Group, int, Counted]] = []
        self._positions, self._numbers = np.zeros(0, np.int64), np.zeros(0, np.int32)
        self._first = self._taken = self._built = 0
        self._after: list[int] = []
        self._events: list[Any] = []
        self._chunk: Iterator[tuple[int, Any]] = iter(())
        self._routes: Route | Iterator[Route] = ()

    def until(self, stop: int) -> Delivery | None:
        """What is heard of before the position `stop`, as far as it is built; None where there is nothing."""
        while self._taken == self._built and not self._build():
            if self._looked >= stop or self._looked == len(self._stretch):
                return None
            self._look()
        count = bisect_right(self._after, stop, self._taken - self._first) + self._first - self._taken
        return (islice(self._chunk, count), self._routes) if count else None

    def took(self, at: int) -> Any:
        """Everything before `at` was taken; returns the last event of it."""
        count = bisect_right(self._after, at, self._taken - self._first)
        self._taken = count + self._first
        return self._events[count - 1]

    def count(self, at: int) -> None:
        """Note for who hears each n-th event how many have passed up to the position `at`."""
        for group, start, calls in self._counting:
            passed = group.passed(at) - start
            for _, every, counter in calls:
                beyond = passed - 1 - _first(every, counter)
                counter[0] = counter[0] + passed if beyond < 0 else beyond % every
        self._counting = []

    def _build(self) -> bool:
        """Make events of the next rows."""
        self._first = self._taken
        positions = self._positions[self._first : self._first + CHUNK]
        if not len(positions):
            return False
        numbers = self._numbers[self._first : self._first + CHUNK]
        self._built = self._first + len(positions)
        self._after = (positions + 1).tolist()
        routes = self._ears.routes
        is_one = (numbers[0] == numbers).all()
        self._routes = routes[int(numbers[0])] if is_one else map(routes.__getitem__, numbers.tolist())
        self._events = self._stretch.events(positions)
        self._chunk = zip(self._after, self._events, strict=False)
        return True

    def _look(self) -> None:
        """Look who hears of the next rows."""
        ears, start = self._ears, self._looked
        self.count(start)
        stop = self._looked = min(len(self._stretch), start + ears.span)
        ears.span = min(MOST, ears.span * 4)
        self._taken = self._built = 0
        self._positions, self._numbers = self._found(start, stop)

    def _found(self, start: int, stop: int) -> tuple[Positions, NDArray[np.int32]]:
        positions: list[Positions] = []
        numbers: list[NDArray[np.int32]] = []
        for table in self._stretch.tables.values():
            hearing = self._ears.of(table)
            first, last = (start, stop) if table.positions is None else table.positions.searchsorted((start, stop)).tolist()
            codes = table.columns.key[first:last]
            of_rows = hearing.numbers[codes]
            mine = (of_rows >= 0).nonzero()[0]
            numbers.append(of_rows[mine])
            positions.append(mine + first if table.positions is None else table.positions[first:last][mine])
            for code in _present(codes, hearing.counted):
                group = table.group(table.columns.keys[code])
                if group is not None:
                    self._count_out(group, slice(group.passed(start), group.passed(stop)), hearing.counted[code], positions, numbers)
        if len(positions) == 1:
            return positions[0], numbers[0]
        found = np.concatenate(positions) if positions else np.zeros(0, np.int64)
        order = found.argsort(kind="stable")
        return found[order], (np.concatenate(numbers) if numbers else np.zeros(0, np.int32))[order]

    def _count_out(self, group: Group, rows: slice, calls: Counted, positions: list[Positions], numbers: list[NDArray[np.int32]]) -> None:
        """The rows of a group of which somebody hears each n-th: who hears of which."""
        self._counting.append((group, rows.start, calls))
        who = np.zeros(rows.stop - rows.start, np.int64)
        for bit, (_, every, counter) in enumerate(calls):
            who[_first(every, counter) :: every] |= 1 << bit
        heard = who.nonzero()[0]
        masks = who[heard].tolist()
        routes = {mask: self._ears.number(tuple(call for bit, (call, _, _) in enumerate(calls) if mask >> bit & 1)) for mask in set(masks)}
        positions.append(group.positions[rows][heard])
        numbers.append(np.array([routes[mask] for mask in masks], np.int32))


def _present(codes: NDArray[np.int32], counted: dict[int, Counted]) -> list[int]:
    """Which of the keys that are counted have rows here."""
    return [code for code in np.bincount(codes).nonzero()[0].tolist() if code in counted] if counted and len(codes) else []


def _first(every: int, counter: list[int]) -> int:
    """How many rows pass before the first that is heard of, so many after the last one."""
    return max(0, every - 1 - counter[0])
