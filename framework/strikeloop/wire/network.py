"""The seam between adapters and the world: who opens links and answers requests.

Owns `Network` and which one is in use: none is the real one. Tests put a network in memory in its place, and the adapter
under test runs unchanged, its signatures, rate limits and timeouts included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

from strikeloop.adapter import Link

if TYPE_CHECKING:  # an adapter without requests loads no HTTP
    import httpx


class Network(Protocol):
    """What `connect_websocket` and `HttpTransport` ask, once they have judged where it goes."""

    async def connect(self, url: str, headers: Sequence[tuple[str, str]]) -> Link:
        """Open a link. Raises LinkLostError, AuthRejectedError."""
        ...

    async def answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        """Answer a request whose bytes leave now. Raises as HttpTransport does."""
        ...


_IN_USE: Final[ContextVar[Network | None]] = ContextVar("network", default=None)


def network() -> Network | None:
    """The network of this task; None is the real one."""
    return _IN_USE.get()


@contextmanager
def through(network: Network) -> Iterator[None]:
    """Let this task, and those that it starts, reach the world through `network`."""
    token = _IN_USE.set(network)
    try:
        yield
    finally:
        _IN_USE.reset(token)
