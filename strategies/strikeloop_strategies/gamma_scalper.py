"""GammaScalper: a straddle kept neutral, which earns what the underlying moves and pays for the time that passes.

Owns the straddle's choice and its hedge.
"""

from __future__ import annotations

from decimal import Decimal

from strikeloop import Contract, ContractId, Desk, hookimpl, plugin
from strikeloop_strategies.choosing import HOUR_NS, calls, expiries, nearest_delta, twin


@plugin
class GammaScalper:
    """Hold `size` calls and as many puts at the money, and bring delta back to zero whenever it is outside the band.

    The hedge is a synthetic forward of the straddle's own strike: a call bought for each put sold changes delta by one unit and leaves
    gamma, vega and theta as they were, so that calls and puts together always number twice `size`.
    underlying: whose options. size: contracts of each. band: contracts' worth of delta that are left alone.
    min_hours: hours to expiry below which the straddle is closed and another opened. look_every_s: seconds between two looks.
    """

    underlying: str = "BTC_USDT"
    size: int = 20
    band: float = 2.0
    min_hours: float = 6.0
    look_every_s: float = 60.0

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.look_every_s, "look")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        if desk.working:
            return
        legs = [desk.contracts[contract] for contract, size in desk.mine.items() if size]
        if not legs:
            self._open(desk)
        elif min(leg.expiry for leg in legs) - desk.now < self.min_hours * HOUR_NS:
            for leg in legs:
                desk.close(leg.id, size=abs(desk.mine[leg.id]), tag="roll")
        else:
            self._hedge(desk, legs[0])

    def _open(self, desk: Desk) -> None:
        later = expiries(desk, self.underlying, min_hours=self.min_hours + 24)
        call = nearest_delta(desk, calls(desk, self.underlying, later[0]), 0.5) if later else None
        put = None if call is None else twin(desk, call)
        if call is not None and put is not None:
            for leg in (call, put):
                desk.buy(leg.id, size=self.size, tag="open")

    def _hedge(self, desk: Desk, leg: Contract) -> None:
        other = twin(desk, leg)
        if other is None:
            return
        call, put = (leg, other) if leg.is_call else (other, leg)
        delta = sum(_delta(desk, one.id) for one in (call, put))
        shift = -round(delta) if abs(delta) > self.band else 0
        if shift > 0:
            desk.buy(call.id, size=shift, tag="hedge")
            desk.sell(put.id, size=shift, tag="hedge")
        elif shift < 0:
            desk.sell(call.id, size=-shift, tag="hedge")
            desk.buy(put.id, size=-shift, tag="hedge")


def _delta(desk: Desk, contract: ContractId) -> float:
    """What we hold of a contract, in contracts' worth of delta."""
    greeks = desk.greeks(contract)
    return 0.0 if greeks is None else float(desk.mine.get(contract, Decimal(0))) * greeks.delta
