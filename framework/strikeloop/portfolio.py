"""What is known of accounts and markets, as a fold of events.

Owns `Portfolio` and `Position`. The venue's word is the truth about size, entry and cash; marks and greeks come
with it or, where the venue leaves them out, from the contract's last ticker. It never decides anything.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import Contract, ContractId
from strikeloop.drafts import changer, maker
from strikeloop.events import (
    BalanceUpdated,
    BookUpdated,
    CandleClosed,
    ContractExpired,
    ContractListed,
    Event,
    LedgerPosted,
    PortfolioRiskUpdated,
    PositionUpdated,
    Quoted,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
)
from strikeloop.precision import restore_precision
from strikeloop.pricing import Greeks

if TYPE_CHECKING:
    from strikeloop.passing import Passing

ONE = Decimal(1)
NO_GREEKS = Greeks(delta=0.0, gamma=0.0, vega=0.0, theta=0.0)


@attrs.frozen(kw_only=True, weakref_slot=False)
class Position:
    """The account's position in one contract. Prices per unit of underlying; greeks per unit, `exposure` for the whole."""

    contract: ContractId
    size: Decimal
    entry_price: Decimal
    realized_pnl: Decimal
    multiplier: Decimal
    mark_price: float | None = None
    unrealized_pnl: Decimal | None = None
    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    updated: int = 0

    @property
    def exposure(self) -> Greeks:
        """The greeks × size × multiplier: what the position adds to the portfolio's totals."""
        units = float(self.size * self.multiplier)
        return Greeks(delta=self.delta * units, gamma=self.gamma * units, vega=self.vega * units, theta=self.theta * units)


_position_made = maker(Position)
_marked = changer(Position, "mark_price", "unrealized_pnl", "delta", "gamma", "vega", "theta")
_completed = changer(PositionUpdated, "mark_price", "unrealized_pnl", "delta", "gamma", "vega", "theta")
_posted = changer(BalanceUpdated, "total", "time", "received")


class Portfolio:
    """Accounts and markets of every adapter in the run. Only the engine changes it."""

    def __init__(self) -> None:
        self.contracts: dict[ContractId, Contract] = {}
        self.balances: dict[tuple[str, str], BalanceUpdated] = {}
        self.risks: dict[str, PortfolioRiskUpdated] = {}
        self.quotes: dict[ContractId, Quoted] = {}
        self.trades: dict[ContractId, Traded] = {}
        self.tickers: dict[ContractId, TickerUpdated] = {}
        self.books: dict[ContractId, BookUpdated] = {}
        self.candles: dict[ContractId, CandleClosed] = {}
        self.underlyings: dict[tuple[str, str], UnderlyingPriced] = {}
        self._passing: Passing | None = None
        self._marked: dict[ContractId, int] = {}
        """How many rows had passed when a position was last told of or marked."""
        self._positions: dict[ContractId, Position] = {}
        self._told: dict[ContractId, PositionUpdated] = {}
        """What was told of positions since somebody looked."""
        self._seen: dict[ContractId, PositionUpdated] = {}
        self.revision = 0
        self.touched: dict[ContractId, int] = {}
        """When (revision) specification, position or ticker of a contract were last told of, latest last; rows that pass are not told."""
        self.kept: dict[type[Event], Callable[[Any], None]] = {
            PositionUpdated: self._on_position,
            BalanceUpdated: self._on_balance,
            PortfolioRiskUpdated: self._on_risk,
            LedgerPosted: self._on_ledger,
        }
        """What folds the kinds that all may hear of, and that a venue says most often."""
        self._folds: dict[type[Event], Callable[[Any], None]] = {
            **self.kept,
            ContractListed: self._on_listed,
            ContractExpired: self._on_expired,
            TickerUpdated: self._on_ticker,
            UnderlyingPriced: self._on_underlying,
        }
        self.latest = self._stored()
        """Kinds of which only the last event per contract is kept: the engine stores them without a call."""

    @property
    def positions(self) -> tuple[Position, ...]:
        """Every position that is not flat, in the order in which the contracts were first held."""
        self._remark()
        return tuple(position for position in self._made().values() if position.size)

    def position(self, contract: ContractId) -> Position | None:
        """The position in `contract`, None when flat."""
        self._remark()
        position = self._made().get(contract)
        return position if position is not None and position.size else None

    @property
    def balance(self) -> BalanceUpdated | None:
        """The account's balance, where there is one account; the first one otherwise."""
        return next(iter(self.balances.values()), None)

    @property
    def risk(self) -> PortfolioRiskUpdated | None:
        """The account's portfolio risk, where there is one account; the first one otherwise."""
        return next(iter(self.risks.values()), None)

    @property
    def is_told(self) -> bool:
        """Whether every change of the market is told, and so stands in `touched`."""
        return self._passing is None

    def follow(self, passing: Passing) -> None:
        """From now on quotes, trades, tickers, bars and prices of underlyings are not told one by one: they are looked up as they pass."""
        from strikeloop.passing import Known, KnownTickers  # noqa: PLC0415  # where rows pass there is numpy

        self._passing = passing
        self.quotes, self.trades, self.candles = Known(passing, Quoted), Known(passing, Traded), Known(passing, CandleClosed)
        self.tickers, self.underlyings = KnownTickers(passing), Known(passing, UnderlyingPriced)
        self.latest = {BookUpdated: self.books}

    def stop_following(self) -> None:
        """From now on all of them are told again; what has passed is known."""
        self._remark()
        self.quotes, self.trades, self.candles = dict(self.quotes.items()), dict(self.trades.items()), dict(self.candles.items())
        self.tickers, self.underlyings = dict(self.tickers.items()), dict(self.underlyings.items())
        self._passing, self.latest = None, self._stored()
        for contract in self.contracts:
            self._touch(contract)

    def _stored(self) -> dict[type[Event], dict[ContractId, Any]]:
        return {Quoted: self.quotes, Traded: self.trades, BookUpdated: self.books, CandleClosed: self.candles}

    def greeks(self, contract: ContractId) -> Greeks | None:
        """Per-unit greeks of a contract from its last ticker, None before one with greeks was seen."""
        ticker = self.tickers.get(contract)
        if ticker is None or ticker.delta is None:
            return None
        return Greeks(delta=ticker.delta, gamma=ticker.gamma or 0.0, vega=ticker.vega or 0.0, theta=ticker.theta or 0.0)

    def mark(self, contract: ContractId) -> float | None:
        """The last mark price, else the middle of the quote, else None."""
        ticker = self.tickers.get(contract)
        if ticker is not None:
            return ticker.mark_price
        quote = self.quotes.get(contract)
        return None if quote is None else quote.mid

    def underlying_price(self, contract: ContractId) -> float | None:
        """The forward of the contract's expiry where a ticker gave it, else the index of its underlying."""
        ticker = self.tickers.get(contract)
        if ticker is not None and ticker.underlying_price is not None:
            return ticker.underlying_price
        specification = self.contracts.get(contract)
        priced = None if specification is None else self.underlyings.get((contract.adapter, specification.underlying))
        return None if priced is None else priced.price

    def completed(self, event: PositionUpdated) -> PositionUpdated:
        """The update with what the venue left out of it: mark, unrealized PnL and greeks as the position has them after it."""
        if event.delta is not None and event.unrealized_pnl is not None:
            return event
        self._remark()
        position = self._made()[event.contract]
        has_greeks = any((position.delta, position.gamma, position.vega, position.theta))
        greeks = (position.delta, position.gamma, position.vega, position.theta) if has_greeks else (None, None, None, None)
        return _completed(event, position.mark_price, position.unrealized_pnl, *greeks)

    def apply(self, event: Event) -> None:
        """Fold one event; kinds that do not concern the portfolio change nothing."""
        fold = self._folds.get(type(event))
        if fold is not None:
            fold(event)
        elif type(event) in self.latest:
            self.latest[type(event)][event.contract] = event  # type: ignore[attr-defined]  # each kind of the table names a contract

    def add_contract(self, contract: Contract) -> None:
        """A contract is known from now on; a position that was told of before it gets its multiplier."""
        self.contracts[contract.id] = contract
        self._touch(contract.id)
        seen = self._seen.get(contract.id)
        if seen is not None and self._made()[contract.id].multiplier != contract.multiplier:
            self._positions[contract.id] = self._position(seen)

    def _on_position(self, event: PositionUpdated) -> None:
        contract = event.contract
        self._seen[contract] = event
        if self._passing is None and contract in self._positions and _is_whole(event):
            self._told[contract] = event
        else:
            self._remark()
            self._made()[contract] = self._position(event)
        if self._passing is not None:
            self._marked[contract] = self._passing.passed
        self._touch(contract)

    def _made(self) -> dict[ContractId, Position]:
        """The positions as they stand. What was told whole of one that is known is made a position only where somebody looks."""
        if self._told:
            for contract, event in self._told.items():
                self._positions[contract] = self._position(event)
            self._told.clear()
        return self._positions

    def _remark(self) -> None:
        """Marks and greeks of what is held follow the tickers that have passed untold."""
        passing = self._passing
        if passing is None or not passing.has(TickerUpdated):
            return
        for contract, position in self._made().items():
            if position.size and passing.place(TickerUpdated, contract) >= self._marked[contract]:
                told = self.tickers[contract]
                if passing.whole_ticker(contract)[1] < self._marked[contract]:  # since then only marks were told
                    told = passing.latest(TickerUpdated, contract)
                self._marked[contract] = passing.passed
                self._mark(told)

    def _touch(self, contract: ContractId) -> None:
        self.revision += 1
        self.touched.pop(contract, None)
        self.touched[contract] = self.revision

    def _position(self, event: PositionUpdated) -> Position:
        contract, mark, gained, delta = event.contract, event.mark_price, event.unrealized_pnl, event.delta
        specification = self.contracts.get(contract)
        multiplier = ONE if specification is None else specification.multiplier
        gamma, vega, theta = event.gamma, event.vega, event.theta
        if delta is None or gamma is None or vega is None or theta is None or mark is None:
            before = self._positions.get(contract)
            greeks = self.greeks(contract) or before or NO_GREEKS
            delta = greeks.delta if delta is None else delta
            gamma = greeks.gamma if gamma is None else gamma
            vega = greeks.vega if vega is None else vega
            theta = greeks.theta if theta is None else theta
            mark = self.mark(contract) if mark is None else mark
            mark = before.mark_price if mark is None and before is not None else mark
        if gained is None and mark is not None:
            restore_precision()  # a plugin may have set another one
            gained = _gained(mark, event.entry_price, event.size, multiplier)
        return _position_made(
            contract,
            event.size,
            event.entry_price,
            event.realized_pnl,
            multiplier,
            mark,
            gained,
            delta,
            gamma,
            vega,
            theta,
            event.received,
        )

    def _on_ticker(self, event: TickerUpdated) -> None:
        self._touch(event.contract)
        known = self.tickers.get(event.contract)
        if known is not None and event.delta is None and event.mark_iv is None:  # a mark alone takes nothing else away
            self.tickers[event.contract] = attrs.evolve(known, time=event.time, received=event.received, mark_price=event.mark_price)
        else:
            self.tickers[event.contract] = event
        self._mark(event)

    def _mark(self, event: TickerUpdated) -> None:
        """What a ticker makes of the position in its contract."""
        position = self._made().get(event.contract)
        if position is not None and position.size:
            self._positions[event.contract] = _marked(
                position,
                event.mark_price,
                _gained(event.mark_price, position.entry_price, position.size, position.multiplier),
                position.delta if event.delta is None else event.delta,
                position.gamma if event.gamma is None else event.gamma,
                position.vega if event.vega is None else event.vega,
                position.theta if event.theta is None else event.theta,
            )

    def _on_balance(self, event: BalanceUpdated) -> None:
        self.balances[(event.adapter, event.currency)] = event

    def _on_ledger(self, event: LedgerPosted) -> None:
        known = self.balances.get((event.adapter, event.currency))
        if known is not None and known.time // SECOND_NS <= event.time // SECOND_NS:  # ledger entries may bear whole seconds
            time = max(known.time, event.time)
            self.balances[(event.adapter, event.currency)] = _posted(known, event.balance, time, event.received)

    def _on_risk(self, event: PortfolioRiskUpdated) -> None:
        self.risks[event.adapter] = event

    def _on_listed(self, event: ContractListed) -> None:
        self.add_contract(event.specification)

    def _on_expired(self, event: ContractExpired) -> None:
        for known in (self.quotes, self.trades, self.tickers, self.books, self.candles):
            known.pop(event.contract, None)
        self._touch(event.contract)

    def _on_underlying(self, event: UnderlyingPriced) -> None:
        self.underlyings[(event.adapter, event.underlying)] = event


def _is_whole(event: PositionUpdated) -> bool:
    """Whether the venue left nothing out of it."""
    return not (
        event.delta is None
        or event.gamma is None
        or event.vega is None
        or event.theta is None
        or event.mark_price is None
        or event.unrealized_pnl is None
    )


def _gained(mark: float, entry_price: Decimal, size: Decimal, multiplier: Decimal) -> Decimal:
    """(mark − entry) · size · multiplier is what a position has not realized."""
    return (Decimal(repr(mark)) - entry_price) * size * multiplier
