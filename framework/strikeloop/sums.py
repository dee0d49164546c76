"""Totals of many contracts added up, by underlying and together, so that the sums do not depend on the way there.

Owns `Totals`, `Sums` and `Table`. Adding floats up anew in one order, column by column, costs less than carrying a sum along exactly,
and less than making the rows anew. It knows no event and no order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from strikeloop.contracts import ContractId


class Totals(NamedTuple):
    """Σ size · multiplier · greek.

    Delta in units of the underlying, gamma in delta per unit of its price, vega in quote currency per volatility point, theta
    in quote currency per day. `delta_cash` = Σ delta · U (quote currency), `gamma_cash` = Σ gamma · U² / 100, the change of
    `delta_cash` when the underlying moves by 1 %; U is the forward of the contract's expiry.
    """

    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    delta_cash: float = 0.0
    gamma_cash: float = 0.0

    def plus(self, other: Totals) -> Totals:
        a, b, c, d, e, f = self
        u, v, w, x, y, z = other
        return _new(Totals, (a + u, b + v, c + w, d + x, e + y, f + z))

    def minus(self, other: Totals) -> Totals:
        a, b, c, d, e, f = self
        u, v, w, x, y, z = other
        return _new(Totals, (a - u, b - v, c - w, d - x, e - y, f - z))

    def span(self, other: Totals) -> tuple[Totals, Totals]:
        """The lesser and the larger of each figure."""
        a, b, c, d, e, f = self
        u, v, w, x, y, z = other
        low = (
            min(u, a),
            min(v, b),
            min(w, c),
            min(x, d),
            min(y, e),
            min(z, f),
        )
        high = (
            max(a, u),
            max(b, v),
            max(c, w),
            max(d, x),
            max(e, y),
            max(f, z),
        )
        return _new(Totals, low), _new(Totals, high)

    def times(self, size: float) -> Totals:
        a, b, c, d, e, f = self
        return _new(Totals, (a * size, b * size, c * size, d * size, e * size, f * size))


_new = tuple.__new__  # what the constructor of a named tuple calls, without the call
NOTHING = Totals()


class Sums(NamedTuple):
    """Totals of each underlying and of all of them together."""

    total: Totals
    by_underlying: Mapping[str, Totals]

    def of(self, underlying: str | None) -> Totals:
        """The totals of one underlying, or (None) of all."""
        return self.total if underlying is None else self.by_underlying.get(underlying, NOTHING)

    def plus(self, underlying: str, change: Totals) -> Sums:
        """With a change of one underlying."""
        total, known = self.total.plus(change), self.by_underlying
        if len(known) == 1 and underlying in known:
            return _new(Sums, (total, {underlying: total}))
        return Sums(total, {**known, underlying: known.get(underlying, NOTHING).plus(change)})

    def with_sums(self, other: Sums) -> Sums:
        """Both added."""
        if not other.by_underlying:
            return self
        total, known, more = self.total.plus(other.total), self.by_underlying, other.by_underlying
        if len(known) == 1 and more.keys() == known.keys():
            return _new(Sums, (total, dict.fromkeys(known, total)))
        return Sums(total, {name: self.of(name).plus(other.of(name)) for name in {**known, **more}})


class Table:
    """A row of totals for each contract that has one."""

    def __init__(self, rows: Iterable[tuple[str, ContractId, Totals]]) -> None:
        """Of (underlying, contract, row), each contract once."""
        grouped: dict[str, list[tuple[ContractId, Totals]]] = {}
        for underlying, contract, row in rows:
            grouped.setdefault(underlying, []).append((contract, row))
        self._by_underlying = {underlying: _Columns(sorted(some)) for underlying, some in grouped.items()}

    def put(self, underlying: str, contract: ContractId, row: Totals) -> None:
        """The row of a contract, in place of the one it has, if it has one under this underlying."""
        columns = self._by_underlying.get(underlying)
        if columns is None:
            self._by_underlying[underlying] = _Columns([(contract, row)])
        else:
            columns.put(contract, row)

    def drop(self, underlying: str, contract: ContractId) -> None:
        """No row any more; a contract that has none changes nothing."""
        columns = self._by_underlying.get(underlying)
        if columns is not None and columns.drop(contract):
            del self._by_underlying[underlying]

    def sums(self) -> Sums:
        known = self._by_underlying
        if len(known) == 1:
            [(name, columns)] = known.items()
            total = columns.added()
            return Sums(total, {name: total})
        by_underlying = {name: known[name].added() for name in sorted(known)}
        total = NOTHING
        for one in by_underlying.values():
            total = total.plus(one)
        return Sums(total, by_underlying)


class _Columns:
    """Rows by column, in the order of their contracts."""

    __slots__ = ("_added", "_columns", "_keys")

    def __init__(self, rows: Sequence[tuple[ContractId, Totals]]) -> None:
        self._keys = [key for key, _ in rows]
        self._columns = [[*column] for column in zip(*[row for _, row in rows], strict=True)]
        self._added: Totals | None = None

    def put(self, key: ContractId, row: Totals) -> None:
        keys = self._keys
        place = bisect_left(keys, key)
        self._added = None
        if place < len(keys) and keys[place] == key:
            for column, figure in zip(self._columns, row, strict=True):
                column[place] = figure
            return
        keys.insert(place, key)
        for column, figure in zip(self._columns, row, strict=True):
            column.insert(place, figure)

    def drop(self, key: ContractId) -> bool:
        """Without the row of this contract, where there is one; whether none is left."""
        keys = self._keys
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] == key:
            self._added = None
            del keys[place]
            for column in self._columns:
                del column[place]
        return not keys

    def added(self) -> Totals:
        if self._added is None:
            self._added = Totals(*map(sum, self._columns))
        return self._added
