"""Corvid, an invented venue, as a strikeloop adapter: market data, account and orders."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from strikeloop import ConfigError, Problem
from strikeloop.adapter import Ports, ServerClock
from strikeloop.wire import RateLimiter, Rest, Secret
from strikeloop_corvid.account import CorvidAccount
from strikeloop_corvid.feed import CorvidFeed
from strikeloop_corvid.signing import Signer, refusal

__all__ = ["Corvid"]


@attrs.frozen(kw_only=True)
class Corvid:
    """Settings of one account at Corvid; without `key` and `secret` there is market data only."""

    rest_url: str = "https://api.corvid.test/v1"
    ws_url: str = "wss://stream.corvid.test/v1"
    key: Secret | None = None
    secret: Secret | None = None

    def __attrs_post_init__(self) -> None:
        if (self.key is None) != (self.secret is None):
            raise ConfigError(Problem("key, secret", "one is given without the other", "give both, or none for market data only"))

    def open(self, name: str, *, clock: Callable[[], int] = time.time_ns) -> Ports:
        """The adapter of this instance; it connects to nothing yet."""
        venue_clock = ServerClock(clock)
        signer = None if self.key is None or self.secret is None else Signer(self.key, self.secret)
        rest = Rest(self.rest_url, venue_clock, refusal, signer, limit=RateLimiter(25, 5.0, clock=clock))
        feed = CorvidFeed(name, self.ws_url, rest)
        account = None if signer is None else CorvidAccount(name, self.ws_url, rest, signer)
        return Ports(name=name, clock=venue_clock, feed=feed, account=account, closes=(rest.aclose,))
