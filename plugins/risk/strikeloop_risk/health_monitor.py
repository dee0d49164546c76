"""HealthMonitor: whether what the run sees and does can be relied on.

Owns the alerts about connections, channels, gaps, clocks, the age of prices, late timers and faults of plugins. It judges no
orders, and knows of the outside what events tell.
"""

from __future__ import annotations

from collections import Counter, deque

import attrs

from strikeloop import (
    AccountEvent,
    BalanceUpdated,
    ChannelRefused,
    ChannelSubscribed,
    Desk,
    Filled,
    GapClosed,
    GapOpened,
    MmpTriggered,
    OrderUpdated,
    Origin,
    PluginFaulted,
    PositionUpdated,
    Reconciled,
    Severity,
    StreamEvent,
    StreamLost,
    StreamOpened,
    StreamStale,
    TimerFired,
    hookimpl,
    plugin,
    state,
)
from strikeloop_risk.levels import SECOND_NS, Alarms, span
from strikeloop_risk.limits import positive

_TIMER = "look"
_HOUR_NS = 3_600 * SECOND_NS
_SAMPLES = 8
_MOST_TOLD = 5


@attrs.define
class _Feeds:
    """What is amiss on the streams, by what it is called, since when (ns)."""

    lost: dict[str, int] = attrs.field(factory=dict)
    gaps: dict[str, int] = attrs.field(factory=dict)
    refused: set[str] = attrs.field(factory=set)
    stale: set[str] = attrs.field(factory=set)
    losses: dict[str, deque[int]] = attrs.field(factory=dict)
    lags: dict[str, deque[int]] = attrs.field(factory=dict)


@plugin
class HealthMonitor(Alarms):
    """Raise an alert when the run's view of the venue, or the run itself, is no longer sound, and when it is again.

    max_lost_s: seconds for which a connection may be lost. max_losses: connections that may be lost within an hour.
    max_gap_s: seconds for which messages may be missing. max_skew_s: seconds by which the venue's clock may be ahead of ours,
    or its account events late. max_price_age_s: seconds without a new price of something that is held.
    max_late_s: seconds by which timers may fire late: so long something held up the run.
    max_faults: faults of one plugin after which it is critical, whether or not it was halted.
    look_s: seconds between two looks. Refused channels, stale accounts, differences found by reconciling, market maker
    protection and faults are told at once.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    warn_again_s, again_s: seconds after which a standing warning, a standing critical alert is said again; None: never.
    on_critical: "alert", or what the kill switch does beside it: "halt", "cancel" (orders too) or "flatten" (positions too).
    """

    max_lost_s: float = attrs.field(default=30.0, validator=positive)
    max_losses: int = attrs.field(default=10, validator=positive)
    max_gap_s: float = attrs.field(default=60.0, validator=positive)
    max_skew_s: float = attrs.field(default=5.0, validator=positive)
    max_price_age_s: float = attrs.field(default=300.0, validator=positive)
    max_late_s: float = attrs.field(default=1.0, validator=positive)
    max_faults: int = attrs.field(default=3, validator=positive)
    look_s: float = attrs.field(default=10.0, validator=positive)
    feeds: _Feeds = state(factory=_Feeds)
    faults: Counter[str] = state(factory=Counter)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(self.look_s, _TIMER)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if event.instance == desk.instance and event.name == _TIMER:
            self._judge_lateness(event.received - event.due, desk)
            self._look(desk)

    @hookimpl
    def on_stream(self, event: StreamEvent, desk: Desk) -> None:
        port = f"{event.adapter} {event.port}"
        match event:
            case StreamLost():
                self.feeds.lost.setdefault(port, desk.now)
                self.feeds.losses.setdefault(port, deque()).append(desk.now)
            case StreamOpened():
                self._judge_lost(port, desk)
                self.feeds.lost.pop(port, None)
                self._end(port, "connection", f"the connection of {port} stands again", desk)
            case ChannelRefused():
                self._refused(port, event, desk)
            case ChannelSubscribed():
                self._subscribed(port, event, desk)
            case StreamStale():
                self._stale(port, event, desk)
            case GapOpened():
                self.feeds.gaps.setdefault(f"{port} {event.channel}", desk.now)
            case GapClosed():
                self.feeds.gaps.pop(f"{port} {event.channel}", None)
                self._end(f"{port} {event.channel}", "gap", f"{event.channel} of {port} is whole again", desk)
            case Reconciled():
                self._reconciled(port, event, desk)
            case MmpTriggered():
                until = "until it is reset" if event.frozen_until is None else f"for {span(max(0, event.frozen_until - desk.now))}"
                desk.alert(f"market maker protection froze quoting in {event.underlying} at {event.adapter} {until}", topic="mmp")
            case _:
                pass

    @hookimpl
    def on_balance(self, event: BalanceUpdated, desk: Desk) -> None:
        self._judge_clock(event.adapter, event, desk)

    @hookimpl
    def on_position(self, event: PositionUpdated, desk: Desk) -> None:
        self._judge_clock(event.contract.adapter, event, desk)

    @hookimpl
    def on_order(self, event: OrderUpdated, desk: Desk) -> None:
        self._judge_clock(event.contract.adapter, event, desk)

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        self._judge_clock(event.contract.adapter, event, desk)

    @hookimpl
    def on_fault(self, event: PluginFaulted, desk: Desk) -> None:
        """Told at the first, at the one that makes it critical, and then at every doubling."""
        self.faults[event.instance] += 1
        count = self.faults[event.instance]
        if count in (1, self.max_faults) or event.halted or (count > self.max_faults and count & (count - 1) == 0):
            times = "" if count == 1 else f" for the {count}. time"
            end = "; it is halted" if event.halted else ""
            severity = Severity.CRITICAL if event.halted or count >= self.max_faults else Severity.WARNING
            desk.alert(f"{event.instance} raised{times} in {event.hook}: {event.error}{end}", topic="plugin_fault", severity=severity)

    # ---- by the clock ----

    def _look(self, desk: Desk) -> None:
        for port in self.feeds.lost:
            self._judge_lost(port, desk)
        for port, times in self.feeds.losses.items():
            self._judge_losses(port, times, desk)
        for channel, since in self.feeds.gaps.items():
            self._judge_gap(channel, desk.now - since, desk)
        for adapter in sorted({position.contract.adapter for position in desk.positions}):
            self._judge_prices(adapter, desk)

    def _judge_lost(self, port: str, desk: Desk) -> None:
        lasted = desk.now - self.feeds.lost.get(port, desk.now)
        text = f"the connection of {port} has been lost for {span(lasted)}"
        self.judge(desk, (port, "connection"), lasted / SECOND_NS / self.max_lost_s, "connection", lambda _: text)

    def _judge_losses(self, port: str, times: deque[int], desk: Desk) -> None:
        while times and times[0] <= desk.now - _HOUR_NS:
            times.popleft()
        text = f"{port} lost its connection {len(times)} times within an hour (limit {self.max_losses})"
        self.judge(desk, (port, "losses"), len(times) / self.max_losses, "flapping", lambda _: text)

    def _judge_gap(self, channel: str, lasted: int, desk: Desk) -> None:
        text = f"{channel} has been missing messages for {span(lasted)}"
        self.judge(desk, (channel, "gap"), lasted / SECOND_NS / self.max_gap_s, "gap", lambda _: text)

    def _judge_prices(self, adapter: str, desk: Desk) -> None:
        """The oldest price of what is held."""
        ages: list[tuple[float, str]] = []
        for position in desk.positions:
            known, seen = desk.portfolio.contracts.get(position.contract), desk.ticker(position.contract) or desk.quote(position.contract)
            if position.contract.adapter == adapter and known is not None and known.expiry > desk.now:
                ages.append(((desk.now - (position.updated if seen is None else seen.received)) / SECOND_NS, position.contract.name))
        age, name = max(ages, default=(0.0, ""))

        def say(severity: Severity) -> str:
            if severity is Severity.INFO:
                return f"everything held at {adapter} has fresh prices again"
            return f"the last price of {name} at {adapter} is {age:.0f} s old (limit {self.max_price_age_s:g} s)"

        self.judge(desk, (adapter, "prices"), age / self.max_price_age_s, "price_age", say)

    def _judge_lateness(self, late: int, desk: Desk) -> None:
        def say(severity: Severity) -> str:
            return "timers fire in time again" if severity is Severity.INFO else f"the run was held up: a timer fired {span(late)} late"

        self.judge(desk, ("run", "late"), late / SECOND_NS / self.max_late_s, "late", say)

    # ---- at once ----

    def _judge_clock(self, adapter: str, event: AccountEvent, desk: Desk) -> None:
        """By the least lag of the last events (all are late) and by the greatest (even the latest to come is ahead)."""
        if event.origin is not Origin.VENUE:
            return
        lags = self.feeds.lags.setdefault(adapter, deque(maxlen=_SAMPLES))
        lags.append(event.received - event.time)
        if len(lags) < _SAMPLES:
            return
        least, greatest = min(lags) / SECOND_NS, max(lags) / SECOND_NS
        skew = max(least, -greatest, 0.0)

        def say(severity: Severity) -> str:
            if severity is Severity.INFO:
                return f"account events of {adapter} bear the present time again"
            what = "events come late, or our clock is ahead" if least > 0 else "its clock is ahead of ours"
            return f"account events of {adapter} are off by {skew:.1f} s (limit {self.max_skew_s:g} s): {what}"

        self.judge(desk, (adapter, "clock"), skew / self.max_skew_s, "clock", say)

    def _refused(self, port: str, event: ChannelRefused, desk: Desk) -> None:
        self.feeds.refused.add(f"{port} {event.channel}")
        why = "the credentials were refused" if event.is_auth else f"{event.code} {event.message}".strip()
        severity = Severity.CRITICAL if event.is_auth else Severity.WARNING
        desk.alert(f"{port} has no channel {event.channel}: {why}", topic="channel", severity=severity)

    def _subscribed(self, port: str, event: ChannelSubscribed, desk: Desk) -> None:
        if f"{port} {event.channel}" in self.feeds.refused:
            self.feeds.refused.discard(f"{port} {event.channel}")
            desk.alert(f"{port} has its channel {event.channel} after all", topic="channel", severity=Severity.INFO)

    def _stale(self, port: str, event: StreamStale, desk: Desk) -> None:
        if port not in self.feeds.stale:
            self.feeds.stale.add(port)
            text = f"{event.channel} of {port} has not been confirmed for {event.age_s:.0f} s: what is known of it may be old"
            desk.alert(text, topic="stale", severity=Severity.CRITICAL)

    def _reconciled(self, port: str, event: Reconciled, desk: Desk) -> None:
        if port in self.feeds.stale:
            self.feeds.stale.discard(port)
            desk.alert(f"{port} is confirmed again", topic="stale", severity=Severity.INFO)
        found = event.adjustments
        if found:
            more = f" and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
            desk.alert(f"reconciling {port} changed what was known: {'; '.join(found[:_MOST_TOLD])}{more}", topic="reconciled")

    def _end(self, what: str, kind: str, text: str, desk: Desk) -> None:
        self.judge(desk, (what, kind), 0.0, kind, lambda _: text)
