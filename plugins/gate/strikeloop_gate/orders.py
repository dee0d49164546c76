"""What Gate says of an order: its state, what is left of it, and the fill that the seed document implies.

Owns the meaning of status, finish_as, left and tif, for both dialects and for REST. Pure. It never decides what to do about
an order. Source: options WebSocket page; REST v4 options section; options user data stream document.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec import UNSET

from strikeloop import Event, Filled, OrderState, OrderUpdated, TimeInForce, maker
from strikeloop_gate.figures import EXACT, ONE, WHOLE, ZERO, figure, whole
from strikeloop_gate.ledger import CLIENT_PREFIX, NOTHING, SECOND_NS, Source, contract_id, identity, moment, nanoseconds
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
_NO_REASON = ("", "_new", "_update")
_OVER = ("closed", "finished")
_SINGLE = (ONE, -ONE)
# Looking a member up in its enumeration costs as much as building a small event.
_OPEN, _FILLED, _CANCELED, _UNKNOWN = OrderState.OPEN, OrderState.FILLED, OrderState.CANCELED, OrderState.UNKNOWN
_GTC, _IOC = TimeInForce.GTC, TimeInForce.IOC
_order_updated, _filled = maker(OrderUpdated), maker(Filled)


def order(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """The order, and where its status is the seed document's `closed`, the fill that this implies, marked synthetic."""
    return _told(source, item, order_updated(source, item, raw))


def seed_order(source: Source, item: Any, twin: Any, raw: Mapping[str, Any] = NOTHING) -> tuple[Event, ...]:
    """The same of the seed document's order, which says when it was finished; what a server adds to it is believed."""
    tif, finished = _TIFS.get(item.tif), item.finish_time
    is_plain = item.left is UNSET and item.text is UNSET and item.finish_as is UNSET and item.is_reduce_only is UNSET
    if not is_plain or tif is None or item.status != "closed" or finished is UNSET or finished is None or item.time_ms is not UNSET:
        return _told(source, item, order_updated(source, item, raw, is_seed=True))
    size, fill_price = WHOLE[item.size], EXACT[item.fill_price]
    is_traded, is_market = fill_price > ZERO, item.type == "market"
    price = EXACT[item.price]
    updated = _order_updated(
        source.time if item.time is UNSET else moment(source, item),
        source.received,
        source.origin,
        raw,
        contract_id(source.adapter, item.contract),
        _FILLED if is_traded else _CANCELED,
        size,
        identity(item.id, "id"),
        client_id=None,
        left=size if not is_traded else ZERO if size in _SINGLE else None,
        price=None if is_market or (tif is _IOC and not price) else price,
        fill_price=fill_price,
        tif=tif,
        is_market=is_market or (tif is _IOC and not price),
        reduce_only=False,
        created=item.create_time * SECOND_NS,
        finished=finished * SECOND_NS,
        finish_as="filled" if is_traded and size else "cancelled" if size else "filled",
        reason="",
    )
    return (updated, _implied(source, updated, size)) if is_traded and size else (updated,)


def _told(source: Source, item: Any, updated: OrderUpdated) -> tuple[Event, ...]:
    filled = updated.filled if item.status == "closed" and updated.fill_price > ZERO else ZERO
    return (updated, _implied(source, updated, filled)) if filled else (updated,)


def _implied(source: Source, order: OrderUpdated, filled: Decimal) -> Filled:
    order_id = order.order_id or ""
    return _filled(
        order.finished or order.time,
        source.received,
        source.origin,
        NOTHING,
        order.contract,
        "order:" + order_id,
        order_id,
        filled,
        order.fill_price,
        order.client_id,
        fee=None,
        is_maker=None,
        synthetic=True,
    )


def order_updated(source: Source, item: Any, raw: Mapping[str, Any] = NOTHING, *, is_seed: bool = False) -> OrderUpdated:
    """One order of any dialect or of REST. The venue's texts that are no client id stay in `raw`."""
    time = moment(source, item)
    size = whole(item.size, "size")
    price, fill_price = figure(item.price, "price"), figure(item.fill_price, "fill_price")
    state, left, finish_as = _standing(item, size, fill_price, is_seed=is_seed)
    text = item.text or ""  # absent and null are no text either
    tif = _TIFS.get(item.tif)
    is_ours = text.startswith(CLIENT_PREFIX)
    if tif is None:
        raw = MappingProxyType({**raw, "tif": item.tif})
        state = state if state is not _OPEN else _UNKNOWN
    if text and not is_ours:
        raw = MappingProxyType({**raw, "text": text})
    is_market = getattr(item, "type", UNSET) == "market" or (not price and tif is _IOC)
    return _order_updated(  # positions first: places and twice the keywords above 30 would cost as much as all the rest
        time,
        source.received,
        source.origin,
        raw,
        contract_id(source.adapter, item.contract),
        state,
        size,
        identity(item.id, "id"),
        client_id=text if is_ours else None,
        left=left,
        price=None if is_market else price,
        fill_price=fill_price,
        tif=tif or _GTC,
        is_market=is_market,
        reduce_only=item.is_reduce_only is True,
        created=nanoseconds(item.create_time, "create_time") if item.create_time is not UNSET else None,
        finished=None if state is _OPEN or state is _UNKNOWN else _finished(item, time, is_seed=is_seed),
        finish_as=finish_as,
        reason="",
    )


_TIFS = {tif.value: tif for tif in TimeInForce}


def _standing(item: Any, size: Decimal, fill_price: Decimal, *, is_seed: bool) -> tuple[OrderState, Decimal | None, str]:
    """(state, left, finish_as). A seed order says `closed` and no more: filled when it has a fill price, else canceled.

    With a fill price, how much of it was filled is not said (left None), unless there is only one contract to fill.
    """
    status, reason, left = item.status, item.finish_as, None
    if reason is UNSET or reason is None or reason in _NO_REASON:
        reason = ""
    if item.left is not UNSET:
        left = whole(item.left, "left")
        if left != size and left and (abs(left) > abs(size) or left * size < ZERO):
            raise MalformedError("left", f"{left} does not lie between 0 and the size {size}")
    elif not is_seed and status != "closed":
        raise MalformedError("left", "the field is missing")
    if status not in _OVER:
        return _OPEN if status == "open" else _UNKNOWN, left, reason
    is_traded = fill_price > ZERO
    if left is None and (not is_traded or size in _SINGLE):
        left = ZERO if is_traded else size
    reason = reason or ("cancelled" if left else "filled")
    return _FINISHED.get(reason, _UNKNOWN), left, reason


def _finished(item: Any, time: int, *, is_seed: bool) -> int:
    if item.finish_time is not UNSET and item.finish_time is not None:
        return nanoseconds(item.finish_time, "finish_time")
    if is_seed:
        raise MalformedError("finish_time", "the field is missing")
    return time
