"""GreekLimits: how far the greeks of the whole account may go.

Owns the worst case of each greek over everything that could still trade. Positions, working orders and the order at
hand count; which of the working orders will trade is not known, so for each direction those count that push that way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import attrs

from strikeloop import AmendOrder, ContractId, Desk, Refused, SubmitOrder, Verdict, hookimpl, plugin
from strikeloop.pricing import Greeks
from strikeloop_risk.asked import ZERO, asked, can_trade, unit_greeks
from strikeloop_risk.settings import at_least_one, positive

_LIMITS = {"delta": "max_delta", "gamma": "max_gamma", "vega": "max_vega", "theta": "max_theta"}
_ROUNDING = 1e-9


@plugin
class GreekLimits:
    """Refuse an order that could take a greek of the account beyond its limit, in either direction.

    max_delta: units of the underlying. max_gamma: delta per unit of its price. max_vega: quote currency per volatility
    point. max_theta: quote currency per day. All are Σ size · multiplier · greek over the account, as absolute values.

    The working orders count at their worst: for the upper side those that raise the greek, for the lower side those
    that lower it. An order is refused only for a side that it pushes: what reduces a greek that is already beyond its
    limit passes. A contract without greeks cannot be judged; only reduce-only orders in it pass.
    """

    max_delta: float | None = attrs.field(default=None, validator=positive)
    max_gamma: float | None = attrs.field(default=None, validator=positive)
    max_vega: float | None = attrs.field(default=None, validator=positive)
    max_theta: float | None = attrs.field(default=None, validator=positive)

    def __attrs_post_init__(self) -> None:
        at_least_one(self, tuple(_LIMITS.values()))

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order = asked(command, desk)
        seen = desk.what_if([order.submission])
        others = [(o.contract, o.left, o.reduce_only) for o in desk.working if o.key != order.amends]
        unknown = {*seen.after.unpriced, *(contract for contract, _, _ in others if _unit(desk, contract) is None)}
        if unknown and not order.reduce_only:
            return Refused(f"the greeks of {', '.join(sorted(map(str, unknown)))} are not known yet, so no limit can be judged")
        own = _effect(desk, order.contract.id, order.left, reduce_only=order.reduce_only)
        replaced = _before(desk, order.amends)
        working = [_effect(desk, contract, left, reduce_only=reduce_only) for contract, left, reduce_only in others]
        objections: list[str] = []
        for greek, setting in _LIMITS.items():
            limit: float | None = getattr(self, setting)
            if limit is not None:
                figures = _Figures(
                    greek=greek,
                    limit=limit,
                    now=getattr(seen.before, greek),
                    working=tuple(getattr(effect, greek) for effect in working),
                    own=getattr(own, greek),
                    replaced=getattr(replaced, greek),
                )
                objections.extend(figures.objections())
        return Refused("; ".join(objections)) if objections else None


@attrs.frozen(kw_only=True)
class _Figures:
    """One greek of the account: `now` of the positions, then what each order would add; `replaced` by the order being amended."""

    greek: str
    limit: float
    now: float
    working: Sequence[float]
    own: float
    replaced: float

    def objections(self) -> Iterator[str]:
        """A sentence for the side that the order pushes beyond the limit, if it does."""
        for sign in (1.0, -1.0):
            pushing = max(0.0, sign * self.own)
            working = sum(max(0.0, sign * effect) for effect in self.working)
            reached = sign * self.now + working + pushing
            if pushing > max(0.0, sign * self.replaced) and reached > self.limit * (1 + _ROUNDING):
                yield (
                    f"{self.greek} could reach {sign * reached:+.4g} (positions {self.now:+.4g}, working orders {sign * working:+.4g}, "
                    f"this order {self.own:+.4g}), beyond the limit of {self.limit:g}"
                )


def _unit(desk: Desk, contract: ContractId) -> Greeks | None:
    specification = desk.portfolio.contracts.get(contract)
    return None if specification is None else unit_greeks(desk, specification)


def _effect(desk: Desk, contract: ContractId, left: Decimal, *, reduce_only: bool) -> Greeks:
    """What filling `left` contracts would add to the account's greeks."""
    held = desk.position(contract)
    size = can_trade(left, ZERO if held is None else held.size, reduce_only=reduce_only)
    specification, unit = desk.portfolio.contracts.get(contract), _unit(desk, contract)
    if specification is None or unit is None:
        return _NOTHING
    units = float(size * specification.multiplier)
    return Greeks(delta=unit.delta * units, gamma=unit.gamma * units, vega=unit.vega * units, theta=unit.theta * units)


def _before(desk: Desk, amended: str | None) -> Greeks:
    """What the order being amended could have added as it was; nothing for a new order."""
    order = None if amended is None else desk.order(amended)
    return _NOTHING if order is None else _effect(desk, order.contract, order.left, reduce_only=order.reduce_only)


_NOTHING = Greeks(delta=0.0, gamma=0.0, vega=0.0, theta=0.0)
