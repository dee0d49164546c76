"""A naive seller of strangles: an account that needs rules.

Owns `Strangle`. It sells both sides of the nearest expiry until its size is reached, never hedges and never closes: what a
beginner does, and what rules and monitors must survive.
"""

from __future__ import annotations

from strikeloop import Contract, ContractId, Desk, TimerFired, hookimpl, plugin

HOUR_NS = 3_600_000_000_000


@plugin
class Strangle:
    """Sell the call above and the put below the market at the nearest delta to `delta`, `step` contracts every `every_s` seconds.

    size: contracts held short on each side at most. least_h: hours that the expiry must be away.
    """

    delta: float = 0.25
    size: int = 1_000
    step: int = 50
    every_s: float = 900.0
    least_h: float = 4.0
    underlying: str = "BTC_USDT"

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.every_s, "sell")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        desk.cancel_all()
        for is_call in (True, False):
            contract = self._nearest(desk, is_call=is_call)
            short = -sum(float(size) for held, size in desk.mine.items() if _is_call(desk, held) is is_call)
            if contract is not None and short + self.step <= self.size:
                quote = desk.quote(contract.id)
                if quote is not None and quote.bid:
                    desk.sell(contract.id, self.step, quote.bid)

    def _nearest(self, desk: Desk, *, is_call: bool) -> Contract | None:
        """The contract of the nearest expiry whose delta lies nearest to ours."""
        later = [one for one in desk.chain(self.underlying) if one.expiry >= desk.now + self.least_h * HOUR_NS]
        chain = [one for one in later if one.expiry == later[0].expiry and one.is_call is is_call]
        known = [(abs(abs(greeks.delta) - self.delta), one) for one in chain if (greeks := desk.greeks(one.id)) is not None]
        return min(known, key=lambda pair: (pair[0], pair[1].id), default=(0.0, None))[1]


def _is_call(desk: Desk, contract: ContractId) -> bool | None:
    known = desk.contracts.get(contract)
    return None if known is None else known.is_call
