"""Which resting reduce-only orders have nothing left to reduce.

Owns that choice; withdrawing them is the account's. The position is taken up by the orders in priority: those that
would trade last, and find nothing left of it, go first.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from strikeloop_venue.markets import Market
from strikeloop_venue.order import Order

ZERO = Decimal(0)


def excess(market: Market) -> Iterator[tuple[Order, str, str]]:
    """(order, finish_as, reason) of every one: position_closed where there is no position, reduce_out behind others that reduce it all."""
    held = market.position.size
    for resting in (tuple(market.buys), tuple(market.sells)):
        room = ZERO if not resting or held * resting[0].size >= 0 else abs(held)
        is_gone = not room
        for order in resting:
            if not order.reduce_only:
                continue
            if room <= 0:
                yield (order, "position_closed", "the position is closed") if is_gone else (order, "reduce_out", "others reduce all of it")
            room -= abs(order.left)
