"""The dead man's switch of one account: while this process is well the venue keeps its orders, else it withdraws them.

Owns `Countdown`. An underlying is armed before the first order in it leaves and refreshed on the loop, never from a thread:
a loop that hangs must look dead. Where orders of other hands work it is not armed, because it would withdraw those too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from strikeloop import events as e
from strikeloop.adapter import DeadMansSwitch
from strikeloop.clock import SECOND_NS
from strikeloop.commands import SubmitOrder
from strikeloop.engine import Engine
from strikeloop.errors import VenueError
from strikeloop.live.clock import WallClock
from strikeloop.live.foreign import ForeignOrders

CHANNEL = "countdown"
REFRESHES = 4
"""How often in each timeout."""
MOST_FAILURES = 2
LONGEST_REQUEST_S = 2.5
DISARM_S = 1.0
AGAIN_NS = SECOND_NS
"""How soon after a request that failed the next one is made."""


class Countdown:
    """`force` arms it where orders of other hands work, too. Call `tick` often; await `ready` before an order leaves, `stop` at the end."""

    def __init__(
        self,
        adapter: str,
        account: DeadMansSwitch,
        engine: Engine,
        foreign: ForeignOrders,
        clock: WallClock,
        deliver: Callable[[Sequence[e.Event]], None],
        *,
        timeout_s: int,
        force: bool = False,
    ) -> None:
        self._adapter, self._account, self._engine, self._foreign = adapter, account, engine, foreign
        self._clock, self._deliver, self._timeout_s, self._force = clock, deliver, timeout_s, force
        self._armed: dict[str, int] = {}
        self._unset: dict[str, int] = {}
        """Where it could not be set or disarmed, and when that was tried: without it nothing is opened, so no order asks for it again."""
        self._spared: set[str] = set()
        self._turn = anyio.Lock()
        self._is_refreshing = self._is_over = False
        self._failures, self._reason = 0, ""

    @property
    def status(self) -> dict[str, str]:
        """By underlying: armed, or spared for the sake of orders of other hands."""
        return {**dict.fromkeys(self._armed, "armed"), **dict.fromkeys(self._spared, "spared")}

    async def ready(self, order: SubmitOrder) -> str:
        """Arm the underlying of an order that is about to leave; why it must not leave, "" where it may."""
        underlying = self._underlying(order)
        if underlying in self._armed or not underlying or self._must_spare(underlying):
            return ""  # of one that fails to be refreshed the engine refuses orders before they come here
        async with self._turn:
            for _ in range(MOST_FAILURES):
                if self._is_over or underlying in self._armed or await self._ask(underlying, self._timeout_s):
                    return ""
        return self._reason

    def tick(self, tasks: TaskGroup) -> None:
        """Refresh what is due, in a task of `tasks`."""
        due = [underlying for underlying in self._wanted() if self._is_due(underlying)]
        if due and not self._is_refreshing and not self._is_over:
            self._is_refreshing = True
            tasks.start_soon(self._refresh, due)

    async def stop(self) -> None:
        """Disarm, but where orders of ours still work: those the venue shall withdraw. A refresh that is on its way comes first.

        A venue that does not answer within DISARM_S stays armed, and nobody waits for it.
        """
        self._is_over = True
        with anyio.move_on_after(DISARM_S):
            async with self._turn:
                working = {self._underlying(order) for order in self._engine.orders.working() if order.instance}
                for underlying in [one for one in self._armed if one not in working]:
                    await self._ask(underlying, 0)

    # ---- inside ----

    def _wanted(self) -> list[str]:
        """Where a run has traded, wanted to, or has orders of earlier runs."""
        ours = {self._underlying(order) for order in self._engine.orders.working() if order.instance}
        return sorted({*self._armed, *self._unset, *ours} - {""})

    def _is_due(self, underlying: str) -> bool:
        """Whether the venue must hear of it now: refreshed in time, or not any more."""
        now = self._clock.now()
        if now - self._unset.get(underlying, 0) < AGAIN_NS:
            return False
        if self._must_spare(underlying):
            return underlying not in self._spared
        return now - self._armed.get(underlying, 0) >= self._timeout_s * SECOND_NS // REFRESHES

    async def _refresh(self, due: Sequence[str]) -> None:
        try:
            async with self._turn:
                for underlying in due:
                    if self._is_over or not self._is_due(underlying):  # while this waited for its turn, another may have asked
                        continue
                    if self._must_spare(underlying):
                        await self._spare(underlying)
                    else:
                        await self._ask(underlying, self._timeout_s)
        finally:
            self._is_refreshing = False

    async def _spare(self, underlying: str) -> None:
        """Disarm: an earlier run, or this one before others came, may have armed it."""
        if await self._ask(underlying, 0):
            self._spared.add(underlying)
            self._alert(f"no dead man's switch in {underlying} of {self._adapter}: it would withdraw orders of other hands, too")

    async def _ask(self, underlying: str, timeout_s: int) -> bool:
        """One request; whether the venue took it."""
        self._spared.discard(underlying)
        asked = self._clock.now()
        try:
            with anyio.fail_after(min(self._timeout_s / REFRESHES, LONGEST_REQUEST_S)):
                await self._account.countdown(underlying, timeout_s)
        except (VenueError, TimeoutError) as error:
            self._unset[underlying] = asked
            self._failed(underlying, str(error) or "no answer")
            return False
        self._unset.pop(underlying, None)
        if timeout_s:
            self._armed[underlying] = asked
        else:
            self._armed.pop(underlying, None)
        self._succeeded()
        return True

    def _failed(self, underlying: str, why: str) -> None:
        self._failures += 1
        self._reason = f"the dead man's switch of {underlying} could not be set: {why[:200]}"
        if self._failures == MOST_FAILURES:
            self._gap(e.GapOpened, reason=self._reason)
            self._alert(f"{self._reason}; no order is opened without it")

    def _succeeded(self) -> None:
        if self._failures >= MOST_FAILURES:
            self._gap(e.GapClosed)
        self._failures, self._reason = 0, ""

    def _must_spare(self, underlying: str) -> bool:
        return not self._force and self._foreign.in_underlying(self._adapter, underlying)

    def _underlying(self, order: object) -> str:
        """Of an order or a command on this account, "" for others."""
        contract = self._engine.portfolio.contracts.get(order.contract)  # type: ignore[attr-defined]  # both have one
        return contract.underlying if contract is not None and contract.id.adapter == self._adapter else ""

    def _gap(self, kind: type[e.GapOpened | e.GapClosed], **words: str) -> None:
        now = self._clock.now()
        self._deliver([kind(time=now, received=now, adapter=self._adapter, port="driver", channel=CHANNEL, **words)])

    def _alert(self, text: str) -> None:
        now = self._clock.now()
        self._deliver([e.AlertRaised(time=now, received=now, source="live", topic=CHANNEL, text=text, severity=e.Severity.CRITICAL)])
