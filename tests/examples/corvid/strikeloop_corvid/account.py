"""The private side of Corvid: the account and its orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs

import strikeloop as sl
from strikeloop.adapter import Channel, Decoded, Snapshot
from strikeloop.wire import Document, JsonStream, Rest
from strikeloop_corvid.rows import MS, TIFS, Rows
from strikeloop_corvid.signing import Signer

WORDS = {tif: word for word, tif in TIFS.items()}
E = TypeVar("E", bound=sl.Event)
Told = Sequence[sl.Event]


@attrs.define(eq=False)
class CorvidAccount(JsonStream):
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
    keep_alive = b'{"do": "ping"}'

    def request(self, what: str, channel: str, time_s: int, contracts: Sequence[sl.ContractId]) -> Mapping[str, Any]:
        do = what.replace("scribe", "")
        sign = self.signer.sign(f"{do} {channel} {time_s}")
        return {"do": do, "on": channel, "at": time_s, "key": self.signer.key.reveal(), "sign": sign}

    def decode(self, frame: bytes | str, received: int) -> Decoded:
        return self.rows.decode("account", frame, received)

    async def prepare(self) -> None:
        """Set the clock. Raises VenueError."""
        await self.rest.told_time("/time", lambda answer: answer["ts"].time(MS), grain_ns=MS)

    # ---- what the books say ----

    async def fills(self, since: int) -> tuple[sl.Filled, ...]:
        return tuple(await self._listed("/fills", self.rows.fill, {"since": str(since // MS)}))

    async def snapshot(self) -> Snapshot:
        said = self._said()
        orders = tuple(await self._listed("/orders", self.rows.order, {"state": "live"}))
        positions = tuple(await self._listed("/positions", self.rows.position))
        return Snapshot(**said, orders=orders, positions=positions, balances=tuple(await self._listed("/cash", self.rows.cash)))

    async def find(self, contract: sl.ContractId, *, client_id: str | None = None, order_id: str | None = None) -> sl.OrderUpdated | None:
        if order_id is None:
            found = await self._listed("/orders", self.rows.order, {"ref": client_id or ""})
            return found[-1] if found else None
        try:
            return self.rows.order(await self.rest.query(f"/orders/{order_id}"), **self._said(), origin=sl.Origin.SNAPSHOT)
        except sl.VenueError as error:
            if error.code != "E_NO_ORDER":
                raise
            return None

    # ---- orders ----

    async def submit(self, order: sl.Approved[sl.SubmitOrder]) -> Told:
        command = order.command
        if command.tif not in WORDS or command.iceberg or command.mmp:
            raise sl.OrderRejectedError(f"Corvid has no form for {command.tif}, iceberg or protection", code="E_FORM")
        body: dict[str, Any] = {
            "inst": command.contract.name,
            "side": "buy" if command.size > 0 else "sell",
            "qty": format(abs(command.size), "f"),
            "tif": WORDS[sl.TimeInForce.IOC if command.is_market else command.tif],
            "ref": command.client_id,
            "reduce": command.reduce_only,
        }
        price = {} if command.price is None else {"px": format(command.price, "f")}
        return await self.rest.act("POST", "/orders", body | price, read=self._told)

    async def cancel(self, order: sl.Approved[sl.CancelOrder], order_id: str | None) -> Told:
        path = f"/orders/{await self._id(order.command, order_id)}"
        return await self.rest.act("DELETE", path, read=self._told, is_urgent=True)

    async def amend(self, order: sl.Approved[sl.AmendOrder], order_id: str | None) -> Told:
        changes = {"qty": order.command.size, "px": order.command.price}
        body = {name: format(abs(number), "f") for name, number in changes.items() if number is not None}
        return await self.rest.act("PATCH", f"/orders/{await self._id(order.command, order_id)}", body, read=self._told)

    # ---- inside ----

    def _told(self, row: Document) -> Told:
        return (self.rows.order(row, **self._said()),)

    def _said(self) -> dict[str, Any]:
        return {"time": self.rest.clock.now(), "received": self.rest.clock.local()}

    async def _listed(self, path: str, read: Callable[..., E], query: Mapping[str, str] | None = None) -> list[E]:
        rows = await self.rest.pages(path, query, lambda answer: list(answer["rows"]), size=50, offset="skip")
        return [read(row, **self._said(), origin=sl.Origin.SNAPSHOT) for row in rows]

    async def _id(self, command: sl.CancelOrder | sl.AmendOrder, order_id: str | None) -> str:
        """The venue's id of an order, looked up where it is not known yet."""
        if order_id is not None:
            return order_id
        found = await self.find(command.contract, client_id=command.client_id)
        if found is None or found.order_id is None:
            raise sl.OrderRejectedError(f"the venue knows no order {command.client_id}", code="E_NO_ORDER")
        return found.order_id
