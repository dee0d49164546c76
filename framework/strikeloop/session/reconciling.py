"""The account of a session: when it is looked at, what a look corrects, and what is in doubt meanwhile.

Owns `Reconciling`. What the stream says before the account is known is held by its line; then it is told, and checked
against what it said before. Sums and repetitions are the truth's, names and look-ups the release's.
"""

from __future__ import annotations

from collections.abc import Sequence

from strikeloop import events as e
from strikeloop.adapter import Snapshot
from strikeloop.clock import SECOND_NS
from strikeloop.session.actions import FetchFills, FetchSnapshot, Find
from strikeloop.session.chains import Chains
from strikeloop.session.channels import AUTH_RETRY_NS, ChannelState
from strikeloop.session.line import Line
from strikeloop.session.lines import Lines
from strikeloop.session.outbox import Outbox
from strikeloop.session.release import Release
from strikeloop.session.taking import Taking
from strikeloop.session.truth import Truth

EVERY_NS = 30 * SECOND_NS
CASH_LOOK_NS = 2 * SECOND_NS
"""How long after a ledger entry the account is looked up: what is available and the margins are not on the stream."""
SECOND_LOOK_NS = 2 * SECOND_NS
RETRY_NS = 2 * SECOND_NS
FILL_OVERLAP_NS = 60 * SECOND_NS


class Reconciling:
    """The account behind `lines`; one that was not confirmed for `stale_ns` is said to be stale, None never."""

    def __init__(self, out: Outbox, lines: Lines, truth: Truth, release: Release, chains: Chains, stale_ns: int | None) -> None:
        self._out, self._lines, self._truth, self._release, self._chains, self._stale_ns = out, lines, truth, release, chains, stale_ns
        self.last: int | None = None
        """When the account was last found right."""
        self._taking: Taking | None = None
        self._due: int | None = None
        self._is_outrun = self._is_stale = False
        self._trouble, self._failures = "", 0
        self._gap: str | None = None

    @property
    def shortcomings(self) -> list[str]:
        """What is in doubt, in words."""
        found = [f"{self._gap}: messages were missed"] if self._gap is not None else []
        found += [f"the account was not confirmed: {self._trouble}"] if self._trouble else []
        return [*found, *(["the account is stale"] if self._is_stale and not self._trouble else [])]

    # ---- lines ----

    def look_again(self) -> None:
        """Take a snapshot as soon as every acknowledged channel was answered."""
        line = self._lines.line
        if line is not None and line.is_open and (self._lines.is_ready or line.channels.settled):
            self._look(line)

    def bring_up(self, line: Line) -> None:
        """Look at the account for the sake of a line that is to replace the other."""
        if self._taking is None:
            self._look(line)

    def forget(self, line: Line) -> None:
        """The line is gone, and with it what was doubted and asked for its sake."""
        if self._taking is not None and self._taking.line == line.number:
            self._taking = None
        self._gap = self._due = None
        self._is_outrun = self._is_stale = False
        self._trouble, self._failures = "", 0
        self._chains.forget()

    def forget_next(self, line: Line, now: int) -> None:
        """The line that should have replaced the other is gone."""
        if self._taking is not None and self._taking.line == line.number:
            self._taking, self._due = None, now

    def refused(self, channel: str, reason: str, now: int) -> None:
        """The venue refused a channel that worked, or was waited for."""
        if self._lines.is_ready and channel in self._lines.channels.unconfirmed and self._gap is None:
            self._mark_gap(channel, f"the venue refused it: {reason}", now)
        elif not self._lines.is_ready and self._taking is None:
            self.look_again()

    def tick(self, line: Line, now: int) -> None:
        """Chains that stay broken, the periodic snapshot, and how long ago the account was last confirmed."""
        for channel, reason in self._chains.broken(now):
            self.open_gap(channel, reason, now)
        if self._due is not None and now >= self._due and self._taking is None:
            self._look(line)
        age = now - (self.last or now)
        if self._lines.is_ready and not self._is_stale and self._stale_ns is not None and age >= self._stale_ns:
            self._is_stale = True
            self._out.tell(e.StreamStale, now, channel=self._trouble or "account", age_s=age / SECOND_NS)

    # ---- what came ----

    def streamed(self, line: Line, events: Sequence[e.Event], now: int) -> None:
        """What a line says of the account."""
        if not line.flows:
            for event in events:
                line.hold(event)
            return
        release, chained = self._release, self._chains.kinds
        notes, tell, streamed = release.notes, release.tell, release.streamed
        for event in events:
            kind = type(event)
            note = notes.get(kind)
            if note is not None:  # it is always news
                note(event)
                tell(event)
            elif not streamed(event):
                continue
            if kind in chained:
                self._follow(event, now)
        if release.doubts.to_ask:
            self._look_up(now)

    def open_gap(self, channel: str, reason: str, now: int) -> None:
        """Something was missed: look at the account now."""
        line = self._lines.line
        if self._lines.is_ready and self._gap is None:
            self._mark_gap(channel, reason, now)
        if line is not None and (line.flows or self._taking is not None):
            self._look(line)

    def fills(self, fills: tuple[e.Filled, ...], now: int) -> None:
        """The answer to FetchFills. One that nobody waits for any more is ignored: it is older than the line."""
        taking = self._taking
        line = None if taking is None else self._lines.at(taking.line)
        if taking is None or not isinstance(taking.question, FetchFills) or line is None or line.is_ending:
            return
        snapshot = taking.fills(fills)
        if snapshot is not None:
            self._taking = None
            self._merge(line, snapshot, now)
        elif taking.is_unsteady:
            self.failed(f"the account was traded during each of {taking.rounds} rounds", now)
        else:
            line.mark()
            self._truth.asked()
            self._out.ask(taking.question)

    def books(self, snapshot: Snapshot) -> None:
        """The answer to FetchSnapshot."""
        if self._taking is not None and isinstance(self._taking.question, FetchSnapshot):
            self._taking.books(snapshot)
            self._out.ask(self._taking.question)

    def failed(self, reason: str, now: int, *, is_auth: bool = False) -> None:
        """A question got no answer, or the answers never fit: it is tried again, ever later; refused credentials but once soon."""
        if self._taking is None:
            return
        wait = AUTH_RETRY_NS * min(self._failures, 2) if is_auth and self._failures else min(RETRY_NS * 2**self._failures, EVERY_NS)
        self._taking, self._due, self._is_outrun = None, now + wait, False
        self._trouble, self._failures = reason[:200], min(self._failures + 1, 10)

    # ---- inside ----

    def _look(self, line: Line) -> None:
        """One at a time: one that is on its way already may have been taken too early, and is then followed by another."""
        if line.is_ending:
            return
        if self._taking is not None:
            self._is_outrun = True
            return
        self._taking, self._due = Taking(max(0, self._truth.last_fill_time - FILL_OVERLAP_NS), line.number), None
        self._out.ask(self._taking.question)

    def _follow(self, event: e.Event, now: int) -> None:
        if isinstance(event, e.LedgerPosted):
            self._on_cash(event, now)
        broken = self._chains.follow(event, now)
        if broken:
            self.open_gap("balances", broken, now)

    def _look_up(self, now: int) -> None:
        for find in self._release.doubtful(now):
            self._out.ask(find)

    def _merge(self, line: Line, snapshot: Snapshot, now: int) -> None:
        merge = self._truth.merge(snapshot)
        for event in merge.events:
            self._release.merged(event)
        for order in merge.missing:
            self._out.ask(Find(order.contract, order.client_id, order.order_id))
        for status in line.channels:
            if not status.channel.acknowledged and status.state is ChannelState.ASKED:
                line.channels.confirm(status.channel.name, now)
                self._out.tell(e.ChannelSubscribed, now, channel=status.channel.name, by="snapshot")
        is_new = line is self._lines.next and not line.channels.unconfirmed
        if is_new:
            self._lines.switch(now)
        elif line is self._lines.next:
            line.end(f"{line.channels.unconfirmed[0]} is refused on the new connection")
        if line is self._lines.line:
            self._replay(line)
        self._look_up(now)
        if self._lines.line is not None:
            self._reconciled(self._lines.line, merge.adjustments, now, is_new=is_new)

    def _replay(self, line: Line) -> None:
        """What the line held, on top of the snapshot."""
        for event in line.held():
            if self._release.streamed(event) and isinstance(event, e.LedgerPosted):
                self._truth.ledger_gap(event)

    def _reconciled(self, line: Line, adjustments: tuple[str, ...], now: int, *, is_new: bool) -> None:
        """The account equals a snapshot; it may be traded on once every essential channel works and no later doubt came up."""
        if self._is_outrun:
            self._is_outrun = False
            self._look(line)
            return
        again_soon = not line.flows and self._lines.settling_ns > 0
        line.flows, self.last, self._trouble, self._failures = True, now, "", 0
        self._lines.trusted()
        self._lines.channels.verified(now)
        self._due = now + (SECOND_LOOK_NS if again_soon else EVERY_NS)
        if self._lines.channels.unconfirmed:
            return
        is_first, was_stale, self._lines.is_ready, self._is_stale = not self._lines.is_ready, self._is_stale, True, False
        if is_first:
            self._out.tell(e.StreamOpened, now, connection=self._lines.connections)
        if self._gap is not None:
            self._out.tell(e.GapClosed, now, channel=self._gap)
            self._gap = None
        if is_first or is_new or was_stale or adjustments:
            self._out.tell(e.Reconciled, now, adjustments=adjustments)

    def _on_cash(self, event: e.LedgerPosted, now: int) -> None:
        """A ledger entry tells the total; the rest of the account is looked up soon, once for all entries of a trade."""
        balance = self._truth.balance_after(event)
        if balance is not None:
            self._out.say(balance)
        if self._due is not None:
            self._due = min(self._due, now + CASH_LOOK_NS)

    def _mark_gap(self, channel: str, reason: str, now: int) -> None:
        self._gap = channel
        self._out.tell(e.GapOpened, now, channel=channel, reason=reason)
