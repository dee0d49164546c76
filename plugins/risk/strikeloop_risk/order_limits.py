"""OrderLimits: what a single order may be, whatever the account looks like.

Owns the limits on size, value, price and number of orders, and the ban on naked shorts.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from strikeloop import AmendOrder, Contract, Desk, Refused, SubmitOrder, Verdict, hookimpl, plugin
from strikeloop_risk.asked import ZERO, Asked, asked
from strikeloop_risk.settings import at_least_one, positive

_LIMITS = ("max_size", "max_notional", "max_premium", "price_collar", "max_open_orders", "no_naked_short")


@plugin
class OrderLimits:
    """Refuse an order that is too large, too dear, too far from the mark, one too many, or sells what nobody holds.

    max_size: contracts in one order.
    max_notional: quote currency; |size| · multiplier · underlying price.
    max_premium: quote currency; |size| · multiplier · limit price (a market order: best opposite quote, else the mark).
    price_collar: fraction of the mark by which a buy may pay more, or a sell take less, than the mark.
    max_open_orders: working orders of the whole account, this one included; amendments add none.
    no_naked_short: refuse a sell after which, with every working sell filled, the account could be short more calls
    (or puts) of one underlying and expiry than it is long. A vertical spread whose long leg is held is not naked.

    A limit that is left out does not apply. An order whose limit needs a mark or an underlying price is refused until
    one is known.
    """

    max_size: Decimal | None = attrs.field(default=None, validator=positive)
    max_notional: Decimal | None = attrs.field(default=None, validator=positive)
    max_premium: Decimal | None = attrs.field(default=None, validator=positive)
    price_collar: float | None = attrs.field(default=None, validator=positive)
    max_open_orders: int | None = attrs.field(default=None, validator=positive)
    no_naked_short: bool = False

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _LIMITS)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        objections = "; ".join(self._objections(asked(command, desk), desk))
        return Refused(objections) if objections else None

    def _objections(self, order: Asked, desk: Desk) -> Iterator[str]:
        if self.max_size is not None and abs(order.size) > self.max_size:
            yield f"size {abs(order.size)} is above the limit of {self.max_size} contracts"
        if self.max_notional is not None:
            yield from _over_notional(order, desk, self.max_notional)
        if self.max_premium is not None:
            yield from _over_premium(order, desk, self.max_premium)
        if self.price_collar is not None:
            yield from _outside_collar(order, desk, Decimal(repr(self.price_collar)))
        if self.max_open_orders is not None and order.amends is None:
            count = len(desk.working) + 1
            if count > self.max_open_orders:
                yield f"it would be working order number {count} of the account, above the limit of {self.max_open_orders}"
        if self.no_naked_short and order.left < 0 and not order.reduce_only:
            yield from _naked(order, desk)


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
    worse = (price - _money(mark)) if order.size > 0 else (_money(mark) - price)
    if worse > collar * _money(mark):
        edge = _money(mark) * (1 + collar if order.size > 0 else 1 - collar)
        side = "buying above" if order.size > 0 else "selling below"
        yield f"price {price} is {side} {edge:.2f}, the mark of {mark:g} with a collar of {collar:.1%}"


def _naked(order: Asked, desk: Desk) -> Iterator[str]:
    """The worst case: every working sell trades, no working buy does."""
    contract, known = order.contract, desk.portfolio.contracts
    leg = {other.id for other in known.values() if _is_same_leg(other, contract)}
    held = sum((position.size for position in desk.positions if position.contract in leg), ZERO)
    sells = (other for other in desk.working if other.left < 0 and not other.reduce_only and other.key != order.amends)
    selling = sum((other.left for other in sells if other.contract in leg), ZERO)
    after = held + selling + order.left
    if after < 0:
        yield (
            f"the account could be naked short {-after} {contract.kind.value}s of {contract.underlying} for this expiry "
            f"(held {held:+}, working sells {selling:+}, this order {order.left:+})"
        )


def _is_same_leg(one: Contract, other: Contract) -> bool:
    return (one.id.adapter, one.underlying, one.expiry, one.kind) == (other.id.adapter, other.underlying, other.expiry, other.kind)


def _expected_price(order: Asked, desk: Desk) -> Decimal | None:
    """The limit; for a market order the best opposite quote, else the mark."""
    if order.price is not None:
        return order.price
    quote = desk.quote(order.contract.id)
    opposite = None if quote is None else quote.ask if order.size > 0 else quote.bid
    expected = opposite if opposite is not None else desk.portfolio.mark(order.contract.id)
    return None if expected is None else _money(expected)


def _money(price: float) -> Decimal:
    return Decimal(repr(price))
