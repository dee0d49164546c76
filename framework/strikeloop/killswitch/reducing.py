"""Closing positions one reduce-only IOC order at a time, each no worse than a collar around the mark.

Owns `Reducing` and `worst_price`. Sends no market order: an option may have no bid, or one that is an insult. A collar is widened only
after an order that did not fill whole, and what cannot be closed is said with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import attrs

from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder, TimeInForce
from strikeloop.contracts import Contract, ContractId
from strikeloop.errors import InvariantError
from strikeloop.killswitch.settings import HaltSettings
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio, Position

SEEN_NS = 5 * SECOND_NS
"""How long the next order waits for a position to show what the last one filled."""


@attrs.define
class _Try:
    """What was tried on one contract: `misses` are orders that did not fill whole, `last` the latest."""

    misses: int = 0
    at: int = 0
    last: str = ""


class Reducing:
    """Asked for each position: why there is no order for it now, or the next one."""

    def __init__(
        self,
        portfolio: Portfolio,
        orders: Orders,
        blocks: Mapping[tuple[str, str], str],
        next_client_id: Callable[[], str],
        settings: HaltSettings,
    ) -> None:
        self._portfolio, self._orders, self._blocks, self._settings = portfolio, orders, blocks, settings
        self._next_client_id = next_client_id
        self._tries: dict[ContractId, _Try] = {}

    def begin(self) -> None:
        """Anew: forget what was tried."""
        self._tries.clear()

    def is_hopeless(self, contract: ContractId) -> bool:
        """Whether every attempt on a contract was made, and the last one is over."""
        tried = self._tries.get(contract)
        return tried is not None and self._misses(tried) >= self._settings.attempts

    def why_not(self, position: Position, now: int) -> str:
        """Why no order for a position can be made now, "" where one can."""
        contract = self._portfolio.contracts.get(position.contract)
        objection = self._objection(position, contract, now)
        if contract is None or objection:
            return objection
        tried = self._tries.get(contract.id)
        if tried is None:
            return "" if self._mark(position) is not None else "it has no mark to set a limit by"
        misses = self._misses(tried)
        return f"{misses} orders did not close it" if misses >= self._settings.attempts else self._waiting(tried, position, now)

    def order(self, position: Position, now: int) -> SubmitOrder:
        """The next order for a position that nothing speaks against."""
        contract, mark = self._portfolio.contracts[position.contract], self._mark(position)
        if mark is None:
            raise InvariantError(f"{contract.id} has no mark")
        tried = self._tries.setdefault(contract.id, _Try())
        tried.misses, tried.at, tried.last = self._misses(tried), now, self._next_client_id()
        underlying = self._portfolio.underlying_price(contract.id)
        size = min(abs(position.size), Decimal(self._settings.order_size), contract.size_max or abs(position.size))
        return SubmitOrder(
            client_id=tried.last,
            contract=contract.id,
            size=-size if position.size > 0 else size,
            price=worst_price(contract, mark, underlying, tried.misses, self._settings, is_buy=position.size < 0),
            tif=TimeInForce.IOC,
            reduce_only=True,
            tag="halt",
        )

    def _objection(self, position: Position, contract: Contract | None, now: int) -> str:
        """What speaks against any order now."""
        if contract is None:
            return "it is not listed"
        if contract.expiry <= now:
            return "it has expired and waits for its settlement"
        block = self._blocks.get((contract.id.adapter, ""))
        if block:
            return f"the account is not confirmed: {block}"
        quote = self._portfolio.quotes.get(contract.id)
        if quote is not None and position.size > 0 and quote.bid is None:
            return "nobody bids for it"
        if quote is not None and position.size < 0 and quote.ask is None:
            return "nobody offers it"
        return ""

    def _misses(self, tried: _Try) -> int:
        """Orders that did not fill whole, the last one included when it is over."""
        order = self._orders.get(tried.last)
        return tried.misses + (tried.last != "" and (order is None or (not order.is_working and order.left != 0)))

    def _waiting(self, tried: _Try, position: Position, now: int) -> str:
        order = self._orders.get(tried.last)
        if order is not None and order.is_working:
            return f"{tried.last} is {order.state.value}"
        if order is not None and order.filled and position.updated < order.updated and now - order.updated < SEEN_NS:
            return f"the account does not show what {tried.last} did"
        return "" if now - tried.at >= self._settings.every_ns else "its next order is due soon"

    def _mark(self, position: Position) -> float | None:
        mark = self._portfolio.mark(position.contract)
        return position.mark_price if mark is None else mark


def worst_price(contract: Contract, mark: float, underlying: float | None, misses: int, settings: HaltSettings, *, is_buy: bool) -> Decimal:
    """The limit of an order after `misses` that did not fill whole: on the tick, within the collar, at least one tick.

    Where the venue has a band around the mark it is within that too, once the price of the `underlying` is known.
    """
    step = min(misses, settings.widest)
    share = min(settings.collar + step * settings.collar_step, settings.collar_max)
    middle = Decimal(repr(mark))
    give = max(middle * Decimal(repr(share)), contract.tick * settings.ticks * (step + 1))
    if contract.price_deviation is not None and underlying is not None:
        give = min(give, contract.price_deviation * Decimal(repr(underlying)))
    if is_buy:
        return max((middle + give) // contract.tick, Decimal(1)) * contract.tick
    ticks, rest = divmod(max(middle - give, Decimal(0)), contract.tick)
    return max(ticks + (rest > 0), Decimal(1)) * contract.tick
