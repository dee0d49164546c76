"""CalendarRoller: time decays faster where there is less of it. Owns one calendar spread at a time, and its roll."""

from __future__ import annotations

from strikeloop import Contract, Desk, hookimpl, plugin
from strikeloop_strategies.choosing import HOUR_NS, calls, expiries, nearest_delta, twin


@plugin
class CalendarRoller:
    """Sell the call at the money of a near expiry, hold the same strike of the next one, and roll both before the near one ends.

    The far call is bought first, so that the near one is never sold naked; when they are closed, the near one is bought back first.
    underlying: whose options. size: contracts of each. min_hours: hours that the near expiry must have to be sold.
    roll_hours: hours to the near expiry at which the spread is closed. look_every_s: seconds between two looks.
    """

    underlying: str = "BTC_USDT"
    size: int = 1
    min_hours: float = 12.0
    roll_hours: float = 2.0
    look_every_s: float = 60.0

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.look_every_s, "look")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        if desk.working:
            return
        near = [desk.contracts[contract] for contract, size in desk.mine.items() if size < 0]
        far = [desk.contracts[contract] for contract, size in desk.mine.items() if size > 0]
        if near:
            self._roll(desk, near[0])
        elif far:
            self._continue(desk, far[0])
        else:
            self._open(desk)

    def _open(self, desk: Desk) -> None:
        later = expiries(desk, self.underlying, min_hours=self.min_hours)
        if len(later) < 2:
            return
        near = nearest_delta(desk, [one for one in calls(desk, self.underlying, later[0]) if self._pair(desk, one, later[1])], 0.5)
        far = None if near is None else self._pair(desk, near, later[1])
        if far is not None:
            desk.buy(far.id, size=self.size, tag="far")

    def _continue(self, desk: Desk, far: Contract) -> None:
        """The far leg stands: sell the near one against it, or give up where there is none any more."""
        nearer = [expiry for expiry in expiries(desk, self.underlying, min_hours=self.min_hours) if expiry < far.expiry]
        near = self._pair(desk, far, nearer[0]) if nearer else None
        if near is not None:
            desk.sell(near.id, size=self.size, tag="near")
        else:
            desk.sell(far.id, size=abs(desk.mine[far.id]), reduce_only=True, tag="far")

    def _roll(self, desk: Desk, near: Contract) -> None:
        if near.expiry - desk.now <= self.roll_hours * HOUR_NS:
            desk.buy(near.id, size=abs(desk.mine[near.id]), reduce_only=True, tag="near")

    def _pair(self, desk: Desk, contract: Contract, expiry: int) -> Contract | None:
        """The same call at another expiry, as far as its greeks are known."""
        other = twin(desk, contract, expiry=expiry)
        return other if other is not None and desk.greeks(other.id) is not None else None
