"""The kill switch as a machine: who asked for what goes in, and the time; cancels, reductions and what is told come out.

Theory: ARMED → HALTED, where nothing opens. Where orders shall be withdrawn it goes on to CANCELING, and from there back to HALTED;
where positions shall be closed on to REDUCING, and to FLAT. GAVE_UP is reached from either when time or attempts are used up, and
says what is left. An order or a position that shows up later begins the work anew, but after GAVE_UP. Only a person arms it again.
It judges nothing and blocks nothing: that is the review's, which its orders pass by a door of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from strikeloop.clientids import parts_of
from strikeloop.clock import SECOND_NS
from strikeloop.commands import CancelOrder, SubmitOrder
from strikeloop.events import AlertRaised, HaltRequested, HaltState, HaltUpdated, Severity
from strikeloop.killswitch.reducing import Reducing
from strikeloop.killswitch.settings import HaltSettings
from strikeloop.orders import Order, Orders
from strikeloop.portfolio import Portfolio

NAME = "killswitch"
"""The instance its orders belong to; no plugin may have this name."""
LOOK_NS = SECOND_NS // 2
AGAIN_NS = 5 * SECOND_NS
"""When an order that still works is withdrawn once more."""
SEVERITY = {HaltState.HALTED: Severity.CRITICAL, HaltState.GAVE_UP: Severity.CRITICAL, HaltState.FLAT: Severity.WARNING}
"""Of the alerts that it raises; the states between are told without one."""
BY_HAND = frozenset({"command", "signal"})
"""Causes that begin the work anew after it was given up; a plugin cannot."""


class KillSwitch:
    """`tags` are those of our runs, whose orders it withdraws also where their instance is gone; it never touches others."""

    def __init__(
        self,
        portfolio: Portfolio,
        orders: Orders,
        blocks: Mapping[tuple[str, str], str],
        tags: Collection[str],
        next_client_id: Callable[[], str],
        settings: HaltSettings,
    ) -> None:
        self._portfolio, self._orders, self._tags, self.settings = portfolio, orders, frozenset(tags), settings
        self._reducing = Reducing(portfolio, orders, blocks, next_client_id, settings)
        self.state, self.is_engaged = HaltState.ARMED, False
        """How it stands, and whether the run is halted; plain attributes, because the engine looks at each account event."""
        self.cause = self.by = self.reason = ""
        self.since = self._began = 0
        self.cancel = self.flatten = self._is_at_rest = False
        self.left: tuple[str, ...] = ()
        """What is still there and why, since the last look."""
        self._held: tuple[str, ...] = ()
        """The part of `left` that is positions."""
        self._asked: dict[str, int] = {}
        self._told: list[HaltUpdated | AlertRaised] = []

    @property
    def is_busy(self) -> bool:
        """Whether it must look again as time passes."""
        return self.state in (HaltState.CANCELING, HaltState.REDUCING)

    @property
    def is_done(self) -> bool:
        """Whether it is halted and will do nothing more by itself."""
        return self.is_engaged and not self.is_busy and (self._is_at_rest or not self.cancel)

    @property
    def words(self) -> str:
        """How it stands, for people."""
        if not self.is_engaged:
            return f"armed again by {self.by}{': ' if self.reason else ''}{self.reason}" if self.by else "armed"
        left = f"; left: {'; '.join(self.left)}" if self.left else ""
        is_withdrawn = self.state is HaltState.HALTED and self._is_at_rest
        state = "halted and every order withdrawn" if is_withdrawn else self.state.value.replace("-", " ")
        return f"{state}, by {self.by}: {self.reason}{left}"

    def told(self, now: int) -> HaltUpdated:
        """How it stands."""
        return HaltUpdated(
            time=now,
            received=now,
            state=self.state,
            cause=self.cause,
            by=self.by,
            reason=self.reason,
            since=self.since,
            cancel=self.cancel,
            flatten=self.flatten,
            left=self.left,
        )

    def take(self) -> list[HaltUpdated | AlertRaised]:
        """What is to be told since the last call, in order: each new state, and alerts of those that people must know."""
        told, self._told = self._told, []
        return told

    # ---- what is asked of it ----

    def request(self, asked: HaltRequested, now: int) -> bool:
        """Halt, or do more than was asked for so far; whether that changes anything."""
        is_first = not self.is_engaged
        wants_more = (asked.flatten and not self.flatten) or (asked.cancel and not self.cancel)
        is_again = self.state is HaltState.GAVE_UP and asked.cause in BY_HAND and (asked.cancel or asked.flatten)
        if not (is_first or wants_more or is_again):
            return False
        if is_first:
            self.cause, self.by, self.reason, self.since = asked.cause, asked.by, asked.reason, now
        else:
            self.reason = f"{self.reason}; {asked.by}: {asked.reason}"
        self.flatten = self.flatten or asked.flatten
        self.cancel = self.cancel or asked.cancel or asked.flatten
        self._is_at_rest, self.left = False, ()
        self._enter(HaltState.HALTED, now)
        return True

    def reset(self, by: str, reason: str, now: int) -> bool:
        """Arm it again; False where it is armed."""
        if not self.is_engaged:
            return False
        self.cause, self.by, self.reason, self.since = "reset", by, reason, 0
        self.cancel = self.flatten = self._is_at_rest = False
        self.left = ()
        self._asked.clear()
        self._enter(HaltState.ARMED, now)
        return True

    def look(self, now: int, *, is_started: bool) -> list[CancelOrder | SubmitOrder]:
        """What it wants to send now. Before the account is known it withdraws what it knows of, and no more."""
        if not self.cancel or self.state in (HaltState.ARMED, HaltState.GAVE_UP):
            return []
        working = self._working()
        if self.is_done and not working and not self._holds():
            return []
        if not self.is_busy:
            self._begin(now)
        cancels = self._cancels(working, now)
        if not is_started:
            return [*cancels]
        if self.flatten and self.state is HaltState.CANCELING and (not working or now - self._began >= self.settings.cancel_ns):
            self._enter(HaltState.REDUCING, now)
        reductions = self._reductions(now) if self.state is HaltState.REDUCING else []
        self._conclude(working, reductions, now)
        return [*cancels, *reductions]

    # ---- inside ----

    def _begin(self, now: int) -> None:
        self._began, self._is_at_rest, self._held = now, False, ()
        self._reducing.begin()
        self._enter(HaltState.CANCELING, now)

    def _enter(self, state: HaltState, now: int) -> None:
        self.state, self.is_engaged = state, state is not HaltState.ARMED
        self._told.append(self.told(now))
        if state in SEVERITY or not self.is_engaged:
            severity = Severity.WARNING if self._is_at_rest and state is HaltState.HALTED else SEVERITY.get(state, Severity.INFO)
            self._told.append(AlertRaised(time=now, received=now, source=NAME, topic="halt", text=self.words, severity=severity))

    def _working(self) -> list[Order]:
        """Orders of our runs that can still trade; what it sent itself ends by itself."""
        return [order for order in self._orders.working() if order.instance != NAME and self._is_ours(order)]

    def _is_ours(self, order: Order) -> bool:
        return order.instance != "" or parts_of(order.client_id)[0] in self._tags

    def _holds(self) -> bool:
        return self.flatten and bool(self._portfolio.positions)

    def _cancels(self, working: list[Order], now: int) -> list[CancelOrder]:
        due = [order for order in working if now - self._asked.get(order.key, now - AGAIN_NS) >= AGAIN_NS]
        self._asked = {order.key: self._asked.get(order.key, now) for order in working} | dict.fromkeys((order.key for order in due), now)
        return [CancelOrder(client_id=order.key, contract=order.contract) for order in due]

    def _reductions(self, now: int) -> list[SubmitOrder]:
        """The orders to be sent now, none when time is over; what is left, and why, is noted."""
        orders: list[SubmitOrder] = []
        held: list[str] = []
        for position in self._portfolio.positions:
            what = self._reducing.why_not(position, now) or ("time is over" if self._is_late(now) else "")
            if not what:
                orders.append(self._reducing.order(position, now))
                what = f"{orders[-1].client_id} is on its way"
            held.append(f"{position.contract}: {position.size:+} contracts; {what}")
        self._held = tuple(held)
        return orders

    def _conclude(self, working: list[Order], reductions: list[SubmitOrder], now: int) -> None:
        """Done, or given up, or neither yet."""
        self.left = (*(f"{order.key} is {order.state.value} and may still trade" for order in working), *self._held)
        is_idle = not working and not reductions and not self._sends()
        if is_idle and not self._holds():
            self._rest(HaltState.FLAT if self.flatten else HaltState.HALTED, now)
        elif self._is_late(now) or (is_idle and self._is_hopeless()):
            self._rest(HaltState.GAVE_UP, now)

    def _is_late(self, now: int) -> bool:
        return now - self._began >= self.settings.give_up_ns

    def _rest(self, state: HaltState, now: int) -> None:
        self._is_at_rest = True
        self.left = self.left if state is HaltState.GAVE_UP else ()
        self._enter(state, now)

    def _sends(self) -> bool:
        """Whether an order of its own may still trade."""
        return self.flatten and any(order.instance == NAME for order in self._orders.working())

    def _is_hopeless(self) -> bool:
        return self.state is HaltState.REDUCING and all(self._reducing.is_hopeless(p.contract) for p in self._portfolio.positions)
