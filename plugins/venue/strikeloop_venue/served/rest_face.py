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

    async def converse(self, stream: ByteStream, number: int) -> bytes | None:
        """Serve one connection until either side closes it, or until a request asks for a WebSocket: its bytes, then.

        Clients that keep their connections open ask for the WebSocket on one that has carried requests before.
        """
        machine = h11.Connection(h11.SERVER)
        try:
            while (head := await _head(machine, stream)) is not None:
                if _asks_for_websocket(head):
                    return _as_received(head) + machine.trailing_data[0]
                await self._exchange(machine, stream, head, number)
                if machine.our_state is not h11.DONE or machine.their_state is not h11.DONE:
                    return None
                machine.start_next_cycle()
        except h11.RemoteProtocolError as error:
            await _answer_nonsense(machine, stream, error)
        return None

    async def _exchange(self, machine: h11.Connection, stream: ByteStream, head: h11.Request, number: int) -> None:
        """One request and its answer."""
        body = await _body(machine, stream)
        await self.valve.passed()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        target, method = head.target.decode("latin-1"), head.method.decode("latin-1")
        reply = await self.answer(method, target, headers, body)
        self.notes.request(target, method, "sign" in headers, reply.status, body, number)
        await stream.send(_written(machine, reply, method))

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


async def _head(machine: h11.Connection, stream: ByteStream) -> h11.Request | None:
    """The head of the next request; None when the client has gone."""
    event = await _event(machine, stream)
    return event if isinstance(event, h11.Request) else None


async def _body(machine: h11.Connection, stream: ByteStream) -> bytes:
    body = b""
    while isinstance(event := await _event(machine, stream), h11.Data):
        body += event.data
        if len(body) > LARGEST_BODY:
            raise h11.RemoteProtocolError("request body too large", error_status_hint=413)
    return body


async def _event(machine: h11.Connection, stream: ByteStream) -> Any:
    """The next thing the client says."""
    while (event := machine.next_event()) is h11.NEED_DATA:
        if machine.they_are_waiting_for_100_continue:
            await stream.send(machine.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        machine.receive_data(await _receive(stream))
    return event


def _asks_for_websocket(head: h11.Request) -> bool:
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in head.headers)


def _as_received(head: h11.Request) -> bytes:
    """The bytes of a request's head, for another parser."""
    lines = [b" ".join((head.method, head.target, b"HTTP/" + head.http_version))]
    lines += [name + b": " + value for name, value in head.headers.raw_items()]
    return b"\r\n".join(lines) + b"\r\n\r\n"


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
