"""REST over one connection: bytes to requests and answers to bytes, with h11.

Owns the order of judgement of a request (path, signature, rate limit, handler) and the HTTP form of its answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl

import anyio
import attrs
import h11
from anyio.abc import ByteStream

from strikeloop_venue.served.control import PREFIX as CONTROL
from strikeloop_venue.served.control import Control
from strikeloop_venue.served.injection import Injection, RequestFault, RequestRule
from strikeloop_venue.served.limits import RateLimits
from strikeloop_venue.served.member import Member
from strikeloop_venue.served.rest import PREFIX, PUBLIC_ROUTES, Request, RestError, Route, Router
from strikeloop_venue.served.rest_account import ACCOUNT_ROUTES
from strikeloop_venue.served.running import RunningVenue
from strikeloop_venue.served.signing import Refusal, check_request
from strikeloop_venue.served.spelling import encoded

ROUTER = Router(PUBLIC_ROUTES + ACCOUNT_ROUTES)
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
    """An answer. `content` is sent as it is where there is one, else `body` as JSON."""

    status: int
    body: Any = None
    headers: list[tuple[str, str]] = attrs.field(factory=list)
    content: bytes | None = None
    content_type: str = "application/json"


class LostError(Exception):
    """The answer to this request does not leave: the connection is reset."""


@attrs.define(eq=False)
class RestFace:
    """Answers REST requests for one server."""

    venue: RunningVenue
    notes: Notes
    valve: Valve
    injection: Injection
    control: Control | None = None
    limits: RateLimits = attrs.field(factory=RateLimits)
    answer_delay_s: float = 0.0
    idle_timeout_s: float = 60.0

    async def converse(self, stream: ByteStream, number: int) -> bytes | None:
        """Serve one connection until either side closes it, or until a request asks for a WebSocket: its bytes, then.

        Clients that keep their connections open ask for the WebSocket on one that has carried requests before.
        """
        machine = h11.Connection(h11.SERVER)
        try:
            while (head := await self._head(machine, stream)) is not None:
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
        body = b""
        with anyio.move_on_after(self.idle_timeout_s) as scope:
            body = await _body(machine, stream)
        if scope.cancelled_caught:
            raise h11.RemoteProtocolError("the body did not come", error_status_hint=408)
        if self.control is None or not head.target.startswith(CONTROL.encode() + b"/"):
            await self.valve.passed()
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        target, method = head.target.decode("latin-1"), head.method.decode("latin-1")
        reply = await self.answer(method, target, headers, body)
        self.notes.request(target, method, "sign" in headers, reply.status, body, number)
        await stream.send(_written(machine, reply, method))

    async def _head(self, machine: h11.Connection, stream: ByteStream) -> h11.Request | None:
        """The head of the next request; None when the client has gone, or has been silent for too long."""
        with anyio.move_on_after(self.idle_timeout_s):
            event = await _event(machine, stream)
            return event if isinstance(event, h11.Request) else None
        return None

    async def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to one request, whatever it is. Raises LostError where it is to be lost."""
        path, _, raw_query = target.partition("?")
        try:
            if self.control is not None and path.startswith(CONTROL + "/"):
                return Reply(*self.control.answer(method, path, headers, body))
            if not path.startswith(PREFIX + "/"):
                raise RestError(404, "NOT_FOUND", f"no endpoint {path}")
        except RestError as error:
            return _refused(error)
        rule = self.injection.request(method, path[len(PREFIX) :])
        if rule is not None and rule.fault is RequestFault.ANSWER:
            return _instead(rule)
        reply = await self._carried_out(method, path, raw_query, headers, body)
        if rule is not None and rule.fault is RequestFault.LOSE:
            raise LostError
        if rule is not None:
            await anyio.sleep(rule.seconds)
        return reply

    async def _carried_out(self, method: str, path: str, raw_query: str, headers: Mapping[str, str], body: bytes) -> Reply:
        extra: list[tuple[str, str]] = []
        try:
            route, args = ROUTER.find(method, path[len(PREFIX) :])
            signer = self._signer(route, method, path, raw_query, body, headers)
            who = "" if signer is None else str(signer.user_id)
            admitted, extra = self.limits.admit(route.group, f"{route.bucket} {who}", self.venue.clock.wall_s())
            if not admitted:
                raise RestError(429, "TOO_MANY_REQUESTS", "request rate limit exceeded")
            if self.answer_delay_s:
                await anyio.sleep(self.answer_delay_s)
            request = Request(method, path[len(PREFIX) :], _query(raw_query), body, args)
            result = route.handler(self.venue if signer is None else signer, request)
            return Reply(route.status, await result if inspect.isawaitable(result) else result, extra)
        except RestError as error:
            return _refused(error, extra)

    def _signer(self, route: Route, method: str, path: str, raw_query: str, body: bytes, headers: Mapping[str, str]) -> Member | None:
        """Whose request it is; None for a public one. Raises RestError."""
        if not route.signed:
            return None
        found = check_request(self.venue.keys, method, path, raw_query, body, headers, self.venue.clock.wall_s())
        if isinstance(found, Refusal):
            raise RestError(401, found.label, found.message)
        return self.venue.member(found.user_id)


def _query(raw: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise RestError(400, "INVALID_PARAM_VALUE", "at most 100 parameters are taken") from None


def _refused(error: RestError, extra: Sequence[tuple[str, str]] = ()) -> Reply:
    return Reply(error.status, {"label": error.label, "message": error.message}, list(extra))


def _instead(rule: RequestRule) -> Reply:
    """The answer that a fault makes, whatever was asked."""
    if rule.body is not None:
        return Reply(rule.status, content=rule.body.encode(), content_type=rule.content_type)
    return Reply(rule.status, {"label": rule.label, "message": "made to fail"})


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
    body = encoded(reply.body) if reply.content is None else reply.content
    headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(body))), *reply.headers]
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
