"""What the served venue received: every REST request and every WebSocket frame, for tests to look through.

Owns the record. Signatures and secrets are never kept, only that a message was signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Received:
    """One message of a client's. `wall_s` is the venue's time of day; `path` a URL path, also for frames.

    `kind` is "request" (REST), "connection" (a WebSocket opened), or "frame" (one text frame). `signed` tells that it
    carried credentials, good or bad. `status` is the HTTP answer, 0 for frames. `message` is the JSON of a frame
    without its `auth`, or of a request's body; None where there was none or it was no JSON object.
    """

    kind: str
    path: str
    wall_s: float
    connection: int
    method: str = ""
    query: str = ""
    signed: bool = False
    status: int = 0
    message: Mapping[str, Any] | None = None
