"""Signed and public requests to Gate's REST v4, and what its refusals mean.

Owns signing, the clock offset, the venue's request budgets and the translation of every failure into strikeloop's
errors. It sends each request once: whether to ask again is the caller's business, and an order is never repeated.
Source: APIv4 «General», «Authentication», «Error handling».
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import attrs
import httpx

from strikeloop import AuthRejectedError, LinkLostError, OrderRejectedError, OutcomeUnknownError, VenueError
from strikeloop.adapter import ServerClock
from strikeloop.wire import RateLimiter, Secret
from strikeloop_gate.decode import AUTH_LABELS
from strikeloop_gate.ledger import MILLISECOND_NS, SECOND_NS
from strikeloop_gate.signing import request_signature
from strikeloop_gate.strictjson import MalformedError, Numeral, tree

Query = Iterable[tuple[str, str]]
UNCERTAIN_LABELS: Final = frozenset({"SERVER_ERROR", "INTERNAL", "TOO_BUSY"})
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError, httpx.UnsupportedProtocol)
NEVER_ASKED: Final = frozenset({400, 404, 405, 411, 413, 414, 415, 429})
LONGEST_PAUSE_S: Final = 60.0


@attrs.frozen
class Budgets:
    """The venue's limits per user: orders and cancels 200 a second each, everything else 200 in 10 s."""

    orders: RateLimiter
    cancels: RateLimiter
    queries: RateLimiter

    @classmethod
    def of(cls, clock: Callable[[], int]) -> Budgets:
        return cls(
            RateLimiter(200, 1.0, reserve=0.0, clock=clock),
            RateLimiter(200, 1.0, reserve=0.0, clock=clock),
            RateLimiter(200, 10.0, clock=clock),
        )


@attrs.define(eq=False)
class Rest:
    """One account's REST access. `base_url` ends in /api/v4; without key and secret only public paths can be asked."""

    base_url: str
    http: httpx.AsyncClient
    clock: ServerClock
    key: Secret | None = None
    secret: Secret | None = None
    budgets: Budgets = attrs.field(default=attrs.Factory(lambda self: Budgets.of(self.clock.local), takes_self=True))

    async def get(self, path: str, query: Query = (), *, signed: bool = True) -> bytes:
        """The body of a JSON answer. Raises VenueError (LinkLostError when none came), AuthRejectedError."""
        return await self._ask("GET", path, tuple(query), b"", self.budgets.queries, signed=signed)

    async def order(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Place or change something, once.

        Raises OrderRejectedError when the venue said no, OutcomeUnknownError when it may or may not have acted,
        LinkLostError when nothing was sent, AuthRejectedError.
        """
        budget = self.budgets.cancels if method == "DELETE" else self.budgets.orders
        return await self._ask(method, path, (), body, budget, signed=True)

    async def synchronize(self) -> None:
        """Measure the clock offset; signatures are made with the venue's time. Raises VenueError."""
        sent = self.clock.local()
        document = tree(await self.get("/spot/time", signed=False))
        told = document.get("server_time") if isinstance(document, dict) else None
        if not isinstance(told, Numeral | str) or not (told.isascii() and told.isdigit() and len(told) <= 13):
            raise VenueError("GET /spot/time: server_time is no time in milliseconds")
        self.clock.measured(int(told) * MILLISECOND_NS, sent=sent, received=self.clock.local(), grain=MILLISECOND_NS)

    async def _ask(self, method: str, path: str, query: Query, body: bytes, budget: RateLimiter, *, signed: bool) -> bytes:
        what = f"{method} {path}"
        await budget.acquire()
        sent = self.clock.local()
        try:
            response = await self.http.request(
                method,
                self.base_url + path + ("?" + urlencode(tuple(query)) if query else ""),
                content=body or None,
                headers=self._headers(method, path, query, body, signed=signed),
            )
        except NOT_SENT as exc:
            raise LinkLostError(f"{what}: not sent: {exc}") from exc
        except httpx.RequestError as exc:
            if method == "GET":
                raise LinkLostError(f"{what}: no answer: {exc}") from exc
            raise OutcomeUnknownError(f"{what}: sent, but no answer came: {exc}") from exc
        self._learn(response, budget, sent)
        return self._body(what, method, response)

    def _headers(self, method: str, path: str, query: Query, body: bytes, *, signed: bool) -> dict[str, str]:
        headers = {"accept": "application/json", "content-type": "application/json"}
        if not signed:
            return headers
        if self.key is None or self.secret is None:
            raise AuthRejectedError(f"{method} {path} needs a key and a secret", code="INVALID_CREDENTIALS")
        timestamp = str(self.clock.now() // SECOND_NS)
        # What is signed is the query before it is encoded.
        signature = request_signature(
            self.secret,
            method=method,
            path=urlsplit(self.base_url).path + path,
            query="&".join(f"{name}={value}" for name, value in query),
            body=body,
            timestamp=timestamp,
        )
        return {**headers, "KEY": self.key.reveal(), "Timestamp": timestamp, "SIGN": signature}

    def _learn(self, response: httpx.Response, budget: RateLimiter, sent: int) -> None:
        """Take the budget and the time that the venue states."""
        headers, now = response.headers, self.clock.local()
        reset_s, left = _number(headers.get("x-gate-ratelimit-reset-timestamp")), _number(headers.get("x-gate-ratelimit-requests-remain"))
        wait_s = None if reset_s is None else reset_s - self.clock.now() / SECOND_NS
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            after_s = _number(headers.get("retry-after"))
            wait_s, left = after_s if after_s is not None else wait_s or 1.0, 0.0
        if wait_s is not None and left is not None and wait_s > 0:
            budget.restrict(int(left), now + int(min(wait_s, LONGEST_PAUSE_S) * SECOND_NS))
        told = _date(headers.get("date"))
        if told is not None:
            self.clock.measured(told, sent=sent, received=now, grain=SECOND_NS)

    def _body(self, what: str, method: str, response: httpx.Response) -> bytes:
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
        said = f"{what}: HTTP {response.status_code} {label or reason or 'refused'}: {message}".rstrip(": ")
        raise _failure(method, response.status_code, label, said)


def _failure(method: str, status: int, label: str, said: str) -> VenueError:
    """What a refusal means for the one who asked."""
    code = label or status
    if label in AUTH_LABELS or (status in (401, 403) and not label):
        return AuthRejectedError(said, code=code)
    if method == "GET":
        return VenueError(said, code=code)
    # Without a label it was not the venue's application that answered; only these say that it was never asked.
    is_refused = label not in UNCERTAIN_LABELS if label else status in NEVER_ASKED
    return OrderRejectedError(said, code=code) if is_refused and status < 500 else OutcomeUnknownError(said, code=code)


def _date(text: str | None) -> int | None:
    """The time in a Date header, ns UTC."""
    try:
        return None if text is None else int(parsedate_to_datetime(text).timestamp()) * SECOND_NS
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    """A header's plain number of seconds."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    # The venue writes seconds; a figure of 13 digits can only be milliseconds.
    return int(text) / 1_000 if len(text) == 13 else float(text)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(char if char.isprintable() else " " for char in text[:200])
