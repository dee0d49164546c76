"""Gate.io options as a strikeloop adapter: the settings, and the two ports they open.

Owns `Gate`, what a config file says about one instance, and `GateAdapter`, which holds the connections' owners. The
ports themselves are feed and account.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from strikeloop import ConfigError, Problem
from strikeloop.adapter import Decoded, ServerClock
from strikeloop.wire import Secret
from strikeloop_gate.account import GateAccount
from strikeloop_gate.decode import Dialect, FrameDecoder
from strikeloop_gate.downloads import Downloads
from strikeloop_gate.feed import GateFeed
from strikeloop_gate.guard import MmpSettings
from strikeloop_gate.rest import Lines, Rest

REST_URL = "https://api.gateio.ws/api/v4"
WS_URL = "wss://op-ws.gateio.live/v4/ws"
FEED_CHANNELS = ("options.contract_tickers", "options.book_ticker", "options.trades", "options.ul_price")


@attrs.frozen(kw_only=True)
class Gate:
    """Settings of one Gate account.

    `dialect`: "gate" for the venue, "seed" for a server that speaks the options user data stream document; it governs
    the WebSocket only. `ca_file`: a PEM file that replaces the system's authorities. Without `key` and `secret` there is
    market data only.

    >>> adapter = Gate(underlyings=("BTC_USDT", "ETH_USDT")).open("gate")
    >>> adapter.account is None
    True
    """

    dialect: Dialect = attrs.field(default=Dialect.GATE, converter=Dialect)
    rest_url: str = REST_URL
    ws_url: str = WS_URL
    underlyings: tuple[str, ...] = ("BTC_USDT",)
    channels: tuple[str, ...] = FEED_CHANNELS
    """Market data channels to subscribe."""
    key: Secret | None = None
    secret: Secret | None = None
    ca_file: str | None = None
    request_timeout_s: float = 10.0
    mmp: dict[str, MmpSettings] = attrs.field(factory=dict)
    """Market maker protection by underlying; what is not named is left as the venue has it."""

    def __attrs_post_init__(self) -> None:
        problems = []
        if self.dialect is Dialect.AUTO:
            problems.append(Problem("dialect", "auto is for reading recorded frames", 'write "gate" or "seed"'))
        if not self.underlyings:
            problems.append(Problem("underlyings", "none is given", 'for example ["BTC_USDT"]'))
        if (self.key is None) != (self.secret is None):
            problems.append(Problem("key, secret", "one is given without the other", "give both, or none for market data only"))
        if self.request_timeout_s <= 0:
            problems.append(Problem("request_timeout_s", f"{self.request_timeout_s} is not above 0", "give seconds"))
        problems += [
            Problem(f"mmp.{name}", f"{name} is not among underlyings", "add it there") for name in self.mmp if name not in self.underlyings
        ]
        if problems:
            raise ConfigError(problems)

    def open(self, name: str, *, clock: Callable[[], int] = time.time_ns) -> GateAdapter:
        """The adapter of this instance; it connects to nothing yet. Raises ConfigError."""
        server_clock = ServerClock(clock)
        lines = Lines.open(self.rest_url, timeout_s=self.request_timeout_s, ca_file=self.ca_file)
        rest = Rest(self.rest_url.rstrip("/"), lines, server_clock, self.key, self.secret)
        feed = GateFeed(name, self.dialect, self.ws_url, self.ca_file, self.underlyings, self.channels, rest)
        account = None
        if self.key is not None:
            account = GateAccount(name, self.dialect, self.ws_url, self.ca_file, self.underlyings, rest, feed, self.mmp)
        return GateAdapter(name, feed, account, server_clock, rest)

    @staticmethod
    def decoder(dialect: str = "auto", name: str = "gate") -> Callable[[bytes | str, int], Decoded]:
        """A decoder of single frames for (frame, received ns); it raises DecodeError. Needs no settings and no network.

        `dialect` is auto, gate or seed. Raises ConfigError for any other.
        """
        try:
            return FrameDecoder(name, Dialect(dialect))
        except ValueError:
            raise ConfigError(Problem("dialect", f"{dialect!r} is none", "write auto, gate or seed")) from None


@attrs.define(eq=False)
class GateAdapter:
    """`strikeloop.adapter.Adapter` of one configured instance."""

    name: str
    feed: GateFeed
    account: GateAccount | None
    clock: ServerClock
    _rest: Rest

    @property
    def downloads(self) -> Downloads:
        """The public listings: candles, trades, settlements."""
        return Downloads(self.name, self._rest)

    async def aclose(self) -> None:
        """Release every connection; links that were handed out are closed by who holds them."""
        await self._rest.aclose()
