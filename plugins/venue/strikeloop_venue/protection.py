"""Market maker protection: too much traded within a window withdraws the quotes and freezes quoting.

Owns the limits per underlying, what traded within their windows, and the freeze. It stands between matching and the
account, so that the fill that breaks a limit is the last one. Source: Gate's options MMP; its units and whether a
figure that equals its limit breaks it are inferred.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import attrs

from strikeloop import OrderState
from strikeloop.adapter import UNTIL_RESET, Mmp
from strikeloop_venue.account import Account
from strikeloop_venue.markets import Market
from strikeloop_venue.order import Order

ZERO = Decimal(0)
MS = 1_000_000


@attrs.define(eq=False)
class Window:
    """One underlying's limits, and its fills within the window as (time, coins, delta)."""

    limits: Mmp
    fills: deque[tuple[int, Decimal, Decimal]] = attrs.field(factory=deque)

    def add(self, now: int, coins: Decimal, delta: Decimal) -> bool:
        """Note a fill; True when a limit is reached. A limit of 0 is none."""
        self.fills.append((now, coins, delta))
        while self.fills[0][0] <= now - self.limits.window_ms * MS:
            self.fills.popleft()
        traded = sum((fill[1] for fill in self.fills), ZERO)
        moved = abs(sum((fill[2] for fill in self.fills), ZERO))
        limits = self.limits
        return bool((limits.qty_limit and traded >= limits.qty_limit) or (limits.delta_limit and moved >= limits.delta_limit))


class Protection:
    """Execution for the matcher: the account's own, and after each fill of a protected order a look at the limits.

    `triggered` collects (underlying, frozen until) since it was last emptied.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._windows: dict[str, Window] = {}
        self.triggered: list[tuple[str, int]] = []

    # ---- what matching asks ----

    def room(self, market: Market, order: Order) -> Decimal:
        return self._account.room(market, order)

    def withdraw(self, market: Market, order: Order, state: OrderState, finish_as: str, reason: str = "") -> None:
        self._account.withdraw(market, order, state, finish_as, reason)

    def fill(self, market: Market, order: Order, size: Decimal, price: Decimal, *, is_maker: bool) -> None:
        self._account.fill(market, order, size, price, is_maker=is_maker)
        window = self._windows.get(market.contract.underlying) if order.mmp else None
        if window is None or not window.limits.window_ms:
            return
        coins = size * market.contract.multiplier
        if window.add(self._account.now, coins, coins * order.sign * _delta(market)):
            self._freeze(window)

    # ---- limits ----

    def limits(self, underlying: str) -> Mmp | None:
        """The limits of an underlying, with its freeze; None when it never had any."""
        window = self._windows.get(underlying)
        if window is None:
            return None
        if window.limits.frozen_until is not None and window.limits.frozen_until <= self._account.now:
            window.limits = attrs.evolve(window.limits, frozen_until=None)
        return window.limits

    def set(self, limits: Mmp) -> Mmp:
        """New limits; a freeze stays."""
        before = self.limits(limits.underlying)
        self._windows[limits.underlying] = Window(attrs.evolve(limits, frozen_until=None if before is None else before.frozen_until))
        return self._windows[limits.underlying].limits

    def reset(self, underlying: str) -> Mmp | None:
        """Quoting is free again, and nothing counts any more."""
        window = self._windows.get(underlying)
        if window is None:
            return None
        window.limits = attrs.evolve(window.limits, frozen_until=None)
        window.fills.clear()
        return window.limits

    def is_frozen(self, underlying: str) -> bool:
        limits = self.limits(underlying)
        return limits is not None and limits.frozen_until is not None

    def _freeze(self, window: Window) -> None:
        limits = window.limits
        until = self._account.now + limits.frozen_ms * MS if limits.frozen_ms else UNTIL_RESET
        window.limits = attrs.evolve(limits, frozen_until=until)
        window.fills.clear()
        self.triggered.append((limits.underlying, until))
        for market in self._account.markets.busy():
            if market.contract.underlying == limits.underlying:
                for order in market.open_orders:
                    if order.mmp:
                        self.withdraw(market, order, OrderState.CANCELED, "mmp_cancelled", "market maker protection")


def _delta(market: Market) -> Decimal:
    """Delta of one coin of the option; where nobody said, the most it can be."""
    if market.ticker is not None and market.ticker.delta is not None:
        return Decimal(repr(market.ticker.delta))
    return Decimal(1 if market.contract.is_call else -1)
