"""What Gate's refusals mean: every documented label, what it says, what mends it, and the error it becomes.

Owns the table and the reading of an answer that is not a plain success. The venue names labels in its `label` field, on
any HTTP status, 2xx included; which of them options emit, and with which status, it does not document. Pure. Source:
APIv4 «Error handling».
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import attrs

from strikeloop import AuthRejectedError, OrderRejectedError, OutcomeUnknownError, VenueError


class Verdict(StrEnum):
    """What a label says of the request: it was not done; the credentials are no good; or nobody knows whether it was done."""

    REFUSED = "refused"
    CREDENTIALS = "credentials"
    UNCERTAIN = "uncertain"


@attrs.frozen
class Label:
    """One label of the venue: what it means and what the user does about it."""

    verdict: Verdict
    meaning: str
    cure: str = ""


_R, _C, _U = Verdict.REFUSED, Verdict.CREDENTIALS, Verdict.UNCERTAIN

LABELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "INVALID_PARAM_VALUE": Label(_R, "a value of the request is not allowed"),
        "INVALID_ARGUMENT": Label(_R, "a value of the request is not allowed"),
        "INVALID_REQUEST_BODY": Label(_R, "the request's body is not what the venue expects"),
        "MISSING_REQUIRED_PARAM": Label(_R, "the request lacks a value"),
        "BAD_REQUEST": Label(_R, "the venue cannot make sense of the request"),
        "NOT_FOUND": Label(_R, "the venue has nothing of that name", "check rest_url, it ends in /api/v4"),
        "METHOD_NOT_ALLOWED": Label(_R, "this endpoint does not do that", "check rest_url"),
        "INVALID_CREDENTIALS": Label(_C, "the credentials are no good", "check key and secret"),
        "INVALID_KEY": Label(
            _C,
            "the venue does not know the key",
            "check key, and that it belongs to this rest_url: live and testnet have keys of their own",
        ),
        "IP_FORBIDDEN": Label(_C, "this machine's address is not in the key's list", "add it to the key's IP whitelist at the venue"),
        "READ_ONLY": Label(_C, "the key may only read", "give the key options trading rights"),
        "INVALID_SIGNATURE": Label(_C, "the signature does not fit", "check secret"),
        "MISSING_REQUIRED_HEADER": Label(_C, "a header of the signature is missing", "look for a proxy that takes headers away"),
        "REQUEST_EXPIRED": Label(_C, "the request's time is more than a minute off the venue's", "set the machine's clock"),
        "ACCOUNT_LOCKED": Label(_C, "the venue has locked the account", "ask the venue"),
        "FORBIDDEN": Label(_C, "the key may not do that", "give the key options rights"),
        "USER_NOT_FOUND": Label(
            _R, "the options wallet was never funded", "transfer USDT to the options account: the first transfer opens it"
        ),
        "CONTRACT_NOT_FOUND": Label(_R, "the venue lists no such contract", "use one of desk.contracts"),
        "CONTRACT_NO_COUNTER": Label(_R, "nobody stands on the other side of this contract"),
        "RISK_LIMIT_EXCEEDED": Label(_R, "the position would be above the venue's limit"),
        "INSUFFICIENT_AVAILABLE": Label(_R, "the available margin does not suffice", "transfer funds, or ask for less"),
        "LIQUIDATE_IMMEDIATELY": Label(_R, "the order would be liquidated at once"),
        "ORDER_NOT_FOUND": Label(_R, "the venue knows no such order"),
        "ORDER_NOT_OWNED": Label(_R, "the order belongs to somebody else"),
        "ORDER_FINISHED": Label(_R, "the order is over already"),
        "TOO_MANY_ORDERS": Label(_R, "the contract's limit of open orders is reached", "cancel some first"),
        "POSITION_IN_LIQUIDATION": Label(_R, "the position is being liquidated"),
        "POSITION_EMPTY": Label(_R, "there is no position to close"),
        "PRICE_TOO_DEVIATED": Label(_R, "the price is too far from the mark"),
        "SIZE_TOO_LARGE": Label(_R, "the size is above the contract's maximum"),
        "SIZE_TOO_SMALL": Label(_R, "the size is below the contract's minimum"),
        "ORDER_POC_IMMEDIATE": Label(_R, "a poc order would have traded at once"),
        "INCREASE_POSITION": Label(_R, "a reduce-only order would have increased the position"),
        "CONTRACT_IN_DELISTING": Label(_R, "the contract is being delisted"),
        "NO_CHANGE": Label(_R, "the amendment changes nothing"),
        "ORDER_FOK": Label(_R, "the order could not be filled whole"),
        "TOO_MANY_REQUESTS": Label(
            _R, "the request came over the venue's rate limit", "requests of this kind pause until it lets them through again"
        ),
        "TOO_BUSY": Label(_U, "the venue is too busy"),
        "SERVER_ERROR": Label(_U, "something broke at the venue"),
        "INTERNAL": Label(_U, "something broke at the venue"),
    }
)
EXPIRED: Final = "REQUEST_EXPIRED"
NO_FUNDS: Final = "USER_NOT_FOUND"
NO_SUCH_ORDER: Final = frozenset({"ORDER_NOT_FOUND", "NOT_FOUND"})
NEVER_ASKED: Final = frozenset({400, 404, 405, 411, 413, 414, 415, 429})
"""Statuses without a label, so not of the venue's application: only these say that it was never asked."""


def failure(method: str, what: str, status: int, label: str, message: str) -> VenueError:
    """The error that an answer with this status, label ("" for none) and message means for a request of this method.

    Asking is harmless, so a failed GET is a VenueError. Of everything else the outcome is what counts: OrderRejectedError
    where it plainly was not done, OutcomeUnknownError where it may have been. AuthRejectedError for credentials.
    """
    known = LABELS.get(label)
    said, code = _said(what, status, label, message, known), label or status
    if known is not None and known.verdict is Verdict.CREDENTIALS and status < 500:
        return AuthRejectedError(said, code=code)
    if not label and status in (401, 403):
        return AuthRejectedError(
            f"{said}: a gateway, not the venue's application, turned it away; check rest_url and this machine's address", code=code
        )
    if method == "GET":
        return VenueError(said, code=code)
    is_refused = (known is None or known.verdict is Verdict.REFUSED) if label else status in NEVER_ASKED
    return OrderRejectedError(said, code=code) if is_refused and status < 500 else OutcomeUnknownError(said, code=code)


def _said(what: str, status: int, label: str, message: str, known: Label | None) -> str:
    said = f"{what}: HTTP {status} {label}".rstrip() + (f": {message}" if message else "")
    if known is None:
        return said
    return f"{said} - {known.meaning}" + (f"; {known.cure}" if known.cure else "")
