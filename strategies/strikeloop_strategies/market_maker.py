"""MarketMaker: two prices for each contract, moved against what it holds. Owns its quotes and their skew."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import attrs

from strikeloop import Contract, Desk, Order, StreamEvent, StreamLost, TickerUpdated, TimeInForce, hookimpl, plugin
from strikeloop_strategies.choosing import expiries, nearest_delta

_positive: Any = attrs.validators.gt(0)


@plugin
class MarketMaker:
    """Quote both sides of the contracts nearest the money, and lean against the inventory: the more is held, the lower both prices.

    The middle of the two prices is mark − skew · half width · held / max_position, so a full inventory of one side is offered at better
    than the mark. At max_position a side is not quoted at all. Orders are post-only, and moved by amending them.
    underlying: whose options. pairs: how many calls and puts of the nearest expiry. size: contracts a quote. half_width: of the
    mark, from the middle to either price. skew: half widths at full inventory. max_position: contracts of one contract.
    min_hours: hours to expiry below which an expiry is left alone. requote_s: seconds between two rounds.
    """

    underlying: str = "BTC_USDT"
    pairs: int = attrs.field(default=1, validator=_positive)
    size: int = attrs.field(default=1, validator=_positive)
    half_width: float = attrs.field(default=0.01, validator=_positive)
    skew: float = 2.0
    max_position: int = attrs.field(default=10, validator=_positive)
    min_hours: float = 2.0
    requote_s: float = attrs.field(default=60.0, validator=_positive)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.requote_s, "round")

    @hookimpl
    def on_stream(self, event: StreamEvent, desk: Desk) -> None:
        """Without a connection the market moves on unseen."""
        if isinstance(event, StreamLost):
            desk.cancel_all()

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        standing = {(order.contract, order.is_buy): order for order in desk.working}
        for contract in self._chosen(desk):
            ticker = desk.ticker(contract.id)
            for is_buy in (True, False):
                order = standing.pop((contract.id, is_buy), None)
                price = None if ticker is None else self._price(desk, contract, ticker, is_buy=is_buy)
                self._show(desk, contract, order, price, is_buy=is_buy)
        for order in standing.values():
            desk.cancel(order.key)

    def _chosen(self, desk: Desk) -> list[Contract]:
        later = expiries(desk, self.underlying, min_hours=self.min_hours)
        found: list[Contract] = []
        for delta in (0.5, -0.5):
            left = [one for one in desk.chain(self.underlying, later[0]) if one.is_call is (delta > 0)] if later else []
            for _ in range(self.pairs):
                nearest = nearest_delta(desk, left, delta)
                if nearest is not None:
                    left.remove(nearest)
                    found.append(nearest)
        return found

    def _price(self, desk: Desk, contract: Contract, ticker: TickerUpdated, *, is_buy: bool) -> Decimal | None:
        """Where to quote this side; None where the inventory is full, or the price would be none."""
        held = float(desk.mine.get(contract.id, 0))
        if (held if is_buy else -held) + self.size > self.max_position:
            return None
        half = max(self.half_width * ticker.mark_price, float(contract.tick))
        middle = ticker.mark_price - self.skew * half * held / self.max_position
        wanted = Decimal(repr(middle - half if is_buy else middle + half)) / contract.tick
        price = wanted.quantize(Decimal(1), ROUND_FLOOR if is_buy else ROUND_CEILING) * contract.tick
        return price if price >= contract.tick else None

    def _show(self, desk: Desk, contract: Contract, order: Order | None, price: Decimal | None, *, is_buy: bool) -> None:
        """Bring one side of one contract to what is wished for."""
        if order is None and price is not None:
            place = desk.buy if is_buy else desk.sell
            place(contract.id, self.size, price, tif=TimeInForce.POC, tag="quote")
        elif order is not None and price is None:
            desk.cancel(order.key)
        elif order is not None and price is not None and order.price != price:
            desk.amend(order.key, price=price)
