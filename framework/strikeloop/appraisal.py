"""What each contract of the account is worth and does, kept for as long as the events that told it are the latest.

Owns `Appraised` (one contract's market) and `Slot` (what the account has and asks for in it).
Theory: figures are exact functions of frozen events, so they hold while the very same event objects are the latest; nobody
has to remember to throw them away. Time enters by steps of ten seconds. Never decides, never estimates what nobody told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from strikeloop.clock import SECOND_NS
from strikeloop.contracts import YEAR_NS, Contract, ContractId
from strikeloop.drafts import maker
from strikeloop.events import TickerUpdated
from strikeloop.margin import AccountMargin, Holding, Leg, MarginModel, OpenOrder, trading_fee
from strikeloop.orders import Order
from strikeloop.portfolio import NO_GREEKS, Portfolio
from strikeloop.pricing import Greeks
from strikeloop.sums import NOTHING, Totals

ZERO, ONE = Decimal(0), Decimal(1)
STEP_NS = 10 * SECOND_NS
_held, _open = maker(Holding), maker(OpenOrder)


class Appraised:
    """One contract as the market has it; `unit` is what holding one contract adds to the totals, nothing where no greeks are known.

    `mark` and `underlying_price` are per unit of the underlying, None where nobody told one. `is_kept`: whether a ticker told all
    of it, so that nothing but the next one changes it. `is_priced`: whether specification, mark and price of the underlying are
    known; `is_known`: whether everything is that a judgment needs, also greeks.
    """

    __slots__ = (
        "_forward",
        "_leg",
        "_mark",
        "contract",
        "forward",
        "id",
        "is_kept",
        "is_known",
        "is_priced",
        "iv",
        "price",
        "ticker",
        "unit",
    )

    def __init__(
        self,
        contract: ContractId,
        specification: Contract | None,
        ticker: TickerUpdated | None,
        price: float | None,
        forward: float | None,
        greeks: Greeks | TickerUpdated | None,
        *,
        is_kept: bool,
    ) -> None:
        self.id, self.contract, self.ticker, self.is_kept = contract, specification, ticker, is_kept
        self.price, self.forward = price, forward
        """Mark and price of the underlying as they were told."""
        self.iv = None if ticker is None else ticker.mark_iv
        self.unit = NOTHING if greeks is None else _unit(greeks, ONE if specification is None else specification.multiplier, forward)
        self.is_priced = specification is not None and price is not None and forward is not None
        self.is_known = self.is_priced and greeks is not None
        self._mark: Decimal | None = None
        self._forward: Decimal | None = None
        self._leg: tuple[int, Leg] | None = None

    @property
    def mark(self) -> Decimal | None:
        if self._mark is None and self.price is not None:
            self._mark = Decimal(repr(self.price))
        return self._mark

    @property
    def underlying_price(self) -> Decimal | None:
        if self._forward is None and self.forward is not None:
            self._forward = _exact(self.forward)
        return self._forward

    @property
    def underlying(self) -> str:
        return "" if self.contract is None else self.contract.underlying

    def holding(self, size: Decimal, now: int) -> Holding | None:
        """A position of this size as a margin model takes it; None where it cannot be priced."""
        if not self.is_priced:
            return None
        contract = self.contract
        return _held(contract, size, self.mark, self.underlying_price, _years(contract, now), self.iv)  # type: ignore[arg-type]  # it is priced

    def leg(self, now: int) -> Leg:
        """One contract as scenarios take it. Raises ValueError where it cannot be priced."""
        step = step_of(now)
        if self._leg is None or self._leg[0] != step:
            contract, mark, forward = self.contract, self.price, self.forward
            if contract is None or mark is None or forward is None:
                raise ValueError(f"{self.id} cannot be priced: no specification, mark or price of the underlying is known")
            self._leg = step, Leg.at(contract, float(contract.multiplier), mark, forward, _years(contract, step), self.iv)
        return self._leg[1]

    def cost(self, size: Decimal, limit: Decimal | None) -> Decimal:
        """Premium and fee that trading `size` at `limit` (None: the mark) takes from the cash (negative: brings); 0 if unpriced."""
        contract, mark, underlying = self.contract, self.mark, self.underlying_price
        if contract is None or mark is None or underlying is None:
            return ZERO
        price = mark if limit is None else limit
        return price * size * contract.multiplier + trading_fee(contract, size, price, underlying, is_maker=False)

    def resting(self, order: Order | Waiting, now: int) -> OpenOrder | None:
        """What is left of a working order as a margin model takes it; None where nothing is, or it cannot be priced."""
        contract, mark, underlying, left = self.contract, self.mark, self.underlying_price, order.left
        if contract is None or mark is None or underlying is None or not left:
            return None
        price = mark if order.price is None else order.price
        fee = trading_fee(contract, left, price, underlying, is_maker=False)
        return _open(contract, left, price, mark, underlying, fee, order.reduce_only, _years(contract, now), self.iv)


class Appraiser:
    """Appraises contracts; what a ticker told whole is kept until the next one."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio
        self._known: dict[ContractId, Appraised] = {}

    def of(self, contract: ContractId) -> Appraised:
        """The contract as the latest events have it."""
        known, portfolio = self._known.get(contract), self._portfolio
        ticker, specification = portfolio.tickers.get(contract), portfolio.contracts.get(contract)
        if known is not None and ticker is known.ticker and specification is known.contract:
            return known
        if ticker is None or ticker.delta is None or ticker.underlying_price is None or specification is None:
            return self._pieced_together(contract, specification, ticker)
        made = Appraised(contract, specification, ticker, ticker.mark_price, ticker.underlying_price, ticker, is_kept=True)
        self._known[contract] = made
        return made

    def _pieced_together(self, contract: ContractId, specification: Contract | None, ticker: TickerUpdated | None) -> Appraised:
        """From whatever tells something of it: not kept, because the next event may come from anywhere."""
        forward = self._portfolio.underlying_price(contract)
        return Appraised(contract, specification, ticker, self._mark(contract), forward, self._greeks(contract), is_kept=False)

    def _greeks(self, contract: ContractId) -> Greeks | None:
        """The ticker's, else those that came with the position."""
        known, position = self._portfolio.greeks(contract), self._portfolio.position(contract)
        if known is not None or position is None:
            return known
        held = Greeks(delta=position.delta, gamma=position.gamma, vega=position.vega, theta=position.theta)
        return None if held == NO_GREEKS else held

    def _mark(self, contract: ContractId) -> float | None:
        """The market's, else the one that came with the position."""
        known, position = self._portfolio.mark(contract), self._portfolio.position(contract)
        return position.mark_price if known is None and position is not None else known


class Waiting(NamedTuple):
    """An order that would work, as far as figures go: what an `Order` tells of itself beside."""

    key: str
    left: Decimal
    price: Decimal | None
    reduce_only: bool
    created: int = 0


class Slot:
    """What the account holds (`size`) and has working (`orders`) in one contract; each figure is computed when it is first asked for."""

    __slots__ = ("_amounts", "_held", "_margin", "_pushes", "_sizes", "_totals", "_waiting", "_worth", "at", "orders", "size")

    def __init__(self, at: Appraised, size: Decimal, orders: tuple[Order | Waiting, ...], old: Slot | None = None) -> None:
        """`old` is what it was before the market moved: with the same size and orders."""
        self.at, self.size, self.orders = at, size, orders
        self._amounts: tuple[float, float, float] | None = None if old is None else old._amounts
        self._sizes: tuple[Decimal, Decimal] | None = None if old is None else old._sizes
        self._totals: Totals | None = None
        self._pushes: tuple[Totals, Totals] | None = None
        self._margin: AccountMargin | None = None
        self._worth: Decimal | None = None
        self._held: tuple[int, Holding | None] | None = None
        self._waiting: tuple[int, tuple[tuple[Order | Waiting, OpenOrder], ...]] | None = None

    def with_orders(self, orders: tuple[Order | Waiting, ...]) -> Slot:
        """The same position with these orders in place of its own."""
        made = Slot(self.at, self.size, orders)
        made._totals, made._worth, made._held = self._totals, self._worth, self._held
        return made

    @property
    def is_known(self) -> bool:
        """Whether everything is known that a judgment needs."""
        return self.at.is_known or not (self.size or self.orders)

    @property
    def totals(self) -> Totals:
        """What the position adds to the totals."""
        if self._totals is None:
            self._totals = self.at.unit.times(self.amounts[0])
        return self._totals

    @property
    def amounts(self) -> tuple[float, float, float]:
        """What is held, and what the working orders could buy and sell of it, in contracts."""
        if self._amounts is None:
            buys = sells = 0.0
            for order in self.orders:
                size = float(can_trade(order.left, self.size, reduce_only=order.reduce_only))
                buys, sells = (buys + size, sells) if size > 0.0 else (buys, sells + size)
            self._amounts = float(self.size), buys, sells
        return self._amounts

    @property
    def worth(self) -> Decimal:
        """What closing at the mark would bring: mark · size · multiplier; 0 where no mark is known."""
        if self._worth is None:
            contract, mark = self.at.contract, self.at.mark
            self._worth = ZERO if contract is None or mark is None else mark * self.size * contract.multiplier
        return self._worth

    @property
    def pushes(self) -> tuple[Totals, Totals]:
        """How far down and up the working orders could take each total: which of them trade is not known, so each at its worst."""
        if self._pushes is None:
            self._pushes = self._pushed() if self.orders else (NOTHING, NOTHING)
        return self._pushes

    def _pushed(self) -> tuple[Totals, Totals]:
        """A figure of the unit is pushed one way by all that buys and the other way by all that sells."""
        _, buys, sells = self.amounts
        return self.at.unit.times(buys).span(self.at.unit.times(sells))

    @property
    def reach(self) -> tuple[Totals, Totals]:
        """What the position adds to the totals at least and at most, whatever of the working orders trades."""
        if not self.orders:
            return self.totals, self.totals
        low, high = self.pushes
        return self.totals.plus(low), self.totals.plus(high)

    @property
    def sizes(self) -> tuple[Decimal, Decimal]:
        """The least and the most that the position could come to when all sells, or all buys, that work trade."""
        if self._sizes is None:
            self._sizes = reach_of(self.size, self.orders)
        return self._sizes

    def holding(self, now: int) -> Holding | None:
        """The position as a margin model takes it, None where nothing is held or it cannot be priced; the same one for ten seconds."""
        step = step_of(now)
        if self._held is None or self._held[0] != step:
            self._held = step, self.at.holding(self.size, step) if self.size else None
        return self._held[1]

    def waiting(self, now: int) -> tuple[tuple[Order | Waiting, OpenOrder], ...]:
        """The working orders that can be priced, each with how a margin model takes it; the same ones for ten seconds."""
        step = step_of(now)
        if self._waiting is None or self._waiting[0] != step:
            self._waiting = step, tuple([(one, made) for one in self.orders if (made := self.at.resting(one, step)) is not None])
        return self._waiting[1]

    def resting(self, now: int) -> Sequence[OpenOrder]:
        """The same without the orders."""
        return [made for _, made in self.waiting(now)] if self.orders else ()

    def margin(self, model: MarginModel, now: int) -> AccountMargin:
        """Of this contract alone, for a model that adds contracts up."""
        if self._margin is None:
            held = self.holding(now)
            self._margin = model.account(() if held is None else (held,), self.resting(now))
        return self._margin


def reach_of(held: Decimal, orders: Iterable[Order | Waiting]) -> tuple[Decimal, Decimal]:
    """The least and the most that a position of `held` could come to when all sells, or all buys, of these orders trade."""
    low = high = held
    reducing = ZERO
    for order in orders:
        left = order.left
        if order.reduce_only:
            reducing += min(left, ZERO)
        elif left > 0:
            high += left
        else:
            low += left
    return (max(min(low, ZERO), low + reducing) if reducing else low), high


def step_of(now: int) -> int:
    """The time that figures are computed as of: what is asked within ten seconds has one answer."""
    return now - now % STEP_NS


def can_trade(left: Decimal, held: Decimal, *, reduce_only: bool) -> Decimal:
    """How much (signed) of an order can trade: a reduce-only one no more than brings `held` to zero."""
    if not reduce_only:
        return left
    if left * held >= 0:
        return ZERO
    return max(left, -held) if held > 0 else min(left, -held)


def _unit(greeks: Greeks | TickerUpdated, multiplier: Decimal, underlying: float | None) -> Totals:
    """Of a ticker too: what it leaves out beside its delta is 0."""
    units, price = float(multiplier), underlying or 0.0
    delta, gamma = (greeks.delta or 0.0) * units, (greeks.gamma or 0.0) * units
    vega, theta = (greeks.vega or 0.0) * units, (greeks.theta or 0.0) * units
    return Totals(delta, gamma, vega, theta, delta * price, gamma * price * price / 100.0)


@lru_cache(maxsize=1_024)
def _exact(price: float) -> Decimal:
    """The contracts of an expiry have one forward."""
    return Decimal(repr(price))


def _years(contract: Contract, now: int) -> float:
    left = contract.expiry - step_of(now)
    return left / YEAR_NS if left > 0 else 0.0
