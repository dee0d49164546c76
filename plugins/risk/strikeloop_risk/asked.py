"""The order that a command would lead to: a new order as it is, an amendment as the order it would become.

Owns `Asked`. Rules judge this one form, so that what an order may not be it cannot be amended to either.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import AmendOrder, Contract, Desk, PluginError, SubmitOrder
from strikeloop.pricing import Greeks

ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class Asked:
    """`size` is the whole signed size, `left` the part of it that can still trade; `price` None is a market order.

    `amends` is the client id of the working order that this one takes the place of, None for a new order.
    """

    client_id: str
    contract: Contract
    size: Decimal
    left: Decimal
    price: Decimal | None
    reduce_only: bool
    amends: str | None = None

    @property
    def submission(self) -> SubmitOrder:
        """What is left as one new order, as `desk.what_if` takes it."""
        return SubmitOrder(
            client_id=self.client_id, contract=self.contract.id, size=self.left, price=self.price, reduce_only=self.reduce_only
        )


def asked(command: SubmitOrder | AmendOrder, desk: Desk) -> Asked:
    """The order that `command` asks for. Raises PluginError for an amendment of an order nobody knows."""
    contract = desk.portfolio.contracts[command.contract]
    if isinstance(command, SubmitOrder):
        return Asked(
            client_id=command.client_id,
            contract=contract,
            size=command.size,
            left=command.size,
            price=command.price,
            reduce_only=command.reduce_only,
        )
    order = desk.order(command.client_id)
    if order is None:
        raise PluginError(f"there is no order {command.client_id} to amend")
    size = order.size if command.size is None else command.size
    left = size - order.filled
    return Asked(
        client_id=command.client_id,
        contract=contract,
        size=size,
        left=left if left * size > 0 else ZERO,
        price=order.price if command.price is None else command.price,
        reduce_only=order.reduce_only,
        amends=order.key,
    )


def can_trade(left: Decimal, held: Decimal, *, reduce_only: bool) -> Decimal:
    """How much (signed) of an order can trade: a reduce-only one no more than brings `held` to zero."""
    if not reduce_only:
        return left
    if left * held >= 0:
        return ZERO
    return max(left, -held) if held > 0 else min(left, -held)


def unit_greeks(desk: Desk, contract: Contract) -> Greeks | None:
    """Per-unit greeks from the contract's ticker, else from the position in it; None where neither says."""
    known, held = desk.greeks(contract.id), desk.position(contract.id)
    if known is not None or held is None:
        return known
    told = Greeks(delta=held.delta, gamma=held.gamma, vega=held.vega, theta=held.theta)
    return told if any((told.delta, told.gamma, told.vega, told.theta)) else None
