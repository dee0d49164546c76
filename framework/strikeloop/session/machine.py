"""The session: one port of one adapter as a pure machine. What happened goes in with its time; events and actions come out.

Theory of operation. IDLE → connect → SYNCING: subscribe each channel, buffer what comes, take a snapshot once every
acknowledged channel is answered, merge, replay the buffer on top → READY: pass on what is news. A gap, a bad frame or
the passage of time asks for another snapshot; only a dead link, a missing acknowledgement or the venue's wish ends
the connection. A refusal of credentials waits minutes, not seconds. A feed has no snapshot: it is READY once it is
answered. It never does I/O: the driver carries out the actions and reports back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from enum import StrEnum
from random import Random

import attrs

from strikeloop import events as e
from strikeloop.adapter import Channel, Decoded, Snapshot
from strikeloop.clock import SECOND_NS
from strikeloop.contracts import ContractId
from strikeloop.errors import DecodeError
from strikeloop.session.backoff import Backoff
from strikeloop.session.channels import Channels, ChannelState
from strikeloop.session.identity import Identity
from strikeloop.session.truth import Truth
from strikeloop.session.unknown import Unknown

PING_NS = 4 * SECOND_NS
DEAD_NS = 9 * SECOND_NS
SNAPSHOT_EVERY_NS = 30 * SECOND_NS
SECOND_LOOK_NS = 2 * SECOND_NS
SNAPSHOT_RETRY_NS = 2 * SECOND_NS
CHAIN_GRACE_NS = SECOND_NS
LOOKUP_AFTER_NS = SECOND_NS
AUTH_RETRY_NS = 240 * SECOND_NS


class Phase(StrEnum):
    IDLE = "idle"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    READY = "ready"


@attrs.frozen
class Connect:
    """Open a link now."""


@attrs.frozen
class Drop:
    """Close the link, for this reason; then report `lost`."""

    reason: str


@attrs.frozen
class Subscribe:
    """Sign and send the subscription of this channel."""

    channel: str


@attrs.frozen
class SendPing:
    """Send a protocol ping and the venue's own keep-alive."""


@attrs.frozen
class FetchSnapshot:
    """Ask for a snapshot with fills since `since` (ns); report `snapshot` or `snapshot_failed`."""

    since: int


@attrs.frozen
class Find:
    """Look an order up; report `found`."""

    contract: ContractId
    client_id: str | None = None
    order_id: str | None = None


Action = Connect | Drop | Subscribe | SendPing | FetchSnapshot | Find


class Session:
    """One port: `port` "account" reconciles with snapshots, "feed" does not.

    Every method takes `now` (ns) and leaves its results in `take()`. Call `tick` at least once a second.
    """

    def __init__(self, adapter: str, port: str, channels: Sequence[Channel], random: Random) -> None:
        self.adapter, self.port = adapter, port
        self.channels = Channels(channels)
        self.phase, self.connections = Phase.IDLE, 0
        self.auth_refused = ""
        self.last_reconciled: int | None = None
        self._with_snapshots = port == "account"
        self._chained = any(channel.reports_fills for channel in channels)
        self._backoff, self._truth, self._identity, self._unknown = Backoff(random), Truth(), Identity(), Unknown()
        self._buffer: deque[e.Event] = deque()
        self._buffered_before_request = 0
        self._snapshot_asked: int | None = None
        self._snapshot_due: int | None = None
        self._retry_at: int | None = None
        self._heard = self._pinged = 0
        self._suspects: dict[ContractId, int] = {}
        self._lookups: dict[str, int] = {}
        self._gap: str | None = None
        self._events: list[e.Event] = []
        self._actions: list[Action] = []

    def take(self) -> tuple[list[e.Event], list[Action]]:
        """The events to release and the actions to carry out since the last call, in order."""
        out = self._events, self._actions
        self._events, self._actions = [], []
        return out

    # ---- the connection ----

    def start(self, now: int) -> None:
        """Begin: connect at once."""
        self._connect()
        self._heard = now

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
        if is_auth or self.auth_refused:
            self.auth_refused = self.auth_refused or reason
            wait = max(wait, AUTH_RETRY_NS)
        self.phase, self._retry_at = Phase.IDLE, now + wait
        self._snapshot_asked = self._snapshot_due = self._gap = None
        self._buffer.clear()
        self._suspects.clear()
        self.channels.reset()
        self._tell(e.StreamLost, now, reason=reason[:200], retry_in_s=wait / SECOND_NS)

    def tick(self, now: int) -> None:
        """Time passed: liveness, late acknowledgements, retries, periodic snapshots."""
        if self.phase is Phase.IDLE:
            if self._retry_at is not None and now >= self._retry_at:
                self._connect()
            return
        if self.phase is Phase.CONNECTING:
            return
        self._watch_liveness(now)
        self._watch_channels(now)
        self._watch_orders(now)
        if self._snapshot_due is not None and now >= self._snapshot_due and self._snapshot_asked is None:
            self._ask_snapshot(now)

    # ---- what came ----

    def alive(self, now: int) -> None:
        """Bytes came, whatever they say."""
        self._heard = now

    def receive(self, decoded: Decoded, now: int) -> None:
        """One decoded frame."""
        self._heard = now
        if decoded.reconnect:
            self._actions.append(Drop("the venue asks for a new connection"))
        if decoded.is_heartbeat:
            return
        for event in decoded.events:
            if isinstance(event, e.ChannelSubscribed):
                self._confirm(event.channel, event.by, now)
                self._look_again(now)
            elif isinstance(event, e.ChannelRefused):
                self._refused(event, now)
            else:
                self._on_update(decoded.channel, event, now)

    def garbled(self, error: DecodeError, now: int) -> None:
        """A frame that could not be decoded: it is told, skipped, and its channel reconciled."""
        self._heard = now
        self._open_gap(error.channel or "unknown", f"a frame could not be read: {error}", now)

    def snapshot(self, snapshot: Snapshot, now: int) -> None:
        """The answer to FetchSnapshot."""
        self._snapshot_asked = None
        if self.phase not in (Phase.SYNCING, Phase.READY):
            return
        merge = self._truth.merge(snapshot)
        for event in merge.events:
            if isinstance(event, e.OrderUpdated | e.Filled):
                self._release_order_event(event, is_merged=True)
            else:
                self._events.append(event)
        for order in merge.missing:
            self._actions.append(Find(order.contract, order.client_id, order.order_id))
        for status in self.channels:
            if not status.channel.acknowledged:
                self._confirm(status.channel.name, "snapshot", now)
        self._replay()
        self._reconciled(merge.adjustments, now)

    def snapshot_failed(self, reason: str, now: int) -> None:
        """FetchSnapshot got no answer: it is asked again soon; the account stays unconfirmed."""
        self._snapshot_asked, self._snapshot_due = None, now + SNAPSHOT_RETRY_NS
        age = (now - self.last_reconciled) / SECOND_NS if self.last_reconciled is not None else 0.0
        if self.phase is Phase.READY:
            self._tell(e.StreamStale, now, channel=f"snapshot: {reason[:200]}", age_s=age)

    # ---- orders on their way ----

    def submitted(self, client_id: str) -> None:
        """An order is being sent."""
        self._identity.submitted(client_id)

    def answered(self, client_id: str, events: Iterable[e.Event], now: int) -> None:
        """The venue's answer to a command."""
        self._identity.answered(client_id)
        for event in events:
            self._pass(event)

    def outcome_unknown(self, client_id: str, contract: ContractId, update: e.OrderUpdated, now: int) -> None:
        """A submission got no answer: it is UNKNOWN, and looked up until the venue knows it or never heard of it."""
        self._unknown.add(client_id, contract, update, now)
        self._events.append(update)

    def found(self, find: Find, order: e.OrderUpdated | None, now: int) -> None:
        """The answer to Find."""
        if order is not None:
            if find.client_id is not None:
                self._identity.answered(find.client_id)
                self._unknown.resolved(find.client_id)
            self._pass(order)
        elif find.client_id is not None:
            self._identity.answered(find.client_id)
            absent = self._unknown.missed(find.client_id, now)
            if absent is not None:
                self._events.append(absent)

    def find_failed(self, find: Find, now: int) -> None:
        """Find got no answer: ask again."""
        if find.order_id is not None:
            self._lookups[find.order_id] = now + LOOKUP_AFTER_NS

    # ---- inside ----

    def _connect(self) -> None:
        self.phase, self._retry_at = Phase.CONNECTING, None
        self._actions.append(Connect())

    def _tell(self, kind: type[e.StreamEvent], now: int, **fields: object) -> None:
        self._events.append(kind(time=now, received=now, adapter=self.adapter, port=self.port, **fields))

    def _confirm(self, channel: str, by: str, now: int) -> None:
        if self.channels.confirm(channel, now):
            self._tell(e.ChannelSubscribed, now, channel=channel, by=by)

    def _refused(self, event: e.ChannelRefused, now: int) -> None:
        self.channels.refuse(event.channel, now)
        self._events.append(attrs.evolve(event, port=self.port, received=now))
        if event.is_auth:
            self.auth_refused = f"{event.code} {event.message}".strip()
            self._actions.append(Drop(f"credentials refused on {event.channel}: {self.auth_refused}"))
        else:
            self._look_again(now)

    def _look_again(self, now: int) -> None:
        """Every acknowledged channel was answered: take the snapshot (a feed is simply ready)."""
        if self.phase is not Phase.SYNCING or not self.channels.settled:
            return
        if not self._with_snapshots:
            self.phase = Phase.READY
            self._tell(e.StreamOpened, now, connection=self.connections)
        elif self._snapshot_asked is None:
            self._ask_snapshot(now)

    def _ask_snapshot(self, now: int) -> None:
        self._snapshot_asked, self._snapshot_due = now, None
        self._buffered_before_request = len(self._buffer)
        self._actions.append(FetchSnapshot(max(0, self._truth.last_fill_time - 60 * SECOND_NS)))

    def _reconciled(self, adjustments: tuple[str, ...], now: int) -> None:
        first = self.phase is Phase.SYNCING
        self.last_reconciled, self.auth_refused = now, ""
        unacknowledged = any(not status.channel.acknowledged for status in self.channels)
        self._snapshot_due = now + (SECOND_LOOK_NS if first and unacknowledged else SNAPSHOT_EVERY_NS)
        if self._gap is not None:
            self._tell(e.GapClosed, now, channel=self._gap)
            self._gap = None
        if self.channels.unconfirmed:
            return
        self.phase = Phase.READY
        if first:
            self._tell(e.StreamOpened, now, connection=self.connections)
        if first or adjustments:
            self._tell(e.Reconciled, now, adjustments=adjustments)

    def _replay(self) -> None:
        """What was buffered, on top of the snapshot; states that stood before it was asked for are older than it."""
        old, self._buffered_before_request = self._buffered_before_request, 0
        for index, event in enumerate(self._buffer):
            if index >= old or isinstance(event, e.OrderUpdated | e.Filled):
                self._pass(event)
        self._buffer.clear()

    def _on_update(self, channel: str, event: e.Event, now: int) -> None:
        if self.channels.touched(channel, now):
            self._tell(e.ChannelSubscribed, now, channel=channel, by="update")
        if self.phase is Phase.SYNCING and self._with_snapshots:
            self._buffer.append(event)
            return
        self._pass(event)
        self._check_chains(event, now)

    def _pass(self, event: e.Event) -> None:
        """Release an event if it is news, under our own order id where there is one."""
        if isinstance(event, e.OrderUpdated | e.Filled):
            self._release_order_event(event)
        elif (news := self._truth.news(event)) is not None:
            self._events.append(news)

    def _release_order_event(self, event: e.OrderUpdated | e.Filled, *, is_merged: bool = False) -> None:
        if not self._identity.knows(event):
            self._identity.hold(event)
            self._lookups.setdefault(event.order_id or "", event.received + (LOOKUP_AFTER_NS if self._identity.waiting else 0))
            return
        freed = self._identity.learn(event)
        for one in (self._identity.named(event), *freed):
            news = one if is_merged else self._truth.news(one)
            if news is not None:
                self._events.append(news)

    def _check_chains(self, event: e.Event, now: int) -> None:
        if isinstance(event, e.LedgerPosted):
            gap = self._truth.ledger_gap(event)
            if gap:
                self._open_gap("balances", gap, now)
        elif self._chained and isinstance(event, e.Filled | e.PositionUpdated):
            if self._truth.position_gap(event.contract):
                self._suspects.setdefault(event.contract, now)
            else:
                self._suspects.pop(event.contract, None)

    def _open_gap(self, channel: str, reason: str, now: int) -> None:
        if not self._with_snapshots:
            return
        if self._gap is None and self.phase is Phase.READY:
            self._gap = channel
            self._tell(e.GapOpened, now, channel=channel, reason=reason)
        if self._snapshot_asked is None:
            self._ask_snapshot(now)

    def _watch_liveness(self, now: int) -> None:
        silent = now - self._heard
        if silent >= DEAD_NS:
            self._heard = now
            self._actions.append(Drop(f"no byte came for {silent / SECOND_NS:.1f} s"))
        elif silent >= PING_NS and now - self._pinged >= PING_NS:
            self._pinged = now
            self._actions.append(SendPing())

    def _watch_channels(self, now: int) -> None:
        for status in self.channels.overdue(now):
            if status.attempts >= 2:
                self._actions.append(Drop(f"{status.channel.name} was not acknowledged"))
                return
            self.channels.ask(status, now)
            self._actions.append(Subscribe(status.channel.name))
        for status in self.channels.retries(now):
            self.channels.ask(status, now)
            self._actions.append(Subscribe(status.channel.name))

    def _watch_orders(self, now: int) -> None:
        for contract, since in list(self._suspects.items()):
            if now - since >= CHAIN_GRACE_NS:
                del self._suspects[contract]
                self._open_gap("positions", self._truth.position_gap(contract) or f"{contract} changed unexpectedly", now)
        for contract, order_id in self._identity.held():
            if now >= self._lookups.get(order_id, 0):
                self._lookups[order_id] = now + 10 * LOOKUP_AFTER_NS
                self._actions.append(Find(contract, None, order_id))
        for client_id, contract in self._unknown.due(now):
            self._actions.append(Find(contract, client_id))

    @property
    def state(self) -> str:
        """For status: connecting, syncing, ready, degraded (a channel is refused), auth-failed or down."""
        if self.auth_refused:
            return "auth-failed"
        if self.phase is Phase.IDLE:
            return "down"
        refused = any(status.state is ChannelState.REFUSED for status in self.channels)
        return "degraded" if self.phase is Phase.READY and refused else self.phase.value
