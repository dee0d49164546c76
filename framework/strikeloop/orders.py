"""Every order of the account as a fold of events: one table of states, one rule of versions.

Theory: an order's version is (amend generation, filled size, terminal). What the venue says may come late, twice
or out of order; an update that would take a version back, or that says nothing new, changes nothing. A closed order
never opens again, ABSENT excepted, which the venue's evidence revives. Orders are keyed by our client id; orders of
other hands (foreign) by theirs where it is free, else by the venue's id. Of those that are over the last are kept.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from decimal import Decimal

import attrs

from strikeloop.commands import AmendOrder, SubmitOrder, TimeInForce
from strikeloop.contracts import ContractId
from strikeloop.drafts import changer, maker
from strikeloop.events import Filled, OrderState, OrderUpdated, Origin

_S = OrderState
MOST_CLOSED = 10_000
"""How many orders that are over are kept: twice what a session remembers to recognize repetitions by."""
_VENUE = frozenset({_S.OPEN, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.LIQUIDATED})
_WORDS = frozenset({_S.SENT, _S.UNKNOWN, _S.REJECTED, _S.ABSENT})
"""States that say nothing of what is filled."""
_OVER = frozenset(state for state in _S if state.is_terminal)
ZERO = Decimal(0)
# Looking a member up in its enumeration costs as much as ten comparisons.
_PENDING, _SENT, _OPEN, _FILLED, _ABSENT, _SNAPSHOT = _S.PENDING, _S.SENT, _S.OPEN, _S.FILLED, _S.ABSENT, Origin.SNAPSHOT

TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PENDING: _VENUE | {_S.PENDING, _S.SENT, _S.UNKNOWN},
    _S.SENT: _VENUE | {_S.SENT, _S.UNKNOWN},
    _S.OPEN: _VENUE - {_S.REJECTED} | {_S.UNKNOWN},
    _S.UNKNOWN: _VENUE | {_S.UNKNOWN, _S.ABSENT},
    _S.ABSENT: _VENUE,
    _S.FILLED: frozenset({_S.FILLED}),
    _S.CANCELED: frozenset({_S.CANCELED, _S.FILLED, _S.LIQUIDATED}),
    _S.EXPIRED: frozenset({_S.EXPIRED, _S.FILLED}),
    _S.REJECTED: frozenset({_S.REJECTED, _S.FILLED}),
    _S.LIQUIDATED: frozenset({_S.LIQUIDATED, _S.FILLED}),
}
"""Which state may follow which. A terminal state gives way only to a terminal one that knows more fills."""


@attrs.frozen(kw_only=True, weakref_slot=False)
class Order:
    """One order as far as we know. Sizes are signed (buy > 0), in contracts; `price` None is a market order.

    `instance` is the plugin that owns it, "" for a foreign order; `executed` the signed sum of its reported fills and
    `paid` that of their size · price; `fill_price` their average, or the venue's where fills are missing. `generation`
    counts amendments, `former` holds the (size, price) it had before them; `is_amending` until the last was answered.
    `told` is (state, filled) as the venue's last update had it: what fills imply may be ahead of it.
    """

    key: str
    contract: ContractId
    size: Decimal
    left: Decimal
    state: OrderState
    instance: str = ""
    client_id: str | None = None
    order_id: str | None = None
    price: Decimal | None = None
    fill_price: Decimal = Decimal(0)
    executed: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    tif: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    tag: str = ""
    finish_as: str = ""
    reason: str = ""
    created: int = 0
    updated: int = 0
    generation: int = 0
    former: tuple[tuple[Decimal, Decimal | None], ...] = ()
    is_amending: bool = False
    told: tuple[OrderState, Decimal] | None = None

    @property
    def filled(self) -> Decimal:
        """Signed size filled so far."""
        return self.size - self.left

    @property
    def is_working(self) -> bool:
        """Whether it can still trade, as far as we know (UNKNOWN counts)."""
        return self.state not in _OVER

    @property
    def is_buy(self) -> bool:
        return self.size > 0


_made, _changed = maker(Order), changer(Order)
_traded = changer(Order, "executed", "paid", "left", "state", "order_id", "fill_price", "updated")
_moved = changer(Order, "state", "updated")
_said = changer(Order, "state", "order_id", "finish_as", "reason", "updated")
_told = changer(
    Order,
    *("state", "order_id", "finish_as", "reason", "updated", "told", "size", "left", "price", "former", "is_amending", "fill_price"),
)


def nobody(_client_id: str | None) -> str:
    """The owner of every order that was not placed here."""
    return ""


class Orders:
    """The orders of every adapter, oldest first: all that can trade, and the last `MOST_CLOSED` that are over. Only the engine changes it.

    `owner` tells which instance an order belongs to that is not here: one of an earlier run, one forgotten, or a foreign one ("").
    """

    def __init__(self, owner: Callable[[str | None], str] = nobody) -> None:
        self.owner = owner
        self._orders: dict[str, Order] = {}
        self._by_venue_id: dict[tuple[str, str], str] = {}
        self._working: dict[str, None] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()  # a dict looks for its first key behind all that were taken out
        self._forgotten: Counter[OrderState] = Counter()
        self._all_working: tuple[Order, ...] | None = ()

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, client_id: str) -> Order | None:
        """The order with this client id (or, for a foreign order, its key)."""
        return self._orders.get(client_id)

    def by_order_id(self, adapter: str, order_id: str) -> Order | None:
        """The order the venue calls `order_id`."""
        key = self._by_venue_id.get((adapter, order_id))
        return None if key is None else self._orders.get(key)

    def working(self) -> tuple[Order, ...]:
        """Every order that can still trade, oldest first; one that was revived comes last."""
        if self._all_working is None:
            self._all_working = tuple(self._orders[key] for key in self._working)
        return self._all_working

    def counts(self) -> dict[str, int]:
        """How many orders stand in each state, those that are forgotten as they ended."""
        counts = self._forgotten + Counter(order.state for order in self)
        return {state.value: counts[state] for state in OrderState if counts[state]}

    def find(self, event: OrderUpdated | Filled) -> Order | None:
        """The order an event speaks of: by client id, else by the venue's id.

        Client ids of other hands are not unique at a venue, so those of foreign orders count only where the venue's id agrees.
        """
        client_id, order_id = event.client_id, event.order_id
        order = None if client_id is None else self._orders.get(client_id)
        if order is not None and (order.instance or order.order_id is None or order_id in (None, order.order_id)):
            return order
        return None if order_id is None else self.by_order_id(event.contract.adapter, order_id)

    def pending(self, command: SubmitOrder, instance: str, now: int) -> Order:
        """Fold an approved submission as PENDING, so that the next review counts it."""
        name, size = command.client_id, command.size
        return self._put(
            _made(
                name,
                command.contract,
                size,
                size,
                _PENDING,
                instance,
                name,
                None,
                command.price,
                ZERO,
                ZERO,
                ZERO,
                command.tif,
                command.reduce_only,
                command.tag,
                "",
                "",
                now,
                now,
                0,
                (),
                False,
                None,
            )
        )

    def amending(self, command: AmendOrder, now: int) -> Order | None:
        """Fold an approved amendment: from here on what the stream says of the former size and price is old."""
        order = self._orders.get(command.client_id)
        if order is None:
            return None
        size = order.size if command.size is None else command.size
        return self._put(
            _changed(
                order,
                size=size,
                left=_left(size, order.filled),
                price=order.price if command.price is None else command.price,
                generation=order.generation + 1,
                former=(*order.former, (order.size, order.price)),
                is_amending=True,
                updated=now,
            )
        )

    def sent(self, client_id: str, now: int) -> None:
        """The bytes of this order left."""
        order = self._orders.get(client_id)
        if order is not None and order.state is _PENDING:
            self._put(_moved(order, _SENT, now))

    def apply(self, event: OrderUpdated | Filled) -> Order | None:
        """Fold one update or execution; returns the order as it is now. None when that is as it was, or no order is known to fit."""
        return self.fold(event, self.find(event))

    def fold(self, event: OrderUpdated | Filled, order: Order | None) -> Order | None:
        """As `apply`, where it is known already what `find` gives."""
        if isinstance(event, Filled):
            return None if order is None else self._put(_executed(order, event))
        if order is None:
            key = event.client_id
            if key is None or key in self._orders:
                key = f"{event.contract.adapter}:{event.order_id}"
            return self._put(_foreign(event, key, self.owner(event.client_id)))
        updated = _updated(order, event)
        return None if updated is None else self._put(updated)

    def _put(self, order: Order) -> Order:
        key, order_id = order.key, order.order_id
        self._orders[key] = order
        if order_id is not None:
            self._by_venue_id[(order.contract.adapter, order_id)] = key
        if order.state not in _OVER:
            self._all_working = None
            if key not in self._working:
                self._working[key] = None
                self._closed.pop(key, None)
            return order
        if key in self._working:
            self._all_working = None
            del self._working[key]
        self._closed[key] = None
        if len(self._closed) > MOST_CLOSED:
            self._forget(self._closed.popitem(last=False)[0])
        return order

    def _forget(self, key: str) -> None:
        order = self._orders.pop(key)
        self._forgotten[order.state] += 1
        if order.order_id is not None:
            self._by_venue_id.pop((order.contract.adapter, order.order_id), None)


def _executed(order: Order, event: Filled) -> Order:
    """`order` after an execution of it."""
    executed, paid, left, state = order.executed + event.size, order.paid + event.size * event.price, order.left, order.state
    if abs(executed) > abs(order.size - left):
        left = _left(order.size, executed)
        state = _after_fill(order, left)
    price = _average(executed, paid, order.size - left, order.fill_price)
    return _traded(order, executed, paid, left, state, order.order_id or event.order_id, price, event.received)


def _left(size: Decimal, filled: Decimal) -> Decimal:
    """What is left of `size`; nothing where more was filled than is asked for (any more)."""
    left = size - filled
    return left if left * size > 0 else ZERO


def _average(executed: Decimal, paid: Decimal, filled: Decimal, told: Decimal) -> Decimal:
    """The average price of what is filled: exact where every fill was reported, else what the venue told."""
    return paid / executed if executed and abs(executed) >= abs(filled) else told


def _after_fill(order: Order, left: Decimal) -> OrderState:
    """Filled whole, unless its size is still being negotiated; else open, unless it is known to be closed."""
    if left == 0 and not order.is_amending:
        return _FILLED
    return order.state if order.state.is_terminal and order.state is not _ABSENT else _OPEN


def _foreign(event: OrderUpdated, key: str, instance: str) -> Order:
    """The order as the first word of it has it."""
    size, left, state = event.size, event.left, event.state
    if left is None:
        left = ZERO if state is _FILLED else size
    filled = ZERO if left is size else size - left
    return _made(
        key,
        event.contract,
        size,
        left,
        state,
        instance,
        event.client_id,
        event.order_id,
        event.price,
        event.fill_price,
        ZERO,
        ZERO,
        event.tif,
        event.reduce_only,
        "",
        event.finish_as,
        event.reason,
        event.created or event.time,
        event.received,
        0,
        (),
        False,
        (state, filled),
    )


def _updated(order: Order, event: OrderUpdated) -> Order | None:
    """`order` after what `event` says of it; None when that is older than what we know, or no news."""
    state, before = event.state, order.state
    if state not in TRANSITIONS[before]:
        return None
    order_id, finish_as, reason = event.order_id or order.order_id, event.finish_as or order.finish_as, event.reason or order.reason
    if state in _WORDS:
        if (state, order_id, finish_as, reason) == (before, order.order_id, order.finish_as, order.reason):
            return None
        return _said(order, state, order_id, finish_as, reason, event.received)
    known = order.size - order.left
    filled = event.filled if event.left is not None or state is _FILLED else known
    told = (state, filled)
    if abs(filled) < abs(known) or (before in _OVER and before is not _ABSENT and told == order.told):
        return None
    size, left, price, former, is_amending, fill_price = _figures(order, event, filled)
    heard = (state, order_id, finish_as, reason, told, size, left, price, former, is_amending, fill_price)
    if state is before and heard == (
        *(before, order.order_id, order.finish_as, order.reason, order.told),
        *(order.size, order.left, order.price, order.former, order.is_amending, order.fill_price),
    ):
        return None
    return _told(order, state, order_id, finish_as, reason, event.received, *heard[4:])


Figures = tuple[Decimal, Decimal, Decimal | None, tuple[tuple[Decimal, Decimal | None], ...], bool, Decimal]
"""Size, left, price, former, is_amending and fill_price of an order."""


def _figures(order: Order, event: OrderUpdated, filled: Decimal) -> Figures:
    """What an update that is not old makes of them. A number that stays equal stays as it was written."""
    size, price = order.size, order.price if event.price is None or event.is_market else event.price
    if order.former and _is_former(order, event, price):
        left = _left(size, filled)
        return size, order.left if left == order.left else left, order.price, order.former, order.is_amending, order.fill_price
    left, average = event.size - filled, _average(order.executed, order.paid, filled, event.fill_price or order.fill_price)
    is_same = event.size == size and price == order.price
    return (
        size if event.size == size else event.size,
        order.left if left == order.left else left,
        order.price if price == order.price else price,
        order.former if is_same else (),
        False,
        order.fill_price if average == order.fill_price else average,
    )


def _is_former(order: Order, event: OrderUpdated, price: Decimal | None) -> bool:
    """Whether an update speaks of the order as it was before an amendment; a look-up and a refusal tell how it is."""
    if event.state is not _OPEN or event.origin is _SNAPSHOT or event.reason:
        return False
    return (event.size, price) != (order.size, order.price) and (event.size, price) in order.former
