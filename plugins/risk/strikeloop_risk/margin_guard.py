"""MarginGuard: how much of the account an order may tie up.

Owns the judgment of margin after an order, on the venue's own margin model as `desk.what_if` applies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from strikeloop import AmendOrder, Desk, Exposure, SubmitOrder, Verdict, hookimpl, plugin, state
from strikeloop_risk.asked import ZERO, Asked, asked, has_balance_of, verdict
from strikeloop_risk.limits import OnBreach, share


@plugin
class MarginGuard:
    """Refuse an order that would tie up too much of the account, or more than is available.

    max_share: fraction of equity (cash + value of the options) that initial margin may take, both while the order rests and
    once it has filled; what the other working orders hold back counts with it.
    on_breach: "refuse", or "resize" to let the largest part of the order pass that keeps within the share.

    An order after which less would be available than 0 is refused too. An order that adds no margin, and takes nothing
    from what is available, passes in any case. Orders of unknown outcome count as open and as filled, whichever takes more. An
    order cannot be judged before a balance and the prices of everything held are known; only closing orders pass until then.
    """

    max_share: float = attrs.field(default=0.8, validator=share)
    on_breach: OnBreach = "refuse"
    exact_share: Decimal = state(default=ZERO)

    def __attrs_post_init__(self) -> None:
        self.exact_share = Decimal(repr(self.max_share))

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return verdict(asked(command, desk), self._objections, self.on_breach)

    def _objections(self, order: Asked) -> Iterator[str]:
        seen, doubtful, desk = order.seen, order.unknown, order.desk
        has_balance = has_balance_of(desk, order.contract.id.adapter)
        if not has_balance or seen.after.unpriced:
            missing = f"mark of {', '.join(map(str, seen.after.unpriced))}" if has_balance else "balance"
            if not order.is_closing:
                yield f"the {missing} is not known yet, so margin cannot be judged"
            return
        worst = (seen, desk.what_if([order.submission], filled=doubtful)) if doubtful else (seen,)
        allowed = self.exact_share * seen.before.equity
        found: dict[str, None] = {}
        for case in worst:
            for then in (case.after, case.resting):
                found |= dict.fromkeys(self._over(case.before, then, allowed))
        yield from found

    def _over(self, before: Exposure, then: Exposure, allowed: Decimal) -> Iterator[str]:
        occupied, available = then.margin_occupied, then.available
        if occupied > allowed and occupied > before.margin_occupied:
            yield (
                f"margin would be {occupied:.2f} (now {before.margin_occupied:.2f}), "
                f"above {self.max_share:.0%} of the equity of {before.equity:.2f}"
            )
        if available < 0 and available < before.available:
            yield f"the account would have {available:.2f} available (now {before.available:.2f}), and may not go below 0"
