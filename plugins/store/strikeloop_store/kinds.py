"""What is stored: the kinds of market data, their columns and their Arrow schemas.

Owns the schema of every file. Prices are int64 ticks in files and float64 in memory; figures of models (marks, IV,
greeks, index prices) are float64 in both, which is the float that the venue printed. Times are ns UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import attrs
import pyarrow as pa

from strikeloop_store.ticks import Scale

VERSION = "1"
TIME = pa.timestamp("ns", tz="UTC")
NAME = pa.dictionary(pa.int32(), pa.string())


class Form(StrEnum):
    """What a column holds."""

    TIME = "time"
    NAME = "name"
    PRICE = "price"
    NUMBER = "number"
    WHOLE = "whole"
    FLAG = "flag"
    TEXT = "text"
    PRICES = "prices"
    NUMBERS = "numbers"


_IN_MEMORY: Mapping[Form, pa.DataType] = MappingProxyType(
    {
        Form.TIME: TIME,
        Form.NAME: NAME,
        Form.PRICE: pa.float64(),
        Form.NUMBER: pa.float64(),
        Form.WHOLE: pa.int64(),
        Form.FLAG: pa.bool_(),
        Form.TEXT: pa.string(),
        Form.PRICES: pa.list_(pa.float64()),
        Form.NUMBERS: pa.list_(pa.float64()),
    }
)
_IN_FILES: Mapping[Form, pa.DataType] = MappingProxyType({**_IN_MEMORY, Form.PRICE: pa.int64(), Form.PRICES: pa.list_(pa.int64())})


@attrs.frozen
class Column:
    """One column; where it is not `required` it may be null, which means that the venue said nothing."""

    name: str
    form: Form
    required: bool = True

    @property
    def is_price(self) -> bool:
        return self.form in (Form.PRICE, Form.PRICES)


@attrs.frozen
class Kind:
    """One kind of market data. `subject` is the column that names what a row is about, `rank` its place among events of one time."""

    name: str
    event: str
    columns: tuple[Column, ...]
    rank: int
    subject: str = "contract"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of this name. Raises KeyError."""
        return {column.name: column for column in self.columns}[name]

    @property
    def schema(self) -> pa.Schema:
        """In memory: prices as float64."""
        return pa.schema([pa.field(column.name, _IN_MEMORY[column.form], nullable=not column.required) for column in self.columns])

    def stored(self, scale: Scale, metadata: Mapping[str, str]) -> pa.Schema:
        """In files: prices as whole ticks, whose scale each of them, and the file, names."""
        told = {"numerator": str(scale.numerator), "denominator": str(scale.denominator)}
        fields = [
            pa.field(column.name, _IN_FILES[column.form], nullable=not column.required, metadata=told if column.is_price else None)
            for column in self.columns
        ]
        facts = {"strikeloop": VERSION, "kind": self.name, **(told if self.has_prices else {}), **metadata}
        return pa.schema([*fields, *_scale_fields(self)], metadata=facts)

    @property
    def has_prices(self) -> bool:
        return any(column.is_price for column in self.columns)


def _scale_fields(kind: Kind) -> list[pa.Field]:
    """The scale once more as two constant columns, which cost nothing: a query over many files need not look at metadata."""
    return [pa.field(name, pa.int64(), nullable=False) for name in ("numerator", "denominator")] if kind.has_prices else []


def _required(*pairs: tuple[str, Form]) -> tuple[Column, ...]:
    return tuple(Column(name, form) for name, form in pairs)


def _optional(form: Form, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, form, required=False) for name in names)


_WHEN = _required(("time", Form.TIME), ("received", Form.TIME))
_SEQUENCE = Column("sequence", Form.WHOLE)
"""The place of a row among those of one instant, whatever their kind: what a recording heard first. 0 where nobody knows."""
_WHAT = (*_WHEN, _SEQUENCE, Column("contract", Form.NAME))

CONTRACTS = Kind(
    "contracts",
    "ContractListed",
    (
        *_WHEN,
        Column("contract", Form.NAME),
        *_required(
            ("underlying", Form.TEXT),
            ("kind", Form.TEXT),
            ("strike", Form.TEXT),
            ("expiry", Form.TIME),
            ("multiplier", Form.TEXT),
            ("tick", Form.TEXT),
            ("mark_tick", Form.TEXT),
            ("specification", Form.TEXT),
        ),
    ),
    rank=0,
)
"""Figures of the ledger as text, exactly; `specification` is the whole of it as JSON."""
UNDERLYINGS = Kind(
    "underlyings",
    "UnderlyingPriced",
    (*_WHEN, _SEQUENCE, *_required(("underlying", Form.NAME), ("price", Form.NUMBER))),
    rank=1,
    subject="underlying",
)
TICKERS = Kind(
    "tickers",
    "TickerUpdated",
    (
        *_WHAT,
        Column("mark_price", Form.NUMBER),
        *_optional(Form.NUMBER, "last_price", "index_price", "underlying_price", "mark_iv", "bid_iv", "ask_iv"),
        *_optional(Form.NUMBER, "delta", "gamma", "vega", "theta", "rho", "leverage"),
    ),
    rank=2,
)
QUOTES = Kind(
    "quotes",
    "Quoted",
    (*_WHAT, *_optional(Form.PRICE, "bid", "ask"), *_required(("bid_size", Form.NUMBER), ("ask_size", Form.NUMBER))),
    rank=3,
)
BOOKS = Kind(
    "books",
    "BookUpdated",
    (
        *_WHAT,
        *_required(
            ("bid_prices", Form.PRICES),
            ("bid_sizes", Form.NUMBERS),
            ("ask_prices", Form.PRICES),
            ("ask_sizes", Form.NUMBERS),
            ("first_id", Form.WHOLE),
            ("last_id", Form.WHOLE),
            ("snapshot", Form.FLAG),
        ),
    ),
    rank=4,
)
TRADES = Kind("trades", "Traded", (*_WHAT, *_required(("price", Form.PRICE), ("size", Form.NUMBER), ("trade_id", Form.TEXT))), rank=5)
CANDLES = Kind(
    "candles",
    "CandleClosed",
    (
        *_WHAT,
        *_required(
            ("start", Form.TIME),
            ("interval", Form.WHOLE),
            ("open", Form.PRICE),
            ("high", Form.PRICE),
            ("low", Form.PRICE),
            ("close", Form.PRICE),
            ("volume", Form.NUMBER),
        ),
    ),
    rank=6,
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (CONTRACTS, UNDERLYINGS, TICKERS, QUOTES, BOOKS, TRADES, CANDLES)}
)
"""By name, in the order in which events of one time follow one another."""
BY_EVENT: Mapping[str, Kind] = MappingProxyType({kind.event: kind for kind in KINDS.values()})
