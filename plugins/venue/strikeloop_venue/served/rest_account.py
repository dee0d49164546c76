"""The signed half of REST: account, positions, orders, history.

Owns the handlers of Gate's private options endpoints and their routing rows. Signatures are judged before it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Protocol

import anyio

from strikeloop import Contract, ContractId, PositionUpdated
from strikeloop.adapter import Mmp
from strikeloop_venue.agenda import Scope
from strikeloop_venue.served import bodies, orders
from strikeloop_venue.served.account import OrderRow
from strikeloop_venue.served.member import Member
from strikeloop_venue.served.rest import Request, RestError, Route, page, underlying_of
from strikeloop_venue.served.spelling import MILLI_NS, SECOND_NS

ORDERS_LIMIT = 10
_LONGEST_COUNTDOWN_S, _LONGEST_WINDOW_MS, _LONGEST_FREEZE_MS = 1_000_000, 5_000, 86_400_000


class _OfContract(Protocol):
    """An event about one contract."""

    @property
    def contract(self) -> ContractId: ...


def _detail(member: Member, request: Request) -> Any:
    return {
        "user_id": member.user_id,
        "ip_whitelist": [],
        "currency_pairs": [],
        "key": {"mode": 1},
        "tier": 0,
        "tier_expire_time": "0001-01-01T00:00:00Z",
        "copy_trading_role": 0,
    }


def _account(member: Member, request: Request) -> Any:
    balance = member.balance()
    if not balance.total and not member.book.ledger:
        raise RestError(400, "USER_NOT_FOUND", "please transfer funds first to make options account")
    return bodies.account_body(balance, member.book, member.user_id, ORDERS_LIMIT)


def _position_row(member: Member, request: Request, event: PositionUpdated) -> Any:
    name = event.contract.name
    contract = member.market.specification(name)
    underlying = contract.underlying if contract else ""
    return bodies.position_body(event, member.market.contracts.get(name), underlying, member.book, member.user_id)


def _positions(member: Member, request: Request) -> Any:
    fits = _filter(member, request)
    held = [event for event in member.positions() if event.size and fits(event)]
    return [_position_row(member, request, event) for event in held]


def _position(member: Member, request: Request) -> Any:
    contract = _known(member, request.args[0])
    held = [event for event in member.positions() if event.contract == contract.id]
    return _position_row(member, request, held[0] if held else _flat(member, contract))


def _flat(member: Member, contract: Contract) -> PositionUpdated:
    """The row the venue shows for a contract without a position."""
    board = member.market.contracts.get(contract.id.name)
    ticker = board.ticker if board else None
    return PositionUpdated(
        time=member.now,
        received=member.now,
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


def _known(member: Member, name: str) -> Contract:
    contract = member.market.specification(name)
    if contract is None:
        raise RestError(400, "CONTRACT_NOT_FOUND", f"contract {name} not found")
    return contract


def _filter(member: Member, request: Request) -> Callable[[_OfContract], bool]:
    """Whether something is of the `contract` and the `underlying` that are asked for. Raises RestError where there are none such."""
    contract, underlying = request.query.get("contract", ""), request.query.get("underlying", "")
    if contract:
        _known(member, contract)
    if underlying:
        underlying_of(member.market, underlying)

    def fits(event: _OfContract) -> bool:
        if contract not in ("", event.contract.name):
            return False
        found = member.market.specification(event.contract.name)
        return underlying in ("", found.underlying if found else "")

    return fits


def _order_body(member: Member, request: Request, row: OrderRow) -> Any:
    return bodies.order_body(row, member.market.specification(row.event.contract.name), member.user_id)


async def _submit(member: Member, request: Request) -> Any:
    command, asked = orders.submit_order(member, request.json())
    member.book.asked[command.client_id] = asked
    try:
        return _order_body(member, request, await orders.submit(member, command))
    finally:
        member.book.asked.pop(command.client_id, None)


def _list_orders(member: Member, request: Request) -> Any:
    status = request.required("status")
    if status not in ("open", "finished"):
        raise orders.invalid("status must be open or finished")
    fits, rows = _filter(member, request), member.book.open if status == "open" else member.book.orders
    wanted = (row for row in reversed(rows.values()) if row.is_open is (status == "open") and fits(row.event))
    return [_order_body(member, request, row) for row in page(wanted, request, lambda row: row.event.created or row.event.time)]


def _order(member: Member, request: Request) -> Any:
    return _order_body(member, request, orders.find(member, request.args[0]))


async def _amend(member: Member, request: Request) -> Any:
    body = request.json()
    row = orders.find_open(member, request.args[0], body.get("contract"))
    return _order_body(member, request, await orders.amend(member, row, body))


async def _cancel(member: Member, request: Request) -> Any:
    row = orders.find_open(member, request.args[0], request.query.get("contract"))
    return _order_body(member, request, await orders.cancel(member, row))


async def _cancel_all(member: Member, request: Request) -> Any:
    side = request.query.get("side", "")
    if side not in ("", "ask", "bid"):
        raise orders.invalid("side must be ask or bid")
    fits = _filter(member, request)
    wanted = [row for row in member.book.open.values() if fits(row.event) and side in ("", "bid" if row.event.size > 0 else "ask")]
    canceled: list[OrderRow] = []
    async with anyio.create_task_group() as tasks:
        for row in wanted:
            tasks.start_soon(_cancel_one, member, row, canceled)
    return [_order_body(member, request, row) for row in wanted if row in canceled]


async def _cancel_one(member: Member, row: OrderRow, canceled: list[OrderRow]) -> None:
    """Cancel one of many: an order that was filled first is none of the canceled ones."""
    with suppress(RestError):
        await orders.cancel(member, row)
        canceled.append(row)


def _my_trades(member: Member, request: Request) -> Any:
    fits = _filter(member, request)
    rows = (row for row in reversed(member.book.fills) if fits(row.event))
    return [bodies.my_trade_body(row) for row in page(rows, request, lambda row: row.event.time)]


_LEDGER_TYPES = ("", "dnw", "prem", "fee", "refr", "set", "point_dnw", "point_fee", "point_refr")


def _account_book(member: Member, request: Request) -> Any:
    kind = request.query.get("type", "")
    if kind not in _LEDGER_TYPES:
        raise orders.invalid(f"type must be one of {', '.join(_LEDGER_TYPES[1:])}")
    rows = (event for event in reversed(member.book.ledger) if kind in ("", event.kind))
    return [bodies.ledger_body(event) for event in page(rows, request, lambda event: event.time)]


def _position_close(member: Member, request: Request) -> Any:
    request.required("underlying")
    rows = filter(_filter(member, request), reversed(member.book.closes))
    return [bodies.close_body(event) for event in page(rows, request, lambda event: event.time)]


def _my_settlements(member: Member, request: Request) -> Any:
    request.required("underlying")
    rows = filter(_filter(member, request), reversed(member.book.settlements))
    wanted = page(rows, request, lambda event: event.time)
    return [bodies.my_settlement_body(event, member.market.specification(event.contract.name)) for event in wanted]


def _countdown(member: Member, request: Request) -> Any:
    """Arm, move or (timeout 0) disarm the timer that cancels every order of a scope."""
    body = request.json()
    timeout = _whole(body, "timeout", _LONGEST_COUNTDOWN_S)
    if 0 < timeout < 5:
        raise orders.invalid("timeout must be 0 or at least 5 seconds")
    underlying, contract = _name(body, "underlying"), _name(body, "contract")
    if underlying:
        underlying_of(member.market, underlying)
    scope = Scope(underlying, _known(member, contract).id if contract else None)
    due = member.count_down(timeout * SECOND_NS, scope)
    return {"triggerTime": str((due or 0) // MILLI_NS)}


def _name(body: Mapping[str, Any], field: str) -> str:
    """An optional name in a body. Raises RestError."""
    name = body.get(field)
    if name is not None and not isinstance(name, str):
        raise orders.invalid(f"{field} must be a string")
    return name or ""


def _whole(body: Mapping[str, Any], field: str, most: int) -> int:
    """A whole number in a body. Raises RestError."""
    if body.get(field) is None:
        raise RestError(400, "MISSING_REQUIRED_PARAM", f"missing {field}")
    value = orders.decimal_of(body[field], field)
    if value != value.to_integral_value() or not 0 <= value <= most:
        raise orders.invalid(f"{field} must be a whole number from 0 to {most}")
    return int(value)


def _amount(body: Mapping[str, Any], field: str) -> Decimal:
    if body.get(field) is None:
        raise RestError(400, "MISSING_REQUIRED_PARAM", f"missing {field}")
    value = orders.decimal_of(body[field], field)
    if value < 0:
        raise orders.invalid(f"{field} must not be negative")
    return value


def _list_mmp(member: Member, request: Request) -> Any:
    wanted = request.query.get("underlying", "")
    names = [underlying_of(member.market, wanted).name] if wanted else list(member.market.underlyings)
    rows = [(name, member.machine.mmp(name)) for name in names]
    return [bodies.mmp_body(row, member.frozen_at.get(name, 0)) for name, row in rows if row is not None]


def _set_mmp(member: Member, request: Request) -> Any:
    body = request.json()
    limits = Mmp(
        underlying=underlying_of(member.market, _name(body, "underlying")).name,
        window_ms=_whole(body, "window", _LONGEST_WINDOW_MS),
        frozen_ms=_whole(body, "frozen_period", _LONGEST_FREEZE_MS),
        qty_limit=_amount(body, "qty_limit"),
        delta_limit=_amount(body, "delta_limit"),
    )
    return bodies.mmp_body(member.machine.set_mmp(limits), member.frozen_at.get(limits.underlying, 0))


def _reset_mmp(member: Member, request: Request) -> Any:
    name = underlying_of(member.market, _name(request.json(), "underlying")).name
    row = member.machine.reset_mmp(name)
    if row is None:
        raise RestError(400, "INVALID_PARAM_VALUE", f"no market maker protection is set for {name}")
    return bodies.mmp_body(row, member.frozen_at.get(name, 0))


ACCOUNT_ROUTES = (
    Route("GET", "/account/detail", _detail, signed=True, group="private"),
    Route("GET", "/options/accounts", _account, signed=True, group="private"),
    Route("GET", "/options/positions", _positions, signed=True, group="private"),
    Route("GET", "/options/positions/*", _position, signed=True, group="private"),
    Route("POST", "/options/orders", _submit, signed=True, group="orders", status=201),
    Route("GET", "/options/orders", _list_orders, signed=True, group="private"),
    Route("DELETE", "/options/orders", _cancel_all, signed=True, group="cancels"),
    Route("GET", "/options/orders/*", _order, signed=True, group="private"),
    Route("PUT", "/options/orders/*", _amend, signed=True, group="orders"),
    Route("DELETE", "/options/orders/*", _cancel, signed=True, group="cancels"),
    Route("GET", "/options/my_trades", _my_trades, signed=True, group="private"),
    Route("GET", "/options/account_book", _account_book, signed=True, group="private"),
    Route("GET", "/options/position_close", _position_close, signed=True, group="private"),
    Route("GET", "/options/my_settlements", _my_settlements, signed=True, group="private"),
    Route("POST", "/options/countdown_cancel_all", _countdown, signed=True, group="private"),
    Route("GET", "/options/mmp", _list_mmp, signed=True, group="private"),
    Route("POST", "/options/mmp", _set_mmp, signed=True, group="private"),
    Route("POST", "/options/mmp/reset", _reset_mmp, signed=True, group="private"),
)
