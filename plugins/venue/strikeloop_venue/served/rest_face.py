"""REST over one connection: bytes to requests and answers to bytes, with h11.

Owns the order of judgement of a request (path, rate limit, signature, handler) and the HTTP form of its answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

import anyio
import attrs
import h11
from anyio.abc import ByteStream

from strikeloop_venue.served.limits import RateLimits
from strikeloop_venue.served.rest import PREFIX, PUBLIC_ROUTES, Request, RestError, Route, find_route
from strikeloop_venue.served.rest_account import ACCOUNT_ROUTES
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.signing import Credentials, check_request
from strikeloop_venue.served.spelling import encoded

ROUTES = PUBLIC_ROUTES + ACCOUNT_ROUTES
LARGEST_BODY = 1 << 20
READ_SIZE = 65_536


class Notes(Protocol):
    """Where requests are written down."""

    def request(self, target: str, method: str, signed: bool, status: int, body: bytes, connection: int) -> None: ...


class Valve(Protocol):
    """What holds every answer back while the server is paused."""

    async def passed(self) -> None: ...


@attrs.frozen
class Reply:
    status: int
    body: Any
    headers: list[tuple[str, str]] = attrs.field(factory=list)


@attrs.define(eq=False)
class RestFace:
    """Answers REST requests for one server."""

    venue: RunningVenue
    credentials: Credentials
    notes: Notes
    valve: Valve
    limits: RateLimits = attrs.field(factory=RateLimits)
    answer_delay_s: float = 0.0

    async def converse(self, stream: ByteStream, first: bytes, number: int) -> None:
        """Serve one connection until either side closes it; `first` was read already."""
        machine = h11.Connection(h11.SERVER)
        machine.receive_data(first)
        try:
            while await self._exchange(machine, stream, number):
                machine.start_next_cycle()
        except h11.RemoteProtocolError as error:
            await _answer_nonsense(machine, stream, error)

    async def _exchange(self, machine: h11.Connection, stream: ByteStream, number: int) -> bool:
        """One request and its answer; False when the connection is done."""
        head, body = await _read(machine, stream)
        if head is None:
            return False
        await self.valve.passed()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        target, method = head.target.decode("latin-1"), head.method.decode("latin-1")
        reply = await self.answer(method, target, headers, body)
        self.notes.request(target, method, "sign" in headers, reply.status, body, number)
        await stream.send(_written(machine, reply, method))
        return machine.our_state is h11.DONE and machine.their_state is h11.DONE

    async def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to one request, whatever it is."""
        path, _, raw_query = target.partition("?")
        extra: list[tuple[str, str]] = []
        try:
            if not path.startswith(PREFIX + "/"):
                raise RestError(404, "NOT_FOUND", f"no endpoint {path}")
            route, args = find_route(ROUTES, method, path[len(PREFIX) :])
            admitted, extra = self.limits.admit(f"{route.method} {route.path}", route.window_s, self.venue.clock.wall_s())
            if not admitted:
                raise RestError(429, "TOO_MANY_REQUESTS", "request rate limit exceeded")
            self._judge(route, method, path, raw_query, body, headers)
            if self.answer_delay_s:
                await anyio.sleep(self.answer_delay_s)
            query = dict(parse_qsl(raw_query, keep_blank_values=True))
            request = Request(method, path[len(PREFIX) :], query, body, args, self.credentials.user_id)
            result = route.handler(self.venue, request)
            return Reply(route.status, await result if inspect.isawaitable(result) else result, extra)
        except RestError as error:
            return Reply(error.status, {"label": error.label, "message": error.message}, extra)

    def _judge(self, route: Route, method: str, path: str, raw_query: str, body: bytes, headers: Mapping[str, str]) -> None:
        if not route.signed:
            return
        refusal = check_request(self.credentials, method, path, raw_query, body, headers, self.venue.clock.wall_s())
        if refusal is not None:
            raise RestError(401, refusal.label, refusal.message)


async def _read(machine: h11.Connection, stream: ByteStream) -> tuple[h11.Request | None, bytes]:
    """The next request with its body; None when the client has gone."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            if machine.they_are_waiting_for_100_continue:
                await stream.send(machine.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            machine.receive_data(await _receive(stream))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY:
                raise h11.RemoteProtocolError("request body too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage):
            return head, body
        else:
            return None, b""


async def _receive(stream: ByteStream) -> bytes:
    try:
        return await stream.receive(READ_SIZE)
    except anyio.EndOfStream:
        return b""


def _written(machine: h11.Connection, reply: Reply, method: str) -> bytes:
    body = encoded(reply.body)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *reply.headers]
    parts = [machine.send(h11.Response(status_code=reply.status, headers=headers))]
    if method != "HEAD":
        parts.append(machine.send(h11.Data(data=body)))
    parts.append(machine.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)


async def _answer_nonsense(machine: h11.Connection, stream: ByteStream, error: h11.RemoteProtocolError) -> None:
    """Tell a client that speaks no HTTP, as far as it can still be told."""
    if machine.our_state in (h11.IDLE, h11.SEND_RESPONSE):
        reply = Reply(error.error_status_hint, {"label": "BAD_REQUEST", "message": str(error)}, [("Connection", "close")])
        await stream.send(_written(machine, reply, "GET"))
