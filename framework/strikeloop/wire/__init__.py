"""The wire: WebSocket links, an HTTP transport, JSON requests and documents, a rate limiter and `Secret`, for adapters.

Re-exports the public names, each loaded on first use: `Secret`, `Document` and `RateLimiter` need the core only, links
and transport the extra `strikeloop[live]`, and say so when it is missing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strikeloop.wire.document import Document
    from strikeloop.wire.extras import require_live
    from strikeloop.wire.http import HttpTransport, open_http
    from strikeloop.wire.rate import RateLimiter
    from strikeloop.wire.rest import Refusal, Rest, Verdict, told_apart
    from strikeloop.wire.secret import Secret
    from strikeloop.wire.streams import JsonStream
    from strikeloop.wire.websocket import WebSocketLink, connect_websocket

__all__ = [
    "Document",
    "HttpTransport",
    "JsonStream",
    "RateLimiter",
    "Refusal",
    "Rest",
    "Secret",
    "Verdict",
    "WebSocketLink",
    "connect_websocket",
    "open_http",
    "require_live",
    "told_apart",
]

_HOMES = {
    "Document": "document",
    "HttpTransport": "http",
    "JsonStream": "streams",
    "RateLimiter": "rate",
    "Refusal": "rest",
    "Rest": "rest",
    "Secret": "secret",
    "Verdict": "rest",
    "WebSocketLink": "websocket",
    "connect_websocket": "websocket",
    "open_http": "http",
    "require_live": "extras",
    "told_apart": "rest",
}


if not TYPE_CHECKING:  # a type checker that saw it would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
