"""The account: what a fill does to it, what margin it needs, and what it looks like from outside.

Owns positions, cash and their reports (PositionUpdated, BalanceUpdated, PortfolioRiskUpdated). Formulas of fees and
margin are strikeloop.margin's. It accepts and matches no order.
"""

from __future__ import annotations

from decimal import Decimal

from strikeloop import (
    BalanceUpdated,
    OrderState,
    Origin,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
    maker,
)
from strikeloop.margin import FREE, AccountMargin, Holding, OpenOrder, trading_fee, value_at_risk
from strikeloop.pricing import price
from strikeloop_venue.averaging import blended
from strikeloop_venue.insurance import InsuranceFund
from strikeloop_venue.ledger import Ledger, product
from strikeloop_venue.markets import Market, Markets
from strikeloop_venue.order import Order
from strikeloop_venue.position import Closed
from strikeloop_venue.reducing import excess
from strikeloop_venue.rules import Rules
from strikeloop_venue.steps import UNKNOWN_FIELDS, Step

ZERO = Decimal(0)
CENT = Decimal("0.01")
_NO_GREEKS = (None, None, None, None)
_position_updated = maker(PositionUpdated)


class Account:
    """One account in one currency. `now` and `step` are set by the machine before anything is booked."""

    def __init__(self, adapter: str, rules: Rules, markets: Markets) -> None:
        self.adapter, self.rules, self.markets = adapter, rules, markets
        self.ledger = Ledger(rules.balance)
        self.insurance = InsuranceFund(rules.insurance)
        self.step = Step()
        self.now = 0
        self.is_free = rules.margin is FREE
        """Whether nothing is held back for anything."""
        self._var: tuple[int, float] | None = None
        self._known_index: tuple[float | None, Decimal] = (None, ZERO)

    # ---- what happens to it --------------------------------------------------------------------------------------

    def room(self, market: Market, order: Order) -> Decimal:
        """How much of an order may trade (unsigned): what is left, and for reduce-only not more than it can reduce."""
        if not order.is_open:
            return ZERO
        if not order.reduce_only:
            return abs(order.left)
        held = market.position.size
        return min(abs(order.left), abs(held)) if held * order.size < 0 else ZERO

    def fill(self, market: Market, order: Order, size: Decimal, price: Decimal, *, is_maker: bool, is_takeover: bool = False) -> None:
        """Book one execution: order, position, premium, fee. `size` is unsigned.

        A liquidation also pays the liquidation fee, to the insurance fund; what the fund takes over costs no fee.
        """
        signed = size * order.sign
        index = self._index(market)
        trading = ZERO if is_takeover else trading_fee(market.contract, signed, price, index, is_maker=is_maker)
        penalty = self._penalty(size, index, market) if order.is_liquidation and trading else ZERO
        fee = trading + penalty
        order.fill(size, price)
        market.trades += 1
        self.step.order(order)
        self.step.fill(order, str(market.trades), signed, price, fee, is_maker=is_maker)
        closed = market.position.trade(signed, price, fee)
        text = f"{order.contract.name}:{order.order_id}"
        self.post("prem", -product(price, signed, market.contract.multiplier), text)
        self.post("fee", -trading, text)
        if penalty:
            self.post("liq_fee", -penalty, text)
        self.step.position(market)
        if not order.left:
            self._complete(market, order)
        if closed is not None:
            self.closed(market, closed, "liquidated" if order.is_liquidation else "closed")
        self.withdraw_reducing(market)

    def _penalty(self, size: Decimal, index: Decimal, market: Market) -> Decimal:
        """What a liquidation costs beside the trading fee; the insurance fund has it."""
        penalty = product(self.rules.liquidation_fee_rate, index, size, market.contract.multiplier)
        self.insurance.receive(penalty)
        return penalty

    def _index(self, market: Market) -> Decimal:
        """The index as money: it is asked more often than it moves."""
        index = self.markets.index_price(market)
        if index is not self._known_index[0]:
            self._known_index = index, Decimal(repr(index))
        return self._known_index[1]

    def post(self, kind: str, change: Decimal, text: str) -> None:
        """Book cash: `kind` is the venue's word (prem, fee, set)."""
        self.step.posting(self.adapter, self.rules.currency, change, self.ledger.post(change), kind, text)

    def closed(self, market: Market, closed: Closed, reason: str) -> None:
        """A position went to zero."""
        side = "long" if closed.is_long else "short"
        self.step.fact(PositionClosed, contract=market.contract.id, side=side, pnl=closed.pnl, reason=reason)

    def withdraw(self, market: Market, order: Order, state: OrderState, finish_as: str, reason: str = "") -> None:
        """An order ends without trading the rest."""
        market.lift(order)
        order.finish(state, finish_as, self.now, reason)
        self.step.order(order)

    def _complete(self, market: Market, order: Order) -> None:
        market.lift(order)
        if order.is_liquidation:
            order.finish(OrderState.LIQUIDATED, "liquidated", self.now)
        else:
            order.finish(OrderState.FILLED, "filled", self.now)

    def withdraw_reducing(self, market: Market) -> None:
        """Resting reduce-only orders that have nothing left to reduce end."""
        if not any(order.reduce_only for resting in (market.buys, market.sells) for order in resting):
            return
        for order, finish_as, reason in excess(market):
            self.withdraw(market, order, OrderState.CANCELED, finish_as, reason)

    # ---- margin --------------------------------------------------------------------------------------------------

    def margin(self, extra: OpenOrder | None = None, without: Order | None = None) -> AccountMargin:
        """The margin of positions and resting orders, with one order more or less."""
        if self.is_free:
            return FREE.account(())
        orders = [self.open_order(market, order) for market in self.markets.busy() for order in market.open_orders if order is not without]
        return self.rules.margin.account(self._holdings(), orders if extra is None else [*orders, extra])

    def available(self, margin: AccountMargin) -> Decimal:
        """What no margin holds back."""
        return margin.available(self.ledger.cash)

    def open_order(self, market: Market, order: Order) -> OpenOrder:
        """What margin is computed from, for what is left of a resting order."""
        return self.prospect(market, order.left, ZERO if order.price is None else order.price, reduce_only=order.reduce_only)

    def prospect(self, market: Market, size: Decimal, price: Decimal, *, reduce_only: bool) -> OpenOrder:
        """What margin is computed from, for an order that may come."""
        index = self._index(market)
        mark = self.model_mark(market)
        return OpenOrder(
            contract=market.contract,
            size=size,
            price=price,
            mark=price if mark is None else Decimal(repr(mark)),
            underlying_price=Decimal(repr(self.forward(market))),
            fee=trading_fee(market.contract, size, price, index, is_maker=False),
            reduce_only=reduce_only,
            years=market.contract.years(self.now),
            iv=None if market.ticker is None else market.ticker.mark_iv,
        )

    def _holdings(self) -> list[Holding]:
        return [
            Holding(
                contract=market.contract,
                size=market.position.size,
                mark=self.mark(market),
                underlying_price=Decimal(repr(self.forward(market))),
                years=market.contract.years(self.now),
                iv=None if market.ticker is None else market.ticker.mark_iv,
            )
            for market in self.markets.held()
        ]

    # ---- prices --------------------------------------------------------------------------------------------------

    def forward(self, market: Market) -> float:
        """The forward of the contract's expiry; while the settlement average builds up, it is blended in."""
        forward, rules = self.markets.forward(market), self.rules
        opens = market.contract.expiry - rules.settlement_window
        if not rules.blend_forward or self.now <= opens:
            return forward
        window = self.markets.window(market.contract.underlying)
        average = window.so_far(opens, self.now, rules.settlement_sample)
        share = min(1.0, (self.now - opens) / rules.settlement_window)
        return forward if average is None else blended(forward, average, share)

    def model_mark(self, market: Market) -> float | None:
        """The market's mark; in the window, Black-76 on the blended forward, cut to the mark's tick."""
        mark, ticker, contract = market.mark, market.ticker, market.contract
        if ticker is None or ticker.mark_iv is None or self.now <= contract.expiry - self.rules.settlement_window:
            return mark
        forward = self.forward(market)
        if forward == self.markets.forward(market):
            return mark
        worth = price(forward, float(contract.strike), contract.years(self.now), ticker.mark_iv, is_call=contract.is_call)
        return float(Decimal(repr(worth)) // contract.mark_tick * contract.mark_tick)

    def mark(self, market: Market) -> Decimal:
        """The mark as money; the entry price where the market says nothing."""
        mark = self.model_mark(market)
        return market.position.entry_price if mark is None else Decimal(repr(mark))

    # ---- what it looks like --------------------------------------------------------------------------------------

    def position(self, market: Market, received: int, origin: Origin = Origin.SIMULATED) -> PositionUpdated:
        """The position with its mark and the per-unit greeks of the contract's last ticker."""
        position, ticker = market.position, market.ticker
        mark = self.model_mark(market)
        greeks = _NO_GREEKS if ticker is None else (ticker.delta, ticker.gamma, ticker.vega, ticker.theta)
        return _position_updated(
            self.now,
            received,
            origin,
            UNKNOWN_FIELDS,
            market.contract.id,
            position.size,
            position.entry_price,
            position.realized_pnl,
            mark,
            position.unrealized(position.entry_price if mark is None else Decimal(repr(mark))),
            *greeks,
        )

    def balance(self, margin: AccountMargin, received: int, origin: Origin = Origin.SIMULATED) -> BalanceUpdated:
        """The account now. `margin_ratio` is maintenance margin / equity, higher is worse; equity counts as at least 0.01."""
        held = self.markets.held()
        marks = [self.mark(market) for market in held]
        value = sum((market.position.value(mark) for market, mark in zip(held, marks, strict=True)), ZERO)
        return BalanceUpdated(
            time=self.now,
            received=received,
            origin=origin,
            adapter=self.adapter,
            currency=self.rules.currency,
            total=self.ledger.cash,
            available=self.available(margin),
            unrealized_pnl=sum((market.position.unrealized(mark) for market, mark in zip(held, marks, strict=True)), ZERO),
            option_value=value,
            short_positions=sum(market.position.size < 0 for market in held),
            long_positions=sum(market.position.size > 0 for market in held),
            margin_ratio=float(margin.maintenance / max(self.ledger.cash + value, CENT)),
            initial_margin=margin.initial,
            maintenance_margin=margin.maintenance,
            order_margin=margin.order,
        )

    def risk(self, margin: AccountMargin, received: int, *, is_new_book: bool) -> PortfolioRiskUpdated:
        """Totals are Σ size · multiplier · greek, vega per volatility point, theta per day.

        effective_leverage = Σ |size · multiplier · delta · forward| / equity. portfolio_var: `strikeloop.margin.value_at_risk` to the cent,
        computed when a position changed and else at most every `var_refresh_s`.
        """
        totals = dict.fromkeys(("delta", "gamma", "vega", "theta"), 0.0)
        notional, equity = 0.0, self.ledger.cash
        for market in self.markets.held():
            units = float(market.position.size * market.contract.multiplier)
            equity += market.position.value(self.mark(market))
            for name in totals:
                totals[name] += units * (getattr(market.ticker, name, None) or 0.0)
            notional += abs(units * (getattr(market.ticker, "delta", None) or 0.0) * self.forward(market))
        return PortfolioRiskUpdated(
            time=self.now,
            received=received,
            origin=Origin.SIMULATED,
            adapter=self.adapter,
            total_delta=totals["delta"],
            total_gamma=totals["gamma"],
            total_vega=totals["vega"],
            total_theta=totals["theta"],
            margin_occupied=margin.occupied,
            margin_required=margin.maintenance,
            effective_leverage=notional / float(max(equity, CENT)),
            portfolio_var=self._value_at_risk(is_new_book=is_new_book),
        )

    def _value_at_risk(self, *, is_new_book: bool) -> float:
        if self._var is None or is_new_book or self.now >= self._var[0] + self.rules.var_refresh:
            self._var = (self.now, round(value_at_risk(self._holdings()), 2))
        return self._var[1]
