"""OrderFlow: orders among each other. How many in a time, the same one twice, and those that would trade with our own.

Owns what was let pass of late. It counts orders that it lets pass itself: one that another rule refuses has been asked for too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import attrs

from strikeloop import AmendOrder, ConfigError, ContractId, Desk, Problem, Refused, SubmitOrder, Verdict, hookimpl, plugin, state
from strikeloop_risk.asked import Asked, asked
from strikeloop_risk.limits import at_least_one, positive

SECOND_NS = 1_000_000_000
_LIMITS = ("max_orders", "max_orders_per_contract", "duplicate_s", "no_self_cross")


class _Passed(NamedTuple):
    """One order or amendment that passed."""

    time: int
    contract: ContractId
    size: Decimal
    price: Decimal | None


@plugin
class OrderFlow:
    """Refuse an order that comes too soon after others, repeats one, or would trade with a working order of the account.

    max_orders: orders and amendments of the whole account in any `per_s` seconds; what only closes a position is counted and
    passes. max_orders_per_contract: the same in one contract. per_s: seconds, 1 by default.
    duplicate_s: seconds in which a new order of the same contract, side, size and price counts as one sent twice.
    no_self_cross: refuse an order whose price reaches a working order of the account on the other side; one of unknown outcome
    counts as working, and a market order reaches every price.
    """

    max_orders: int | None = attrs.field(default=None, validator=positive)
    max_orders_per_contract: int | None = attrs.field(default=None, validator=positive)
    per_s: float = attrs.field(default=1.0, validator=positive)
    duplicate_s: float | None = attrs.field(default=None, validator=positive)
    no_self_cross: bool = False
    passed: deque[_Passed] = state(factory=deque)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, _LIMITS)
        rates = self.max_orders, self.max_orders_per_contract
        if None not in rates and rates[1] > rates[0]:  # type: ignore[operator]  # neither is None
            raise ConfigError(
                Problem("max_orders_per_contract", f"is {rates[1]}, above max_orders of {rates[0]}", "a part is no more than the whole")
            )

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order = asked(command, desk)
        self._forget(desk.now)
        now = desk.now
        objections = "; ".join((*self._too_many(order, now), *self._twice(order, now), *self._crossing(order)))
        if objections:
            return Refused(objections)
        self.passed.append(_Passed(now, order.contract.id, order.size, order.price))
        return None

    def _forget(self, now: int) -> None:
        oldest = now - round(max(self.per_s, self.duplicate_s or 0.0) * SECOND_NS)
        while self.passed and self.passed[0].time <= oldest:
            self.passed.popleft()

    def _too_many(self, order: Asked, now: int) -> Iterator[str]:
        of_all, of_one, contract = self.max_orders, self.max_orders_per_contract, order.contract.id
        if order.is_closing or (of_one is None and (of_all is None or len(self.passed) < of_all)):
            return
        since = now - round(self.per_s * SECOND_NS)
        recent = [one.contract for one in self.passed if one.time > since]
        for count, limit, where in ((len(recent), of_all, "the account"), (recent.count(contract), of_one, contract)):
            if limit is not None and count >= limit:
                yield f"{count} orders of {where} went out in the last {self.per_s:g} s, and {limit} may"

    def _twice(self, order: Asked, now: int) -> Iterator[str]:
        if self.duplicate_s is None or order.amends is not None:
            return
        since = now - round(self.duplicate_s * SECOND_NS)
        for one in reversed(self.passed):
            if one.time <= since:
                return
            if (one.contract, one.size, one.price) == (order.contract.id, order.size, order.price):
                ago, price = (now - one.time) / SECOND_NS, order.price or "market"
                yield f"the same order ({order.size:+} at {price}) went out {ago:.3f} s ago, within {self.duplicate_s:g} s"
                return

    def _crossing(self, order: Asked) -> Iterator[str]:
        if not self.no_self_cross:
            return
        for other in order.others:
            if other.left * order.left < 0 and _meets(order, other.price):
                yield f"it would trade with our own order {other.key} ({other.left:+} at {other.price or 'market'})"
                return


def _meets(order: Asked, price: Decimal | None) -> bool:
    if order.price is None or price is None:
        return True
    return order.price >= price if order.left > 0 else order.price <= price
