"""Gate's classic account: margin one contract at a time, from rates that the contract states.

Owns `Classic`. Initial margin is the venue's published formula; maintenance margin and the margin of sell orders are
not public and say so where they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

import attrs

from strikeloop.contracts import Contract, ContractId
from strikeloop.drafts import maker
from strikeloop.margin.account import AccountMargin, Holding, OpenOrder

ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class Classic:
    """Gate's classic account, one contract at a time. Rates come from the contract.

    Initial margin: Gate help 28364. Maintenance margin and the margin of sell orders are not public: see the methods.
    `min_order_margin` is the least margin of a sell order as a fraction of the underlying price (a contract field of
    the venue's, 0.1 where it was seen).
    """

    by_contract: ClassVar[bool] = True
    min_order_margin: Decimal = Decimal("0.1")

    def account(self, holdings: Sequence[Holding], orders: Sequence[OpenOrder] = ()) -> AccountMargin:
        """The sums over positions and orders; only cash counts as balance.

        Of each order only the part that opens counts: orders against a position use it up in the sequence given, and what
        they close needs no margin; a reduce-only order never opens.
        """
        initial = maintenance = opening = ZERO
        for holding in holdings:
            contract, size = holding.contract, holding.size
            if size < ZERO:
                initial += self.initial(contract, size, holding.mark, holding.underlying_price)
                maintenance += self.maintenance(contract, size, holding.mark, holding.underlying_price)
        if orders:
            held: dict[ContractId, Decimal] = {}
            for holding in holdings:
                held[holding.contract.id] = held.get(holding.contract.id, ZERO) + holding.size
            opening = sum([self._opening(held, order) for order in orders], ZERO)
        return _made(initial, maintenance, opening, ZERO)

    def initial(self, contract: Contract, size: Decimal, mark: Decimal, underlying_price: Decimal) -> Decimal:
        """Longs none. Short call [max(a·U, b·U − OTM) + M], short put [max(a·U·(1 + M/U), b·U − OTM) + M], × |size| × multiplier.

        a is init_margin_low, b init_margin_high, U the underlying price, M the mark. Source: Gate help 28364.
        """
        if size >= ZERO:
            return ZERO
        if contract.is_call:
            low, out_of_the_money = contract.init_margin_low * underlying_price, contract.strike - underlying_price
        else:
            low, out_of_the_money = contract.init_margin_low * (underlying_price + mark), underlying_price - contract.strike
        high = contract.init_margin_high * underlying_price
        if out_of_the_money > ZERO:
            high -= out_of_the_money
        return ((max(high, low)) + mark) * -size * contract.multiplier

    def maintenance(self, contract: Contract, size: Decimal, mark: Decimal, underlying_price: Decimal) -> Decimal:
        """Longs none. Short call [m·U + M], short put [max(m·U, m·M) + M], × |size| × multiplier; m is maint_margin_base.

        Unverified: Gate's page is cut off in every copy we know; this is the form other venues use with these rates.
        """
        if size >= ZERO:
            return ZERO
        base = underlying_price if contract.is_call else max(underlying_price, mark)
        return (contract.maint_margin_base * base + mark) * -size * contract.multiplier

    def order(self, contract: Contract, size: Decimal, price: Decimal, mark: Decimal, underlying_price: Decimal, fee: Decimal) -> Decimal:
        """Buys: premium + fee (Gate help 28364). Sells: max(initial margin − premium, min_order_margin·U·|size|·multiplier).

        The form for sells is unverified: the page shows no formula; this one follows the fields of the contract and OKX's rule.
        """
        premium = price * abs(size) * contract.multiplier
        if size >= ZERO:
            return premium + fee
        least = self.min_order_margin * underlying_price * -size * contract.multiplier
        return max(self.initial(contract, size, mark, underlying_price) - premium, least)

    def _opening(self, held: dict[ContractId, Decimal], order: OpenOrder) -> Decimal:
        """The margin of the part of `order` that opens; the part that closes is taken off `held`."""
        contract, size = order.contract, order.size
        position = held.get(contract.id, ZERO)
        asked, fee, closing = abs(size), order.fee, ZERO
        if position and (size > ZERO) is (position < ZERO):
            closing = min(asked, abs(position))
            held[contract.id] = position + closing.copy_sign(size)
        if order.reduce_only or closing == asked:
            return ZERO
        if closing:
            fee, size = fee * (asked - closing) / asked, size - closing.copy_sign(size)
        return self.order(contract, size, order.price, order.mark, order.underlying_price, fee)


_made = maker(AccountMargin)
