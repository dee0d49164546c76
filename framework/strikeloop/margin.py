"""What a venue holds back and charges: margin models, trading fees and the cash of settlement.

Owns the `MarginModel` protocol, Gate's classic model and the sums over an account that the venue, the risk rules
and `desk.what_if` share. Decimal in and out; sizes are signed contracts, prices per unit of the underlying.
Formulas the venue does not publish say so. Never reads a market or a clock: marks come in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

import attrs

from strikeloop.contracts import Contract, ContractId

ZERO = Decimal(0)


class MarginModel(Protocol):
    """How a venue computes margin. `size` is signed, `mark` and `underlying_price` are per unit of the underlying."""

    def initial(self, contract: Contract, size: Decimal, mark: Decimal, underlying_price: Decimal) -> Decimal:
        """Initial margin of a position, >= 0."""
        ...

    def maintenance(self, contract: Contract, size: Decimal, mark: Decimal, underlying_price: Decimal) -> Decimal:
        """Maintenance margin of a position, >= 0."""
        ...

    def order(self, contract: Contract, size: Decimal, price: Decimal, mark: Decimal, underlying_price: Decimal, fee: Decimal) -> Decimal:
        """What an order that opens `size` at `price` holds back, >= 0; `fee` is its expected trading fee."""
        ...


@attrs.frozen(kw_only=True)
class Classic:
    """Gate's classic account, one contract at a time. Rates come from the contract.

    Initial margin: Gate help 28364. Maintenance margin and the margin of sell orders are not public: see the methods.
    `min_order_margin` is the least margin of a sell order as a fraction of the underlying price (a contract field of
    the venue's, 0.1 where it was seen).
    """

    min_order_margin: Decimal = Decimal("0.1")

    def initial(self, contract: Contract, size: Decimal, mark: Decimal, underlying_price: Decimal) -> Decimal:
        """Longs none. Short call [max(a·U, b·U − OTM) + M], short put [max(a·U·(1 + M/U), b·U − OTM) + M], × |size| × multiplier.

        a is init_margin_low, b init_margin_high, U the underlying price, M the mark. Source: Gate help 28364.
        """
        if size >= 0:
            return ZERO
        out_of_the_money = contract.strike - underlying_price if contract.is_call else underlying_price - contract.strike
        base = underlying_price if contract.is_call else underlying_price + mark
        low = contract.init_margin_low * base
        high = contract.init_margin_high * underlying_price - max(ZERO, out_of_the_money)
        return (max(low, high) + mark) * -size * contract.multiplier

    def maintenance(self, contract: Contract, size: Decimal, mark: Decimal, underlying_price: Decimal) -> Decimal:
        """Longs none. Short call [m·U + M], short put [max(m·U, m·M) + M], × |size| × multiplier; m is maint_margin_base.

        Unverified: Gate's page is cut off in every copy we know; this is the form other venues use with these rates.
        """
        if size >= 0:
            return ZERO
        base = underlying_price if contract.is_call else max(underlying_price, mark)
        return (contract.maint_margin_base * base + mark) * -size * contract.multiplier

    def order(self, contract: Contract, size: Decimal, price: Decimal, mark: Decimal, underlying_price: Decimal, fee: Decimal) -> Decimal:
        """Buys: premium + fee (Gate help 28364). Sells: max(initial margin − premium, min_order_margin·U·|size|·multiplier).

        The form for sells is unverified: the page shows no formula; this one follows the fields of the contract and OKX's rule.
        """
        premium = price * abs(size) * contract.multiplier
        if size >= 0:
            return premium + fee
        least = self.min_order_margin * underlying_price * -size * contract.multiplier
        return max(self.initial(contract, size, mark, underlying_price) - premium, least)


def trading_fee(contract: Contract, size: Decimal, price: Decimal, index: Decimal, *, is_maker: bool) -> Decimal:
    """min(rate · index, fee_cap · price) · |size| · multiplier, in quote currency. Source: Gate help; checked on recorded fills."""
    rate = contract.maker_fee_rate if is_maker else contract.taker_fee_rate
    per_unit = rate * index
    if contract.fee_cap is not None:
        per_unit = min(per_unit, contract.fee_cap * price)
    return per_unit * abs(size) * contract.multiplier


def settlement_cash(contract: Contract, size: Decimal, settle_price: Decimal) -> Decimal:
    """What a position of `size` receives at expiry before the fee (negative: pays): intrinsic value · size · multiplier."""
    return contract.intrinsic(settle_price) * size * contract.multiplier


def settlement_fee(contract: Contract, size: Decimal, settle_price: Decimal) -> Decimal:
    """min(settle_fee_rate · S, settle_fee_cap · intrinsic) · |size| · multiplier; nothing out of the money.

    Source: Gate help; checked on recorded settlements.
    """
    intrinsic = contract.intrinsic(settle_price)
    if intrinsic == 0:
        return ZERO
    per_unit = contract.settle_fee_rate * settle_price
    if contract.settle_fee_cap is not None:
        per_unit = min(per_unit, contract.settle_fee_cap * intrinsic)
    return per_unit * abs(size) * contract.multiplier


@attrs.frozen(kw_only=True)
class Holding:
    """A position with the prices that margin is computed from; `size` is signed."""

    contract: Contract
    size: Decimal
    mark: Decimal
    underlying_price: Decimal


@attrs.frozen(kw_only=True)
class OpenOrder:
    """What is left of an order, with the prices that margin is computed from; `size` is signed, `fee` is for all of it."""

    contract: Contract
    size: Decimal
    price: Decimal
    mark: Decimal
    underlying_price: Decimal
    fee: Decimal = ZERO
    reduce_only: bool = False


@attrs.frozen(kw_only=True)
class AccountMargin:
    """Margin of a whole account in quote currency: positions initial and maintenance, and what orders hold back."""

    initial: Decimal
    maintenance: Decimal
    order: Decimal

    @property
    def occupied(self) -> Decimal:
        """What is not available to trade with: initial margin + order margin."""
        return self.initial + self.order


def account_margin(model: MarginModel, holdings: Iterable[Holding], orders: Iterable[OpenOrder] = ()) -> AccountMargin:
    """The margin of these positions and orders.

    Of each order only the part that opens counts: orders against a position use it up in the sequence given, and what
    they close needs no margin; a reduce-only order never opens. A contract may appear in several holdings.
    """
    held: dict[ContractId, Decimal] = {}
    initial = maintenance = ZERO
    for holding in holdings:
        figures = (holding.contract, holding.size, holding.mark, holding.underlying_price)
        initial += model.initial(*figures)
        maintenance += model.maintenance(*figures)
        held[holding.contract.id] = held.get(holding.contract.id, ZERO) + holding.size
    return AccountMargin(initial=initial, maintenance=maintenance, order=sum((_opening(model, held, order) for order in orders), ZERO))


def _opening(model: MarginModel, held: dict[ContractId, Decimal], order: OpenOrder) -> Decimal:
    """The margin of the part of `order` that opens; the part that closes is taken off `held`."""
    position = held.get(order.contract.id, ZERO)
    closing = min(abs(order.size), abs(position)) if order.size * position < 0 else ZERO
    sign = 1 if order.size > 0 else -1
    held[order.contract.id] = position + sign * closing
    opening = abs(order.size) - closing
    if order.reduce_only or opening == 0:
        return ZERO
    fee = order.fee * opening / abs(order.size)
    return model.order(order.contract, sign * opening, order.price, order.mark, order.underlying_price, fee)
