"""How a message gets to people: the contract of a channel, and the mask that keeps its secrets out of every text.

Owns `Channel`, `UndeliveredError` and `Mask`. A channel sends one message, once; when, and how often, is the courier's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import unquote, urlsplit

from strikeloop import StrikeloopError
from strikeloop.wire import Secret
from strikeloop_notify.notes import Message

MASKED = "***"
_SHORTEST = 4


class UndeliveredError(StrikeloopError):
    """A service did not take a message. The text names the reason and holds no secret."""


class Channel(Protocol):
    """One way to reach people."""

    async def send(self, message: Message) -> None:
        """Return when the service has taken the message. Raises UndeliveredError where it did not."""
        ...


class Mask:
    """Removes secrets, and every part of a secret address that could be one, from a text.

    >>> Mask([Secret("json://anna:pass-word@example.test/token-1")])("example.test refused token-1 of anna")
    'example.test refused *** of ***'
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        parts = {part for secret in secrets for part in _parts(secret.reveal())}
        self._parts = tuple(sorted(parts, key=lambda part: (-len(part), part)))

    def __call__(self, text: str) -> str:
        for part in self._parts:
            text = text.replace(part, MASKED)
        return text

    def __repr__(self) -> str:
        return f"Mask({len(self._parts)} parts)"


def _parts(text: str) -> set[str]:
    """The whole, and what an address carries beside scheme and host: user, password, path and query."""
    found = {text}
    try:
        address = urlsplit(text)
    except ValueError:  # brackets that are no IPv6 address: a secret, and no address
        return found
    if address.scheme and "://" in text:
        found |= {address.username or "", address.password or "", *address.path.split("/")}
        found |= {value for pair in address.query.split("&") for value in pair.split("=")[1:]}
        if not _is_host(address.hostname or ""):
            found |= {address.netloc, *address.netloc.replace("@", ":").split(":")}
    return {part for raw in found for part in (raw, unquote(raw)) if len(part) >= _SHORTEST}


def _is_host(name: str) -> bool:
    """Whether it looks like one; many services put a token where the host stands."""
    return "." in name or ":" in name or name == "localhost"
