"""MarginGuard: how much of the account an order may tie up.

Owns the judgment of margin after an order, on the venue's own margin model as `desk.what_if` applies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from strikeloop import AmendOrder, Desk, Refused, SubmitOrder, Verdict, hookimpl, plugin
from strikeloop_risk.asked import asked
from strikeloop_risk.settings import share


@plugin
class MarginGuard:
    """Refuse an order that would tie up too much of the account, or more than is available.

    max_share: fraction of equity (cash + value of the options) that initial margin may take once the order has filled;
    what the other working orders hold back counts with it.

    An order after which less would be available than 0 is refused too. An order that adds no margin, and takes nothing
    from what is available, passes in any case. An order cannot be judged before a balance and the prices of everything
    held are known; only reduce-only orders pass until then.
    """

    max_share: float = attrs.field(default=0.8, validator=share)

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order, balance = asked(command, desk), desk.balance
        seen = desk.what_if([order.submission])
        if balance is None or seen.after.unpriced:
            missing = "balance" if balance is None else f"mark of {', '.join(map(str, seen.after.unpriced))}"
            return None if order.reduce_only else Refused(f"the {missing} is not known yet, so margin cannot be judged")
        equity = balance.total + (balance.option_value or Decimal(0))
        before, after = seen.before, seen.after
        objections = "; ".join(
            (
                *self._over_share(before.margin_occupied, after.margin_occupied, equity),
                *_over_available(before.available, after.available),
            )
        )
        return Refused(objections) if objections else None

    def _over_share(self, before: Decimal, after: Decimal, equity: Decimal) -> Iterator[str]:
        allowed = Decimal(repr(self.max_share)) * equity
        if after > before and after > allowed:
            yield f"margin would be {after:.2f} (now {before:.2f}), above {self.max_share:.0%} of the equity of {equity:.2f}"


def _over_available(before: Decimal, after: Decimal) -> Iterator[str]:
    if after < 0 and after < before:
        yield f"the account would have {after:.2f} available (now {before:.2f}), and may not go below 0"
