"""The signed half of REST: account, positions, orders, history.

Owns the handlers of Gate's private options endpoints and their routing rows. Signatures are judged before it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from strikeloop import CancelOrder, Contract, PositionUpdated
from strikeloop_venue.served import bodies, orders
from strikeloop_venue.served.account import OrderRow
from strikeloop_venue.served.rest import Request, RestError, Route, page, underlying_of
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.spelling import MILLI_NS, SECOND_NS

ORDERS_LIMIT = 10


def _detail(venue: RunningVenue, request: Request) -> Any:
    return {
        "user_id": request.user_id,
        "ip_whitelist": [],
        "currency_pairs": [],
        "key": {"mode": 1},
        "tier": 0,
        "tier_expire_time": "0001-01-01T00:00:00Z",
        "copy_trading_role": 0,
    }


def _account(venue: RunningVenue, request: Request) -> Any:
    balances = venue.snapshot().balances
    if not balances:
        raise RestError(400, "USER_NOT_FOUND", "please transfer funds first to make options account")
    return bodies.account_body(balances[0], venue.account, request.user_id, ORDERS_LIMIT)


def _position_row(venue: RunningVenue, request: Request, event: PositionUpdated) -> Any:
    name = event.contract.name
    contract = venue.market.specification(name)
    underlying = contract.underlying if contract else ""
    return bodies.position_body(event, venue.market.contracts.get(name), underlying, venue.account, request.user_id)


def _positions(venue: RunningVenue, request: Request) -> Any:
    held = [event for event in venue.snapshot().positions if event.size and _matches(venue, request, event.contract.name)]
    return [_position_row(venue, request, event) for event in held]


def _position(venue: RunningVenue, request: Request) -> Any:
    contract = _known(venue, request.args[0])
    held = [event for event in venue.snapshot().positions if event.contract == contract.id]
    return _position_row(venue, request, held[0] if held else _flat(venue, contract))


def _flat(venue: RunningVenue, contract: Contract) -> PositionUpdated:
    """The row the venue shows for a contract without a position."""
    board = venue.market.contracts.get(contract.id.name)
    ticker = board.ticker if board else None
    return PositionUpdated(
        time=venue.now,
        received=venue.now,
        contract=contract.id,
        size=Decimal(0),
        entry_price=Decimal(0),
        realized_pnl=Decimal(0),
        mark_price=ticker.mark_price if ticker else None,
        delta=ticker.delta if ticker else None,
        gamma=ticker.gamma if ticker else None,
        vega=ticker.vega if ticker else None,
        theta=ticker.theta if ticker else None,
    )


def _known(venue: RunningVenue, name: str) -> Contract:
    contract = venue.market.specification(name)
    if contract is None:
        raise RestError(400, "CONTRACT_NOT_FOUND", f"contract {name} not found")
    return contract


def _matches(venue: RunningVenue, request: Request, name: str) -> bool:
    """Whether a row of this contract passes the `contract` and `underlying` filters."""
    contract = venue.market.specification(name)
    if request.query.get("contract") not in (None, "", name):
        return False
    return request.query.get("underlying") in (None, "", contract.underlying if contract else "")


def _order_body(venue: RunningVenue, request: Request, row: OrderRow) -> Any:
    return bodies.order_body(row, venue.market.specification(row.event.contract.name), request.user_id)


async def _submit(venue: RunningVenue, request: Request) -> Any:
    body = request.json()
    command = orders.submit_order(venue, body)
    if body.get("close") is True:
        venue.account.closing.add(command.client_id)
    return _order_body(venue, request, await orders.submit(venue, command))


def _list_orders(venue: RunningVenue, request: Request) -> Any:
    status = request.required("status")
    if status not in ("open", "finished"):
        raise orders.invalid("status must be open or finished")
    rows = venue.account.open.values() if status == "open" else [row for row in venue.account.orders.values() if not row.is_open]
    wanted = [row for row in rows if _matches(venue, request, row.event.contract.name)]
    return [_order_body(venue, request, row) for row in page(wanted, request, lambda row: row.event.created or row.event.time)]


def _order(venue: RunningVenue, request: Request) -> Any:
    return _order_body(venue, request, orders.find(venue, request.args[0]))


async def _amend(venue: RunningVenue, request: Request) -> Any:
    row = orders.find_open(venue, request.args[0])
    return _order_body(venue, request, await orders.amend(venue, row, request.json()))


async def _cancel(venue: RunningVenue, request: Request) -> Any:
    return _order_body(venue, request, await orders.cancel(venue, orders.find_open(venue, request.args[0])))


async def _cancel_all(venue: RunningVenue, request: Request) -> Any:
    side = request.query.get("side", "")
    if side not in ("", "ask", "bid"):
        raise orders.invalid("side must be ask or bid")
    rows = [row for row in list(venue.account.open.values()) if _matches(venue, request, row.event.contract.name)]
    wanted = [row for row in rows if side in ("", "bid" if row.event.size > 0 else "ask")]
    canceled = [row for row in wanted if await _is_canceled(venue, row)]
    return [_order_body(venue, request, row) for row in canceled]


async def _is_canceled(venue: RunningVenue, row: OrderRow) -> bool:
    """Cancel one of many: an order that was filled first is none of the canceled ones."""
    try:
        await orders.cancel(venue, row)
    except RestError:
        return False
    return True


def _my_trades(venue: RunningVenue, request: Request) -> Any:
    rows = [row for row in venue.account.fills if _matches(venue, request, row.event.contract.name)]
    return [bodies.my_trade_body(row) for row in page(rows, request, lambda row: row.event.time)]


def _account_book(venue: RunningVenue, request: Request) -> Any:
    kind = request.query.get("type", "")
    rows = [event for event in venue.account.ledger if kind in ("", event.kind)]
    return [bodies.ledger_body(event) for event in page(rows, request, lambda event: event.time)]


def _position_close(venue: RunningVenue, request: Request) -> Any:
    rows = [event for event in venue.account.closes if _matches(venue, request, event.contract.name)]
    return [bodies.close_body(event) for event in page(rows, request, lambda event: event.time)]


def _my_settlements(venue: RunningVenue, request: Request) -> Any:
    rows = [event for event in venue.account.settlements if _matches(venue, request, event.contract.name)]
    wanted = page(rows, request, lambda event: event.time)
    return [bodies.my_settlement_body(event, venue.market.specification(event.contract.name)) for event in wanted]


def _countdown(venue: RunningVenue, request: Request) -> Any:
    """Arm, move or (timeout 0) disarm the timer that cancels every order of a scope."""
    body = request.json()
    timeout = body.get("timeout")
    if isinstance(timeout, bool) or not isinstance(timeout, int) or 0 < timeout < 5 or timeout < 0:
        raise orders.invalid("timeout must be 0 or at least 5 seconds")
    scope = (str(body.get("underlying") or ""), str(body.get("contract") or ""))
    name = f"countdown {scope[0]} {scope[1]}"
    venue.timers.pop(name, None)
    if not timeout:
        return {"triggerTime": "0"}
    due = venue.now + timeout * SECOND_NS
    venue.timers[name] = (due, partial(_cancel_scope, venue, *scope))
    return {"triggerTime": str(due // MILLI_NS)}


def _cancel_scope(venue: RunningVenue, underlying: str, contract: str) -> None:
    for row in list(venue.account.open.values()):
        found = venue.market.specification(row.event.contract.name)
        if contract in ("", row.event.contract.name) and underlying in ("", found.underlying if found else ""):
            venue.machine.accept(CancelOrder(client_id=row.event.client_id or "", contract=row.event.contract), venue.now)


_MMP_FIELDS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("window", int),
    ("frozen_period", int),
    ("qty_limit", str),
    ("delta_limit", str),
)


def _list_mmp(venue: RunningVenue, request: Request) -> Any:
    wanted = request.query.get("underlying", "")
    return [row for name, row in sorted(venue.protections.items()) if wanted in ("", name)]


def _set_mmp(venue: RunningVenue, request: Request) -> Any:
    """Keep the limits; freezing on them is not simulated."""
    body = request.json()
    name = underlying_of(venue, str(body.get("underlying") or "")).name
    try:
        limits = {field: convert(body[field]) for field, convert in _MMP_FIELDS}
    except KeyError as error:
        raise RestError(400, "MISSING_REQUIRED_PARAM", f"missing {error.args[0]}") from None
    except (TypeError, ValueError):
        raise orders.invalid("window and frozen_period must be milliseconds") from None
    venue.protections[name] = {"underlying": name, **limits, "trigger_time_ms": 0, "frozen_until_ms": 0}
    return venue.protections[name]


def _reset_mmp(venue: RunningVenue, request: Request) -> Any:
    name = underlying_of(venue, str(request.json().get("underlying") or "")).name
    if name not in venue.protections:
        raise RestError(400, "INVALID_PARAM_VALUE", f"no market maker protection is set for {name}")
    return venue.protections[name]


ACCOUNT_ROUTES = (
    Route("GET", "/account/detail", _detail, signed=True),
    Route("GET", "/options/accounts", _account, signed=True),
    Route("GET", "/options/positions", _positions, signed=True),
    Route("GET", "/options/positions/*", _position, signed=True),
    Route("POST", "/options/orders", _submit, signed=True, window_s=1.0, status=201),
    Route("GET", "/options/orders", _list_orders, signed=True),
    Route("DELETE", "/options/orders", _cancel_all, signed=True, window_s=1.0),
    Route("GET", "/options/orders/*", _order, signed=True),
    Route("PUT", "/options/orders/*", _amend, signed=True, window_s=1.0),
    Route("DELETE", "/options/orders/*", _cancel, signed=True, window_s=1.0),
    Route("GET", "/options/my_trades", _my_trades, signed=True),
    Route("GET", "/options/account_book", _account_book, signed=True),
    Route("GET", "/options/position_close", _position_close, signed=True),
    Route("GET", "/options/my_settlements", _my_settlements, signed=True),
    Route("POST", "/options/countdown_cancel_all", _countdown, signed=True),
    Route("GET", "/options/mmp", _list_mmp, signed=True),
    Route("POST", "/options/mmp", _set_mmp, signed=True),
    Route("POST", "/options/mmp/reset", _reset_mmp, signed=True),
)
