"""Commands as the bodies Gate takes, and the order in an answer.

Owns the forms of new and amended orders, and what is refused because the venue has no form for it. Pure. Source: APIv4,
section Options, «Create an options order».
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from strikeloop import ContractId, OrderRejectedError, OrderUpdated, OutcomeUnknownError, SubmitOrder, TimeInForce
from strikeloop_gate import orders
from strikeloop_gate.books import ORDER, ORDERS
from strikeloop_gate.sources import Source
from strikeloop_gate.strictjson import MalformedError

_TEXT = re.compile(r"t-[0-9A-Za-z_.-]{1,28}", re.ASCII)


def new_order(command: SubmitOrder) -> bytes:
    """The body of a new order. Raises OrderRejectedError for one that the venue has no form for; nothing is sent then."""
    return _encoded(order_body(command))


def order_body(command: SubmitOrder) -> dict[str, Any]:
    """What `new_order` encodes. A reduce-only order of size 0 closes the position."""
    if not _TEXT.fullmatch(command.client_id):
        raise OrderRejectedError(f"client id {command.client_id!r} is not t- and 1 to 28 of 0-9 A-Z a-z _ . -", code="INVALID_PARAM_VALUE")
    if command.tif is TimeInForce.FOK:
        raise OrderRejectedError("the venue has no fok for options", code="INVALID_PARAM_VALUE")
    body: dict[str, Any] = {
        "contract": command.contract.name,
        "size": _size(command.size),
        "price": _price(command.price),
        "tif": (TimeInForce.IOC if command.is_market else command.tif).value,
        "text": command.client_id,
    }
    if command.reduce_only:
        body["reduce_only"] = True
        if not command.size:
            body["close"] = True
    if command.iceberg:
        body["iceberg"] = _size(command.iceberg)
    if command.mmp:
        body["mmp"] = True
    return body


def amended_order(contract: ContractId, price: Decimal | None, size: Decimal) -> bytes:
    """The body of an amendment: the venue wants price and size, also the one that stays as it is."""
    return _encoded({"contract": contract.name, "price": _price(price), "size": _size(size)})


def answered(source: Source, what: str, body: bytes, client_id: str | None = None) -> OrderUpdated:
    """The order in the answer to a command, under our id also where the venue leaves its text out.

    Raises OutcomeUnknownError when there is none to be read.
    """
    try:
        [(item, _, beyond)] = ORDER.rows(body)
        updated = orders.order_updated(source, item, beyond)
    except MalformedError as exc:
        raise OutcomeUnknownError(f"{what}: the answer cannot be read: {exc}") from None
    return updated if updated.client_id is not None else attrs.evolve(updated, client_id=client_id)


def answered_all(source: Source, what: str, body: bytes) -> list[OrderUpdated]:
    """The orders in the answer to a mass cancel. Raises OutcomeUnknownError when they cannot be read."""
    try:
        return [orders.order_updated(source, item, beyond) for item, _, beyond in ORDERS.rows(body)]
    except MalformedError as exc:
        raise OutcomeUnknownError(f"{what}: the answer cannot be read: {exc}") from None


def _size(size: Decimal) -> int:
    number = int(size)
    if number != size:
        raise OrderRejectedError(f"size {size} is no whole number of contracts", code="INVALID_PARAM_VALUE")
    return number


def _price(price: Decimal | None) -> str:
    """A price in plain digits; "0" stands for the market."""
    return "0" if price is None else format(price, "f")


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
