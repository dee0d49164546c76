"""CoveredCall: income against a position that moves like the underlying. Owns what it sells and what covers it."""

from __future__ import annotations

from decimal import Decimal

from strikeloop import Contract, ContractId, Desk, hookimpl, plugin
from strikeloop_strategies.choosing import HOUR_NS, calls, expiries, nearest_delta


@plugin
class CoveredCall:
    """Hold a deep call as cover and sell a nearer, higher call against it, anew each time the sold one is nearly over.

    At a venue of options the cover is an option too: a call of the farthest expiry with a delta near 1, so that most is lost where
    the underlying falls below its strike, and the cover always outlives what it covers.
    underlying: whose options. size: contracts of cover, and at most as many sold. cover_delta, sell_delta: of one unit.
    roll_hours: hours to its expiry at which a sold call is bought back. look_every_s: seconds between two looks.
    """

    underlying: str = "BTC_USDT"
    size: int = 1
    cover_delta: float = 0.85
    sell_delta: float = 0.3
    roll_hours: float = 2.0
    look_every_s: float = 60.0

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.look_every_s, "look")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        if desk.working:
            return
        sold = [contract for contract, size in desk.mine.items() if size < 0]
        covered = sum((size for size in desk.mine.values() if size > 0), Decimal(0))
        if covered < self.size:
            self._cover(desk, int(self.size - covered))
        elif not sold:
            self._sell(desk)
        for contract in sold:
            self._roll(desk, contract)

    def _cover(self, desk: Desk, missing: int) -> None:
        far = expiries(desk, self.underlying)
        cover = nearest_delta(desk, calls(desk, self.underlying, far[-1]), self.cover_delta) if far else None
        if cover is not None:
            desk.buy(cover.id, size=missing, tag="cover")

    def _sell(self, desk: Desk) -> None:
        """Only what expires before the cover does, and only above it."""
        near = expiries(desk, self.underlying, min_hours=self.roll_hours)[:-1]
        held = [desk.contracts[contract] for contract, size in desk.mine.items() if size > 0]
        above = [one for one in calls(desk, self.underlying, near[0]) if _is_covered(one, held)] if near else []
        call = nearest_delta(desk, above, self.sell_delta)
        if call is not None:
            desk.sell(call.id, size=self.size, tag="write")

    def _roll(self, desk: Desk, contract: ContractId) -> None:
        if desk.contracts[contract].expiry - desk.now <= self.roll_hours * HOUR_NS:
            desk.buy(contract, size=abs(desk.mine[contract]), reduce_only=True, tag="roll")


def _is_covered(call: Contract, held: list[Contract]) -> bool:
    return any(cover.strike < call.strike and cover.expiry > call.expiry for cover in held)
