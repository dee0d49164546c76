"""The private side of Gate options: account channels, snapshots, orders and what the venue does to them on its own.

Owns the account port. Orders leave once, as the review approved them; what the venue answers comes back as events. It
keeps the user id, and decides nothing about retries, outcomes or reconnecting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import attrs

from strikeloop import (
    AmendOrder,
    Approved,
    CancelOrder,
    ContractId,
    ContractSettled,
    DecodeError,
    Event,
    Filled,
    OrderRejectedError,
    OrderUpdated,
    Origin,
    PortfolioRiskUpdated,
    PositionClosed,
    SubmitOrder,
    VenueError,
)
from strikeloop.adapter import Channel, Decoded, Link, Mmp, Snapshot
from strikeloop.wire import connect_websocket
from strikeloop_gate import frames, ledger, placing
from strikeloop_gate.books import Books, Standing
from strikeloop_gate.decode import Dialect, FrameDecoder
from strikeloop_gate.feed import GateFeed
from strikeloop_gate.guard import Guard, MmpSettings
from strikeloop_gate.orders import told, underlying_of
from strikeloop_gate.refusals import NO_FUNDS
from strikeloop_gate.rest import Rest

ORDERS: Final = "options.orders"
_SIDES: Final = {"buy": "bid", "sell": "ask"}

_SEED_CHANNELS = (
    Channel(name="options.positions", acknowledged=False, essential=True, by_contract=True),
    Channel(name=ORDERS, acknowledged=False, essential=True, by_contract=True),
    Channel(name="options.balances", acknowledged=False),
    Channel(name="options.portfolio", acknowledged=False, conflatable=True, reports_risk=True),
)
_GATE_CHANNELS = (
    Channel(name=ORDERS, essential=True),
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
    protections: Mapping[str, MmpSettings] = attrs.field(factory=dict)
    user: str = attrs.field(default="", init=False)
    """The venue's user id, known after `prepare`."""
    standing: Standing | None = attrs.field(default=None, init=False)
    """The account as the last snapshot had it."""
    books: Books = attrs.field(init=False)
    guard: Guard = attrs.field(init=False)
    decode: Callable[[bytes | str, int], Decoded] = attrs.field(init=False)
    decode_batch: Callable[[Sequence[bytes | str], int], list[Decoded | DecodeError]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.books, self.guard = Books(self.name, self.rest), Guard(self.rest)
        decoder = FrameDecoder(self.name, self.dialect)
        self.decode, self.decode_batch = decoder.decode, decoder.decode_batch

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

    def _request(self, channel: str, event: str, time_s: int, contracts: Sequence[ContractId]) -> bytes:
        names = tuple(contract.name for contract in contracts) or self.feed.names
        payload = frames.private_payload(self.dialect, channel, user=self.user, underlyings=self.underlyings, contracts=names)
        return frames.request(channel, event, time_s, payload, key=self.rest.key, secret=self.rest.secret)

    async def prepare(self) -> None:
        """Measure the clock, learn the user id and the contracts, set what is configured. Raises VenueError, AuthRejectedError."""
        await self.rest.synchronize()
        if not self.user:
            self.user = await self.books.user()
        if not self.feed.names:
            await self.feed.contracts()
        for underlying, wanted in self.protections.items():
            await self.guard.ensure(underlying, wanted)

    # ---- what the books say ----

    async def fills(self, since: int) -> tuple[Filled, ...]:
        """GET /options/my_trades of every underlying. Raises VenueError."""
        try:
            found = [fill for underlying in self.underlyings for fill in await self.books.trades(underlying, since=since)]
        except VenueError as exc:
            if exc.code != NO_FUNDS:
                raise
            return ()
        return tuple(sorted(found, key=lambda fill: (fill.time, fill.contract, len(fill.trade_id), fill.trade_id)))

    async def snapshot(self) -> Snapshot:
        """Open orders, then positions, then the account; one that was never funded has nothing. Raises VenueError."""
        source = self.books.source()
        try:
            orders, positions = await self.books.orders("open"), await self.books.positions()
            self.standing = await self.books.account()
        except VenueError as exc:
            if exc.code != NO_FUNDS:
                raise
            orders, positions, balance = [], [], ledger.unfunded(source)
        else:
            balance = self.standing.balance
        await self.rest.keep_open()
        return Snapshot(
            time=source.time,
            received=self.rest.clock.local(),
            orders=tuple(orders),
            positions=tuple(positions),
            balances=(balance,),
        )

    async def find(self, contract: ContractId, *, client_id: str | None = None, order_id: str | None = None) -> OrderUpdated | None:
        """Look an order up by the venue's id, or by our text among open and finished ones. Raises VenueError."""
        if order_id is not None:
            found = await self.books.order(order_id)
        else:
            found = None if client_id is None else await self.books.named(client_id, contract=contract.name)
        if found is not None:
            self.guard.suspect(found)
        return found

    async def settled(self, since: int) -> Sequence[ContractSettled | PositionClosed]:
        """GET /options/my_settlements and /options/position_close of every underlying, oldest first. Raises VenueError."""
        found: list[ContractSettled | PositionClosed] = []
        for underlying in self.underlyings:
            found += await self.books.settlements(underlying, since=since)
            found += [closed for closed in await self.books.closes(underlying) if closed.time >= since]
        return sorted(found, key=lambda event: (event.time, event.contract))

    async def risk(self) -> PortfolioRiskUpdated | None:
        """The venue's own figures where the account is in portfolio margin mode, else None. Raises VenueError."""
        if self.standing is None or not self.standing.is_portfolio:
            return None
        return await self.books.risk(self.standing.equity)

    # ---- orders ----

    async def submit(self, order: Approved[SubmitOrder]) -> Sequence[Event]:
        """POST /options/orders, once; the answer's order carries the client id also where the venue leaves its text out."""
        command, path = order.command, "/options/orders"
        body = placing.new_order(command)
        if command.mmp:
            await self.guard.check(underlying_of(command.contract.name))
        return self._answered(f"POST {path}", await self.rest.order("POST", path, body), command.client_id)

    async def cancel(self, order: Approved[CancelOrder], order_id: str | None) -> Sequence[Event]:
        """DELETE the order. Without its id it is looked up by its text first; an order that is over comes back as it is."""
        command = order.command
        if order_id is None:
            found = await self._required(command.contract, command.client_id)
            if found.state.is_terminal:
                return [found]
            order_id = found.order_id
        path = f"/options/orders/{order_id}"
        return self._answered(f"DELETE {path}", await self.rest.cancel("DELETE", path), command.client_id)

    async def amend(self, order: Approved[AmendOrder], order_id: str | None) -> Sequence[Event]:
        """PUT the order. The venue wants price and size, so the one that stays as it is is looked up."""
        command = order.command
        price, size = command.price, command.size
        if order_id is None or price is None or size is None:
            found = await self._required(command.contract, command.client_id, order_id)
            order_id = found.order_id
            price, size = found.price if price is None else price, found.size if size is None else size
        path, body = f"/options/orders/{order_id}", placing.amended_order(command.contract, price, size)
        return self._answered(f"PUT {path}", await self.rest.order("PUT", path, body), command.client_id)

    async def cancel_all(
        self, *, underlying: str | None = None, contract: ContractId | None = None, side: Literal["buy", "sell"] | None = None
    ) -> Sequence[Event]:
        """DELETE /options/orders: every open order of the account that fits, of other hands too. Raises VenueError."""
        scope = {"contract": contract and contract.name, "underlying": underlying, "side": side and _SIDES[side]}
        query = tuple((name, value) for name, value in scope.items() if value)
        body = await self.rest.cancel("DELETE", "/options/orders", query=query)
        return placing.answered_all(self.books.source(Origin.VENUE), "DELETE /options/orders", body)

    # ---- what the venue does on its own ----

    async def countdown(self, underlying: str, timeout_s: int) -> None:
        await self.guard.countdown(underlying, timeout_s)

    async def mmp(self, underlying: str) -> Mmp | None:
        return await self.guard.mmp(underlying)

    async def set_mmp(self, mmp: Mmp) -> Mmp:
        return await self.guard.set_mmp(mmp)

    async def reset_mmp(self, underlying: str) -> Mmp:
        return await self.guard.reset_mmp(underlying)

    def triggered(self, underlying: str) -> bool:
        return self.guard.triggered(underlying)

    # ---- inside ----

    async def _required(self, contract: ContractId, client_id: str, order_id: str | None = None) -> OrderUpdated:
        found = await self.find(contract, client_id=client_id, order_id=order_id)
        if found is None:
            raise OrderRejectedError(f"the venue knows no order {order_id or client_id} of {contract}", code="ORDER_NOT_FOUND")
        return found

    def _answered(self, what: str, body: bytes, client_id: str) -> Sequence[Event]:
        return told(placing.answered(self.books.source(Origin.VENUE), what, body, client_id))
