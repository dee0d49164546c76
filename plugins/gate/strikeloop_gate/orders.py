"""What Gate says of an order: its state, and what is left of it.

Owns the meaning of status, finish_as, left and tif, for both dialects and for REST. Pure. It never decides what to do about
an order. Source: options WebSocket page; REST v4 options section; options user data stream document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec import UNSET

from strikeloop import Event, MmpTriggered, OrderState, OrderUpdated, TimeInForce
from strikeloop_gate import fields
from strikeloop_gate.fields import Meaning
from strikeloop_gate.figures import ONE, ZERO, whole
from strikeloop_gate.ledger import CLIENT_PREFIX
from strikeloop_gate.sources import NOTHING, SECOND_NS, Source, nanoseconds
from strikeloop_gate.strictjson import MalformedError

_FINISHED = {
    "filled": OrderState.FILLED,
    "cancelled": OrderState.CANCELED,
    "reduce_only": OrderState.CANCELED,
    "reduce_out": OrderState.CANCELED,
    "position_closed": OrderState.CANCELED,
    "mmp_cancelled": OrderState.CANCELED,
    "auto_deleveraged": OrderState.CANCELED,
    "ioc": OrderState.EXPIRED,
    "poc": OrderState.REJECTED,
    "liquidated": OrderState.LIQUIDATED,
}
TRIGGERED = "mmp_cancelled"
_NO_REASON = ("", "_new", "_update")
_OVER = ("finished", "closed")
_SEED_OVER = ("closed", "cancelled", "finished")
"""The seed document shows one order, which is closed; its status is the only word on how an order ended."""
_SINGLE = (ONE, -ONE)
# Looking a member up in its enumeration costs as much as building a small event.
_OPEN, _FILLED, _CANCELED, _UNKNOWN = OrderState.OPEN, OrderState.FILLED, OrderState.CANCELED, OrderState.UNKNOWN
_GTC, _IOC = TimeInForce.GTC, TimeInForce.IOC
_TIFS = {tif.value: tif for tif in TimeInForce}


def told(updated: OrderUpdated) -> tuple[Event, ...]:
    """What the order tells just now: itself, and where protection withdrew it, that this was triggered."""
    if updated.finish_as != TRIGGERED:
        return (updated,)
    time, received, contract = updated.time, updated.received, updated.contract
    triggered = MmpTriggered(
        time=time, received=received, adapter=contract.adapter, port="account", underlying=underlying_of(contract.name)
    )
    return (updated, triggered)


def underlying_of(contract: str) -> str:
    """The underlying a contract's name begins with; the venue writes `{underlying}-{expiry}-{strike}-{C|P}`."""
    return contract.partition("-")[0]


def _rest(*, is_seed: bool) -> Callable[[Any, Any], None]:
    """How an order stands. The venue's texts that are no client id stay in `raw`."""

    def rest(order: Any, item: Any) -> None:
        state, order.left, order.finish_as = _standing(item, order.size, order.fill_price, is_seed)
        text, tif = item.text, _TIFS.get(item.tif)
        order.client_id = None
        if text:  # absent and null are no text either
            if text.startswith(CLIENT_PREFIX):
                order.client_id = text
            else:
                order.raw = MappingProxyType({**order.raw, "text": text})
        if tif is None:
            order.raw = MappingProxyType({**order.raw, "tif": item.tif})
            state, tif = state if state is not _OPEN else _UNKNOWN, _GTC
        order.state, order.tif = state, tif
        order.is_market = is_market = (tif is _IOC and not order.price) or item.type == "market"
        if is_market:
            order.price = None
        if state is _OPEN or state is _UNKNOWN:
            order.finished = None
        else:
            finished = item.finish_time
            order.finished = finished * SECOND_NS if type(finished) is int else _finished(finished, order.time, is_seed)

    return rest


_FIELDS = {
    "contract": fields.contract(),
    "order_id": fields.identity("id"),
    "size": fields.contracts("size"),
    "price": fields.ledger("price"),
    "fill_price": fields.ledger("fill_price"),
    "created": fields.optional(fields.seconds("create_time")),
    "reduce_only": fields.flag("is_reduce_only"),
    "reason": fields.always(""),
}
seed_order = Meaning(OrderUpdated, _FIELDS, rest=_rest(is_seed=True))
"""The seed document's order, which says when it was finished and not what is left; what a server adds to it is believed."""

order = Meaning(OrderUpdated, _FIELDS, rest=_rest(is_seed=False), told=told)
"""The venue's order."""


def order_updated(source: Source, item: Any, raw: Mapping[str, Any] = NOTHING) -> OrderUpdated:
    """The venue's order alone, of the stream or of REST, without what else it tells."""
    return order.event(source, item, item, raw)  # type: ignore[no-any-return]  # of the kind it means


def _standing(item: Any, size: Decimal, fill_price: Decimal, is_seed: bool) -> tuple[OrderState, Decimal | None, str]:
    """(state, left, finish_as). A seed order says that it is over and no more: filled when it has a fill price, else canceled.

    With a fill price, how much of it was filled is not said (left None), unless there is only one contract to fill.
    """
    status, reason, left = item.status, item.finish_as, item.left
    if not reason or reason in _NO_REASON:
        reason = ""
    if left is not UNSET:
        left = whole(left, "left")
        if left != size and left and (abs(left) > abs(size) or left * size < ZERO):
            raise MalformedError("left", f"{left} does not lie between 0 and the size {size}")
    elif not is_seed and status != "closed":
        raise MalformedError("left", "the field is missing")
    else:
        left = None
    if status not in (_SEED_OVER if is_seed else _OVER):
        return _OPEN if status == "open" else _UNKNOWN, left, reason
    if left is None:
        left = size if not fill_price or fill_price < ZERO else ZERO if size in _SINGLE else None
    if not reason:
        if left is None or not left:
            return (_FILLED, left, "filled") if left is not None or status != "cancelled" else (_CANCELED, left, "cancelled")
        return _CANCELED, left, "cancelled"
    return _FINISHED.get(reason, _UNKNOWN), left, reason


def _finished(finished: Any, time: int, is_seed: bool) -> int:
    if finished is not UNSET and finished is not None:
        return nanoseconds(finished, "finish_time")
    if is_seed:
        raise MalformedError("finish_time", "the field is missing")
    return time
