"""The session: one port of one adapter as a pure machine. What happened goes in with its time; events and actions come out.

Theory of operation. IDLE → connect → SYNCING: subscribe each channel, buffer what comes, take a snapshot once every
acknowledged channel is answered, merge, replay the buffer on top → READY: pass on what is news. A gap, a bad frame or
the passage of time asks for another snapshot; only a dead link, a missing acknowledgement or the venue's wish ends
the connection. A refusal of credentials waits minutes, not seconds. A feed has no snapshot: it is READY once it is
answered. It never does I/O: the driver carries out the actions and reports back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random

import attrs

from strikeloop import events as e
from strikeloop.adapter import Channel, Decoded, Snapshot
from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.errors import DecodeError
from strikeloop.session.actions import Action, Connect, Drop, FetchBook, FetchFills, FetchSnapshot, Find, Phase, SendPing, Subscribe
from strikeloop.session.backoff import Backoff
from strikeloop.session.channels import AUTH_RETRY_NS, Channels, ChannelState
from strikeloop.session.market import Market
from strikeloop.session.release import Release
from strikeloop.session.taking import Taking
from strikeloop.session.truth import FillKey, OrderKey, Truth

PING_NS = 4 * SECOND_NS
DEAD_NS = 9 * SECOND_NS
SNAPSHOT_EVERY_NS = 30 * SECOND_NS
SECOND_LOOK_NS = 2 * SECOND_NS
SNAPSHOT_RETRY_NS = 2 * SECOND_NS
STALE_NS = 60 * SECOND_NS
CHAIN_GRACE_NS = SECOND_NS
MOST_GARBLED = 10
NOTICE_NS = 60 * SECOND_NS
MOST_NOTICES = 1_000
GARBLED_WINDOW_NS = 60 * SECOND_NS
FILL_OVERLAP_NS = 60 * SECOND_NS
FIRST_LOOK_NS = 2 * 3600 * SECOND_NS
"""How far back fills are asked for the first time: they are only noted, and the clocks of venue and machine may differ by an hour."""
STATES = (e.PositionUpdated, e.BalanceUpdated, e.PortfolioRiskUpdated)


class Session:
    """One port: `port` "account" reconciles with snapshots, "feed" does not.

    Every method takes `now` (ns) and leaves its results in `take()`. Call `tick` at least once a second.
    """

    def __init__(self, adapter: str, port: str, channels: Sequence[Channel], random: Random) -> None:
        self.adapter, self.port = adapter, port
        self.channels = Channels(channels)
        self.phase, self.connections = Phase.IDLE, 0
        self.auth_refused = ""
        """What the venue said against the credentials, on the whole connection or on a channel of it; "" when nothing."""
        self._is_barred = False
        self.last_reconciled: int | None = None
        self._with_snapshots = port == "account"
        self._chained = any(channel.reports_fills for channel in channels)
        self._events: list[e.Event] = []
        self._actions: list[Action] = []
        self._backoff, self._truth = Backoff(random), Truth()
        self._market = Market(channels)
        self._notices: dict[str, int] = {}
        self._release = Release(adapter, self._truth, self._events.append, fills_reported=self._chained)
        self._heard = self._pinged = 0
        self._retry_at: int | None = None
        self._buffer: deque[e.Event] = deque()
        self._buffered_before_request = 0
        self._is_flowing = not self._with_snapshots
        self._taking: Taking | None = None
        self._snapshot_due: int | None = None
        self._is_outrun = self._is_ending = False
        self._garbled: deque[int] = deque(maxlen=MOST_GARBLED + 1)
        self._suspects: dict[tuple[ContractId, str], int] = {}
        self._gap: str | None = None

    def take(self) -> tuple[list[e.Event], list[Action]]:
        """The events to release and the actions to carry out since the last call, in order."""
        out = list(self._events), list(self._actions)
        self._events.clear()
        self._actions.clear()
        return out

    # ---- the connection ----

    def resume(self, since: int, fills: Iterable[FillKey], filled: Mapping[OrderKey, tuple[Decimal, Decimal]]) -> None:
        """Before `start`: an earlier run knew the account up to `since` (ns) and told these fills, of these orders (size, size · price)."""
        self._truth.resume(since, fills, filled)

    def start(self, now: int) -> None:
        """Begin: connect at once."""
        self._connect()
        self._heard = now
        if not self._truth.is_begun:
            self._truth.last_fill_time = max(0, now - FIRST_LOOK_NS)

    def connected(self, now: int) -> None:
        """The link stands: subscribe everything."""
        self.phase, self.connections, self._heard, self._pinged = Phase.SYNCING, self.connections + 1, now, now
        self._backoff.up(now)
        self.channels.reset()
        for status in self.channels:
            self.channels.ask(status, now)
            self._actions.append(Subscribe(status.channel.name))
        self._look_again(now)

    def lost(self, reason: str, now: int, *, is_auth: bool = False) -> None:
        """The link ended, or could not be made."""
        wait = self._backoff.down(now)
        if is_auth or self._is_barred or (self.channels.barred and self.phase is not Phase.READY):
            self._is_barred, self.auth_refused = True, self.auth_refused or reason
            wait = max(wait, AUTH_RETRY_NS)
        self.phase, self._retry_at = Phase.IDLE, now + wait
        self._taking = self._snapshot_due = self._gap = None
        self._is_outrun, self._is_ending, self._is_flowing = False, False, not self._with_snapshots
        self._buffer.clear()
        self._garbled.clear()
        self._suspects.clear()
        self._market.reset()
        self.channels.reset()
        self._tell(e.StreamLost, now, reason=reason[:200], retry_in_s=wait / SECOND_NS)

    def tick(self, now: int) -> None:
        """Time passed: liveness, late acknowledgements, retries, look-ups, periodic snapshots."""
        self._actions.extend(self._release.due(now))
        if self.phase is Phase.IDLE:
            if self._retry_at is not None and now >= self._retry_at:
                self._connect()
            return
        if self.phase is Phase.CONNECTING or self._is_ending:
            return
        self._watch_liveness(now)
        self._watch_channels(now)
        self._watch_chains(now)
        self._ask_books(now)
        if self._snapshot_due is not None and now >= self._snapshot_due and self._taking is None:
            self._ask_snapshot()

    # ---- what came ----

    def alive(self, now: int) -> None:
        """Bytes came, whatever they say."""
        self._heard = now

    def receive(self, decoded: Decoded, now: int) -> None:
        """One decoded frame."""
        self._heard = now
        if decoded.reconnect:
            self._drop("the venue asks for a new connection")
        if decoded.is_heartbeat:
            return
        for event in decoded.events:
            if isinstance(event, e.ChannelSubscribed):
                self._confirm(event.channel, event.by, now)
            elif isinstance(event, e.ChannelRefused):
                self._refused(event, now)
            else:
                self._on_update(decoded.channel, event, now)
        for notice in decoded.notices:
            self._notice(notice, now)
        self._actions.extend(self._release.doubtful(now))

    def garbled(self, error: DecodeError, now: int) -> None:
        """A frame that could not be decoded: it is told, skipped, and the account reconciled. Too many end the connection."""
        self._heard = now
        channel, reason = error.channel or "unknown", f"a frame could not be read: {error}"
        self._garbled.append(now)
        if len(self._garbled) > MOST_GARBLED and now - self._garbled[0] <= GARBLED_WINDOW_NS:
            self._garbled.clear()
            self._drop(f"more than {MOST_GARBLED} frames in a minute could not be read")
        elif self._with_snapshots:
            self._open_gap(channel, reason, now)
        else:
            self._tell(e.GapOpened, now, channel=channel, reason=reason)
            self._tell(e.GapClosed, now, channel=channel)

    def fills(self, fills: tuple[e.Filled, ...], now: int) -> None:
        """The answer to FetchFills. One that nobody waits for any more is ignored: it is older than the connection."""
        if self._taking is None or not isinstance(self._taking.question, FetchFills):
            return
        snapshot = self._taking.fills(fills)
        if snapshot is not None:
            self._taking = None
            self._merge(snapshot, now)
        elif self._taking.is_unsteady:
            self.snapshot_failed(f"the account was traded during each of {self._taking.rounds} rounds", now)
        else:
            self._buffered_before_request = len(self._buffer)
            self._truth.asked()
            self._actions.append(self._taking.question)

    def snapshot(self, snapshot: Snapshot) -> None:
        """The answer to FetchSnapshot."""
        if self._taking is not None and isinstance(self._taking.question, FetchSnapshot):
            self._taking.books(snapshot)
            self._actions.append(self._taking.question)

    def _merge(self, snapshot: Snapshot, now: int) -> None:
        merge = self._truth.merge(snapshot)
        for event in merge.events:
            self._release.merged(event)
        for order in merge.missing:
            self._actions.append(Find(order.contract, order.client_id, order.order_id))
        for status in self.channels:
            if not status.channel.acknowledged and status.state is ChannelState.ASKED:
                self.channels.confirm(status.channel.name, now)
                self._tell(e.ChannelSubscribed, now, channel=status.channel.name, by="snapshot")
        self._replay()
        self._actions.extend(self._release.doubtful(now))
        self._reconciled(merge.adjustments, now)

    def snapshot_failed(self, reason: str, now: int) -> None:
        """FetchSnapshot got no answer: it is asked again soon; an account that stays unconfirmed is a gap."""
        if self._taking is None:
            return
        self._taking, self._snapshot_due, self._is_outrun = None, now + SNAPSHOT_RETRY_NS, False
        if self.phase is not Phase.READY or self.last_reconciled is None:
            return
        age = now - self.last_reconciled
        self._tell(e.StreamStale, now, channel=f"snapshot: {reason[:200]}", age_s=age / SECOND_NS)
        if age >= STALE_NS and self._gap is None:
            self._mark_gap("snapshot", f"the account was not confirmed for {age // SECOND_NS} s", now)

    # ---- books ----

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

    # ---- inside ----

    def _connect(self) -> None:
        self.phase, self._retry_at = Phase.CONNECTING, None
        self._actions.append(Connect())

    def _drop(self, reason: str) -> None:
        """This connection is of no more use: whatever it still brings confirms nothing."""
        if not self._is_ending:
            self._is_ending, self._taking = True, None
            self._actions.append(Drop(reason))

    def _tell(self, kind: type[e.StreamEvent], now: int, **fields: object) -> None:
        self._events.append(kind(time=now, received=now, adapter=self.adapter, port=self.port, **fields))

    def _confirm(self, channel: str, by: str, now: int) -> None:
        """A channel works: what it said before is not known, so the account is looked at (again)."""
        if self.channels.confirm(channel, now):
            self._tell(e.ChannelSubscribed, now, channel=channel, by=by)
            self._look_again(now)

    def _refused(self, event: e.ChannelRefused, now: int) -> None:
        self.channels.refuse(event.channel, now, is_auth=event.is_auth)
        self._events.append(attrs.evolve(event, port=self.port, received=now))
        if event.is_auth:
            self.auth_refused = self.auth_refused or f"{event.channel}: {event.code} {event.message}".strip()
            self._is_barred = self.channels.barred == len(self.channels)
        if self._is_barred:
            self._drop(f"credentials refused on {self.auth_refused}")
        elif self.phase is Phase.READY and event.channel in self.channels.unconfirmed and self._gap is None:
            self._mark_gap(event.channel, f"the venue refused it: {event.code} {event.message}".strip(), now)
        elif self.phase is Phase.SYNCING and self._taking is None:
            self._look_again(now)

    def _is_trusted(self) -> None:
        """The credentials work, but for channels that they do not open."""
        self._is_barred = False
        if not self.channels.barred:
            self.auth_refused = ""

    def _look_again(self, now: int) -> None:
        """Take a snapshot as soon as every acknowledged channel was answered (a feed is then simply ready)."""
        if self.phase is Phase.READY and self._with_snapshots:
            self._ask_snapshot()
        if self.phase is not Phase.SYNCING or not self.channels.settled:
            return
        if self._with_snapshots:
            self._ask_snapshot()
        else:
            self.phase = Phase.READY
            self._is_trusted()
            self._tell(e.StreamOpened, now, connection=self.connections)

    def _ask_snapshot(self) -> None:
        """One at a time: one that is on its way already may have been taken too early, and is then followed by another."""
        if self._is_ending:
            return
        if self._taking is not None:
            self._is_outrun = True
            return
        self._taking, self._snapshot_due = Taking(max(0, self._truth.last_fill_time - FILL_OVERLAP_NS)), None
        self._actions.append(self._taking.question)

    def _reconciled(self, adjustments: tuple[str, ...], now: int) -> None:
        """The account equals a snapshot; it may be traded on once every essential channel works and no later doubt came up."""
        if self._is_outrun:
            self._is_outrun = False
            self._ask_snapshot()
            return
        first = self.phase is Phase.SYNCING
        again_soon = not self._is_flowing and any(not status.channel.acknowledged for status in self.channels)
        self._is_flowing, self.last_reconciled = True, now
        self._is_trusted()
        self._snapshot_due = now + (SECOND_LOOK_NS if again_soon else SNAPSHOT_EVERY_NS)
        if self.channels.unconfirmed:
            return
        self.phase = Phase.READY
        if first:
            self._tell(e.StreamOpened, now, connection=self.connections)
        if self._gap is not None:
            self._tell(e.GapClosed, now, channel=self._gap)
            self._gap = None
        if first or adjustments:
            self._tell(e.Reconciled, now, adjustments=adjustments)

    def _replay(self) -> None:
        """What was buffered, on top of the snapshot; states that stood before it was asked for are older than it."""
        old, self._buffered_before_request = self._buffered_before_request, 0
        for index, event in enumerate(self._buffer):
            if index < old and isinstance(event, STATES):
                continue
            if self._release.streamed(event) and isinstance(event, e.LedgerPosted):
                self._truth.ledger_gap(event)
        self._buffer.clear()

    def _on_update(self, channel: str, event: e.Event, now: int) -> None:
        if self.channels.touched(channel, now):
            self._tell(e.ChannelSubscribed, now, channel=channel, by="update")
            if self.phase is Phase.SYNCING and self._taking is None:
                self._look_again(now)
        if not self._with_snapshots:
            self._on_market(channel, event, now)
        elif not self._is_flowing:
            self._buffer.append(event)
        elif self._release.streamed(event):
            self._check_chains(event, now)

    def _on_market(self, channel: str, event: e.Event, now: int) -> None:
        told = self._market.streamed(channel, event)
        if told is not None:
            self._events.append(told)
        elif isinstance(event, e.BookUpdated):
            for gap in self._market.books.take_gaps():
                self._tell(e.GapOpened, now, channel=channel, reason=gap)
            self._ask_books(now)

    def _ask_books(self, now: int) -> None:
        self._actions.extend(FetchBook(contract) for contract in self._market.books.due(now))

    def _notice(self, notice: str, now: int) -> None:
        """Tell a person what the adapter noticed, at most once a minute."""
        told = self._notices.get(notice)
        if len(self._notices) >= MOST_NOTICES if told is None else now - told < NOTICE_NS:
            return
        self._notices[notice] = now
        text = f"{self.adapter}: {notice}"
        alert = e.AlertRaised(time=now, received=now, source="session", topic="notice", text=text, severity=e.Severity.INFO)
        self._events.append(alert)

    def _check_chains(self, event: e.Event, now: int) -> None:
        if isinstance(event, e.LedgerPosted):
            gap = self._truth.ledger_gap(event)
            if gap:
                self._open_gap("balances", gap, now)
        elif self._chained and isinstance(event, e.Filled | e.PositionUpdated):
            self._suspect(event.contract, "", now)
        if self._chained and isinstance(event, e.Filled | e.OrderUpdated) and event.order_id is not None:
            self._suspect(event.contract, event.order_id, now)

    def _suspect(self, contract: ContractId, order_id: str, now: int) -> None:
        if self._chain_gap(contract, order_id):
            self._suspects.setdefault((contract, order_id), now)
        else:
            self._suspects.pop((contract, order_id), None)

    def _chain_gap(self, contract: ContractId, order_id: str) -> str:
        return self._truth.order_gap(contract, order_id) if order_id else self._truth.position_gap(contract)

    def _open_gap(self, channel: str, reason: str, now: int) -> None:
        if self.phase is Phase.READY and self._gap is None:
            self._mark_gap(channel, reason, now)
        if self._is_flowing or self._taking is not None:
            self._ask_snapshot()

    def _mark_gap(self, channel: str, reason: str, now: int) -> None:
        self._gap = channel
        self._tell(e.GapOpened, now, channel=channel, reason=reason)

    def _watch_liveness(self, now: int) -> None:
        silent = now - self._heard
        if silent >= DEAD_NS:
            self._drop(f"no byte came for {silent / SECOND_NS:.1f} s")
        elif silent >= PING_NS and now - self._pinged >= PING_NS:
            self._pinged = now
            self._actions.append(SendPing())

    def _watch_channels(self, now: int) -> None:
        for status in self.channels.overdue(now):
            if status.attempts >= 2:
                self._drop(f"{status.channel.name} was not acknowledged")
                return
            self.channels.ask(status, now)
            self._actions.append(Subscribe(status.channel.name))
        for status in self.channels.retries(now):
            self.channels.ask(status, now)
            self._actions.append(Subscribe(status.channel.name))

    def _watch_chains(self, now: int) -> None:
        for (contract, order_id), since in list(self._suspects.items()):
            if now - since < CHAIN_GRACE_NS:
                continue
            del self._suspects[(contract, order_id)]
            gap = self._chain_gap(contract, order_id)
            if gap:
                self._open_gap("fills" if order_id else "positions", gap, now)

    @property
    def state(self) -> str:
        """For status: connecting, syncing, ready, degraded (a channel is refused), auth-failed or down."""
        if self.auth_refused and self.phase is not Phase.READY:
            return "auth-failed"
        if self.phase is Phase.IDLE:
            return "down"
        refused = any(status.state is ChannelState.REFUSED for status in self.channels)
        return "degraded" if self.phase is Phase.READY and refused else self.phase.value
