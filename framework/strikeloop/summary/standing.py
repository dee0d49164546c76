"""How the account stands at the end, as rows of result.json: its last orders and its positions."""

from __future__ import annotations

from typing import Any

from strikeloop.encoding import plain
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio


def orders_told(orders: Orders, most: int) -> list[dict[str, Any]]:
    """The last `most` orders, oldest first."""
    return [
        {
            "time": order.created,
            "updated": order.updated,
            "instance": order.instance,
            "client_id": order.client_id,
            "contract": plain(order.contract),
            "size": plain(order.size),
            "price": plain(order.price),
            "state": order.state.value,
            "filled": plain(order.filled),
            "fill_price": plain(order.fill_price),
            "tif": order.tif.value,
            "reason": order.reason,
        }
        for order in list(orders)[-most:]
    ]


def positions_told(portfolio: Portfolio) -> list[dict[str, Any]]:
    """Every position that is not flat."""
    return [
        {
            "contract": plain(p.contract),
            "size": plain(p.size),
            "entry_price": plain(p.entry_price),
            "mark_price": p.mark_price,
            "unrealized_pnl": plain(p.unrealized_pnl),
            "delta": p.exposure.delta,
            "gamma": p.exposure.gamma,
            "vega": p.exposure.vega,
            "theta": p.exposure.theta,
        }
        for p in portfolio.positions
    ]
