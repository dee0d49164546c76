"""Which orders the venue takes: every check an order passes before it reaches the book.

Owns the refusals, each `LABEL: sentence` with a label of Gate's (gate_options: order semantics, error labels). It
changes nothing.
"""

from __future__ import annotations

import re
from decimal import Decimal

from strikeloop import (
    AmendOrder,
    SubmitOrder,
    TimeInForce,
)
from strikeloop_venue.account import Account
from strikeloop_venue.book import Side
from strikeloop_venue.markets import Market
from strikeloop_venue.order import Order

ZERO = Decimal(0)
TEXT = re.compile(r"t-[0-9A-Za-z_.-]{1,28}|(api|web|app)-[0-9]+")
"""What a client may name an order, and what the venue calls those that have no name."""


def refuse_order(account: Account, market: Market, command: SubmitOrder) -> str | None:
    """Why this order is not taken; None when it is."""
    if not TEXT.fullmatch(command.client_id):
        return "INVALID_PARAM_VALUE: text must be t- followed by at most 28 of 0-9 A-Z a-z _ . -"
    if command.tif is TimeInForce.FOK:
        return "INVALID_PARAM_VALUE: options take gtc, ioc and poc, not fok"
    refusal = _size(market, command.size) or _iceberg(market, command) or _price(account, market, command.price)
    if refusal is None and not _ends_at_once(command):
        refusal = _too_many(market)
    if refusal is not None or command.reduce_only:
        return refusal
    return _position_limit(market, command.size, None) or _margin(account, market, command)


def refuse_amendment(account: Account, market: Market, order: Order, command: AmendOrder) -> str | None:
    """Why this amendment is not made; None when it is."""
    size = order.size if command.size is None else command.size
    if size * order.size <= 0 or abs(size) <= abs(order.filled):
        return f"INVALID_PARAM_VALUE: size {size} must keep the side and exceed the filled {order.filled}"
    refusal = _size(market, size) or _price(account, market, command.price)
    if refusal is not None or order.reduce_only:
        return refusal
    price = order.price if command.price is None else command.price
    return _position_limit(market, size - order.filled, order) or _affordable(account, market, size - order.filled, price or ZERO, order)


def _size(market: Market, size: Decimal) -> str | None:
    contract = market.contract
    if not size.is_finite() or size == 0:
        return f"INVALID_PARAM_VALUE: size {size} is not a number of contracts"
    if size % contract.size_min:
        return f"INVALID_PARAM_VALUE: size {size} is not a multiple of {contract.size_min}"
    if contract.size_max is not None and abs(size) > contract.size_max:
        return f"SIZE_TOO_LARGE: size {size} exceeds the largest order of {contract.size_max}"
    return None


def _iceberg(market: Market, command: SubmitOrder) -> str | None:
    shown = command.iceberg
    if not shown:
        return None
    if not shown.is_finite() or shown < 0 or shown % market.contract.size_min or shown > abs(command.size):
        return f"INVALID_PARAM_VALUE: iceberg {shown} must be a part of the size {command.size}"
    return None


def _price(account: Account, market: Market, price: Decimal | None) -> str | None:
    contract = market.contract
    if price is None:
        return None
    if not price.is_finite() or price <= 0:
        return f"INVALID_PARAM_VALUE: price {price} must be greater than 0"
    if price % contract.tick:
        return f"INVALID_PARAM_VALUE: price {price} is not a multiple of the tick {contract.tick}"
    return _band(account, market, price)


def _band(account: Account, market: Market, price: Decimal) -> str | None:
    """Whether a price is too far from the mark; where nothing is marked, or nobody minds, it is not."""
    rules = account.rules
    deviation = market.contract.price_deviation if rules.price_deviation else None
    if deviation is None and rules.mark_price_up is None and rules.mark_price_down is None:
        return None
    figure = market.mark
    if figure is None:
        return None
    mark = Decimal(repr(figure))
    if deviation is not None:
        band = deviation * Decimal(repr(account.markets.forward(market)))
        if abs(price - mark) > band:
            return f"PRICE_TOO_DEVIATED: price {price} is farther than {band} from the mark {mark}"
    if rules.mark_price_up is not None and price > mark * rules.mark_price_up:
        return f"PRICE_TOO_DEVIATED: price {price} is above {rules.mark_price_up} times the mark {mark}"
    if rules.mark_price_down is not None and price < mark * rules.mark_price_down:
        return f"PRICE_TOO_DEVIATED: price {price} is below {rules.mark_price_down} times the mark {mark}"
    return None


def _ends_at_once(command: SubmitOrder) -> bool:
    return command.price is None or command.tif is TimeInForce.IOC


def _too_many(market: Market) -> str | None:
    limit = market.contract.orders_limit
    if limit is not None and len(market.buys) + len(market.sells) >= limit:
        return f"TOO_MANY_ORDERS: {limit} orders are open in {market.contract.id}, the most allowed"
    return None


def _position_limit(market: Market, size: Decimal, without: Order | None) -> str | None:
    limit = market.contract.position_limit
    if limit is None:
        return None
    waiting = sum((order.left for order in market.resting(size > 0) if order is not without and not order.reduce_only), ZERO)
    reach = market.position.size + waiting + size
    if abs(reach) > limit and reach * size > 0:
        return f"RISK_LIMIT_EXCEEDED: the position could reach {reach}, the limit is {limit}"
    return None


def _margin(account: Account, market: Market, command: SubmitOrder) -> str | None:
    if command.price is not None:
        return _affordable(account, market, command.size, command.price, None)
    price = _market_price(market, command.size)
    return None if price is None else _affordable(account, market, command.size, price, None)


def _affordable(account: Account, market: Market, size: Decimal, price: Decimal, without: Order | None) -> str | None:
    """The margin that this order adds must be available, also when another one (`without`) makes way for it."""
    if account.is_free:
        return None
    before = account.margin()
    after = account.margin(account.prospect(market, size, price, reduce_only=False), without)
    needed, available = after.order - before.order, account.available(before)
    if needed > 0 and needed > available:
        return f"INSUFFICIENT_AVAILABLE: the order needs {needed:f}, {available:f} is available"
    return None


def _market_price(market: Market, size: Decimal) -> Decimal | None:
    """The worst price a market order would reach in the displayed book; None when nothing stands against it."""
    book = market.sync()
    side: Side = book.asks if size > 0 else book.bids
    left, worst = abs(size), None
    for price in side.prices:
        available = side.available(price)
        if available > 0:
            left, worst = left - available, price
        if left <= 0:
            break
    return None if worst is None else Decimal(repr(worst))
