"""Greeks and margin of the account as it stands, and as it would stand after orders had filled.

Owns `Exposure`, `WhatIf` and the sums behind `desk.what_if` and a computed PortfolioRiskUpdated. It uses the venue's
own margin model, never a shortcut, and says which contracts it could not price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import attrs

from strikeloop.commands import SubmitOrder
from strikeloop.contracts import ContractId
from strikeloop.events import BalanceUpdated, Origin, PortfolioRiskUpdated
from strikeloop.margin import Holding, MarginModel, OpenOrder, trading_fee, value_at_risk
from strikeloop.orders import Order, Orders
from strikeloop.portfolio import NO_GREEKS, Portfolio
from strikeloop.pricing import Greeks

ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class Exposure:
    """One account: totals of Σ size · multiplier · greek, and margin in quote currency.

    `cash` is the balance, `credit` what the margin model counts beside it (AccountMargin), `available` both less initial and
    order margin. `unpriced` names contracts without mark or greeks, which count as nothing in the totals.
    """

    delta: float
    gamma: float
    vega: float
    theta: float
    initial_margin: Decimal
    maintenance_margin: Decimal
    order_margin: Decimal
    cash: Decimal
    credit: Decimal = ZERO
    unpriced: tuple[ContractId, ...] = ()

    @property
    def available(self) -> Decimal:
        return self.cash + self.credit - self.initial_margin - self.order_margin

    @property
    def margin_occupied(self) -> Decimal:
        return self.initial_margin + self.order_margin


@attrs.frozen
class WhatIf:
    """The account before and after the orders would have filled, at their limit or, without one, at the mark."""

    before: Exposure
    after: Exposure


def what_if(portfolio: Portfolio, orders: Orders, margin: MarginModel, commands: Sequence[SubmitOrder], now: int) -> WhatIf:
    """Before and after `commands` at `now` (ns UTC), taken as filled whole, reduce-only ones as far as they reduce.

    One under the client id of a working order takes its place (an amendment).
    """
    held = {position.contract: position.size for position in portfolio.positions}
    cash = ZERO if portfolio.balance is None else portfolio.balance.total
    after, spent = dict(held), ZERO
    for command in commands:
        before = after.get(command.contract, ZERO)
        size = _reducing(before, command.size) if command.reduce_only else command.size
        after[command.contract] = before + size
        spent += _cost(portfolio, command.contract, size, command.price)
    replaced = frozenset(command.client_id for command in commands)
    working = orders.working()
    resting = tuple(_resting(portfolio, working, now))
    left = tuple(_resting(portfolio, (order for order in working if order.key not in replaced), now))
    return WhatIf(_exposure(portfolio, margin, held, resting, cash, now), _exposure(portfolio, margin, after, left, cash - spent, now))


def computed_risk(portfolio: Portfolio, orders: Orders, margin: MarginModel, adapter: str, now: int) -> PortfolioRiskUpdated:
    """The account's risk from positions, tickers and the margin model, for a venue that does not report it.

    Effective leverage is Σ |size · multiplier · delta · underlying price| / equity. The value at risk is one day's at 99 %, by
    full revaluation on the fixed scenarios of `strikeloop.margin.value_at_risk`; None where a position cannot be priced.
    """
    held = {position.contract: position.size for position in portfolio.positions if position.contract.adapter == adapter}
    balance = next((balance for (owner, _), balance in portfolio.balances.items() if owner == adapter), None)
    resting = tuple(_resting(portfolio, (order for order in orders.working() if order.contract.adapter == adapter), now))
    exposure = _exposure(portfolio, margin, held, resting, ZERO if balance is None else balance.total, now)
    holdings = [_holding(portfolio, contract, size, now) for contract, size in held.items() if size]
    priced = [holding for holding in holdings if holding is not None]
    equity = _equity(balance)
    notional = sum(
        abs(_units(portfolio, c, size) * _greeks(portfolio, c).delta * (portfolio.underlying_price(c) or 0.0)) for c, size in held.items()
    )
    return PortfolioRiskUpdated(
        time=now,
        received=now,
        origin=Origin.COMPUTED,
        adapter=adapter,
        total_delta=exposure.delta,
        total_gamma=exposure.gamma,
        total_vega=exposure.vega,
        total_theta=exposure.theta,
        margin_occupied=exposure.margin_occupied,
        margin_required=exposure.maintenance_margin,
        effective_leverage=notional / equity if equity > 0 else 0.0,
        portfolio_var=value_at_risk(priced) if len(priced) == len(holdings) else None,
    )


def _exposure(
    portfolio: Portfolio, margin: MarginModel, held: dict[ContractId, Decimal], resting: tuple[OpenOrder, ...], cash: Decimal, now: int
) -> Exposure:
    delta = gamma = vega = theta = 0.0
    holdings: list[Holding] = []
    unpriced: list[ContractId] = []
    for contract, size in held.items():
        if not size:
            continue
        greeks, units = _greeks(portfolio, contract), _units(portfolio, contract, size)
        delta, gamma, vega, theta = (
            delta + greeks.delta * units,
            gamma + greeks.gamma * units,
            vega + greeks.vega * units,
            theta + greeks.theta * units,
        )
        holding = _holding(portfolio, contract, size, now)
        if holding is not None:
            holdings.append(holding)
        if holding is None or greeks is NO_GREEKS:
            unpriced.append(contract)
    figures = margin.account(holdings, resting)
    return Exposure(
        delta=delta,
        gamma=gamma,
        vega=vega,
        theta=theta,
        initial_margin=figures.initial,
        maintenance_margin=figures.maintenance,
        order_margin=figures.order,
        cash=cash,
        credit=figures.credit,
        unpriced=tuple(unpriced),
    )


def _greeks(portfolio: Portfolio, contract: ContractId) -> Greeks:
    """The ticker's, else those that came with the position."""
    known, position = portfolio.greeks(contract), portfolio.position(contract)
    if known is not None or position is None:
        return known or NO_GREEKS
    held = Greeks(delta=position.delta, gamma=position.gamma, vega=position.vega, theta=position.theta)
    return NO_GREEKS if held == NO_GREEKS else held


def _units(portfolio: Portfolio, contract: ContractId, size: Decimal) -> float:
    specification = portfolio.contracts.get(contract)
    return float(size if specification is None else size * specification.multiplier)


def _holding(portfolio: Portfolio, contract: ContractId, size: Decimal, now: int) -> Holding | None:
    specification, mark, underlying = portfolio.contracts.get(contract), _mark(portfolio, contract), portfolio.underlying_price(contract)
    if specification is None or mark is None or underlying is None:
        return None
    ticker = portfolio.tickers.get(contract)
    return Holding(
        contract=specification,
        size=size,
        mark=_money(mark),
        underlying_price=_money(underlying),
        years=specification.years(now),
        iv=None if ticker is None else ticker.mark_iv,
    )


def _mark(portfolio: Portfolio, contract: ContractId) -> float | None:
    """The market's, else the one that came with the position."""
    known, position = portfolio.mark(contract), portfolio.position(contract)
    return position.mark_price if known is None and position is not None else known


def _resting(portfolio: Portfolio, orders: Iterable[Order], now: int) -> Iterator[OpenOrder]:
    for order in orders:
        holding = _holding(portfolio, order.contract, order.left, now)
        if holding is None or not order.left:
            continue
        price = holding.mark if order.price is None else order.price
        fee = trading_fee(holding.contract, order.left, price, holding.underlying_price, is_maker=False)
        yield OpenOrder(
            contract=holding.contract,
            size=order.left,
            price=price,
            mark=holding.mark,
            underlying_price=holding.underlying_price,
            fee=fee,
            reduce_only=order.reduce_only,
            years=holding.years,
            iv=holding.iv,
        )


def _reducing(held: Decimal, size: Decimal) -> Decimal:
    """The part of `size` that brings `held` nearer to zero."""
    if held * size >= 0:
        return ZERO
    return max(size, -held) if held > 0 else min(size, -held)


def _cost(portfolio: Portfolio, contract: ContractId, size: Decimal, limit: Decimal | None) -> Decimal:
    """Premium and fee that trading `size` takes from the cash (negative: brings)."""
    specification, mark, underlying = portfolio.contracts.get(contract), _mark(portfolio, contract), portfolio.underlying_price(contract)
    if specification is None or mark is None or underlying is None:
        return ZERO
    price = _money(mark) if limit is None else limit
    fee = trading_fee(specification, size, price, _money(underlying), is_maker=False)
    return price * size * specification.multiplier + fee


def _equity(balance: BalanceUpdated | None) -> float:
    return 0.0 if balance is None else float(balance.total + (balance.option_value or ZERO))


def _money(price: float) -> Decimal:
    return Decimal(repr(price))
