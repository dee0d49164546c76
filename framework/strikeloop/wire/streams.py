"""The common case of a stream: a WebSocket that takes one JSON request for each subscription.

Owns `JsonStream`, which feeds and accounts extend. It decides nothing about reconnecting, and keeps nothing of a line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from strikeloop.adapter import Link
from strikeloop.contracts import ContractId
from strikeloop.wire.websocket import connect_websocket


class JsonStream:
    """Extend it, give `ws_url` and `request`; `keep_alive` is the venue's own ping, None where it has none.

    What is left for a feed or an account to write of its stream is `channels` and `decode`.
    """

    ws_url: str
    ca_file: str | None = None
    keep_alive: bytes | None = None

    def request(
        self, what: Literal["subscribe", "unsubscribe"], channel: str, time_s: int, contracts: Sequence[ContractId]
    ) -> Mapping[str, Any]:
        """The (signed) request that subscribes a channel or ends its subscription, made at the moment of sending."""
        raise NotImplementedError("say how the venue wants to be asked for a channel")

    async def connect(self) -> Link:
        """Open a link. Raises LinkLostError, AuthRejectedError."""
        return await connect_websocket(self.ws_url, ca_file=self.ca_file)

    def subscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (_text(self.request("subscribe", channel, time_s, contracts)),)

    def unsubscribe(self, channel: str, time_s: int, contracts: Sequence[ContractId] = ()) -> Sequence[bytes]:
        return (_text(self.request("unsubscribe", channel, time_s, contracts)),)

    def ping(self, time_s: int) -> bytes | None:  # noqa: ARG002 - the contract of a stream
        return self.keep_alive


def _text(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()
