"""The session: one port of one adapter as a pure machine. What happened goes in with its time; events and actions come out.

Theory of operation. IDLE → connect → SYNCING: subscribe each channel, hold what comes, take a snapshot once every
acknowledged channel is answered, merge, replay what was held on top → READY: pass on what is news. A gap, a bad frame or
the passage of time asks for another snapshot; only a dead line, a missing acknowledgement or the venue ends a line.
Where the venue asks to move on, a second line is brought as far as the snapshot while the first still speaks, and then
replaces it. A feed has no snapshot: it is READY once it is answered. The driver carries out the actions and reports back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import attrs

from strikeloop import events as e
from strikeloop.adapter import Channel, Decoded, Snapshot
from strikeloop.clock import SECOND_NS
from strikeloop.contracts import Contract, ContractId
from strikeloop.errors import DecodeError
from strikeloop.session.actions import Action, FetchBook, FetchContracts, FetchFills, FetchSnapshot, Find, Phase, Prepare, State
from strikeloop.session.backoff import Backoff
from strikeloop.session.chains import Chains
from strikeloop.session.channels import AUTH_RETRY_NS, Channels, ChannelState
from strikeloop.session.executions import FillKey, OrderKey
from strikeloop.session.line import Line
from strikeloop.session.listing import Listing, Strangers
from strikeloop.session.market import Market
from strikeloop.session.notices import Notices
from strikeloop.session.release import Release
from strikeloop.session.taking import Taking
from strikeloop.session.truth import Truth
from strikeloop.session.venuetime import VenueTime

SNAPSHOT_EVERY_NS = 30 * SECOND_NS
CASH_LOOK_NS = 2 * SECOND_NS
"""How long after a ledger entry the account is looked up: what is available and the margins are not on the stream."""
SECOND_LOOK_NS = 2 * SECOND_NS
SNAPSHOT_RETRY_NS = 2 * SECOND_NS
FILL_OVERLAP_NS = 60 * SECOND_NS
FIRST_LOOK_NS = 2 * 3600 * SECOND_NS
"""How far back fills are asked the first time: they are only noted, and the clocks of venue and machine may differ by an hour."""
CONTROL = (e.ChannelSubscribed, e.ChannelRefused, e.ContractListed)


class Session:
    """One port: `port` "account" reconciles with snapshots, "feed" does not and keeps the `listing` that both share.

    An account that is not confirmed for `stale_after_s` is said to be stale, None never. Every method takes `now` (ns) and
    leaves its results in `take()`. Call `tick` at least once a second.
    """

    def __init__(
        self,
        adapter: str,
        port: str,
        channels: Sequence[Channel],
        random: Random,
        *,
        listing: Listing | None = None,
        stale_after_s: float | None = 60.0,
    ) -> None:
        self.adapter, self.port = adapter, port
        self.channels = Channels(channels)
        self.connections = 0
        self.auth_refused = ""
        """What the venue said against the credentials, on the whole connection or on a channel of it; "" when nothing."""
        self.last_reconciled: int | None = None
        self._venue_time = VenueTime(adapter)
        self._declared, self._listing, self._with_snapshots = tuple(channels), listing, port == "account"
        self._stale_ns = None if stale_after_s is None else round(stale_after_s * SECOND_NS)
        self._events: list[e.Event] = []
        self._actions: list[Action] = []
        self._strangers = Strangers(adapter, listing, self._say) if self._with_snapshots and listing is not None else None
        tell = self._say if self._strangers is None else self._strangers.pass_on
        self._backoff, self._moves, self._truth = Backoff(random), Backoff(random), Truth()
        self._chains = Chains(self._truth, are_fills_reported=any(channel.reports_fills for channel in channels))
        self._release = Release(adapter, self._truth, tell, fills_reported=self._chains.are_fills_reported)
        self._market, self._notices = Market(channels), Notices(adapter)
        self._count = 0
        self._line: Line | None = None
        self._next: Line | None = None
        """The line that is to replace the other."""
        self._is_ready = self._is_barred = self._is_outrun = self._is_stale = False
        self._retry_at: int | None = None
        self._move_at: int | None = None
        self._settling_ns = SECOND_LOOK_NS if any(not channel.acknowledged for channel in channels) else 0
        """Where nobody says when a subscription stands: how long it may take."""
        self._taking: Taking | None = None
        self._snapshot_due: int | None = None
        self._trouble = ""
        self._failures = self._revision = 0
        self._gap: str | None = None

    def take(self) -> tuple[list[e.Event], list[Action]]:
        """The events to release and the actions to carry out since the last call, in order."""
        events, self._events = self._events, []
        actions, self._actions = self._actions, []
        return events, actions

    # ---- lines ----

    def resume(self, since: int, fills: Iterable[FillKey], filled: Mapping[OrderKey, tuple[Decimal, Decimal]]) -> None:
        """Before `start`: an earlier run knew the account up to `since` (ns) and told these fills, of these orders (size, size · price)."""
        self._truth.resume(since, fills, filled)

    def start(self, now: int) -> None:
        """Begin: connect at once."""
        self._adopt(self._new_line())
        if not self._truth.is_begun:
            self._truth.last_fill_time = max(0, now - FIRST_LOOK_NS)

    def connected(self, line: int, now: int) -> None:
        """The line stands: subscribe everything."""
        target = self._at(line)
        if target is None:
            return
        target.opened(() if self._listing is None else self._listing.active, now)
        if target is self._line:
            self.connections += 1
            self._backoff.up(now)
            self._look_again(now)

    def lost(self, line: int, reason: str, now: int, *, is_auth: bool = False) -> None:
        """The line ended, or could not be made. One that should have replaced another leaves that in place."""
        target, follower = self._at(line), self._next
        if target is None:
            return
        if target is follower:
            self._next, self._move_at = None, now + self._moves.down(now)
            if self._taking is not None and self._taking.line == line:
                self._taking = None
                self._snapshot_due = now
            return
        wait = 0 if follower is not None else self._wait(reason, now, is_auth=is_auth)
        self._forget_line()
        self._tell(e.StreamLost, now, reason=reason[:200], retry_in_s=wait / SECOND_NS)
        if follower is None:
            self._retry_at = now + wait
        else:
            self._adopt(follower)
            self._look_again(now)

    def tick(self, now: int) -> None:
        """Time passed: liveness, late acknowledgements, retries, look-ups, periodic snapshots."""
        self._actions.extend(self._release.due(now))
        self._watch_contracts(now)
        if self._line is None:
            if self._retry_at is not None and now >= self._retry_at:
                self._retry_at = None
                self._adopt(self._new_line())
            return
        if self._move_at is not None and now >= self._move_at:
            self._move_at = None
            self._asked_to_move(self._line)
        self._line.tick(now)
        if self._line.is_open and not self._line.is_ending:
            self._ask_books(now)
            if self._with_snapshots:
                self._watch_account(self._line, now)
        if self._next is not None:
            self._next.tick(now)
            self._bring_up(self._next, now)

    def clock_is(self, offset_ns: int | None, now: int, *, is_doubtful: bool) -> None:
        """What is known of the venue's clock: where that may be wrong nothing is traded, until it was measured again."""
        events, is_wanted = self._venue_time.told(offset_ns, now, is_doubtful=is_doubtful)
        self._events += events
        if is_wanted:
            self._actions.append(Prepare())

    # ---- what came ----

    def alive(self, line: int, now: int) -> None:
        """Bytes came, whatever they say."""
        target = self._at(line)
        if target is not None:
            target.heard = now

    def receive(self, line: int, decoded: Decoded, now: int) -> None:
        """One decoded frame."""
        target = self._at(line)
        if target is None:
            return
        target.heard = now
        if decoded.reconnect:
            self._asked_to_move(target)
        if decoded.notices:
            self._events += self._notices.told(decoded.notices, now)
        if not decoded.events:
            return
        if isinstance(decoded.events[0], CONTROL):
            for event in decoded.events:
                self._control(target, event, now)
            return
        if target.channels.touched(decoded.channel, now, len(decoded.events)):
            self._tell(e.ChannelSubscribed, now, channel=decoded.channel, by="update")
            if target is self._line:
                self._look_again(now)
        if self._with_snapshots:
            self._on_account(target, decoded.events, now)
        elif target is self._line:
            self._on_market(decoded, now)

    def garbled(self, line: int, error: DecodeError, now: int) -> None:
        """A frame that could not be decoded: it is told, skipped, and the account reconciled. Too many end the line."""
        target = self._at(line)
        if target is None:
            return
        target.heard = now
        target.garbled(now)
        channel, reason = error.channel or "unknown", f"a frame could not be read: {error}"
        if target.is_ending:
            return
        if self._with_snapshots:
            self._open_gap(channel, reason, now)
        else:
            self._tell(e.GapOpened, now, channel=channel, reason=reason)
            self._tell(e.GapClosed, now, channel=channel)

    def fills(self, fills: tuple[e.Filled, ...], now: int) -> None:
        """The answer to FetchFills. One that nobody waits for any more is ignored: it is older than the line."""
        taking = self._taking
        line = None if taking is None else self._at(taking.line)
        if taking is None or not isinstance(taking.question, FetchFills) or line is None or line.is_ending:
            return
        snapshot = taking.fills(fills)
        if snapshot is not None:
            self._taking = None
            self._merge(line, snapshot, now)
        elif taking.is_unsteady:
            self.snapshot_failed(f"the account was traded during each of {taking.rounds} rounds", now)
        else:
            line.mark()
            self._truth.asked()
            self._actions.append(taking.question)

    def snapshot(self, snapshot: Snapshot) -> None:
        """The answer to FetchSnapshot."""
        if self._taking is not None and isinstance(self._taking.question, FetchSnapshot):
            self._taking.books(snapshot)
            self._actions.append(self._taking.question)

    def snapshot_failed(self, reason: str, now: int) -> None:
        """A question of a snapshot got no answer, or the answers never fit: it is tried again, ever later."""
        if self._taking is None:
            return
        wait = min(SNAPSHOT_RETRY_NS * 2**self._failures, SNAPSHOT_EVERY_NS)
        self._taking, self._snapshot_due, self._is_outrun = None, now + wait, False
        self._trouble, self._failures = reason[:200], min(self._failures + 1, 10)

    def listed(self, contracts: Iterable[Contract], now: int) -> None:
        """The answer to FetchContracts, or what was listed before connecting."""
        if self._listing is not None:
            self._events += self._listing.listed(contracts, now)

    @property
    def is_listed(self) -> bool:
        """Whether the contracts are known."""
        return self._listing is None or self._listing.answered is not None

    def failed(self, reason: str, now: int) -> None:
        """FetchContracts or Prepare got no answer: they are asked for again in their time, and people told."""
        self._events += self._notices.told((reason,), now)

    def conflated(self, dropped: Mapping[str, int]) -> None:
        """So many events of these channels were left out for later ones, because the engine lagged."""
        for channel, count in dropped.items():
            self.channels.left_out(channel, count)

    def book(self, whole: e.BookUpdated, now: int) -> None:
        """The answer to FetchBook."""
        book = self._market.books.fetched(whole)
        if book is not None:
            self._events.append(book)
        self._ask_books(now)

    def book_failed(self, contract: ContractId, now: int) -> None:
        """FetchBook got no answer: it is asked again."""
        self._market.books.failed(contract, now)

    # ---- orders on their way ----

    def submitted(self, client_id: str) -> None:
        """An order is being sent."""
        self._release.submitted(client_id)

    def answered(self, client_id: str, events: Iterable[e.Event], now: int) -> None:
        """The venue's answer to a command."""
        self._release.answered(client_id, events)
        self._actions.extend(self._release.doubtful(now))

    def outcome_unknown(self, client_id: str, contract: ContractId, update: e.OrderUpdated, now: int) -> None:
        """A command got no answer: its order is UNKNOWN, and looked up until the venue knows it or never heard of it."""
        self._release.outcome_unknown(client_id, contract, update, now)

    def found(self, find: Find, order: e.OrderUpdated | None, now: int) -> None:
        """The answer to Find."""
        self._release.found(find, order, now)
        self._actions.extend(self._release.doubtful(now))

    def find_failed(self, find: Find, now: int) -> None:
        """Find got no answer: it is asked again."""
        self._release.find_failed(find, now)

    # ---- where it stands ----

    @property
    def phase(self) -> Phase:
        if self._line is None:
            return Phase.IDLE
        if not self._line.is_open:
            return Phase.CONNECTING
        return Phase.READY if self._is_ready else Phase.SYNCING

    @property
    def state(self) -> State:
        """For status."""
        if self.auth_refused and self.phase is not Phase.READY:
            return State.AUTH_FAILED
        if self._line is None:
            return State.DOWN
        return State.DEGRADED if self._line.is_open and self.shortcomings else State(self.phase.value)

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why a line that stands is not all that it should be, in words."""
        found = [f"{status.channel.name} is refused" for status in self.channels if status.state is ChannelState.REFUSED]
        found += [f"{self._gap}: messages were missed"] if self._gap is not None else []
        found += [f"the account was not confirmed: {self._trouble}"] if self._trouble else []
        found += ["the account is stale"] if self._is_stale and not self._trouble else []
        return (*found, *self._venue_time.shortcomings)

    def channel_status(self) -> dict[str, dict[str, Any]]:
        """Each channel as plain types, with its three clocks (ns UTC, None = never or not now).

        `alive` is when its connection last brought a byte, `acknowledged` since when the subscription stands, `last_confirmed`
        when what it says was last found right.
        """
        alive = None if self._line is None or not self._line.is_open else self._line.heard
        return {status.channel.name: {**status.plain(), "alive": alive} for status in self.channels}

    # ---- inside: lines ----

    def _at(self, number: int) -> Line | None:
        """The line of this number, None when it counts no more."""
        if self._line is not None and self._line.number == number:
            return self._line
        return self._next if self._next is not None and self._next.number == number else None

    def _new_line(self) -> Line:
        self._count += 1
        return Line(self._count, self._declared, self._ask)

    def _ask(self, action: Action) -> None:
        self._actions.append(action)

    def _adopt(self, line: Line) -> None:
        """From here on this is the line."""
        line.channels.inherit(self.channels)
        self._line, self._next, self.channels = line, None, line.channels
        self.connections += line.is_open

    def _forget_line(self) -> None:
        """The line is gone, and with it what was doubted and asked for its sake."""
        if self._taking is not None and self._at(self._taking.line) is self._line:
            self._taking = None
        self._line = self._gap = self._snapshot_due = None
        self._is_ready = self._is_outrun = self._is_stale = False
        self._trouble, self._failures = "", 0
        self._chains.forget()
        self._market.reset()
        self.channels.ended()

    def _wait(self, reason: str, now: int, *, is_auth: bool) -> int:
        """How long to wait after a loss; the credentials are not tried again soon."""
        wait = self._backoff.down(now)
        if not (is_auth or self._is_barred or (self.channels.barred and not self._is_ready)):
            return wait
        self._is_barred, self.auth_refused = True, self.auth_refused or reason
        return max(wait, AUTH_RETRY_NS)

    def _asked_to_move(self, line: Line) -> None:
        """The venue is about to end this line: replace it while it still speaks, or at once where nothing is known yet."""
        if line is self._line and self._next is None:
            if self._is_ready:
                self._next = self._new_line()
            else:
                line.end("the venue asks for a new connection")

    def _bring_up(self, line: Line, now: int) -> None:
        """Replace the line by the next as soon as that is subscribed and the account was looked at since."""
        if not line.is_open or line.is_ending or not line.channels.settled or now - line.opened_at < self._settling_ns:
            return
        if not self._with_snapshots:
            self._switch(line, now)
        elif self._taking is None:
            self._ask_snapshot(line)

    def _switch(self, line: Line, now: int) -> None:
        before = self._line
        self._adopt(line)
        if before is not None:
            before.end("a new connection replaces it")
        self._tell(e.StreamOpened, now, connection=self.connections)

    def _say(self, event: e.Event) -> None:
        self._events.append(event)

    def _tell(self, kind: type[e.StreamEvent], now: int, **fields: object) -> None:
        self._events.append(kind(time=now, received=now, adapter=self.adapter, port=self.port, **fields))

    # ---- inside: channels ----

    def _control(self, line: Line, event: e.Event, now: int) -> None:
        if isinstance(event, e.ChannelSubscribed):
            self._confirm(line, event.channel, event.by, now)
        elif isinstance(event, e.ChannelRefused):
            self._refused(line, event, now)
        elif isinstance(event, e.ContractListed) and self._listing is not None:
            self._events += self._listing.learned((event.specification,), now)

    def _confirm(self, line: Line, channel: str, by: str, now: int) -> None:
        """A channel works: what it said before is not known, so the account is looked at (again)."""
        if line.channels.confirm(channel, now):
            self._tell(e.ChannelSubscribed, now, channel=channel, by=by)
            if line is self._line:
                self._look_again(now)

    def _refused(self, line: Line, event: e.ChannelRefused, now: int) -> None:
        line.channels.refuse(event.channel, now, is_auth=event.is_auth)
        self._events.append(attrs.evolve(event, port=self.port, received=now))
        if line is not self._line:
            return
        if event.is_auth:
            self.auth_refused = self.auth_refused or f"{event.channel}: {event.code} {event.message}".strip()
            self._is_barred = self.channels.barred == len(self.channels)
        if self._is_barred:
            line.end(f"credentials refused on {self.auth_refused}")
        elif self._is_ready and event.channel in self.channels.unconfirmed and self._gap is None:
            self._mark_gap(event.channel, f"the venue refused it: {event.code} {event.message}".strip(), now)
        elif not self._is_ready and self._taking is None:
            self._look_again(now)

    def _is_trusted(self) -> None:
        """The credentials work, but for channels that they do not open."""
        self._is_barred = False
        if not self.channels.barred:
            self.auth_refused = ""

    # ---- inside: the market ----

    def _on_market(self, decoded: Decoded, now: int) -> None:
        if decoded.channel not in self._market:
            self._events += decoded.events
            return
        self._events += [told for event in decoded.events if (told := self._market.streamed(decoded.channel, event)) is not None]
        for gap in self._market.books.take_gaps():
            self._tell(e.GapOpened, now, channel=decoded.channel, reason=gap)
        self._ask_books(now)

    def _ask_books(self, now: int) -> None:
        self._actions.extend(FetchBook(contract) for contract in self._market.books.due(now))

    def _watch_contracts(self, now: int) -> None:
        """Refresh the list, end what has expired, renew what names contracts, let go of what waited for a list."""
        listing = self._listing
        if listing is None:
            return
        if not self._with_snapshots:
            self._events += listing.expired(now)
            if listing.is_due(now):
                self._actions.append(FetchContracts())
        if self._revision != listing.revision:
            self._revision = listing.revision
            for line in (self._line, self._next):
                if line is not None:
                    line.follow(listing.active)
        if self._strangers is not None:
            self._strangers.tick(now)

    # ---- inside: the account ----

    def _look_again(self, now: int) -> None:
        """Take a snapshot as soon as every acknowledged channel was answered (a feed is then simply ready)."""
        line = self._line
        if line is None or not line.is_open:
            return
        if self._with_snapshots:
            if self._is_ready or line.channels.settled:
                self._ask_snapshot(line)
        elif not self._is_ready and line.channels.settled:
            self._is_ready = line.flows = True
            self._is_trusted()
            self._tell(e.StreamOpened, now, connection=self.connections)

    def _ask_snapshot(self, line: Line) -> None:
        """One at a time: one that is on its way already may have been taken too early, and is then followed by another."""
        if line.is_ending:
            return
        if self._taking is not None:
            self._is_outrun = True
            return
        self._taking, self._snapshot_due = Taking(max(0, self._truth.last_fill_time - FILL_OVERLAP_NS), line.number), None
        self._actions.append(self._taking.question)

    def _merge(self, line: Line, snapshot: Snapshot, now: int) -> None:
        merge = self._truth.merge(snapshot)
        for event in merge.events:
            self._release.merged(event)
        self._actions.extend(Find(order.contract, order.client_id, order.order_id) for order in merge.missing)
        for status in line.channels:
            if not status.channel.acknowledged and status.state is ChannelState.ASKED:
                line.channels.confirm(status.channel.name, now)
                self._tell(e.ChannelSubscribed, now, channel=status.channel.name, by="snapshot")
        is_new = line is self._next
        if is_new and line.channels.unconfirmed:
            line.end(f"{line.channels.unconfirmed[0]} is refused on the new connection")
            is_new = False
        elif is_new:
            self._switch(line, now)
        if line is self._line:
            self._replay(line)
        self._actions.extend(self._release.doubtful(now))
        self._reconciled(merge.adjustments, now, is_new=is_new)

    def _replay(self, line: Line) -> None:
        """What the line held, on top of the snapshot."""
        for event in line.held():
            if self._release.streamed(event) and isinstance(event, e.LedgerPosted):
                self._truth.ledger_gap(event)

    def _reconciled(self, adjustments: tuple[str, ...], now: int, *, is_new: bool) -> None:
        """The account equals a snapshot; it may be traded on once every essential channel works and no later doubt came up."""
        line = self._line
        if line is None:
            return
        if self._is_outrun:
            self._is_outrun = False
            self._ask_snapshot(line)
            return
        again_soon = not line.flows and self._settling_ns > 0
        line.flows, self.last_reconciled, self._trouble, self._failures = True, now, "", 0
        self._is_trusted()
        self.channels.verified(now)
        self._snapshot_due = now + (SECOND_LOOK_NS if again_soon else SNAPSHOT_EVERY_NS)
        if self.channels.unconfirmed:
            return
        is_first, was_stale, self._is_ready, self._is_stale = not self._is_ready, self._is_stale, True, False
        if is_first:
            self._tell(e.StreamOpened, now, connection=self.connections)
        if self._gap is not None:
            self._tell(e.GapClosed, now, channel=self._gap)
            self._gap = None
        if is_first or is_new or was_stale or adjustments:
            self._tell(e.Reconciled, now, adjustments=adjustments)

    def _on_account(self, line: Line, events: Sequence[e.Event], now: int) -> None:
        """What the account's stream says: held until the account is known, then told, and checked against what it said before."""
        for event in events:
            if not line.flows:
                line.hold(event)
            elif self._release.streamed(event):
                if isinstance(event, e.LedgerPosted):
                    self._on_cash(event, now)
                broken = self._chains.follow(event, now)
                if broken:
                    self._open_gap("balances", broken, now)
        self._actions.extend(self._release.doubtful(now))

    def _on_cash(self, event: e.LedgerPosted, now: int) -> None:
        """A ledger entry tells the total; the rest of the account is looked up soon, once for all entries of a trade."""
        balance = self._truth.balance_after(event)
        if balance is not None:
            self._say(balance)
        if self._snapshot_due is not None:
            self._snapshot_due = min(self._snapshot_due, now + CASH_LOOK_NS)

    def _open_gap(self, channel: str, reason: str, now: int) -> None:
        if self._is_ready and self._gap is None:
            self._mark_gap(channel, reason, now)
        if self._line is not None and (self._line.flows or self._taking is not None):
            self._ask_snapshot(self._line)

    def _mark_gap(self, channel: str, reason: str, now: int) -> None:
        self._gap = channel
        self._tell(e.GapOpened, now, channel=channel, reason=reason)

    def _watch_account(self, line: Line, now: int) -> None:
        """Chains that stay broken, the periodic snapshot, and how long ago the account was last confirmed."""
        for channel, reason in self._chains.broken(now):
            self._open_gap(channel, reason, now)
        if self._snapshot_due is not None and now >= self._snapshot_due and self._taking is None:
            self._ask_snapshot(line)
        age = now - (self.last_reconciled or now)
        if self._is_ready and not self._is_stale and self._stale_ns is not None and age >= self._stale_ns:
            self._is_stale = True
            self._tell(e.StreamStale, now, channel=self._trouble or "account", age_s=age / SECOND_NS)
