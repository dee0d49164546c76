"""OrderLimits: what a single order may be, whatever the account looks like.

Owns the limits on size, value, price and number of orders, and the bans on shorts.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

import attrs

from strikeloop import AmendOrder, Desk, SubmitOrder, Verdict, hookimpl, plugin
from strikeloop_risk.asked import ZERO, Asked, asked, verdict
from strikeloop_risk.limits import ExactLimit, OnBreach, at_least_one, limit, of_underlying, positive

_LIMITS = (
    "max_size",
    "max_notional",
    "max_premium",
    "price_collar",
    "book_collar",
    "max_open_orders",
    "no_naked_short",
    "no_short",
)


@plugin
class OrderLimits:
    """Refuse an order that is too large, too dear, too far from mark or book, one too many, or sells what nobody holds.

    max_size: contracts in one order.
    max_notional: quote currency; |size| · multiplier · underlying price.
    max_premium: quote currency; |size| · multiplier · limit price (a market order: best opposite quote, else the mark).
    price_collar: fraction of the mark by which a buy may pay more, or a sell take less, than the mark.
    book_collar: the same against the best opposite quote: how far an order may reach through the book.
    max_open_orders: working orders of the whole account, this one included; amendments add none, and what only closes passes.
    no_naked_short: refuse a sell after which, with every working sell filled, the account could be short more calls
    (or puts) of one underlying and expiry than it is long. A vertical spread whose long leg is held is not naked.
    no_short: refuse a sell after which, with every working sell filled, the account could be short the contract at all.
    on_breach: "refuse", or "resize" to let the largest part of the order pass that keeps within the limits.

    max_size, max_notional and max_premium may be tables { default, BTC_USDT = … }. A limit that is left out does not apply. An
    order whose limit needs a mark, a quote or an underlying price is refused until one is known.
    """

    max_size: ExactLimit | None = limit()
    max_notional: ExactLimit | None = limit()
    max_premium: ExactLimit | None = limit()
    price_collar: float | None = attrs.field(default=None, validator=positive)
    book_collar: float | None = attrs.field(default=None, validator=positive)
    max_open_orders: int | None = attrs.field(default=None, validator=positive)
    no_naked_short: bool = False
    no_short: bool = False
    on_breach: OnBreach = "refuse"

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _LIMITS)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), self._objections, self.on_breach)

    def _objections(self, order: Asked) -> Iterator[str]:
        desk = order.desk
        yield from self._too_large(order, desk)
        if self.price_collar is not None:
            yield from _outside_collar(order, desk, _money(self.price_collar))
        if self.book_collar is not None:
            yield from _through_the_book(order, desk, _money(self.book_collar))
        if self.max_open_orders is not None and order.amends is None and not order.is_closing:
            count = len(desk.working) + 1
            if count > self.max_open_orders:
                yield f"it would be working order number {count} of the account, above the limit of {self.max_open_orders}"
        if order.left < 0 and self.no_short and not order.reduce_only:
            yield from _short(order)
        if order.left < 0 and self.no_naked_short:
            yield from _naked(order)

    def _too_large(self, order: Asked, desk: Desk) -> Iterator[str]:
        underlying = order.contract.underlying
        size = of_underlying(self.max_size, underlying)
        if size is not None and abs(order.size) > size:
            yield f"size {abs(order.size)} is above the limit of {size} contracts"
        notional = of_underlying(self.max_notional, underlying)
        if notional is not None:
            yield from _over_notional(order, desk, notional)
        premium = of_underlying(self.max_premium, underlying)
        if premium is not None:
            yield from _over_premium(order, desk, premium)


def _over_notional(order: Asked, desk: Desk, limit: Decimal) -> Iterator[str]:
    underlying = desk.portfolio.underlying_price(order.contract.id)
    if underlying is None:
        yield f"the price of {order.contract.underlying} is not known yet, so the notional limit of {limit} cannot be judged"
        return
    notional = abs(order.size) * order.contract.multiplier * _money(underlying)
    if notional > limit:
        yield (
            f"notional {notional:.2f} ({abs(order.size)} × {order.contract.multiplier} at {underlying:.2f}) is above the limit of {limit}"
        )


def _over_premium(order: Asked, desk: Desk, limit: Decimal) -> Iterator[str]:
    price = _expected_price(order, desk)
    if price is None:
        yield f"{order.contract.id} has no mark yet, so the premium limit of {limit} cannot be judged"
        return
    premium = abs(order.size) * order.contract.multiplier * price
    if premium > limit:
        yield f"premium {premium:.2f} ({abs(order.size)} × {order.contract.multiplier} at {price}) is above the limit of {limit}"


def _outside_collar(order: Asked, desk: Desk, collar: Decimal) -> Iterator[str]:
    mark, price = desk.portfolio.mark(order.contract.id), _expected_price(order, desk)
    if mark is None or price is None:
        yield f"{order.contract.id} has no mark yet, so the price collar of {collar:.1%} cannot be judged"
        return
    edge = _edge(order, _money(mark), collar)
    if _is_worse(order, price, edge):
        yield f"price {price} is {_crossing(order)} {edge:.2f}, the mark of {mark:g} with a collar of {collar:.1%}"


def _through_the_book(order: Asked, desk: Desk, collar: Decimal) -> Iterator[str]:
    """A market order takes what the book shows, and a side that is empty cannot be reached through."""
    quote = desk.quote(order.contract.id)
    if quote is None:
        yield f"{order.contract.id} has no quote yet, so the book collar of {collar:.1%} cannot be judged"
        return
    touch = quote.ask if order.size > 0 else quote.bid
    if touch is None or order.price is None:
        return
    edge = _edge(order, _money(touch), collar)
    if _is_worse(order, order.price, edge):
        name = "ask" if order.size > 0 else "bid"
        yield f"price {order.price} is {_crossing(order)} {edge:.2f}, the best {name} of {touch:g} with a collar of {collar:.1%}"


def _edge(order: Asked, reference: Decimal, collar: Decimal) -> Decimal:
    return reference * (1 + collar if order.size > 0 else 1 - collar)


def _is_worse(order: Asked, price: Decimal, edge: Decimal) -> bool:
    return price > edge if order.size > 0 else price < edge


def _crossing(order: Asked) -> str:
    return "buying above" if order.size > 0 else "selling below"


def _short(order: Asked) -> Iterator[str]:
    """The worst case in the contract: every working sell trades, no working buy does."""
    selling = sum((other.left for other in order.others if other.left < 0 and not other.reduce_only), ZERO)
    after = order.held + selling + order.left
    if after < 0:
        yield (
            f"the account could be short {-after} of {order.contract.id} (held {order.held:+}, working sells {selling:+}, "
            f"this order {order.left:+}), and no shorts are allowed"
        )


def _naked(order: Asked) -> Iterator[str]:
    """The worst case in the expiry: every working sell trades, no working buy does; also a closing sell may uncover a short."""
    contract, seen = order.contract, order.seen
    without = seen.before.least_held(contract)
    after = without - seen.before.could_hold(contract.id)[0] + seen.resting.could_hold(contract.id)[0]
    if after < 0 and after < without:
        yield (
            f"the account could be naked short {-after} {contract.kind.value}s of {contract.underlying} for this expiry "
            f"(without this order {without:+}, this order {order.left:+})"
        )


def _expected_price(order: Asked, desk: Desk) -> Decimal | None:
    """The limit; for a market order the best opposite quote, else the mark."""
    if order.price is not None:
        return order.price
    quote = desk.quote(order.contract.id)
    opposite = None if quote is None else quote.ask if order.size > 0 else quote.bid
    expected = opposite if opposite is not None else desk.portfolio.mark(order.contract.id)
    return None if expected is None else _money(expected)


@lru_cache(maxsize=4_096)
def _money(figure: float) -> Decimal:
    return Decimal(repr(figure))
