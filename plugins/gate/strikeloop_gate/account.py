"""The private side of Gate options: account channels, snapshots and orders.

Owns the account port. Orders leave once, as the review approved them; what the venue answers comes back as events. It
keeps the user id, and decides nothing about retries, outcomes or reconnecting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from strikeloop import (
    AmendOrder,
    Approved,
    BalanceUpdated,
    CancelOrder,
    ContractId,
    Event,
    Filled,
    OrderRejectedError,
    OrderUpdated,
    Origin,
    OutcomeUnknownError,
    PositionUpdated,
    SubmitOrder,
    TimeInForce,
    VenueError,
)
from strikeloop.adapter import Channel, Decoded, Link, Snapshot
from strikeloop.wire import connect_websocket
from strikeloop_gate import frames, ledger
from strikeloop_gate.decode import Dialect, FrameDecoder
from strikeloop_gate.feed import GateFeed
from strikeloop_gate.ledger import SECOND_NS, Source
from strikeloop_gate.rest import Query, Rest
from strikeloop_gate.restforms import AccountDetail, Answer, RestAccount, RestOrder, RestPosition, RestTrade
from strikeloop_gate.strictjson import MalformedError

ORDER, ORDERS = Answer(RestOrder), Answer(list[RestOrder])
POSITIONS, TRADES = Answer(list[RestPosition]), Answer(list[RestTrade])
ACCOUNT, DETAIL = Answer(RestAccount), Answer(AccountDetail)
PAGE: Final = 1_000
MOST_PAGES: Final = 20
_TEXT = re.compile(r"t-[0-9A-Za-z_.-]{1,28}", re.ASCII)

_SEED_CHANNELS = (
    Channel(name="options.positions", acknowledged=False, essential=True, by_contract=True),
    Channel(name="options.orders", acknowledged=False, essential=True, by_contract=True),
    Channel(name="options.balances", acknowledged=False),
    Channel(name="options.portfolio", acknowledged=False, conflatable=True, reports_risk=True),
)
_GATE_CHANNELS = (
    Channel(name="options.orders", essential=True),
    Channel(name="options.usertrades", essential=True, reports_fills=True),
    Channel(name="options.positions", essential=True),
    Channel(name="options.balances"),
    Channel(name="options.liquidates"),
    Channel(name="options.user_settlements"),
    Channel(name="options.position_closes"),
)


@attrs.define(eq=False)
class GateAccount:
    """`strikeloop.adapter.Account` of one configured instance."""

    name: str
    dialect: Dialect
    ws_url: str
    ca_file: str | None
    underlyings: tuple[str, ...]
    rest: Rest
    feed: GateFeed
    user: str = attrs.field(default="", init=False)
    """The venue's user id, known after `prepare`."""
    _decode: FrameDecoder = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._decode = FrameDecoder(self.name, self.dialect)

    @property
    def channels(self) -> tuple[Channel, ...]:
        return _SEED_CHANNELS if self.dialect is Dialect.SEED else _GATE_CHANNELS

    async def connect(self) -> Link:
        return await connect_websocket(self.ws_url, ca_file=self.ca_file)

    def subscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (self._request(channel, "subscribe", time_s, contracts),)

    def unsubscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (self._request(channel, "unsubscribe", time_s, contracts),)

    def ping(self, time_s: int) -> bytes:
        return frames.ping(time_s)

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        return self._decode(frame, received)

    def _request(self, channel: str, event: str, time_s: int, contracts: Sequence[ContractId]) -> bytes:
        names = tuple(contract.name for contract in contracts) or self.feed.names
        payload = frames.private_payload(self.dialect, channel, user=self.user, underlyings=self.underlyings, contracts=names)
        return frames.request(channel, event, time_s, payload, key=self.rest.key, secret=self.rest.secret)

    async def prepare(self) -> None:
        """Measure the clock, learn the user id and the contracts. Raises VenueError, AuthRejectedError."""
        await self.rest.synchronize()
        if not self.user:
            self.user = await self._user()
        if not self.feed.names:
            await self.feed.contracts()

    async def _user(self) -> str:
        try:
            body = await self.rest.get("/options/accounts")
        except VenueError as exc:
            # An options wallet exists from the first transfer on; the user does before that.
            if exc.code != "USER_NOT_FOUND":
                raise
            [(detail, _, _)] = _read("GET /account/detail", DETAIL, await self.rest.get("/account/detail"))
            return ledger.identity(detail.user_id, "user_id")
        [(account, _, _)] = _read("GET /options/accounts", ACCOUNT, body)
        return ledger.identity(account.user, "user")

    async def fills(self, since: int) -> tuple[Filled, ...]:
        """GET /options/my_trades of every underlying. Raises VenueError."""
        source, found = self._source(Origin.SNAPSHOT), []
        for underlying in self.underlyings:
            query = (("underlying", underlying), ("from", str(max(0, since) // SECOND_NS)))
            rows = await self._pages("/options/my_trades", query, TRADES)
            found += [
                event for row in rows for event in _events("/options/my_trades", ledger.trade(source, *row)) if isinstance(event, Filled)
            ]
        return tuple(sorted(found, key=lambda fill: (fill.time, fill.contract, len(fill.trade_id), fill.trade_id)))

    async def snapshot(self) -> Snapshot:
        """Open orders, then positions, then the account. Raises VenueError."""
        source = self._source(Origin.SNAPSHOT)
        orders = await self._orders(source, (("status", "open"),))
        positions = await self._collect(source, "/options/positions", (), POSITIONS, ledger.position)
        balance = await self._balance(source)
        return Snapshot(
            time=source.time,
            received=self.rest.clock.local(),
            orders=tuple(orders),
            positions=tuple(event for event in positions if isinstance(event, PositionUpdated)),
            balances=(balance,),
        )

    async def submit(self, order: Approved[SubmitOrder]) -> Sequence[Event]:
        """POST /options/orders, once; the answer's order carries the client id also where the venue leaves its text out."""
        command = order.command
        body = _encode(order_body(command))
        answer = await self.rest.order("POST", "/options/orders", body)
        return [self._answered("POST /options/orders", answer, command.client_id)]

    async def cancel(self, order: Approved[CancelOrder], order_id: str | None) -> Sequence[Event]:
        """DELETE the order. Without its id it is looked up by its text first; an order that is over comes back as it is."""
        command = order.command
        if order_id is None:
            found = await self._required(command.contract, command.client_id)
            if found.state.is_terminal:
                return [found]
            order_id = found.order_id
        path = f"/options/orders/{order_id}"
        return [self._answered(f"DELETE {path}", await self.rest.order("DELETE", path), command.client_id)]

    async def amend(self, order: Approved[AmendOrder], order_id: str | None) -> Sequence[Event]:
        """PUT the order. The venue wants price and size, so the one that stays as it is is looked up."""
        command = order.command
        price, size = command.price, command.size
        if order_id is None or price is None or size is None:
            found = await self._required(command.contract, command.client_id, order_id)
            order_id = found.order_id
            price, size = found.price if price is None else price, found.size if size is None else size
        path = f"/options/orders/{order_id}"
        body = {"contract": command.contract.name, "price": _price(price), "size": _size(size)}
        return [self._answered(f"PUT {path}", await self.rest.order("PUT", path, _encode(body)), command.client_id)]

    async def find(self, contract: ContractId, *, client_id: str | None = None, order_id: str | None = None) -> OrderUpdated | None:
        """Look an order up by the venue's id, or by our text among open and finished ones. Raises VenueError."""
        source = self._source(Origin.SNAPSHOT)
        if order_id is not None:
            try:
                body = await self.rest.get(f"/options/orders/{order_id}")
            except VenueError as exc:
                if exc.code in ("ORDER_NOT_FOUND", "NOT_FOUND", 404):
                    return None
                raise
            [(item, _, beyond)] = _read("GET /options/orders/{id}", ORDER, body)
            return _order(source, item, beyond)
        for status in ("open", "finished"):
            listed = await self._orders(source, (("status", status), ("contract", contract.name)))
            same = [order for order in listed if order.client_id == client_id]
            if same:
                # A text is not unique at the venue; ids grow, so this is the latest.
                return max(same, key=lambda order: (len(order.order_id or ""), order.order_id or ""))
        return None

    async def _required(self, contract: ContractId, client_id: str, order_id: str | None = None) -> OrderUpdated:
        found = await self.find(contract, client_id=client_id, order_id=order_id)
        if found is None:
            raise OrderRejectedError(f"the venue knows no order {order_id or client_id} of {contract}", code="ORDER_NOT_FOUND")
        return found

    async def _orders(self, source: Source, query: Query) -> list[OrderUpdated]:
        rows = await self._pages("/options/orders", tuple(query), ORDERS)
        return [_order(source, item, beyond) for item, _, beyond in rows]

    async def _balance(self, source: Source) -> BalanceUpdated:
        [(item, _, _)] = _read("GET /options/accounts", ACCOUNT, await self.rest.get("/options/accounts"))
        try:
            return ledger.account(source, item)
        except MalformedError as exc:
            raise VenueError(f"GET /options/accounts: {exc}") from None

    async def _collect(self, source: Source, path: str, query: Query, form: Answer, build: Any) -> list[Event]:
        rows = _read(f"GET {path}", form, await self.rest.get(path, query))
        return [event for row in rows for event in _events(path, build(source, *row))]

    async def _pages(self, path: str, query: tuple[tuple[str, str], ...], form: Answer) -> list[Any]:
        """Every row of a listing. Raises VenueError when it has no end."""
        rows: list[Any] = []
        for page in range(MOST_PAGES):
            window = (*query, ("limit", str(PAGE)), ("offset", str(page * PAGE)))
            found = _read(f"GET {path}", form, await self.rest.get(path, window))
            rows += found
            if len(found) < PAGE:
                return rows
        raise VenueError(f"GET {path}: more than {MOST_PAGES * PAGE} rows; ask for a shorter time")

    def _source(self, origin: Origin) -> Source:
        return Source(self.name, self.rest.clock.now(), self.rest.clock.local(), origin)

    def _answered(self, what: str, body: bytes, client_id: str) -> OrderUpdated:
        """The order in the answer to a command. Raises OutcomeUnknownError when there is none to be read."""
        try:
            [(item, _, beyond)] = ORDER.rows(body)
            updated = ledger.order_updated(self._source(Origin.VENUE), item, beyond)
        except MalformedError as exc:
            raise OutcomeUnknownError(f"{what}: the answer cannot be read: {exc}") from None
        return updated if updated.client_id is not None else attrs.evolve(updated, client_id=client_id)


def order_body(command: SubmitOrder) -> dict[str, Any]:
    """The body of a new order. Raises OrderRejectedError for one that the venue has no form for; nothing is sent then."""
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


def _size(size: Decimal) -> int:
    number = int(size)
    if number != size:
        raise OrderRejectedError(f"size {size} is no whole number of contracts", code="INVALID_PARAM_VALUE")
    return number


def _price(price: Decimal | None) -> str:
    """A price in plain digits; "0" stands for the market."""
    return "0" if price is None else format(price, "f")


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _read(what: str, form: Answer, body: bytes) -> list[Any]:
    try:
        return list(form.rows(body))
    except MalformedError as exc:
        raise VenueError(f"{what}: {exc}") from None


def _events(path: str, built: Iterator[Event]) -> list[Event]:
    try:
        return list(built)
    except MalformedError as exc:
        raise VenueError(f"GET {path}: {exc}") from None


def _order(source: Source, item: Any, beyond: Any) -> OrderUpdated:
    try:
        return ledger.order_updated(source, item, beyond)
    except MalformedError as exc:
        raise VenueError(f"GET /options/orders: {exc}") from None
