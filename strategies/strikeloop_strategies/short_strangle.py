"""ShortStrangle: selling volatility day by day, with delta kept in a band. Owns what it sells and how it hedges."""

from __future__ import annotations

from strikeloop import Desk, TimerFired, hookimpl, plugin
from strikeloop_strategies.choosing import calls, expiries, nearest_delta, puts, twin


@plugin
class ShortStrangle:
    """Each `every_h` hours sell a call and a put far from the money; where the account's delta strays, trade a synthetic forward.

    What time pays, the underlying's moves take: without an edge in volatility both are of one size, and the hedge only narrows the
    luck. Run it behind a margin rule. It never buys back what it sold: that expires.
    underlying: whose options. delta: of the call, and of the put with its sign turned. size: contracts of each. min_days: days that the
    expiry must be away at least. every_h: hours between two sales. band: units of the underlying that delta may stray to either side.
    hedge_h: hours between two looks at delta.
    """

    underlying: str = "BTC_USDT"
    delta: float = 0.25
    size: int = 5
    min_days: float = 5.0
    every_h: float = 24.0
    band: float = 0.1
    hedge_h: float = 4.0

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.every_h * 3600, "sell")
        desk.every(self.hedge_h * 3600, "hedge")

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if event.name == "sell":
            self._sell(desk)
        elif not desk.working:
            self._hedge(desk)

    def _sell(self, desk: Desk) -> None:
        for expiry in expiries(desk, self.underlying, min_hours=24 * self.min_days)[:1]:
            call = nearest_delta(desk, calls(desk, self.underlying, expiry), self.delta)
            put = nearest_delta(desk, puts(desk, self.underlying, expiry), -self.delta)
            for leg in (call, put):
                if leg is not None:
                    desk.sell(leg.id, size=self.size, tag="strangle")

    def _hedge(self, desk: Desk) -> None:
        """A call bought and a put sold at one strike: one unit of delta, and hardly any gamma, vega or theta."""
        delta = sum(position.exposure.delta for position in desk.positions)
        later = expiries(desk, self.underlying, min_hours=24)
        call = nearest_delta(desk, calls(desk, self.underlying, later[0]), 0.5) if later else None
        put = None if call is None else twin(desk, call)
        if abs(delta) <= self.band or call is None or put is None:
            return
        size = round(abs(delta) / float(call.multiplier))
        bought, sold = (put, call) if delta > 0 else (call, put)
        if size:
            desk.buy(bought.id, size=size, tag="hedge")
            desk.sell(sold.id, size=size, tag="hedge")
