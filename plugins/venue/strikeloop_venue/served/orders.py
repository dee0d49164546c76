"""REST bodies as commands, and the venue's answers as bodies or errors.

Owns the checks the venue makes before an order reaches matching (fields, text, tif), and the labels of refusals.
Whether an order may trade is the venue's own to decide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from strikeloop import AmendOrder, CancelOrder, Command, Contract, OrderState, OrderUpdated, SubmitOrder, TimeInForce
from strikeloop_venue.served.account import Asked, OrderRow
from strikeloop_venue.served.member import Member
from strikeloop_venue.served.rest import RestError

_TEXT = re.compile(r"t-[0-9A-Za-z_.-]{1,28}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_LONGEST, _WHOLE_DIGITS, _PLACES = 40, 15, 18
_STATUS = {"ORDER_NOT_FOUND": 404, "TOO_BUSY": 503}
"""Labels whose HTTP status is not 400; the venue documents none of them."""
_LABELED = re.compile(r"([A-Z]+(?:_[A-Z]+)+): *(.*)")


def invalid(message: str) -> RestError:
    return RestError(400, "INVALID_PARAM_VALUE", message)


def refusal(reason: str) -> RestError:
    """The venue's refusal as an error; its reasons begin with Gate's label."""
    found = _LABELED.fullmatch(reason)
    label, message = found.groups() if found else ("BAD_REQUEST", reason or "the request was refused")
    return RestError(_STATUS.get(label, 400), label, message)


def submit_order(member: Member, body: Mapping[str, Any]) -> tuple[SubmitOrder, Asked]:
    """The command of a POST /options/orders, and what of it no event will say. Raises RestError."""
    contract = _contract(member, body)
    close, reduce_only, mmp = (_flag(body, name) for name in ("close", "reduce_only", "mmp"))
    size = _position_to_close(member, contract, body) if close else _size(body)
    price = decimal_of(body.get("price", "0"), "price")
    tif = _tif(body.get("tif", "gtc"), close)
    if price < 0 or (not price and tif is not TimeInForce.IOC):
        raise invalid("a limit order needs a price above 0; a market order is price 0 with tif ioc")
    iceberg = _iceberg(body, size)
    command = SubmitOrder(
        client_id=_text(member, body),
        contract=contract.id,
        size=size,
        price=price or None,
        tif=tif,
        reduce_only=close or reduce_only,
        iceberg=iceberg,
        mmp=mmp,
    )
    return command, Asked(close, int(iceberg), mmp)


def amend_order(row: OrderRow, body: Mapping[str, Any]) -> AmendOrder:
    """The command of a PUT /options/orders/{id}. Raises RestError."""
    price = body.get("price")
    if price is None and body.get("size") is None:
        raise RestError(400, "MISSING_REQUIRED_PARAM", "price or size is required")
    return AmendOrder(
        client_id=row.event.client_id or "",
        contract=row.event.contract,
        price=None if price is None else decimal_of(price, "price"),
        size=None if body.get("size") is None else _size(body),
    )


def find_open(member: Member, order_id: str, contract: Any = None) -> OrderRow:
    """An order, of this contract where one is named, that can still be changed. Raises RestError."""
    row = find(member, order_id)
    if contract not in (None, "", row.event.contract.name):
        raise RestError(404, "ORDER_NOT_FOUND", f"order {order_id} is not of contract {contract}")
    if not row.is_open:
        raise RestError(400, "ORDER_FINISHED", f"order {order_id} has finished")
    return row


def find(member: Member, order_id: str) -> OrderRow:
    row = member.book.find(order_id)
    if row is None:
        raise RestError(404, "ORDER_NOT_FOUND", f"order {order_id} not found")
    return row


async def submit(member: Member, command: SubmitOrder) -> OrderRow:
    """Place an order and wait for what the venue says. Raises RestError when it refuses, or says nothing."""
    event = await _answer(member, command, lambda event: True)
    if event.state is OrderState.REJECTED:
        raise refusal(event.reason)
    # By now the order may have gone on, for instance from open to filled: answer with its latest state.
    return find(member, event.order_id or "")


async def cancel(member: Member, row: OrderRow) -> OrderRow:
    """Cancel an order and wait until it has ended. Raises RestError when it ended in another way first."""
    command = CancelOrder(client_id=row.event.client_id or "", contract=row.event.contract)
    event = await _answer(member, command, lambda event: event.state.is_terminal or bool(event.reason))
    if event.reason:
        raise refusal(event.reason)
    if event.state is not OrderState.CANCELED:
        raise RestError(400, "ORDER_FINISHED", f"order {event.order_id} was {event.state.value} first")
    return row


async def amend(member: Member, row: OrderRow, body: Mapping[str, Any]) -> OrderRow:
    """Amend an order and wait until it is so. Raises RestError when the venue refuses."""
    command = amend_order(row, body)
    event = await _answer(member, command, lambda event: bool(event.reason) or event.state.is_terminal or _is_amended(event, command))
    if event.reason:
        raise refusal(event.reason)
    return row


def _is_amended(event: OrderUpdated, command: AmendOrder) -> bool:
    return command.price in (None, event.price) and command.size in (None, event.size)


async def _answer(member: Member, command: Command, settles: Callable[[OrderUpdated], bool]) -> OrderUpdated:
    event = await member.ask(command, settles)
    if event is None:
        raise RestError(500, "SERVER_ERROR", "the venue did not answer in time")
    return event


def _contract(member: Member, body: Mapping[str, Any]) -> Contract:
    name = body.get("contract")
    if not isinstance(name, str) or not name:
        raise RestError(400, "MISSING_REQUIRED_PARAM", "missing contract")
    board = member.market.contracts.get(name)
    if board is None:
        raise RestError(400, "CONTRACT_NOT_FOUND", f"contract {name} not found")
    return board.contract


def _size(body: Mapping[str, Any]) -> Decimal:
    size = body.get("size")
    if isinstance(size, bool) or not isinstance(size, int | str):
        raise invalid("size must be an integer of contracts")
    value = decimal_of(size, "size")
    if not value or value != value.to_integral_value():
        raise invalid("size must be an integer of contracts other than 0")
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} must be true or false")
    return bool(value)


def _iceberg(body: Mapping[str, Any], size: Decimal) -> Decimal:
    """How much of the order the book shows; some write it with the sign of the side."""
    value = decimal_of(body.get("iceberg") or 0, "iceberg")
    if value != value.to_integral_value() or abs(value) > abs(size):
        raise invalid("iceberg must be an integer of contracts, not more than the size")
    return abs(value)


def _position_to_close(member: Member, contract: Contract, body: Mapping[str, Any]) -> Decimal:
    if body.get("size") not in (None, 0, "0"):
        raise invalid("size must be 0 when close is set")
    held = [position.size for position in member.positions() if position.contract == contract.id]
    if not held or not held[0]:
        raise RestError(400, "POSITION_EMPTY", f"no position in {contract.id.name}")
    return -held[0]


def decimal_of(value: Any, name: str) -> Decimal:
    """A number of moderate length, as JSON number or string; the venue takes neither spaces nor underscores."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise invalid(f"{name} must be a decimal")
    written = str(value)
    if len(written) > _LONGEST or not _NUMBER.fullmatch(written):
        raise invalid(f"{name} must be a decimal")
    number = Decimal(written)
    if number.adjusted() > _WHOLE_DIGITS or -int(number.as_tuple().exponent) > _PLACES:
        raise invalid(f"{name} must be below 10^{_WHOLE_DIGITS} and have at most {_PLACES} places")
    return number


def _tif(value: Any, close: bool) -> TimeInForce:
    if close and value == "gtc":
        return TimeInForce.IOC
    if not isinstance(value, str) or value not in ("gtc", "ioc", "poc"):
        raise invalid("tif must be gtc, ioc or poc")
    return TimeInForce(value)


def _text(member: Member, body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if text is None or text in ("", "-", "api", "web", "app"):
        return member.next_client_id()
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        raise invalid("text must be t- followed by at most 28 of [0-9A-Za-z_.-]")
    if member.is_known(text):
        raise invalid(f"an order with text {text} exists already")
    return text
