"""The formats that can be imported, and what each needs to be told.

Owns their table. A format is made for one import from the declarations of its user; a declaration that is missing or unknown is
refused with what is expected, before a file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

import attrs

from strikeloop import ConfigError, Contract, Problem
from strikeloop_store.booklevels import BookLevels
from strikeloop_store.chain import Chain, Layout, Prices, Terms
from strikeloop_store.defects import Defects
from strikeloop_store.jsonrows import contract_lines, events_of, json_sheets
from strikeloop_store.recipe import Recipe, Rows, read_mapping
from strikeloop_store.sheet import Clock, Sheet
from strikeloop_store.specifications import Listing
from strikeloop_store.tabular import Text, Told, sheets

Declared = Mapping[str, str]
INTERVALS: Mapping[str, int] = {
    "10s": 10,
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "4h": 14_400,
    "8h": 28_800,
    "1d": 86_400,
}


class Reader(Protocol):
    """Gives the rows of one file after another; contracts it comes to know stand in `listings`, by name."""

    @property
    def listings(self) -> Mapping[str, Listing]: ...

    def read(self, path: Path, defects: Defects, told: Told) -> Iterator[Rows]:
        """The rows of a file. Raises ConfigError where it cannot be read; what is wrong with rows goes to `defects`."""
        ...


class _Translates(Protocol):
    """Makes rows of a sheet."""

    @property
    def needs(self) -> list[str]: ...

    def rows(self, sheet: Sheet) -> Iterator[Rows]: ...


@attrs.define(eq=False)
class Tabular:
    """Reads CSV and Parquet through something that translates sheets, and JSON as well."""

    translate: _Translates
    text: Text = attrs.field(factory=Text)

    @property
    def listings(self) -> Mapping[str, Listing]:
        return self.translate.listings if isinstance(self.translate, Chain) else {}

    def read(self, path: Path, defects: Defects, told: Told) -> Iterator[Rows]:
        """JSON is told by its suffix, as Parquet is; everything else is CSV."""
        needs = self.translate.needs
        is_json = path.suffix in (".json", ".jsonl") or path.suffixes[-2:] in ([".json", ".gz"], [".jsonl", ".gz"])
        found = json_sheets(path, needs, defects, told) if is_json else sheets(path, needs, defects, text=self.text, told=told)
        for sheet in found:
            yield from self.translate.rows(sheet)


@attrs.define(eq=False)
class Recorded:
    """Reads events as JSON lines: what `strikeloop decode` prints, `strikeloop journal dump`, `strikeloop data export --json`."""

    listings: dict[str, Listing] = attrs.field(factory=dict)

    def read(self, path: Path, defects: Defects, told: Told) -> Iterator[Rows]:
        yield from events_of(path, defects, self.listings, told)


@attrs.define(eq=False)
class Specified:
    """Reads contract specifications, one JSON object in a line."""

    since: int = 0
    listings: dict[str, Listing] = attrs.field(factory=dict)

    def read(self, path: Path, defects: Defects, told: Told) -> Iterator[Rows]:
        self.listings.update(contract_lines(path, self.since, defects, told))
        yield from ()


@attrs.frozen(kw_only=True)
class Format:
    """One format: what it is in a line, how its reader is made, and the declarations it knows (`needs` must be made)."""

    about: str
    make: Callable[[Declared], Reader]
    needs: tuple[str, ...] = ()
    knows: tuple[str, ...] = ()

    def reader(self, name: str, declared: Declared) -> Reader:
        """A reader for one import. Raises ConfigError with every declaration that is missing, unknown or wrong."""
        open_terms = _OTHER_TERMS if "tick" in (*self.needs, *self.knows) else frozenset[str]()
        problems = [Problem(f"--set {key}", f"{name} needs to be told", _MEANING[key]) for key in self.needs if key not in declared]
        problems += [
            Problem(f"--set {key}", f"{name} knows no such thing", f"it knows {', '.join((*self.needs, *self.knows)) or 'none'}")
            for key in declared
            if key not in {*self.needs, *self.knows, *open_terms}
        ]
        if problems:
            raise ConfigError(problems)
        return self.make(declared)


_MEANING: Mapping[str, str] = {
    "prices": "what prices are told in: prices=printed keeps them, prices=dollars makes dollars of coin (bid down and ask up to the tick)",
    "tick": "the step of order prices of the contracts: tick=0.5",
    "multiplier": "units of the underlying in one contract: multiplier=1",
    "quote_size": "contracts that stand at bid and at ask, for the file does not say: quote_size=10",
    "iv": "what volatilities are told in: iv=percent or iv=fraction",
    "underlying": "what the contracts are written on: underlying=BTC",
    "contract": "the contract that the file is about: contract=BTC_USDT-20260626-70000-C",
    "interval": f"the length of a bar: interval=1m (one of {', '.join(INTERVALS)})",
    "levels": "price levels in each row: levels=5",
    "time": "the unit of the column of times: time=s (create_time) or time=ms (create_time_ms)",
}
_NOT_TERMS = {"id", "underlying", "kind", "strike", "expiry", "created", "tag", "orders_limit", "tick", "mark_tick", "multiplier"}
_OTHER_TERMS = frozenset(field.name for field in attrs.fields(Contract)) - _NOT_TERMS


def _figure(declared: Declared, key: str) -> Decimal:
    try:
        figure = Decimal(declared[key])
    except InvalidOperation:
        figure = Decimal("NaN")
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,20})?", declared[key]) or not figure.is_finite():
        raise ConfigError(Problem(f"--set {key}={declared[key]}", "is no number", _MEANING.get(key, "write digits, such as 0.0003")))
    if key in ("tick", "multiplier", "mark_tick") and not figure:
        raise ConfigError(Problem(f"--set {key}={declared[key]}", "must be above 0", _MEANING.get(key, "")))
    return figure


def _choice(declared: Declared, key: str, values: Collection[str]) -> str:
    if declared[key] not in values:
        raise ConfigError(Problem(f"--set {key}={declared[key]}", f"expected one of {', '.join(values)}", _MEANING[key]))
    return declared[key]


def _terms(declared: Declared) -> Terms:
    others = {key: _figure(declared, key) for key in declared if key in _OTHER_TERMS}
    mark = _figure(declared, "mark_tick") if "mark_tick" in declared else None
    return Terms(tick=_figure(declared, "tick"), multiplier=_figure(declared, "multiplier"), mark_tick=mark, others=others)


# ---- Deribit ---------------------------------------------------------------------------------------------------------------

_DERIBIT = Layout(
    time=Clock(column="timestamp", unit="timestamp"),
    expiry=Clock(column="expiry_datetime", unit="timestamp"),
    contract="instrument_name",
    kind="option_type",
    strike="strike",
    underlying="currency",
    index="index_price",
    coin="index_price",
    prices={"bid": "bid_price", "ask": "ask_price", "mark_price": "mark_price"},
    models={
        "index_price": "index_price",
        "underlying_price": "underlying",
        "mark_iv": "implied_volatility",
        "delta": "delta",
        "vega": "vega",
    },
)


def _deribit(declared: Declared) -> Reader:
    prices = Prices(_choice(declared, "prices", [one.value for one in Prices]))
    size = float(_figure(declared, "quote_size"))
    return Tabular(Chain(_DERIBIT, prices, _terms(declared), quote_size=size, select=declared.get("select", "")))


# ---- Tardis ----------------------------------------------------------------------------------------------------------------

_TARDIS_TIME, _TARDIS_RECEIVED = Clock(column="timestamp", unit="us"), Clock(column="local_timestamp", unit="us")
_GREEKS = {name: name for name in ("delta", "gamma", "vega", "theta", "rho")}
_TARDIS = Layout(
    time=_TARDIS_TIME,
    received=_TARDIS_RECEIVED,
    expiry=Clock(column="expiration", unit="us"),
    contract="symbol",
    kind="type",
    strike="strike_price",
    coin="underlying_price",
    prices={"bid": "bid_price", "ask": "ask_price", "mark_price": "mark_price", "last_price": "last_price"},
    sizes=("bid_amount", "ask_amount"),
    models={"underlying_price": "underlying_price", "mark_iv": "mark_iv", "bid_iv": "bid_iv", "ask_iv": "ask_iv", **_GREEKS},
)


def _tardis_chain(declared: Declared) -> Reader:
    factor = 0.01 if _choice(declared, "iv", ("percent", "fraction")) == "percent" else 1.0
    prices = Prices(_choice(declared, "prices", [one.value for one in Prices]))
    chain = Chain(_TARDIS, prices, _terms(declared), underlying=declared["underlying"], iv_factor=factor, select=declared.get("select", ""))
    return Tabular(chain)


def _tardis(kind: str, columns: dict[str, str], **more: Any) -> Callable[[Declared], Reader]:
    recipe = Recipe(kind=kind, time=_TARDIS_TIME, received=_TARDIS_RECEIVED, columns={"contract": "symbol", **columns}, **structured(more))
    return lambda _: Tabular(recipe)


def structured(more: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of a recipe; a side is (column, buy, sell)."""
    from strikeloop_store.recipe import Side  # noqa: PLC0415 - beside the one place that uses it

    return {key: Side(column=value[0], buy=value[1], sell=value[2]) if key == "side" else value for key, value in more.items()}


def _tardis_books(declared: Declared) -> Reader:
    levels = int(_figure(declared, "levels"))
    return Tabular(BookLevels(levels=levels, time=_TARDIS_TIME, received=_TARDIS_RECEIVED))


# ---- Gate ------------------------------------------------------------------------------------------------------------------


def _gate_candles(declared: Declared) -> Reader:
    interval = INTERVALS[_choice(declared, "interval", list(INTERVALS))]
    figures = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
    values = {"contract": declared["contract"], "interval": str(interval * 10**9)}
    return Tabular(Recipe(kind="candles", time=Clock(column="t", unit="s"), columns=figures, values=values))


def _gate_trades(declared: Declared) -> Reader:
    unit = _choice(declared, "time", ("s", "ms"))
    clock = Clock(column="create_time" if unit == "s" else "create_time_ms", unit=unit)
    columns = {"contract": "contract", "price": "price", "size": "size", "trade_id": "id"}
    return Tabular(Recipe(kind="trades", time=clock, columns=columns))


# ---- all -------------------------------------------------------------------------------------------------------------------


def _mapped(declared: Declared) -> Reader:
    recipe = read_mapping(Path(declared["mapping"]))
    return Tabular(recipe, recipe.text)


_TERMS = ("tick", "multiplier")
FORMATS: Mapping[str, Format] = {
    "recording": Format(about="events as JSON lines: strikeloop decode, strikeloop journal dump", make=lambda _: Recorded()),
    "contracts": Format(about="contract specifications, one JSON object in a line", make=lambda _: Specified()),
    "csv": Format(about="CSV, as a mapping file declares it (--mapping)", make=_mapped, knows=("mapping",)),
    "parquet": Format(about="Parquet, as a mapping file declares it (--mapping)", make=_mapped, knows=("mapping",)),
    "tardis-quotes": Format(
        about="Tardis quotes, CSV",
        make=_tardis("quotes", {"bid": "bid_price", "ask": "ask_price", "bid_size": "bid_amount", "ask_size": "ask_amount"}),
    ),
    "tardis-trades": Format(
        about="Tardis trades, CSV",
        make=_tardis("trades", {"price": "price", "size": "amount", "trade_id": "id"}, side=("side", "buy", "sell")),
    ),
    "tardis-book-snapshots": Format(about="Tardis book_snapshot_5 or _25, CSV", make=_tardis_books, needs=("levels",)),
    "tardis-options-chain": Format(
        about="Tardis options_chain, CSV",
        make=_tardis_chain,
        needs=("prices", "iv", "underlying", *_TERMS),
        knows=("mark_tick", "select"),
    ),
    "deribit-chain": Format(
        about="snapshots of Deribit's option chain, CSV or Parquet",
        make=_deribit,
        needs=("prices", "quote_size", *_TERMS),
        knows=("mark_tick", "select"),
    ),
    "gate-candlesticks": Format(about="GET /options/candlesticks of Gate, JSON", make=_gate_candles, needs=("contract", "interval")),
    "gate-trades": Format(about="GET /options/trades of Gate, JSON", make=_gate_trades, needs=("time",)),
}
