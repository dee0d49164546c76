"""Snapshots of whole option chains: each row says what a contract is, what is quoted, and what the venue's model says of it.

Owns the way from such rows to contracts, underlyings, tickers and quotes. Prices in coin stay as printed, or become dollars in a way that
is declared; it never chooses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from strikeloop import Contract, ContractId, OptionKind
from strikeloop_store.arrays import coded, numbers, optional, raw
from strikeloop_store.kinds import QUOTES, TICKERS, UNDERLYINGS, Kind
from strikeloop_store.recipe import Rows, rows_of
from strikeloop_store.sheet import Clock, Sheet
from strikeloop_store.specifications import Listing
from strikeloop_store.ticks import Floats, Scale


class Prices(StrEnum):
    """In what bid, ask, last and mark are told: as printed, or as dollars, coin × the price of the coin in the same row."""

    PRINTED = "printed"
    DOLLARS = "dollars"


@attrs.frozen(kw_only=True)
class Terms:
    """What a chain does not say of its contracts, and must be declared."""

    tick: Decimal
    multiplier: Decimal
    mark_tick: Decimal | None = None
    others: Mapping[str, Decimal] = attrs.field(factory=dict)
    """Any other figure of a specification: maker_fee_rate, size_min, …"""


@attrs.frozen(kw_only=True)
class Layout:
    """Which column is which. `coin` is the price that makes dollars of a coin; `sizes` are of bid and ask, or None where there are none."""

    time: Clock
    received: Clock | None = None
    expiry: Clock
    contract: str
    kind: str
    strike: str
    underlying: str = ""
    index: str = ""
    coin: str
    prices: Mapping[str, str]
    sizes: tuple[str, str] | None = None
    models: Mapping[str, str]

    @property
    def needs(self) -> list[str]:
        clocks = [clock.column for clock in (self.time, self.received, self.expiry) if clock is not None]
        plain = [one for one in (self.contract, self.kind, self.strike, self.underlying, self.index, self.coin) if one]
        return list(dict.fromkeys([*clocks, *plain, *self.prices.values(), *(self.sizes or ()), *self.models.values()]))


@attrs.define(eq=False)
class Chain:
    """A reader of one import. `quote_size` is what stands at bid and ask where the layout has no sizes."""

    layout: Layout
    prices: Prices
    terms: Terms
    underlying: str = ""
    iv_factor: float = 1.0
    quote_size: float = 0.0
    select: str = ""
    """Only contracts whose names begin so."""
    listings: dict[str, Listing] = attrs.field(factory=dict)

    @property
    def needs(self) -> list[str]:
        return self.layout.needs

    def rows(self, sheet: Sheet) -> Iterator[Rows]:
        """Underlyings, tickers and quotes; contracts go to `listings`."""
        if self.select:
            kept = np.asarray(pc.starts_with(sheet.cells(self.layout.contract).cast(pa.string()), self.select).to_pylist(), bool)
            sheet = Sheet(sheet.file, sheet.table.filter(pa.array(kept)), sheet.rows[kept], sheet.defects)
        if not len(sheet):
            return
        time = sheet.times(self.layout.time)
        told: dict[str, Any] = {"time": time, "received": time if self.layout.received is None else sheet.times(self.layout.received)}
        told["contract"] = sheet.names(self.layout.contract)
        for name, column in self.layout.prices.items():
            told[name] = self._price(name, sheet, column)
        for name, column in self.layout.models.items():
            told[name] = sheet.numbers(column, self.iv_factor if name.endswith("_iv") else 1.0)
        self._list(sheet, told)
        if self.layout.index:
            yield self._underlyings(sheet, told)
        yield rows_of(TICKERS, self._completed(TICKERS, told, len(sheet)), sheet)
        yield rows_of(QUOTES, {**told, **self._quotes(sheet, told)}, sheet)

    def _price(self, name: str, sheet: Sheet, column: str) -> Any:
        printed = sheet.numbers(column)
        if self.prices is Prices.PRINTED:
            return printed
        dollars = numbers(printed) * numbers(sheet.numbers(self.layout.coin))
        if name in ("bid", "ask"):
            dollars = on_tick(dollars, Scale.of_tick(self.terms.tick), up=name == "ask")
        return optional(dollars)

    def _quotes(self, sheet: Sheet, told: Mapping[str, Any]) -> dict[str, Any]:
        """A side without a price has no size; a bid of nothing is no bid."""
        found: dict[str, Any] = {}
        for at, side in enumerate(("bid", "ask")):
            price = numbers(told[side])
            price = np.where(price == 0, np.nan, price)
            size = np.full(len(sheet), self.quote_size) if self.layout.sizes is None else numbers(sheet.numbers(self.layout.sizes[at]))
            found[side], found[f"{side}_size"] = optional(price), optional(np.where(np.isnan(price), 0.0, size))
        return found

    def _underlyings(self, sheet: Sheet, told: Mapping[str, Any]) -> Rows:
        """The last index price of each underlying at each time: rows of one snapshot may differ in it."""
        names = self._names(sheet)
        time, (rows, _) = raw(pc.fill_null(told["time"], 0)), coded(names)
        last = np.append((np.diff(time) != 0) | (np.diff(rows) != 0), True) & ~sheet.bad
        picked = pa.array(last)
        part = Sheet(sheet.file, sheet.table.filter(picked), sheet.rows[last], sheet.defects)
        price = sheet.numbers(self.layout.index).filter(picked)
        columns = {
            "time": told["time"].filter(picked),
            "received": told["received"].filter(picked),
            "underlying": names.filter(picked),
            "price": price,
        }
        return rows_of(UNDERLYINGS, columns, part)

    def _names(self, sheet: Sheet) -> Any:
        if self.layout.underlying:
            return sheet.names(self.layout.underlying)
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(sheet), np.int32)), pa.array([self.underlying]))

    @staticmethod
    def _completed(kind: Kind, told: Mapping[str, Any], count: int) -> dict[str, Any]:
        return {name: told[name] if name in told else pa.nulls(count, pa.float64()) for name in kind.names if name != "sequence"}

    # ---- contracts ----

    def _list(self, sheet: Sheet, told: Mapping[str, Any]) -> None:
        """Note each contract where it is first seen, and refuse rows that say something else of it."""
        strike, expiry = sheet.numbers(self.layout.strike), sheet.times(self.layout.expiry)
        is_call = sheet.choice(self.layout.kind, {"call": 1.0, "put": 0.0})
        underlyings = coded(self._names(sheet))
        sheet.refuse(~(numbers(strike) > 0), "range", lambda at: f"{self.layout.strike} is {strike[at].as_py()}, expected a number above 0")
        rows, names = coded(told["contract"])
        facts = (numbers(strike), raw(pc.fill_null(expiry, 0)).astype(np.float64), is_call)
        time = raw(pc.fill_null(told["time"], 0))
        _, firsts = np.unique(rows, return_index=True)
        for at in firsts[~sheet.bad[firsts]].tolist():
            name = names[rows[at]]
            terms = (repr(strike[at].as_py()), int(raw(expiry)[at]), bool(is_call[at]), underlyings[1][underlyings[0][at]])
            known = self.listings.get(name)
            if known is None or time[at] < known.time:
                self.listings[name] = Listing(int(time[at]), self._contract(name, *terms))
        known_facts = np.array([self._facts(name) for name in names])
        wrong = np.any([fact != known_facts[rows, at] for at, fact in enumerate(facts)], axis=0)
        sheet.refuse(
            wrong & ~np.isnan(known_facts[rows, 0]),
            "range",
            lambda at: f"{names[rows[at]]} has another strike, expiry or type than in the rows above",
        )

    def _facts(self, name: str) -> tuple[float, float, float]:
        known = self.listings.get(name)
        if known is None:
            return (float("nan"),) * 3
        return (float(known.contract.strike), float(known.contract.expiry), float(known.contract.is_call))

    def _contract(self, name: str, strike: str, expiry: int, is_call: bool, underlying: str) -> Contract:
        terms = self.terms
        return Contract(
            id=ContractId.of("venue", name),
            underlying=underlying,
            kind=OptionKind.CALL if is_call else OptionKind.PUT,
            strike=Decimal(strike).normalize() + 0,
            expiry=expiry,
            multiplier=terms.multiplier,
            tick=terms.tick,
            mark_tick=terms.mark_tick or terms.tick,
            **terms.others,  # type: ignore[arg-type]  # names and types were checked where they were declared
        )


def on_tick(prices: Floats, scale: Scale, *, up: bool) -> Floats:
    """Prices on the tick: bids down and asks up, so that no spread gets narrower. What is on the tick within 1e-9 of it stays."""
    ticks = prices * scale.denominator / scale.numerator
    whole = np.rint(ticks)
    moved = np.where(np.abs(ticks - whole) < 1e-9 * np.maximum(1.0, np.abs(ticks)), whole, np.ceil(ticks) if up else np.floor(ticks))
    return np.where(np.isnan(moved), np.nan, moved * scale.numerator / scale.denominator)
