"""Which rows of a stretch somebody hears of, and by which calls.

Owns `Heard` and `Ears`. It is worked out for all rows at once, and anew when a watch, a listing or a halt changes who hears what.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strikeloop.dispatch import Dispatch, Plain, Route
from strikeloop.events import Event
from strikeloop.passing import Group, Positions, Stretch, Table

CHUNK = 8_192
"""How many rows become events at a time."""
Delivery = tuple[Iterator[tuple[int, Any]], Route | Iterator[Route]]
"""How many rows have passed with each one and what it is, and who hears of it: one route where all have the same."""


class Ears:
    """Who hears of each kind and key, as long as nothing changes it; routes are known by their number."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self.version = dispatch.version
        self.routes: list[Route] = []
        self._numbers: dict[Route, int] = {}
        self._by_key: dict[type[Event], tuple[NDArray[np.int32], dict[int, tuple[tuple[Plain, int, list[int]], ...]]]] = {}

    def number(self, route: Route) -> int:
        """The number of a route; −1 for nobody."""
        if not route:
            return -1
        found = self._numbers.get(route)
        if found is None:
            found = self._numbers[route] = len(self.routes)
            self.routes.append(route)
        return found

    def of(self, table: Table) -> tuple[NDArray[np.int32], dict[int, tuple[tuple[Plain, int, list[int]], ...]]]:
        """For each key of a table the number of its route, and apart those of whose rows somebody hears only each n-th."""
        keys = table.columns.keys
        numbers, counted = self._by_key.get(table.kind, (np.zeros(0, np.int32), {}))
        fresh = []
        for code in range(len(numbers), len(keys)):
            heard = self._dispatch.heard(table.kind, keys[code])
            if any(every > 1 for _, every, _ in heard):
                counted[code] = heard
                fresh.append(-1)
            else:
                fresh.append(self.number(tuple(call for call, _, _ in heard)))
        numbers = np.concatenate([numbers, np.array(fresh, np.int32)])
        self._by_key[table.kind] = numbers, counted
        return numbers, counted


class Heard:
    """The rows of one stretch, from the position `at` on, that somebody hears of, to be taken one after the other."""

    def __init__(self, stretch: Stretch, at: int, ears: Ears) -> None:
        self._stretch, self._ears, self._at = stretch, ears, at
        self._counting: list[tuple[Group, int, tuple[tuple[Plain, int, list[int]], ...]]] = []
        self._positions, self._numbers = self._found()
        self._taken = self._built = 0
        self._after: list[int] = []
        self._first = 0
        self._chunk: Iterator[tuple[int, Any]] = iter(())
        self._routes: Route | Iterator[Route] = ()

    def until(self, stop: int) -> Delivery | None:
        """What is heard of before the position `stop`, as far as it is built; None where there is nothing."""
        if self._taken == self._built and not self._build():
            return None
        count = bisect_right(self._after, stop, self._taken - self._first) + self._first - self._taken
        return (islice(self._chunk, count), self._routes) if count else None

    def took(self, at: int) -> None:
        """Everything before `at` was taken."""
        self._taken = bisect_right(self._after, at, self._taken - self._first) + self._first

    def count(self, at: int) -> None:
        """Note for who hears each n-th event how many have passed up to the position `at`."""
        for group, start, calls in self._counting:
            passed = group.passed(at) - start
            for _, every, counter in calls:
                beyond = passed - 1 - _first(every, counter)
                counter[0] = counter[0] + passed if beyond < 0 else beyond % every

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
        self._chunk = zip(self._after, self._stretch.events(positions), strict=False)
        return True

    def _found(self) -> tuple[Positions, NDArray[np.int32]]:
        positions: list[Positions] = []
        numbers: list[NDArray[np.int32]] = []
        for table in self._stretch.tables.values():
            by_key, counted = self._ears.of(table)
            start = self._at if table.positions is None else int(table.positions.searchsorted(self._at))
            of_rows = by_key[table.columns.key[start:]]
            mine = (of_rows >= 0).nonzero()[0]
            numbers.append(of_rows[mine])
            positions.append(mine + start if table.positions is None else table.positions[start:][mine])
            for code, calls in counted.items():
                group = table.group(table.columns.keys[code])
                if group is not None:
                    self._count_out(group, calls, positions, numbers)
        if len(positions) == 1:
            return positions[0], numbers[0]
        found = np.concatenate(positions) if positions else np.zeros(0, np.int64)
        order = found.argsort(kind="stable")
        return found[order], (np.concatenate(numbers) if numbers else np.zeros(0, np.int32))[order]

    def _count_out(
        self, group: Group, calls: tuple[tuple[Plain, int, list[int]], ...], positions: list[Positions], numbers: list[NDArray[np.int32]]
    ) -> None:
        """The rows of a group of which somebody hears each n-th: who hears of which."""
        start = group.passed(self._at)
        self._counting.append((group, start, calls))
        who = np.zeros(len(group.positions) - start, np.int64)
        for bit, (_, every, counter) in enumerate(calls):
            who[_first(every, counter) :: every] |= 1 << bit
        heard = who.nonzero()[0]
        which = [
            self._ears.number(tuple(call for bit, (call, _, _) in enumerate(calls) if mask >> bit & 1)) for mask in who[heard].tolist()
        ]
        positions.append(group.positions[start:][heard])
        numbers.append(np.array(which, np.int32))


def _first(every: int, counter: list[int]) -> int:
    """How many rows pass before the first that is heard of, so many after the last one."""
    return max(0, every - 1 - counter[0])
