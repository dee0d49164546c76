"""What a plugin may ask for, and what a review may say about it.

Owns the commands (imperatives), the verdicts (adjectives) and `Approved`, the only form in which a command
reaches a venue. Only strikeloop.review makes an `Approved`; an architecture test holds that.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

import attrs

from strikeloop.contracts import ContractId


class TimeInForce(StrEnum):
    """gtc rests until canceled; ioc takes what is there and cancels the rest; poc (pending or cancelled) only adds liquidity."""

    GTC = "gtc"
    IOC = "ioc"
    POC = "poc"
    FOK = "fok"


@attrs.frozen(kw_only=True, weakref_slot=False)
class SubmitOrder:
    """A new order. `size` is signed (buy > 0) in contracts; `price` None is a market order (always ioc).

    `iceberg` is how many contracts the book shows at a time (unsigned; 0 shows all): the hidden rest pays the taker fee. `mmp` puts
    the order under the account's market maker protection.
    """

    client_id: str
    contract: ContractId
    size: Decimal
    price: Decimal | None = None
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    iceberg: Decimal = Decimal(0)
    mmp: bool = False
    tag: str = ""

    @property
    def is_market(self) -> bool:
        return self.price is None


@attrs.frozen(kw_only=True, weakref_slot=False)
class CancelOrder:
    """Withdraw the order with this client id. Never judged: closing a door is always allowed."""

    client_id: str
    contract: ContractId


@attrs.frozen(kw_only=True, weakref_slot=False)
class AmendOrder:
    """Change price and size of an open order; None leaves that one as it is. `size` is the new signed total size."""

    client_id: str
    contract: ContractId
    price: Decimal | None = None
    size: Decimal | None = None


Command = SubmitOrder | CancelOrder | AmendOrder
Reviewable = SubmitOrder | AmendOrder


@attrs.frozen
class Refused:
    """The rule's verdict: the command must not leave. `reason` is for people, one sentence with the figures."""

    reason: str


@attrs.frozen
class Resized:
    """The rule's verdict: the command may leave with this signed size, smaller in magnitude than asked."""

    size: Decimal
    reason: str = ""


Verdict = Refused | Resized | None


C_co = TypeVar("C_co", bound=SubmitOrder | CancelOrder | AmendOrder, covariant=True)


@attrs.frozen
class Approved(Generic[C_co]):
    """A command that passed every rule, made by strikeloop.review alone: the only thing an adapter sends."""

    command: C_co
    instance: str
    """The plugin instance that asked for it."""
    approved: int
    """Engine time of the approval, ns UTC."""
