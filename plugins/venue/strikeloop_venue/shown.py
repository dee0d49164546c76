"""What a server of the simulated venue has to show: what is true at the venue after the last `advance`, latency or not.

Owns `Shown`, the reading half of the machine. It changes nothing.
"""

from __future__ import annotations

from strikeloop import BalanceUpdated, Contract, ContractId, Filled, LedgerPosted, PositionUpdated, TickerUpdated
from strikeloop_venue.account import Account
from strikeloop_venue.counter import Counter
from strikeloop_venue.insurance import InsuranceFund
from strikeloop_venue.liquidation import Liquidator
from strikeloop_venue.markets import Markets
from strikeloop_venue.order import Order
from strikeloop_venue.settlement import Settlement


class Shown:
    """The machine's parts as they stand. Look, do not touch."""

    _markets: Markets
    _account: Account
    _counter: Counter
    _liquidator: Liquidator
    _settlements: list[Settlement]
    _now: int

    def contracts(self) -> tuple[Contract, ...]:
        """Every contract that can be traded now, in the order of listing."""
        return tuple(market.contract for market in self._markets.by_contract.values())

    def orders(self, *, is_open: bool | None = None) -> tuple[Order, ...]:
        """Orders the venue took, oldest first: all, the open or the finished ones. Look, do not touch."""
        return tuple(order for order in self._counter.orders.values() if is_open is None or order.is_open is is_open)

    def order(self, key: str) -> Order | None:
        """The order with this order id or client id."""
        return self._counter.find(key)

    def fills(self, since: int = 0) -> tuple[Filled, ...]:
        """Executions from venue time `since` on, oldest first."""
        return tuple(fill for fill in self._account.ledger.filled if fill.time >= since)

    def ledger(self, since: int = 0) -> tuple[LedgerPosted, ...]:
        """Postings from venue time `since` on, oldest first."""
        return tuple(posting for posting in self._account.ledger.posted if posting.time >= since)

    def positions(self) -> tuple[PositionUpdated, ...]:
        """Every position that is not flat, in the order in which they were first used."""
        return tuple(self._account.position(market, self._now) for market in self._markets.held())

    def account(self) -> BalanceUpdated:
        """Cash, margins and values now."""
        return self._account.balance(self._account.margin(), self._now)

    def book(self, contract: ContractId) -> tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]:
        """Displayed (bids, asks) of a listed contract, best first, as (price, size); less what our fills consumed."""
        market = self._markets.get(contract)
        if market is None:
            return (), ()
        book = market.sync()
        bids, asks = (
            tuple((price, float(left)) for price in side.prices if (left := side.available(price)) > 0) for side in (book.bids, book.asks)
        )
        return bids, asks

    def tickers(self) -> dict[ContractId, TickerUpdated]:
        """The last ticker of every listed contract that has one."""
        return {market.contract.id: market.ticker for market in self._markets.by_contract.values() if market.ticker is not None}

    @property
    def insurance(self) -> InsuranceFund:
        """The fund that takes over what a liquidation cannot close. Look, do not touch."""
        return self._account.insurance

    @property
    def is_liquidating(self) -> bool:
        """Whether positions of the account are being taken away."""
        return self._liquidator.is_active

    def settlements(self) -> tuple[Settlement, ...]:
        """Every contract that settled, oldest first."""
        return tuple(self._settlements)
