"""Market data as columns: many rows of one kind of event, which become events only where somebody looks at them.

Owns `Columns`, `Batch` and `unrolled`. A row is the event that a plain source would have yielded, no more and no less: whoever reads
rows and whoever reads events sees the same market. It imports numpy when it works on columns, so that the core does without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs

from strikeloop.contracts import ContractId
from strikeloop.drafts import maker, many
from strikeloop.events import CandleClosed, Event, Quoted, TickerUpdated, Traded, UnderlyingPriced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Key = ContractId | tuple[str, str]
"""What a row is about: a contract, or (adapter, underlying) for the price of an underlying."""
COLUMNAR: tuple[type[Event], ...] = (Quoted, Traded, TickerUpdated, UnderlyingPriced, CandleClosed)
"""The kinds whose rows fit into columns; all others travel as events beside them."""
_OWN = ("time", "received", "contract", "adapter", "underlying")
_MANY: Mapping[type[Event], Callable[..., list[Any]]] = {kind: many(kind) for kind in COLUMNAR}
_MAKERS: Mapping[type[Event], Callable[..., Any]] = {kind: maker(kind) for kind in COLUMNAR}


@attrs.frozen(kw_only=True, eq=False)
class Columns:
    """n rows of one `kind` of market event, `time` never decreasing.

    `time`, `received`: int64, ns UTC. `key`: int32, the position in `keys` of what the row is about: a ContractId, or (adapter,
    underlying) where the kind is UnderlyingPriced. `fields`: the other fields of the kind by name. Prices, sizes, volatilities and
    greeks are float64 as the event has them (from ticks: ticks · numerator / denominator, one division); NaN stands for None where the
    field may be None, and is refused elsewhere. CandleClosed.start and .interval are int64, Traded.trade_id is an object column of
    str. A field left out has the default of its event. `place`: int64, the sequence among rows of one instant, see `Batch`.

    Raises ValueError for columns that do not fit together, with the row where one is wrong.
    """

    kind: type[Event]
    keys: tuple[Key, ...]
    key: NDArray[np.int32]
    time: NDArray[np.int64]
    received: NDArray[np.int64]
    fields: Mapping[str, NDArray[Any]]
    place: NDArray[np.int64] | None = None
    _about: NDArray[np.object_] = attrs.field(init=False, repr=False)
    _others: list[tuple[NDArray[Any] | None, Any, bool]] = attrs.field(init=False, repr=False)
    """Of each other field of the kind its column, its default, and whether NaN in it is None."""

    def __attrs_post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "_about", _objects(self.keys))
        others = [(self.fields.get(field.name), field.default, _may_be_none(field)) for field in _fields(self.kind)]
        object.__setattr__(self, "_others", others)

    def __len__(self) -> int:
        return len(self.time)

    def events(self, rows: slice | NDArray[np.intp]) -> list[Any]:
        """These rows as events, in the sequence given."""
        time = self.time[rows].tolist()
        received = time if self.received is self.time else self.received[rows].tolist()
        about = self._about[self.key[rows]].tolist()
        named = [about] if self.kind is not UnderlyingPriced else [[one[0] for one in about], [one[1] for one in about]]
        others = [self._values(*other, rows, len(time)) for other in self._others]
        made: list[Any] = _MANY[self.kind](time, received, *named, *others)
        return made

    def event(self, row: int) -> Any:
        """One row as an event."""
        about: Any = self.keys[self.key.item(row)]
        named = about if self.kind is UnderlyingPriced else (about,)
        others = []
        for column, default, may_be_none in self._others:
            value = default if column is None else column.item(row)
            others.append(None if may_be_none and value != value else value)  # noqa: PLR0124  # NaN is not itself
        return _MAKERS[self.kind](self.time.item(row), self.received.item(row), *named, *others)

    def cut(self, rows: slice) -> Columns:
        """Only these rows, nothing copied."""
        time = self.time[rows]
        return attrs.evolve(
            self,
            key=self.key[rows],
            time=time,
            received=time if self.received is self.time else self.received[rows],
            fields={name: column[rows] for name, column in self.fields.items()},
            place=None if self.place is None else self.place[rows],
        )

    @staticmethod
    def _values(column: NDArray[Any] | None, default: Any, may_be_none: bool, rows: slice | NDArray[np.intp], count: int) -> list[Any]:
        if column is None:
            return [default] * count
        part = column[rows]
        values: list[Any] = part.tolist()
        if may_be_none and (part != part).any():  # noqa: PLR0124  # NaN is not itself
            return [None if value != value else value for value in values]  # noqa: PLR0124  # the same
        return values


@attrs.frozen(kw_only=True, eq=False)
class Batch:
    """A stretch of one source's market: what happened in it, as columns of one kind each and as events of the kinds that have none.

    Its rows stand in the order of (time, place): `place` tells what came first at one instant, 0 where a part has none. Where both are
    equal `events` come before `parts`, parts in their sequence, and rows of one part in theirs. `places` belong to `events` (() = all
    0). Every row of a batch comes at or after every row of the batch before it; at equal times the earlier batch is first.
    Raises ValueError for an event of a kind that has columns, and for events or places that do not fit together.
    """

    parts: tuple[Columns, ...] = ()
    events: tuple[Event, ...] = ()
    places: tuple[int, ...] = ()

    def __attrs_post_init__(self) -> None:
        for event, after in pairwise((*self.events, None)):
            if type(event) in COLUMNAR:
                raise ValueError(f"{type(event).__name__} among the events of a batch: it belongs into columns")
            if event is not None and after is not None and after.time < event.time:
                raise ValueError(f"the events of a batch go back in time at {after}")
        if self.places and len(self.places) != len(self.events):
            raise ValueError(f"a batch has {len(self.events)} events and {len(self.places)} places")

    def __len__(self) -> int:
        return len(self.events) + sum(len(part) for part in self.parts)

    def ordered(self) -> list[Event]:
        """Every row as an event, in order."""
        import numpy as np  # noqa: PLC0415  # who has columns has numpy

        made = [*self.events]
        times = [np.array([event.time for event in self.events], np.int64)]
        places = [np.array(self.places or [0] * len(made), np.int64)]
        for part in self.parts:
            made += part.events(slice(None))
            times.append(part.time)
            places.append(np.zeros(len(part), np.int64) if part.place is None else part.place)
        order = np.lexsort((np.concatenate(places), np.concatenate(times)))
        return [made[row] for row in order.tolist()]


def unrolled(batches: Iterable[Batch]) -> Iterator[Event]:
    """What a columnar source's `events` yields: the rows of its batches, one by one."""
    for batch in batches:
        yield from batch.ordered()


def _objects(keys: tuple[Key, ...]) -> NDArray[np.object_]:
    """The keys as a column, each a whole: numpy would take pairs apart."""
    import numpy as np  # noqa: PLC0415  # who has columns has numpy

    column = np.empty(len(keys), object)
    for at, key in enumerate(keys):
        column[at] = key
    return column


def _fields(kind: type[Event]) -> tuple[attrs.Attribute[Any], ...]:
    """The fields of a kind that stand in `Columns.fields`."""
    return tuple(field for field in attrs.fields(kind) if field.name not in _OWN)


def _may_be_none(field: attrs.Attribute[Any]) -> bool:
    return "None" in str(field.type)


def _check(columns: Columns) -> None:
    if columns.kind not in COLUMNAR:
        raise ValueError(f"{columns.kind.__name__} has no columns; expected one of {', '.join(kind.__name__ for kind in COLUMNAR)}")
    wanted = {field.name: field for field in _fields(columns.kind)}
    unknown = [name for name in columns.fields if name not in wanted]
    missing = [name for name, field in wanted.items() if field.default is attrs.NOTHING and name not in columns.fields]
    if unknown or missing:
        raise ValueError(
            f"columns of {columns.kind.__name__}: {', '.join(unknown) or 'none'} unknown, {', '.join(missing) or 'none'} missing"
        )
    count = len(columns.time)
    named: dict[str, NDArray[Any]] = {"received": columns.received, "key": columns.key, **columns.fields}
    if columns.place is not None:
        named["place"] = columns.place
    for name, column in named.items():
        if len(column) != count:
            raise ValueError(f"column {name} of {columns.kind.__name__} has {len(column)} rows, time has {count}")
    if count:
        _check_rows(columns, wanted)


def _check_rows(columns: Columns, wanted: Mapping[str, attrs.Attribute[Any]]) -> None:
    time = columns.time
    back = (time[1:] < time[:-1]).nonzero()[0]
    if len(back):
        raise ValueError(f"{columns.kind.__name__}: time goes back at row {int(back[0]) + 1}: sort the rows by time")
    if not 0 <= int(columns.key.min()) <= int(columns.key.max()) < len(columns.keys):
        raise ValueError(f"{columns.kind.__name__}: key must be a position in keys, of which there are {len(columns.keys)}")
    for name, column in columns.fields.items():
        if column.dtype.kind == "f" and not _may_be_none(wanted[name]):
            wrong = (column != column).nonzero()[0]  # noqa: PLR0124  # NaN is not itself
            if len(wrong):
                raise ValueError(f"{columns.kind.__name__}: {name} is NaN at row {int(wrong[0])}")
