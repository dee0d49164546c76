"""What trading and settling cost, and what settling pays. Decimal in and out, exact.

Owns the three formulas that the venue and the what-if figures share.
"""

from __future__ import annotations

from decimal import Decimal

from strikeloop.contracts import Contract

ZERO = Decimal(0)


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
