"""What the driver does for one account besides its connection: takes over, books what expired, and minds the dead man's switch.

Owns `Keeper`, and with it which settlements were booked: each once, whoever tells of it first. Decides nothing about orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
import attrs
from anyio.abc import TaskGroup

from strikeloop import events as e
from strikeloop.adapter import DeadMansSwitch, Settlements
from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder
from strikeloop.engine import Engine
from strikeloop.errors import VenueError
from strikeloop.journal import Legacy
from strikeloop.journal.legacy import SETTLEMENTS_NS
from strikeloop.live.clock import WallClock
from strikeloop.live.countdown import Countdown
from strikeloop.live.foreign import ForeignOrders
from strikeloop.live.port import Port
from strikeloop.live.takeover import Takeover
from strikeloop.session import Phase

SETTLED_S = 20.0
AGAIN_NS = 5 * SECOND_NS


@attrs.frozen(kw_only=True)
class Switch:
    """The venue withdraws our orders `timeout_s` after it last heard of us; with `force` also where others trade."""

    timeout_s: int = 30
    force: bool = False


class Keeper:
    """Of the account behind `port`. Call `begin` before the port runs, `tick` often, `stop` at the end."""

    def __init__(
        self,
        adapter: str,
        port: Port,
        engine: Engine,
        foreign: ForeignOrders,
        clock: WallClock,
        deliver: Callable[[Sequence[e.Event]], None],
        *,
        legacy: Legacy,
        switch: Switch | None,
    ) -> None:
        self._adapter, self._port, self._clock, self._deliver = adapter, port, clock, deliver
        self._takeover = Takeover(adapter, legacy, port, engine, clock, deliver)
        self._countdown: Countdown | None = None
        if switch is not None and isinstance(port.account, DeadMansSwitch):
            self._countdown = Countdown(
                adapter, port.account, engine, foreign, clock, deliver, timeout_s=switch.timeout_s, force=switch.force
            )
        self._booked = dict(legacy.settled)
        self._known_since = legacy.begun if legacy.begun is not None else clock.now()
        self._last = legacy.since or self._known_since
        self._asked_in = 0
        self._ask_at = 0

    def begin(self) -> None:
        """Before the port runs."""
        self._takeover.begin()

    def tick(self, tasks: TaskGroup, *, is_started: bool) -> None:
        """Time passed."""
        self._takeover.tick()
        session = self._port.session
        if not is_started or session.phase is not Phase.READY:
            return
        if self._countdown is not None:
            self._countdown.tick(tasks)
        if isinstance(self._port.account, Settlements) and self._asked_in != session.connections and self._clock.now() >= self._ask_at:
            self._asked_in = session.connections
            tasks.start_soon(self._book_missed, self._port.account)

    async def ready(self, order: SubmitOrder) -> str:
        """Why an order must not leave now, "" where it may."""
        return "" if self._countdown is None else await self._countdown.ready(order)

    def is_news(self, event: e.Event) -> bool:
        """Whether an event is to be told: a settlement only once, and none from before the first run."""
        if not isinstance(event, e.ContractSettled):
            return True
        if event.contract in self._booked:
            return False
        self._booked[event.contract] = event.time
        self._last = max(self._last, event.time)
        return True

    async def stop(self) -> None:
        """Every order of ours is settled as far as it can be."""
        if self._countdown is not None:
            await self._countdown.stop()

    @property
    def status(self) -> dict[str, str]:
        """The dead man's switch by underlying."""
        return {} if self._countdown is None else self._countdown.status

    async def _book_missed(self, account: Settlements) -> None:
        """What expired while nobody listened; asked again later where the venue does not answer."""
        since = max(self._known_since, self._last - SETTLEMENTS_NS)
        try:
            with anyio.fail_after(SETTLED_S):
                settled = await account.settled(since)
        except (VenueError, TimeoutError) as error:
            self._asked_in, self._ask_at = 0, self._clock.now() + AGAIN_NS
            self._tell(f"what expired on {self._adapter} meanwhile is not known yet: {str(error) or 'no answer'}")
            return
        missed = [event for event in settled if isinstance(event, e.ContractSettled) and event.contract not in self._booked]
        self._deliver([attrs.evolve(event, received=self._clock.now(), origin=e.Origin.SNAPSHOT) for event in missed])

    def _tell(self, text: str) -> None:
        now = self._clock.now()
        self._deliver([e.AlertRaised(time=now, received=now, source="live", topic="settlements", text=text, severity=e.Severity.WARNING)])
