"""The order that a command would lead to: a new order as it is, an amendment as the order it would become.

Owns `Asked`. Rules judge this one form, so that what an order may not be it cannot be amended to either; `verdict` is
how they say no, or how much of it they allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import attrs

from strikeloop import AmendOrder, Contract, Desk, Order, OrderState, PluginError, Refused, Resized, SubmitOrder, Verdict, WhatIf
from strikeloop.pricing import Greeks
from strikeloop_risk.limits import OnBreach

ZERO, ONE = Decimal(0), Decimal(1)
_KEY = "strikeloop_risk.asked"
_UNKNOWN = OrderState.UNKNOWN


@attrs.define(eq=False)
class Asked:
    """`size` is the whole signed size, `left` the part of it that can still trade; `price` None is a market order.

    `amends` is the working order that this one takes the place of, None for a new order. `is_sized`: whether the command names a
    size, so that it can be made smaller. `submission` is what is left as one new order, as `desk.what_if` takes it.
    """

    desk: Desk
    contract: Contract
    size: Decimal
    left: Decimal
    price: Decimal | None
    reduce_only: bool
    submission: SubmitOrder
    amends: Order | None = None
    is_sized: bool = True
    _is_closing: bool | None = attrs.field(default=None, init=False)
    _held: Decimal | None = attrs.field(default=None, init=False)
    _others: list[Order] | None = attrs.field(default=None, init=False)
    _seen: WhatIf | None = attrs.field(default=None, init=False)
    _unknown: tuple[Order, ...] | None = attrs.field(default=None, init=False)

    @property
    def client_id(self) -> str:
        return self.submission.client_id

    @property
    def held(self) -> Decimal:
        """The position in the contract."""
        if self._held is None:
            position = self.desk.position(self.contract.id)
            self._held = ZERO if position is None else position.size
        return self._held

    @property
    def others(self) -> list[Order]:
        """The other working orders in the contract, those of unknown outcome among them."""
        if self._others is None:
            contract, own = self.contract.id, self.submission.client_id
            self._others = [order for order in self.desk.working if order.contract == contract and order.key != own]
        return self._others

    @property
    def seen(self) -> WhatIf:
        """The account before this order, after it has filled, and while it rests."""
        if self._seen is None:
            self._seen = self.desk.what_if([self.submission])
        return self._seen

    @property
    def unknown(self) -> tuple[Order, ...]:
        """The working orders of the account whose outcome nobody knows."""
        if self._unknown is None:
            self._unknown = unknown(self.desk)
        return self._unknown

    @property
    def is_closing(self) -> bool:
        """Whether it can do nothing but reduce the position, even if every other order on its side trades before it."""
        if self._is_closing is None:
            self._is_closing = self._only_closes()
        return self._is_closing

    def _only_closes(self) -> bool:
        if self.reduce_only:
            return True
        held, left = self.held, self.left
        if not held or (left > ZERO) is (held > ZERO):
            return False
        waiting = sum([order.left for order in self.others if order.left * left > ZERO], ZERO)
        return abs(left + waiting) <= abs(held)

    @property
    def opens(self) -> bool:
        """Whether it can open more than could be opened without it: not when it only closes, or only makes a working order smaller."""
        if self.is_closing:
            return False
        old = self.amends
        return old is None or abs(self.left) > abs(old.left) or self.price != old.price

    def with_left(self, left: Decimal) -> Asked:
        """The same order with so much (signed) left to trade."""
        size, submission = self.size - self.left + left, attrs.evolve(self.submission, size=left)
        return Asked(
            self.desk, self.contract, size, left, self.price, self.reduce_only, submission, amends=self.amends, is_sized=self.is_sized
        )


def asked(command: SubmitOrder | AmendOrder, desk: Desk) -> Asked:
    """The order that `command` asks for, worked out once for all rules. Raises PluginError for an amendment of an order nobody knows."""
    known: tuple[SubmitOrder | AmendOrder, Asked] | None = desk.scratch.get(_KEY)
    if known is None or known[0] is not command:
        known = desk.scratch[_KEY] = command, _asked(command, desk)
    return known[1]


def _asked(command: SubmitOrder | AmendOrder, desk: Desk) -> Asked:
    contract = desk.portfolio.contracts[command.contract]
    if isinstance(command, SubmitOrder):
        return Asked(desk, contract, command.size, command.size, command.price, command.reduce_only, command)
    order = desk.order(command.client_id)
    if order is None:
        raise PluginError(f"there is no order {command.client_id} to amend")
    size, price = order.size if command.size is None else command.size, order.price if command.price is None else command.price
    left = size - order.filled if (size - order.filled) * size > 0 else ZERO
    submission = SubmitOrder(client_id=command.client_id, contract=command.contract, size=left, price=price, reduce_only=order.reduce_only)
    is_sized = command.size is not None
    return Asked(desk, contract, size, left, price, order.reduce_only, submission, amends=order, is_sized=is_sized)


def verdict(order: Asked, objections: Callable[[Asked], Iterable[str]], on_breach: OnBreach = "refuse") -> Verdict:
    """What a rule says: nothing, or that it refuses, or (on_breach "resize") how much of the order passes.

    `objections` gives the reasons against an order. It is asked of smaller ones too: whatever a rule allows of one
    size it must allow of every smaller one, down to nothing; then the answer is the largest size that passes.
    """
    text = "; ".join(objections(order))
    if not text:
        return None
    if on_breach == "resize" and order.is_sized:
        left = _largest(order, lambda smaller: not any(objections(smaller)))
        if left:
            return Resized(order.size - order.left + left, text)
    return Refused(text)


def unknown(desk: Desk) -> tuple[Order, ...]:
    """The working orders whose outcome nobody knows."""
    return tuple([order for order in desk.working if order.state is _UNKNOWN])


def has_balance_of(desk: Desk, adapter: str) -> bool:
    """Whether a balance of this account is known."""
    for owner, _ in desk.portfolio.balances:  # noqa: SIM110  # a generator costs more than the look, with each order
        if owner == adapter:
            return True
    return False


def unit_greeks(desk: Desk, contract: Contract) -> Greeks | None:
    """Per-unit greeks from the contract's ticker, else from the position in it; None where neither says."""
    known, held = desk.greeks(contract.id), desk.position(contract.id)
    if known is not None or held is None:
        return known
    told = Greeks(delta=held.delta, gamma=held.gamma, vega=held.vega, theta=held.theta)
    return told if any((told.delta, told.gamma, told.vega, told.theta)) else None


def _largest(order: Asked, passes: Callable[[Asked], bool]) -> Decimal:
    """The largest whole part of what is left that passes, signed; 0 where not even the contract's smallest order does."""
    sign = ONE if order.left > 0 else -ONE
    least = int(order.contract.size_min) if order.amends is None else 1
    low, high = least - 1, int(abs(order.left))
    while high - low > 1:
        middle = (low + high) // 2
        if passes(order.with_left(sign * middle)):
            low = middle
        else:
            high = middle
    return sign * low if low >= max(1, least) else ZERO
