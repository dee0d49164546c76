"""Gate's two signatures, for WebSocket requests and for REST v4.

Owns the strings that are signed and the HMAC over them. Pure: the time comes in, nothing is kept, and a secret is
revealed only while its HMAC is made. Source: Gate APIv4 «APIv4 signed request requirements» and the options WebSocket
page «Authentication».
"""

from __future__ import annotations

import hashlib
import hmac

from strikeloop.wire import Secret


def _hmac(secret: Secret, text: str) -> str:
    return hmac.new(secret.reveal().encode(), text.encode(), hashlib.sha512).hexdigest()


def stream_signature(secret: Secret, *, channel: str, event: str, time_s: int) -> str:
    """SIGN of a WebSocket request, lower-case hex: HMAC-SHA512 of `channel=…&event=…&time=…`; the payload is not signed."""
    return _hmac(secret, f"channel={channel}&event={event}&time={time_s}")


def request_signature(secret: Secret, *, method: str, path: str, query: str, body: bytes, timestamp: str) -> str:
    """SIGN of a REST request, lower-case hex.

    `path` includes `/api/v4`; `query` is the un-encoded query in the order it is sent, `""` if there is none; `body` is
    hashed as it is sent; `timestamp` is the text of the Timestamp header, Unix seconds.
    """
    digest = hashlib.sha512(body).hexdigest()
    return _hmac(secret, f"{method}\n{path}\n{query}\n{digest}\n{timestamp}")
