"""Signed and public requests to Gate's REST v4: signed with the venue's time, each sent once, each failure told apart.

Owns the lines (queries, orders and cancels have connections of their own), signing, the clock offset, and the one
exception to «once»: a query refused as expired is asked again with the right time. What refusals mean is refusals'.
Source: APIv4 «General», «Authentication».
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import anyio
import attrs
import httpx

from strikeloop import AuthRejectedError, LinkLostError, VenueError
from strikeloop.adapter import ServerClock
from strikeloop.wire import RateLimiter, Secret, open_http, told_apart
from strikeloop_gate.budgets import Budgets
from strikeloop_gate.refusals import EXPIRED, failure
from strikeloop_gate.signing import request_signature
from strikeloop_gate.sources import MILLISECOND_NS, SECOND_NS
from strikeloop_gate.strictjson import MalformedError, Numeral, tree

Query = Iterable[tuple[str, str]]
TURN_S: Final = 1.5
"""How long an order waits for its turn under the rate limit; then it is not sent, and that is known at once."""
PLACE_S: Final = 0.5
CONNECT_S: Final = 2.5
QUIET_NS: Final = 25 * SECOND_NS
HEADERS: Final = {"accept": "application/json", "content-type": "application/json"}


@attrs.frozen
class Lines:
    """One client for each kind of request: a query never stands before an order, nor an order before a cancel."""

    queries: httpx.AsyncClient
    orders: httpx.AsyncClient
    cancels: httpx.AsyncClient

    @classmethod
    def open(cls, base_url: str, *, timeout_s: float, ca_file: str | None = None) -> Lines:
        """Three clients that connect to nothing yet; an order or a cancel learns soon that it cannot be sent. Raises ConfigError."""
        queries = open_http(base_url, read_timeout_s=timeout_s, max_connections=4, ca_file=ca_file)
        orders, cancels = (open_http(base_url, read_timeout_s=timeout_s, max_connections=8, ca_file=ca_file) for _ in range(2))
        for line in (orders, cancels):
            line.timeout = httpx.Timeout(timeout_s, connect=CONNECT_S, pool=PLACE_S)
        return cls(queries, orders, cancels)

    async def aclose(self) -> None:
        for line in (self.queries, self.orders, self.cancels):
            await line.aclose()


@attrs.define(eq=False)
class Rest:
    """One account's REST access. `base_url` ends in /api/v4; without key and secret only public paths can be asked."""

    base_url: str
    lines: Lines
    clock: ServerClock
    key: Secret | None = None
    secret: Secret | None = None
    budgets: Budgets = attrs.field(default=attrs.Factory(lambda self: Budgets(self.clock.local), takes_self=True))

    _used: dict[httpx.AsyncClient, int] = attrs.field(factory=dict, init=False)
    """When each line was last used, ns UTC here."""

    async def aclose(self) -> None:
        await self.lines.aclose()

    async def get(self, path: str, query: Query = (), *, signed: bool = True, urgent: bool = False) -> bytes:
        """The body of a JSON answer; `urgent` questions may use what is left of the rate limit for them.

        Raises VenueError (LinkLostError when none came), AuthRejectedError.
        """
        query = tuple(query)
        await self.budgets.of("GET", path).acquire(urgent)
        try:
            return await self._ask(self.lines.queries, "GET", path, query, b"", signed=signed)
        except AuthRejectedError as error:
            if error.code != EXPIRED:
                raise
        await self.synchronize()
        await self.budgets.of("GET", path).acquire(urgent)
        return await self._ask(self.lines.queries, "GET", path, query, b"", signed=signed)

    async def order(self, method: str, path: str, body: bytes = b"", query: Query = ()) -> bytes:
        """Place or change something, once.

        Raises OrderRejectedError when the venue said no, OutcomeUnknownError when it may or may not have acted,
        LinkLostError when nothing was sent, AuthRejectedError.
        """
        await self._turn(f"{method} {path}", self.budgets.of(method, path), urgent=False)
        return await self._ask(self.lines.orders, method, path, tuple(query), body, signed=True)

    async def cancel(self, method: str, path: str, body: bytes = b"", query: Query = ()) -> bytes:
        """Withdraw something, or arm the countdown that does; errors as `order`. It stands behind no query and no order."""
        await self._turn(f"{method} {path}", self.budgets.of(method, path), urgent=True)
        return await self._ask(self.lines.cancels, method, path, tuple(query), body, signed=True)

    async def synchronize(self) -> None:
        """Ask the venue's time over the lines of orders and cancels, so that those are open when they are needed. Raises VenueError."""
        for line in (self.lines.orders, self.lines.cancels):
            await self._ask_time(line)

    async def keep_open(self) -> None:
        """Ask the time over those of these lines that have been quiet for long: a server closes what says nothing. Raises VenueError."""
        now = self.clock.local()
        for line in (self.lines.orders, self.lines.cancels):
            used = self._used.get(line)
            if used is not None and now - used >= QUIET_NS:
                await self._ask_time(line)

    async def _ask_time(self, line: httpx.AsyncClient) -> None:
        sent = self.clock.local()
        told = _server_time(await self._ask(line, "GET", "/spot/time", (), b"", signed=False))
        self.clock.measured(told, sent=sent, received=self.clock.local(), grain=MILLISECOND_NS)

    async def _turn(self, what: str, limiter: RateLimiter, *, urgent: bool) -> None:
        with anyio.move_on_after(TURN_S) as scope:
            await limiter.acquire(urgent)
        if scope.cancelled_caught:
            raise LinkLostError(f"{what}: held back for {TURN_S:g} s by the venue's rate limit", code="TOO_MANY_REQUESTS")

    async def _ask(self, line: httpx.AsyncClient, method: str, path: str, query: Query, body: bytes, *, signed: bool) -> bytes:
        what = f"{method} {path}"
        credentials = self._credentials(what) if signed else None
        sent = self._used[line] = self.clock.local()

        def leaving() -> dict[str, str]:
            nonlocal sent
            sent = self.clock.local()
            return {} if credentials is None else self._signature(*credentials, method, path, query, body)

        with told_apart(what, is_question=method == "GET"):
            response = await line.request(
                method,
                self.base_url + path + ("?" + urlencode(tuple(query)) if query else ""),
                content=body or None,
                headers=HEADERS,
                extensions={"leaving": leaving},
            )
        self._learn(method, path, response, sent)
        return _body(what, method, response)

    def _credentials(self, what: str) -> tuple[Secret, Secret]:
        if self.key is None or self.secret is None:
            raise AuthRejectedError(f"{what} needs a key and a secret", code="INVALID_CREDENTIALS")
        return self.key, self.secret

    def _signature(self, key: Secret, secret: Secret, method: str, path: str, query: Query, body: bytes) -> dict[str, str]:
        """The headers that sign a request which leaves now."""
        timestamp = str(self.clock.now() // SECOND_NS)
        # What is signed is the query before it is encoded.
        signature = request_signature(
            secret,
            method=method,
            path=urlsplit(self.base_url).path + path,
            query="&".join(f"{name}={value}" for name, value in query),
            body=body,
            timestamp=timestamp,
        )
        return {"KEY": key.reveal(), "Timestamp": timestamp, "SIGN": signature}

    def _learn(self, method: str, path: str, response: httpx.Response, sent: int) -> None:
        """Take the budget and the time that the venue states."""
        told = _date(response.headers.get("date"))
        if told is not None:
            self.clock.measured(told, sent=sent, received=self.clock.local(), grain=SECOND_NS)
        self.budgets.learn(self.budgets.of(method, path), response.status_code, response.headers, self.clock.now())


def _body(what: str, method: str, response: httpx.Response) -> bytes:
    """The body of a good answer; raises what a bad one means."""
    try:
        document = tree(response.content)
    except MalformedError as exc:
        document, reason = None, str(exc)
    else:
        reason = ""
    label = message = ""
    if isinstance(document, dict) and "label" in document:
        label, message = _plain(document["label"]), _plain(document.get("message") or document.get("detail"))
    if response.is_success and not label and not reason:
        return response.content
    raise failure(method, what, response.status_code, label, message or reason)


def _server_time(body: bytes) -> int:
    """What GET /spot/time says, ns UTC."""
    try:
        document = tree(body)
    except MalformedError:
        document = None
    told = document.get("server_time") if isinstance(document, dict) else None
    if not isinstance(told, Numeral | str) or not (told.isascii() and told.isdigit() and len(told) <= 13):
        raise VenueError("GET /spot/time: server_time is no time in milliseconds")
    return int(told) * MILLISECOND_NS


def _date(text: str | None) -> int | None:
    """The time in a Date header, ns UTC."""
    try:
        return None if text is None else int(parsedate_to_datetime(text).timestamp()) * SECOND_NS
    except (ValueError, OverflowError):
        return None


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(char if char.isprintable() else " " for char in text[:200])
