"""The private side of Corvid: the account and its orders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from strikeloop import (
    AmendOrder,
    Approved,
    CancelOrder,
    ContractId,
    Event,
    Filled,
    OrderRejectedError,
    OrderUpdated,
    Origin,
    SubmitOrder,
    TimeInForce,
    VenueError,
)
from strikeloop.adapter import Channel, Decoded, Link, Snapshot
from strikeloop.wire import Document, Rest, connect_websocket
from strikeloop_corvid.rows import MS, TIFS, Rows, plain
from strikeloop_corvid.signing import Signer

PAGE = 50
WORDS = {tif: word for word, tif in TIFS.items()}
E = TypeVar("E", bound=Event)
Read = Callable[[Document, int, int, Origin], E]


@attrs.define(eq=False)
class CorvidAccount:
    """`strikeloop.adapter.Account` of one instance."""

    name: str
    ws_url: str
    rest: Rest
    signer: Signer
    rows: Rows = attrs.field(default=attrs.Factory(lambda self: Rows(self.name), takes_self=True))
    channels = (
        Channel(name="orders", essential=True),
        Channel(name="fills", essential=True, reports_fills=True),
        Channel(name="positions", essential=True),
        Channel(name="cash"),
    )

    async def connect(self) -> Link:
        return await connect_websocket(self.ws_url)

    def subscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (self._request("sub", channel, time_s),)

    def unsubscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (self._request("unsub", channel, time_s),)

    def ping(self, time_s: int) -> bytes:
        return b'{"do": "ping"}'

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        return self.rows.decode("account", frame, received)

    def _request(self, what: str, channel: str, time_s: int) -> bytes:
        sign = self.signer.sign(f"{what} {channel} {time_s}")
        return json.dumps({"do": what, "on": channel, "at": time_s, "key": self.signer.key.reveal(), "sign": sign}).encode()

    async def prepare(self) -> None:
        """Set the clock. Raises VenueError."""
        await self.rest.told_time("/time", lambda answer: answer["ts"].time(MS), grain_ns=MS)

    # ---- what the books say ----

    async def fills(self, since: int) -> tuple[Filled, ...]:
        return tuple(await self._pages("/fills", {"since": str(since // MS)}, self.rows.fill))

    async def snapshot(self) -> Snapshot:
        time, received = self.rest.clock.now(), self.rest.clock.local()
        orders = await self._pages("/orders", {"state": "live"}, self.rows.order)
        positions = [self._read(row, self.rows.position) for row in (await self.rest.query("/positions"))["rows"]]
        balances = [self._read(row, self.rows.cash) for row in (await self.rest.query("/cash"))["rows"]]
        return Snapshot(time=time, received=received, orders=tuple(orders), positions=tuple(positions), balances=tuple(balances))

    async def find(self, contract: ContractId, *, client_id: str | None = None, order_id: str | None = None) -> OrderUpdated | None:
        if order_id is None:
            found = [self._read(row, self.rows.order) for row in (await self.rest.query("/orders", {"ref": client_id or ""}))["rows"]]
            return found[-1] if found else None
        try:
            return self._read(await self.rest.query(f"/orders/{order_id}"), self.rows.order)
        except VenueError as error:
            if error.code != "E_NO_ORDER":
                raise
            return None

    # ---- orders ----

    async def submit(self, order: Approved[SubmitOrder]) -> Sequence[Event]:
        command = order.command
        if command.tif not in WORDS or command.iceberg or command.mmp:
            raise OrderRejectedError(f"Corvid has no form for {command.tif}, iceberg or protection", code="E_FORM")
        body: dict[str, Any] = {
            "inst": command.contract.name,
            "side": "buy" if command.size > 0 else "sell",
            "qty": plain(abs(command.size)),
            "tif": WORDS[TimeInForce.IOC if command.is_market else command.tif],
            "ref": command.client_id,
            "reduce": command.reduce_only,
        }
        if command.price is not None:
            body["px"] = plain(command.price)
        return await self._act("POST", "/orders", body)

    async def cancel(self, order: Approved[CancelOrder], order_id: str | None) -> Sequence[Event]:
        path = f"/orders/{await self._id(order.command, order_id)}"
        return await self._act("DELETE", path, is_urgent=True)

    async def amend(self, order: Approved[AmendOrder], order_id: str | None) -> Sequence[Event]:
        command = order.command
        body = {name: plain(abs(number)) for name, number in (("qty", command.size), ("px", command.price)) if number is not None}
        return await self._act("PATCH", f"/orders/{await self._id(command, order_id)}", body)

    # ---- inside ----

    async def _act(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, is_urgent: bool = False) -> Sequence[Event]:
        def read(row: Document) -> Sequence[Event]:
            return (self.rows.order(row, self.rest.clock.now(), self.rest.clock.local(), Origin.VENUE),)

        return await self.rest.act(method, path, body, read=read, is_urgent=is_urgent)

    async def _id(self, command: CancelOrder | AmendOrder, order_id: str | None) -> str:
        """The venue's id of an order, looked up where it is not known yet."""
        if order_id is not None:
            return order_id
        found = await self.find(command.contract, client_id=command.client_id)
        if found is None or found.order_id is None:
            raise OrderRejectedError(f"the venue knows no order {command.client_id}", code="E_NO_ORDER")
        return found.order_id

    async def _pages(self, path: str, query: Mapping[str, str], read: Read[E]) -> list[E]:
        found: list[E] = []
        while True:
            rows = list((await self.rest.query(path, {**query, "skip": str(len(found))}))["rows"])
            found += [self._read(row, read) for row in rows]
            if len(rows) < PAGE:
                return found

    def _read(self, row: Document, read: Read[E]) -> E:
        return read(row, self.rest.clock.now(), self.rest.clock.local(), Origin.SNAPSHOT)
