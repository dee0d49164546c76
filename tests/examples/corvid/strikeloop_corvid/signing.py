"""How Corvid wants requests signed, and what its refusals mean."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import attrs

from strikeloop.wire import Document, Refusal, Secret, Verdict

CREDENTIALS, UNCERTAIN = frozenset({"E_AUTH"}), frozenset({"E_BUSY"})


@attrs.frozen
class Signer:
    """Signs requests of REST, as `strikeloop.wire.Rest` asks for it, and subscriptions."""

    key: Secret
    secret: Secret

    def __call__(self, method: str, target: str, body: bytes, time_ns: int) -> Mapping[str, str]:
        stamp = str(time_ns // 1_000_000)
        return {"x-key": self.key.reveal(), "x-time": stamp, "x-sign": self.sign(f"{stamp}{method}{target}{body.decode()}")}

    def sign(self, text: str) -> str:
        """HMAC-SHA256, lower-case hex."""
        return hmac.new(self.secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()


def refusal(_status: int, answer: Document) -> Refusal | None:
    """What an answer says against a request: `{"error": {"code": …, "text": …}}`."""
    if "error" not in answer:
        return None
    code = answer["error"]["code"].text
    verdict = Verdict.CREDENTIALS if code in CREDENTIALS else Verdict.UNCERTAIN if code in UNCERTAIN else Verdict.REFUSED
    return Refusal(code, answer["error"]["text"].text, verdict)
