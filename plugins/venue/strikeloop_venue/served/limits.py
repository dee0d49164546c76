"""The venue's rate limits: a bucket of requests for each endpoint and client, and the headers that say what is left.

Owns the counting. Reads no clock: it is told the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs


@attrs.frozen
class Limit:
    """`requests` at once, refilled evenly over `seconds`."""

    requests: int
    seconds: float

    def __attrs_post_init__(self) -> None:
        if self.requests < 1 or not 0 < self.seconds < math.inf:
            raise ValueError(f"limit {self.requests}/{self.seconds} is none; expected at least 1 request and a time greater than 0 s")

    @classmethod
    def parse(cls, text: str) -> Limit:
        """`"200/10"` as 200 requests in 10 s. Raises ValueError."""
        requests, _, seconds = text.partition("/")
        return cls(int(requests), float(seconds))


GATE: Mapping[str, Limit] = {
    "public": Limit(200, 10),
    "private": Limit(200, 10),
    "orders": Limit(200, 1),
    "cancels": Limit(200, 1),
}
"""Gate's documented limits: public ones per endpoint and IP, the others per user; orders and cancels each as one group."""


@attrs.define
class _Bucket:
    left: float
    at: float


def _completed(limits: Mapping[str, Limit]) -> Mapping[str, Limit]:
    unknown = sorted(set(limits) - set(GATE))
    if unknown:
        raise ValueError(f"no group of endpoints is called {unknown[0]!r}; expected one of {', '.join(GATE)}")
    return {**GATE, **limits}


@attrs.define
class RateLimits:
    """`limits` by group; groups that are not named keep Gate's limit. Raises ValueError for a group that does not exist."""

    limits: Mapping[str, Limit] = attrs.field(factory=dict, converter=_completed)
    _buckets: dict[tuple[str, ...], _Bucket] = attrs.field(factory=dict)

    def admit(self, group: str, key: str, now_s: float) -> tuple[bool, list[tuple[str, str]]]:
        """Count one request of `group`: whether it may pass, and the X-Gate-RateLimit headers of its answer."""
        limit = self.limits[group]
        bucket = self._buckets.setdefault((group, key), _Bucket(limit.requests, now_s))
        bucket.left = min(limit.requests, bucket.left + max(0.0, now_s - bucket.at) * limit.requests / limit.seconds)
        bucket.at = now_s
        passes = bucket.left >= 1
        if passes:
            bucket.left -= 1
        wait = 0.0 if passes else (1 - bucket.left) * limit.seconds / limit.requests
        headers = [
            ("X-Gate-RateLimit-Requests-Remain", str(int(bucket.left))),
            ("X-Gate-RateLimit-Limit", str(limit.requests)),
            ("X-Gate-RateLimit-Reset-Timestamp", str(math.ceil(now_s + wait))),
        ]
        return passes, headers
