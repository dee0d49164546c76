"""Requests to a venue that speaks JSON over HTTP: signed as they leave, each sent once, each failure told apart.

Owns `Rest`, what most venues have in common, and the one rule that counts: of an order it must be known whether it was not
done, or may have been. How a venue signs and what its refusals say comes from its adapter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

import anyio
import attrs
import httpx

from strikeloop.clock import ServerClock
from strikeloop.errors import (
    AuthRejectedError,
    ConfigError,
    DecodeError,
    LinkLostError,
    OrderRejectedError,
    OutcomeUnknownError,
    VenueError,
)
from strikeloop.wire.document import Document
from strikeloop.wire.http import open_http
from strikeloop.wire.rate import RateLimiter

T = TypeVar("T")
NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.LocalProtocolError, httpx.UnsupportedProtocol)
TURN_S: Final = 1.5
"""How long an order waits for its turn under the rate limit; then it is not sent, and that is known at once."""
NEVER_ASKED: Final = frozenset({400, 404, 405, 411, 413, 414, 415, 429})
"""Statuses without a word of the venue's application that say that it was never asked."""
MOST_PAGES: Final = 200
PAUSE_S: Final = 10.0
"""How long requests pause after a 429 that does not say for how long."""


def _trimmed(url: str) -> str:
    return url.rstrip("/")


class Verdict(StrEnum):
    """What a refusal says of the request: it was not done; the credentials are no good; or nobody knows whether it was done."""

    REFUSED = "refused"
    CREDENTIALS = "credentials"
    UNCERTAIN = "uncertain"


@attrs.frozen
class Refusal:
    """What a venue's answer says against a request: its code, its words, and what they mean."""

    code: str
    message: str = ""
    verdict: Verdict = Verdict.REFUSED


class Sign(Protocol):
    """Gives the headers that sign a request, made when its bytes leave; `time_ns` is the venue's time."""

    def __call__(self, method: str, target: str, body: bytes, time_ns: int) -> Mapping[str, str]:
        """`target` is the path with its query, as it is sent."""
        ...


@attrs.define(eq=False)
class Rest:
    """One venue's REST access: `base_url`, who signs, and who reads refusals.

    `refused(status, document)` is asked of every JSON answer and gives None where it states no refusal; then the status
    decides. `limit` is the venue's budget, of which the last tenth is for cancels. Without `sign` all requests are public.
    Every error is a VenueError: LinkLostError where nothing was sent, AuthRejectedError, and for what may change something
    OrderRejectedError (not done) or OutcomeUnknownError (nobody knows). Nothing is ever sent twice.
    """

    base_url: str = attrs.field(converter=_trimmed)
    clock: ServerClock
    refused: Callable[[int, Document], Refusal | None]
    sign: Sign | None = None
    limit: RateLimiter | None = None
    timeout_s: float = 10.0
    ca_file: str | None = None
    _client: httpx.AsyncClient = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._client = open_http(self.base_url, read_timeout_s=self.timeout_s, ca_file=self.ca_file)

    async def aclose(self) -> None:
        """Close every connection; never raises."""
        await self._client.aclose()

    async def query(self, path: str, query: Mapping[str, str] | None = None, *, is_public: bool = False) -> Document:
        """Ask for something. Raises VenueError, AuthRejectedError."""
        if self.limit is not None:
            await self.limit.acquire()
        return await self._ask("GET", path, query, None, is_signed=not is_public)

    async def pages(
        self,
        path: str,
        query: Mapping[str, str] | None,
        rows: Callable[[Document], list[Document]],
        *,
        size: int,
        offset: str = "offset",
    ) -> list[Document]:
        """The rows of a listing to its end, `size` on a page; `offset` names where a page begins. Raises as `query`, and for no end."""
        found: list[Document] = []
        for _ in range(MOST_PAGES):
            page = rows(await self.query(path, {**(query or {}), offset: str(len(found))}))
            found += page
            if len(page) < size:
                return found
        raise VenueError(f"GET {path}: more than {MOST_PAGES} pages; ask for less")

    async def act(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        read: Callable[[Document], T],
        query: Mapping[str, str] | None = None,
        is_urgent: bool = False,
    ) -> T:
        """Place, change or withdraw something, once; `read` makes what the answer says. Cancels are urgent.

        An answer that `read` cannot read is an outcome that nobody knows. Raises OrderRejectedError, OutcomeUnknownError,
        LinkLostError, AuthRejectedError.
        """
        if self.limit is not None:
            with anyio.move_on_after(TURN_S) as scope:
                await self.limit.acquire(is_urgent)
            if scope.cancelled_caught:
                raise LinkLostError(f"{method} {path}: held back for {TURN_S:g} s by the venue's rate limit")
        try:
            return read(await self._ask(method, path, query, body, is_signed=True))
        except DecodeError as exc:
            raise OutcomeUnknownError(f"{method} {path}: the answer cannot be read: {exc}") from None

    async def told_time(self, path: str, read: Callable[[Document], int], *, grain_ns: int) -> None:
        """Ask for the venue's time, which `read` makes ns UTC of, and set the clock by it. Raises VenueError."""
        sent = self.clock.local()
        told = read(await self._ask("GET", path, None, None, is_signed=False))
        self.clock.measured(told, sent=sent, received=self.clock.local(), grain=grain_ns)

    # ---- inside ----

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None, *, is_signed: bool
    ) -> Document:
        what, target = f"{method} {path}", path + (f"?{urlencode(query)}" if query else "")
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()

        def leaving() -> Mapping[str, str]:
            return self.sign(method, target, content, self.clock.now()) if is_signed and self.sign is not None else {}

        with told_apart(what, is_question=method == "GET"):
            response = await self._client.request(
                method,
                self.base_url + target,
                content=content or None,
                headers={"accept": "application/json", **({"content-type": "application/json"} if content else {})},
                extensions={"leaving": leaving},
            )
        return self._read(what, method, response)

    def _read(self, what: str, method: str, response: httpx.Response) -> Document:
        """The document of a good answer; raises what a bad one means."""
        status = response.status_code
        try:
            document, reason = Document.parse(response.content, channel=what), ""
            refusal = self.refused(status, document)
        except DecodeError as exc:
            document, refusal, reason = None, None, exc.reason
        if status == 429:
            self._pause(response)
        if response.is_success and refusal is None and document is not None:
            return document
        raise _failure(what, method, status, refusal, reason)

    def _pause(self, response: httpx.Response) -> None:
        after = response.headers.get("retry-after", "")
        pause_s = min(float(after), 60.0) if after.isascii() and after.isdigit() and len(after) < 6 else PAUSE_S
        if self.limit is not None:
            self.limit.restrict(0, self.limit.clock() + round(pause_s * 1e9))


def _failure(what: str, method: str, status: int, refusal: Refusal | None, reason: str) -> VenueError:
    """The error that an answer means. Asking is harmless; of everything else it counts whether it was done."""
    verdict = _verdict(status, refusal)
    said = reason if refusal is None else f"{refusal.code} {refusal.message}".strip()
    text, code = f"{what}: HTTP {status}" + (f": {said}" if said else ""), status if refusal is None else refusal.code
    if verdict is Verdict.CREDENTIALS:
        return AuthRejectedError(text, code=code)
    if method == "GET":
        return VenueError(text, code=code)
    return OrderRejectedError(text, code=code) if verdict is Verdict.REFUSED else OutcomeUnknownError(text, code=code)


def _verdict(status: int, refusal: Refusal | None) -> Verdict:
    if status >= 500:
        return Verdict.UNCERTAIN
    if refusal is not None:
        return refusal.verdict
    if status in (401, 403):
        return Verdict.CREDENTIALS
    return Verdict.REFUSED if status in NEVER_ASKED else Verdict.UNCERTAIN


@contextmanager
def told_apart(what: str, *, is_question: bool) -> Iterator[None]:
    """Raise what an HTTP client raises as what it says of request `what`: not sent, or sent and perhaps acted upon.

    A question does no harm, so for one without an answer LinkLostError is raised, for anything else OutcomeUnknownError; for
    what was not sent LinkLostError. The causes hold no frames any more, for those would show the signed request.
    """
    try:
        yield
    except (*NOT_SENT, ConfigError) as exc:
        raise LinkLostError(f"{what}: not sent: {exc}") from _bare(exc)
    except httpx.RequestError as exc:
        if is_question:
            raise LinkLostError(f"{what}: no answer: {exc}") from _bare(exc)
        raise OutcomeUnknownError(f"{what}: sent, but no answer came: {exc}") from _bare(exc)


def _bare(error: BaseException) -> BaseException:
    """A failure and its causes without their frames: those hold the signed request, and a traceback may show what frames hold."""
    links: list[BaseException | None] = [error]
    seen: set[int] = set()
    while links:
        link = links.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = None
            links += (link.__cause__, link.__context__)
    return error
