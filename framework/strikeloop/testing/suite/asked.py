"""What adapters ask of a venue, and how it may go wrong, in words that belong to no venue.

Owns the vocabulary between a `Spelling`, which reads requests and frames, and the played venue, which acts on them. Values
only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import attrs

from strikeloop.commands import TimeInForce

# ---- over a stream ---------------------------------------------------------------------------------------------------


@attrs.frozen
class Subscribe:
    """Subscribe this channel, for contracts of these names where it lists any."""

    channel: str
    contracts: tuple[str, ...] = ()


@attrs.frozen
class Unsubscribe:
    """End the subscription of this channel, or take these contracts out of it."""

    channel: str
    contracts: tuple[str, ...] = ()


@attrs.frozen
class Ping:
    """The venue's own keep-alive."""


Heard = Subscribe | Unsubscribe | Ping

# ---- over REST -------------------------------------------------------------------------------------------------------


@attrs.frozen
class Request:
    """A request as the venue gets it; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body, {} where there is none."""
        return json.loads(self.body) if self.body else {}


@attrs.frozen
class Reply:
    """An answer: a JSON value, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@attrs.frozen(kw_only=True)
class Place:
    """A new order, `size` signed; without a price it is a market order."""

    contract: str
    size: Decimal
    price: Decimal | None = None
    client_id: str | None = None
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False


@attrs.frozen(kw_only=True)
class Named:
    """An order, by the venue's id or by ours."""

    order_id: str | None = None
    client_id: str | None = None


@attrs.frozen(kw_only=True)
class Withdraw(Named):
    """Cancel an order."""


@attrs.frozen(kw_only=True)
class Change(Named):
    """Change size (signed, in all) and price of an order; None leaves it."""

    size: Decimal | None = None
    price: Decimal | None = None


@attrs.frozen(kw_only=True)
class LookUp(Named):
    """Say how this order stands."""


@attrs.frozen(kw_only=True)
class ListOrders:
    """The open orders, the finished ones, or (None) all; `limit` of them from `offset` on."""

    is_open: bool | None = True
    offset: int = 0
    limit: int | None = None


@attrs.frozen(kw_only=True)
class ListFills:
    """Executions since a venue time (ns); `limit` of them from `offset` on."""

    since: int = 0
    offset: int = 0
    limit: int | None = None


@attrs.frozen
class ListPositions:
    """Every position."""


@attrs.frozen
class ListBalances:
    """The account's balances."""


@attrs.frozen
class ListContracts:
    """Every contract that can be traded."""


@attrs.frozen
class TellTime:
    """The venue's clock."""


@attrs.frozen
class Else:
    """Something that the checks know nothing of: this is its answer."""

    body: Any


Asked = Place | Withdraw | Change | LookUp | ListOrders | ListFills | ListPositions | ListBalances | ListContracts | TellTime | Else

# ---- what goes wrong -------------------------------------------------------------------------------------------------


class No(StrEnum):
    """Why the venue refuses a request."""

    MARGIN = "the margin does not suffice"
    NO_ORDER = "there is no such order"
    OVER = "the order is over"
    CREDENTIALS = "the credentials are no good"
    TOO_MANY = "too many requests"


class TurnedDownError(Exception):
    """The books say no."""

    def __init__(self, no: No) -> None:
        self.no = no
        super().__init__(no.value)


class Trouble(Enum):
    """What becomes of one request: whether the venue acts on it, and what its client hears."""

    UNSENT = "the connection could not be made"
    LOST = "the connection broke before the request arrived"
    UNHEARD = "the venue acted, and the connection broke before its answer"
    SILENT = "the venue acted, and never answered"
    BUSY = "the venue acted, and answered HTTP 503"
    BROKEN = "the venue answered HTTP 502 with a page of HTML"
    PAGE = "the venue acted, and a page of HTML came with HTTP 200"
    CUT = "the venue acted, and half of its answer came"
    NONSENSE = "the venue acted, and answered with JSON of another form"
    LIMITED = "the venue answered HTTP 429: too many requests"

    @property
    def acts(self) -> bool:
        """Whether the venue does what was asked."""
        return self in _ACTING


_ACTING = frozenset({Trouble.UNHEARD, Trouble.SILENT, Trouble.BUSY, Trouble.PAGE, Trouble.CUT, Trouble.NONSENSE})
UNCERTAIN = (
    Trouble.LOST,
    Trouble.UNHEARD,
    Trouble.SILENT,
    Trouble.BUSY,
    Trouble.BROKEN,
    Trouble.PAGE,
    Trouble.CUT,
    Trouble.NONSENSE,
)
"""After these a client cannot know whether it was done."""
