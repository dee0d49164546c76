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
    """The one key this venue knows."""

    key: str
    secret: str = attrs.field(repr=False)
    user_id: int

    def sign(self, text: str) -> str:
        """HMAC-SHA512 of `text`, lower-case hex."""
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha512).hexdigest()


def check_subscription(credentials: Credentials, message: Mapping[str, Any], wall_s: float) -> Refusal | None:
    """Judge the `auth` of a (un)subscribe message: None when it is good."""
    auth = message.get("auth")
    if not isinstance(auth, Mapping) or auth.get("method") != "api_key":
        return Refusal("MISSING_REQUIRED_HEADER", "auth with method api_key is required")
    time = message.get("time")
    if isinstance(time, bool) or not isinstance(time, int):
        return Refusal("REQUEST_EXPIRED", "time must be an integer of seconds")
    text = f"channel={message.get('channel')}&event={message.get('event')}&time={time}"
    return _judge(credentials, str(auth.get("KEY", "")), str(auth.get("SIGN", "")), text, float(time), wall_s)


def check_request(
    credentials: Credentials, method: str, path: str, raw_query: str, body: bytes, headers: Mapping[str, str], wall_s: float
) -> Refusal | None:
    """Judge the KEY, Timestamp and SIGN headers (names in lower case) of a REST request: None when they are good.

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
    return _judge(credentials, headers["key"], headers["sign"], text, time_s, wall_s)


def _judge(credentials: Credentials, key: str, sign: str, text: str, time_s: float, wall_s: float) -> Refusal | None:
    if not hmac.compare_digest(key.encode(), credentials.key.encode()):
        return Refusal("INVALID_KEY", "Invalid key provided")
    # Written so that a NaN is refused too.
    if not abs(time_s - wall_s) <= TOLERANCE_S:
        return Refusal("REQUEST_EXPIRED", "gap between request time and server time exceeds 60 seconds")
    if not hmac.compare_digest(sign.encode(), credentials.sign(text).encode()):
        return Refusal("INVALID_SIGNATURE", "Signature mismatch")
    return None
