"""hypothesis strategies for events, orders and markets: what may happen, for tests of laws.

Owns `contracts`, `events`, `orders` and `markets`. It needs hypothesis, and says so where that is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from strikeloop import events as e
from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder, TimeInForce
from strikeloop.contracts import DAY_NS, Contract, ContractId
from strikeloop.errors import ConfigError, Problem
from strikeloop.testing.factories import CALL, PUT, contract, event
from strikeloop.testing.scripted import START_NS

try:
    from hypothesis import strategies as st
except ImportError as exc:
    raise ConfigError(Problem("strikeloop.testing.generating", "hypothesis is not installed", "pip install hypothesis")) from exc

D = Decimal


def contracts() -> st.SearchStrategy[Contract]:
    """Options on BTC of any strike and kind that expire within a year, with the ticks and multipliers that venues have."""

    def made(is_call: bool, strike: int, days: int, tick: str, multiplier: str) -> Contract:
        name = f"BTC-{days}d-{strike}-{'C' if is_call else 'P'}"
        terms: dict[str, Any] = {"strike": D(strike), "expiry": START_NS + days * DAY_NS, "tick": D(tick), "multiplier": D(multiplier)}
        return contract(name, is_call=is_call, **terms)

    strikes = st.integers(10, 400).map(lambda thousands: thousands * 500)
    ticks, multipliers = st.sampled_from(["0.1", "1", "5"]), st.sampled_from(["0.001", "0.01", "0.1", "1"])
    return st.builds(made, st.booleans(), strikes, st.integers(1, 365), ticks, multipliers)


def orders(of: Sequence[ContractId] = (CALL, PUT)) -> st.SearchStrategy[SubmitOrder]:
    """Orders of any side, size and price on the tick, at the market too."""
    numbers = st.integers(1, 10**6)
    return st.builds(
        SubmitOrder,
        client_id=numbers.map(lambda number: f"t-any-{number}"),
        contract=st.sampled_from(list(of)),
        size=_sizes(),
        price=st.none() | st.integers(1, 5_000).map(D),
        tif=st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.POC]),
        reduce_only=st.booleans(),
    )


def events(of: Sequence[ContractId] = (CALL, PUT), *, at: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[e.Event]:
    """What a venue may say of these contracts, account and market, with figures as they occur; None where a venue may be silent."""
    here: dict[str, Any] = {"contract": st.sampled_from(list(of)), "at": at or st.integers(0, 86_400).map(_moment)}
    price, side = st.floats(0.125, 10_000, width=32), st.none() | st.floats(0.125, 10_000, width=32)
    greek = st.none() | st.floats(-100, 100, width=32)
    names = {"client_id": st.none() | st.sampled_from(["t-any-1", "t-any-2"]), "order_id": st.sampled_from(["1", "2"])}
    return st.one_of(
        _events(e.Quoted, **here, bid=side, ask=side, bid_size=price, ask_size=price),
        _events(e.TickerUpdated, **here, mark_price=price, delta=greek, gamma=greek, vega=greek, theta=greek),
        _events(e.Traded, **here, price=price, size=st.floats(-100, 100, width=32).filter(bool)),
        _events(e.OrderUpdated, **here, **names, size=_sizes(), left=st.none(), state=st.sampled_from(list(_SAID))),
        _events(e.Filled, **here, **names, size=_sizes(), price=_money(), trade_id=st.integers(1, 50).map(str)),
        _events(e.PositionUpdated, **here, size=st.integers(-100, 100).map(D), entry_price=_money()),
        _events(e.BalanceUpdated, at=here["at"], total=_money(), available=_money()),
    )


def markets(of: Sequence[ContractId] = (CALL, PUT), *, most: int = 50) -> st.SearchStrategy[list[e.Event]]:
    """Quotes and tickers of these contracts in order of time, at most `most`: bid below ask, or a side without orders."""

    def quote(at: int, which: ContractId, bid: int, spread: int, missing: str) -> e.Event:
        sides = {"bid": float(bid), "ask": float(bid + spread)}
        return event(
            e.Quoted, at=_moment(at), contract=which, **{name: None if name == missing else price for name, price in sides.items()}
        )

    def tick(at: int, which: ContractId, mark: int, iv: float) -> e.Event:
        return event(e.TickerUpdated, at=_moment(at), contract=which, mark_price=float(mark), mark_iv=iv)

    times, which = st.integers(0, 3_600), st.sampled_from(list(of))
    missing = st.sampled_from(["", "", "", "bid", "ask"])
    quotes = st.builds(quote, times, which, st.integers(1, 5_000), st.integers(1, 50), missing)
    ticks = st.builds(tick, times, which, st.integers(1, 5_000), st.floats(0.0625, 3.0, width=32))
    return st.lists(st.one_of(quotes, ticks), max_size=most).map(lambda found: sorted(found, key=lambda one: one.received))


_SAID = (e.OrderState.OPEN, e.OrderState.FILLED, e.OrderState.CANCELED, e.OrderState.EXPIRED, e.OrderState.REJECTED)


def _events(kind: type[e.Event], **fields: Any) -> st.SearchStrategy[e.Event]:
    return st.fixed_dictionaries(fields).map(lambda chosen: event(kind, **chosen))


def _moment(seconds: int) -> int:
    return START_NS + seconds * SECOND_NS


def _sizes() -> st.SearchStrategy[Decimal]:
    return st.integers(-100, 100).filter(bool).map(D)


def _money() -> st.SearchStrategy[Decimal]:
    return st.decimals("0.1", "100000", places=2)
