"""Checks the signatures of the venue: one for WebSocket subscriptions, one for REST requests.

Owns the two HMAC-SHA512 strings of Gate (spec: APIv4 "Authentication", options WebSocket "Authentication") and
the 60 s tolerance. Never keeps or repeats what a client signed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import attrs

TOLERANCE_S = 60.0
"""How far a client's clock may be off. Documented for REST; for the WebSocket it is an inference."""


@attrs.frozen
class Refusal:
    """Why a signature does not count: Gate's label, and a sentence."""

    label: str
    message: str


@attrs.frozen
class Credentials:
    """One key of this venue, and whose it is."""

    key: str
    secret: str = attrs.field(repr=False)
    user_id: int

    def sign(self, text: str) -> str:
        """HMAC-SHA512 of `text`, lower-case hex."""
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha512).hexdigest()


Keys = Mapping[str, Credentials]
"""Every key the venue knows."""


def check_subscription(keys: Keys, message: Mapping[str, Any], wall_s: float) -> Credentials | Refusal:
    """Judge the `auth` of a (un)subscribe message: whose it is, or why it does not count."""
    auth = message.get("auth")
    if not isinstance(auth, Mapping) or auth.get("method") != "api_key":
        return Refusal("MISSING_REQUIRED_HEADER", "auth with method api_key is required")
    time = message.get("time")
    if isinstance(time, bool) or not isinstance(time, int):
        return Refusal("REQUEST_EXPIRED", "time must be an integer of seconds")
    text = f"channel={message.get('channel')}&event={message.get('event')}&time={time}"
    return _judge(keys, str(auth.get("KEY", "")), str(auth.get("SIGN", "")), text, float(min(time, _LATEST)), wall_s)


def check_request(
    keys: Keys, method: str, path: str, raw_query: str, body: bytes, headers: Mapping[str, str], wall_s: float
) -> Credentials | Refusal:
    """Judge the KEY, Timestamp and SIGN headers (names in lower case) of a REST request: whose it is, or why they do not count.

    The signed query is the un-encoded one and the timestamp's text is taken as it came: clients send fractions of seconds.
    """
    missing = [name for name in ("key", "timestamp", "sign") if not headers.get(name)]
    if missing:
        return Refusal("MISSING_REQUIRED_HEADER", f"missing {missing[0]} header")
    stamp = headers["timestamp"]
    try:
        time_s = float(stamp)
    except ValueError:
        return Refusal("INVALID_REQUEST_BODY", "Timestamp must be Unix seconds")
    text = "\n".join((method, path, unquote_plus(raw_query), hashlib.sha512(body).hexdigest(), stamp))
    return _judge(keys, headers["key"], headers["sign"], text, time_s, wall_s)


_LATEST = 1 << 53
"""No clock shows more seconds, and a float holds no more of them."""


def _judge(keys: Keys, key: str, sign: str, text: str, time_s: float, wall_s: float) -> Credentials | Refusal:
    found = keys.get(key)
    if found is None:
        return Refusal("INVALID_KEY", "Invalid key provided")
    # Written so that a NaN is refused too.
    if not abs(time_s - wall_s) <= TOLERANCE_S:
        return Refusal("REQUEST_EXPIRED", "gap between request time and server time exceeds 60 seconds")
    if not hmac.compare_digest(_bytes(sign), _bytes(found.sign(text))):
        return Refusal("INVALID_SIGNATURE", "Signature mismatch")
    return found


def _bytes(text: str) -> bytes:
    """Whatever a client may send as JSON text, half a surrogate pair included."""
    return text.encode("utf-8", "surrogatepass")
