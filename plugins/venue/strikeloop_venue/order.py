"""One order as the venue keeps it.

Owns `Order`: the mutable record that matching works on, and the event that says what is true of it. It never
decides whether it may trade.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from strikeloop import (
    ContractId,
    OrderState,
    OrderUpdated,
    Origin,
    TimeInForce,
    maker,
)
from strikeloop_venue.queue import Ghosts, Place

ZERO = Decimal(0)
_UNKNOWN_FIELDS = attrs.fields(OrderUpdated).raw.default
_order_updated = maker(OrderUpdated)


@attrs.define(eq=False, kw_only=True)
class Order:
    """What the venue knows of an order; sizes are signed (buy > 0).

    `price` None is a market order; `limit` is the same price as a float, for comparing with the market. `rank` is its
    priority in time: smaller came first. `paid` is Σ fill price · fill size. `iceberg` is how much of it shows at a time (0: all
    of it), `tip` what is left of the part that shows; once that was `is_hidden`, it trades as a taker. `seen`: how many rows had
    passed when its `place` was last looked after, where the venue is not told of each.
    """

    order_id: str
    client_id: str | None
    contract: ContractId
    size: Decimal
    left: Decimal
    price: Decimal | None
    tif: TimeInForce
    reduce_only: bool
    created: int
    rank: int
    limit: float = 0.0
    iceberg: Decimal = ZERO
    mmp: bool = False
    tip: Decimal = ZERO
    is_hidden: bool = False
    place: Place | None = None
    seen: int = 0
    ghosts: Ghosts | None = None
    paid: Decimal = ZERO
    state: OrderState = OrderState.OPEN
    finished: int | None = None
    finish_as: str = ""
    reason: str = ""
    is_liquidation: bool = False
    is_open: bool = True
    is_buy: bool = attrs.field(init=False)
    sign: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.is_buy = self.size > 0
        self.sign = 1 if self.is_buy else -1

    @property
    def filled(self) -> Decimal:
        """Signed size filled so far."""
        return self.size - self.left

    @property
    def shown(self) -> Decimal:
        """How much of what is left shows (unsigned)."""
        return min(self.tip, abs(self.left)) if self.iceberg else abs(self.left)

    def accepts(self, price: float) -> bool:
        """Whether its limit allows to trade at `price`."""
        if self.price is None:
            return True
        return price <= self.limit if self.is_buy else price >= self.limit

    def fill(self, size: Decimal, price: Decimal) -> None:
        """`size` (unsigned) of it traded."""
        self.left -= size * self.sign
        if self.tip:
            self.tip = max(self.tip - size, ZERO)
        self.paid += price * size * self.sign

    def show(self) -> None:
        """It comes to rest with its first part showing."""
        self.tip, self.is_hidden = self.iceberg, False

    def reveal(self, rank: int) -> None:
        """A part that was hidden shows."""
        self.tip, self.is_hidden, self.rank = self.iceberg, True, rank

    def finish(self, state: OrderState, finish_as: str, now: int, reason: str = "") -> None:
        """It will never trade again."""
        self.state, self.finish_as, self.finished, self.reason, self.is_open = state, finish_as, now, reason, False
        self.place = self.ghosts = None

    def event(self, time: int, received: int, origin: Origin = Origin.SIMULATED, reason: str = "") -> OrderUpdated:
        """What is now true of it; `reason` instead of its own where a request about it was refused."""
        filled = self.size - self.left
        return _order_updated(
            time,
            received,
            origin,
            _UNKNOWN_FIELDS,
            self.contract,
            self.state,
            self.size,
            self.order_id,
            self.client_id,
            self.left,
            self.price,
            self.paid / filled if filled else ZERO,
            self.tif,
            self.price is None,
            self.reduce_only,
            self.created,
            self.finished,
            self.finish_as,
            reason or self.reason,
        )
