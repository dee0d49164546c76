"""Portfolio risk of one account, once a second: the venue's own where it computes one, else ours.

Owns `RiskWatch`. A venue that fails to answer is left alone for a while, and the account is told ours meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from strikeloop.adapter import ReportsRisk
from strikeloop.clock import SECOND_NS
from strikeloop.engine import Engine
from strikeloop.errors import VenueError
from strikeloop.events import Event
from strikeloop.live.clock import WallClock
from strikeloop.live.port import Port
from strikeloop.whatif import computed_risk

EVERY_NS = SECOND_NS
AGAIN_NS = 60 * SECOND_NS
"""When a venue is asked again that failed, or that computes no risk for this account."""
ANSWER_S = 5.0


class RiskWatch:
    """`deliver` takes a PortfolioRiskUpdated at most once a second, none where a channel of the account brings it."""

    def __init__(self, adapter: str, port: Port, engine: Engine, clock: WallClock, deliver: Callable[[Sequence[Event]], None]) -> None:
        self._adapter, self._port, self._engine, self._clock, self._deliver = adapter, port, engine, clock, deliver
        self._is_streamed = any(channel.reports_risk for channel in port.stream.channels)
        self._next_at = self._ask_at = 0
        self._is_asking = False

    def tick(self, tasks: TaskGroup) -> None:
        """Time passed."""
        now = self._clock.now()
        if self._is_streamed or self._is_asking or now < self._next_at:
            return
        self._next_at = now + EVERY_NS
        if isinstance(self._port.stream, ReportsRisk) and now >= self._ask_at:
            self._is_asking = True
            tasks.start_soon(self._ask, self._port.stream)
        else:
            self._tell_ours()

    async def _ask(self, account: ReportsRisk) -> None:
        try:
            with anyio.fail_after(ANSWER_S):
                told = await account.risk()
        except (VenueError, TimeoutError):
            told = None
        finally:
            self._is_asking = False
        if told is None:
            self._ask_at = self._clock.now() + AGAIN_NS
            self._tell_ours()
        else:
            self._deliver((told,))

    def _tell_ours(self) -> None:
        engine = self._engine
        self._deliver((computed_risk(engine.portfolio, engine.orders, engine.margin, self._adapter, self._clock.now()),))
