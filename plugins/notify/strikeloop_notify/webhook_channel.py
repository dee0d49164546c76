"""A channel to any HTTPS address that takes JSON.

Owns the form of the JSON and what the answers mean. The address may hold a token, so no request is logged and no answer is
quoted.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import httpx

from strikeloop import ConfigError
from strikeloop.wire import HttpTransport, Secret
from strikeloop_notify.channels import UndeliveredError
from strikeloop_notify.notes import Message, Note

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class WebhookChannel:
    """POSTs to `url`, with `token` as bearer where there is one. Any 2xx is success; redirects are not followed.

    Raises ValueError for an address that is neither https nor on this machine, without showing it.
    """

    def __init__(self, url: Secret, token: Secret | None, timeout_s: float) -> None:
        address = urlsplit(url.reveal())
        if not address.hostname or (address.scheme != "https" and (address.scheme, address.hostname in _LOOPBACK) != ("http", True)):
            raise ValueError("the address is not https://…; plain http is for this machine only")
        self._url, self._token, self._timeout_s = url, token, timeout_s

    async def send(self, message: Message) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": "strikeloop"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        request = httpx.Request("POST", self._url.reveal(), headers=headers, content=json.dumps(described(message)).encode())
        # By the transport itself: a client would log the address of every request.
        transport = HttpTransport(max_connections=1, connect_timeout_s=self._timeout_s, read_timeout_s=self._timeout_s)
        try:
            response = await transport.handle_async_request(request)
        except (httpx.HTTPError, ConfigError) as error:
            raise UndeliveredError(f"the webhook cannot be reached: {type(error).__name__}: {error}") from None
        finally:
            await transport.aclose()
        if not response.is_success:
            raise UndeliveredError(f"the webhook answered {response.status_code} {response.reason_phrase}")


def described(message: Message) -> dict[str, object]:
    """The body: `text` alone is what chat services read, the rest is for programs."""
    return {
        "text": f"{message.title}\n{message.body}",
        "title": message.title,
        "severity": message.severity.value,
        "undelivered": message.undelivered,
        "alerts": [_alert(note) for note in message.notes],
    }


def _alert(note: Note) -> dict[str, object]:
    return {
        "source": note.source,
        "topic": note.topic,
        "severity": note.severity.value,
        "text": note.text,
        "time": note.time,
        "count": note.count,
    }
