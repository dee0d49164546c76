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
from strikeloop.session.actions import Action, FetchBook, FetchContracts, Find, Phase, Prepare, State
from strikeloop.session.chains import Chains
from strikeloop.session.channels import Channels, ChannelState
from strikeloop.session.executions import FillKey, OrderKey
from strikeloop.session.line import Line
from strikeloop.session.lines import Lines
from strikeloop.session.listing import Listing, Strangers
from strikeloop.session.market import Market
from strikeloop.session.notices import Notices
from strikeloop.session.outbox import Outbox
from strikeloop.session.reconciling import Reconciling
from strikeloop.session.release import Release
from strikeloop.session.truth import Truth
from strikeloop.session.venuetime import VenueTime

FIRST_LOOK_NS = 2 * 3600 * SECOND_NS
"""How far back fills are asked the first time: they are only noted, and the clocks of venue and machine may differ by an hour."""
_CONFIRMED = ChannelState.CONFIRMED  # looking a member up in its enumeration costs as much as ten comparisons
CONTROL = frozenset({e.ChannelSubscribed, e.ChannelRefused, e.ContractListed})


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
        self.adapter, self.port, self._with_snapshots = adapter, port, port == "account"
        self._listing, self._revision = listing, 0
        self._out = Outbox(adapter, port)
        self._lines = Lines(channels, random, self._out)
        self._market, self._notices, self._venue_time = Market(channels), Notices(adapter), VenueTime(adapter)
        self._strangers = Strangers(adapter, listing, self._out.say) if self._with_snapshots and listing is not None else None
        tell = self._out.say if self._strangers is None else self._strangers.pass_on
        self._truth = Truth()
        chains = Chains(self._truth, are_fills_reported=any(channel.reports_fills for channel in channels))
        self._release = Release(adapter, self._truth, tell, fills_reported=chains.are_fills_reported)
        stale_ns = None if stale_after_s is None else round(stale_after_s * SECOND_NS)
        self._account = Reconciling(self._out, self._lines, self._truth, self._release, chains, stale_ns)

    def take(self) -> tuple[list[e.Event], list[Action]]:
        """The events to release and the actions to carry out since the last call, in order."""
        return self._out.take()

    # ---- lines ----

    def resume(self, since: int, fills: Iterable[FillKey], filled: Mapping[OrderKey, tuple[Decimal, Decimal]]) -> None:
        """Before `start`: an earlier run knew the account up to `since` (ns) and told these fills, of these orders (size, size · price)."""
        self._truth.resume(since, fills, filled)

    def start(self, now: int) -> None:
        """Begin: connect at once."""
        self._lines.begin()
        if not self._truth.is_begun:
            self._truth.last_fill_time = max(0, now - FIRST_LOOK_NS)

    def connected(self, line: int, now: int) -> None:
        """The line stands: subscribe everything."""
        target = self._lines.at(line)
        if target is None:
            return
        target.opened(() if self._listing is None else self._listing.active, now)
        if target is self._lines.line:
            self._lines.stands(now)
            self._look_again(now)

    def lost(self, line: int, reason: str, now: int, *, is_auth: bool = False) -> None:
        """The line ended, or could not be made. One that should have replaced another leaves that in place."""
        target = self._lines.at(line)
        if target is None:
            return
        if target is self._lines.next:
            self._lines.lost_next(now)
            self._account.forget_next(target, now)
            return
        self._account.forget(target)
        self._market.reset()
        self._lines.lost(reason, now, is_auth=is_auth)
        self._look_again(now)

    def tick(self, now: int) -> None:
        """Time passed: liveness, late acknowledgements, retries, look-ups, periodic snapshots."""
        self._out.actions += self._release.due(now)
        self._watch_contracts(now)
        self._lines.tick(now)
        line, follower = self._lines.line, self._lines.next
        if line is not None and line.is_open and not line.is_ending:
            self._ask_books(now)
            if self._with_snapshots:
                self._account.tick(line, now)
        if follower is not None and self._lines.is_up(follower, now):
            if self._with_snapshots:
                self._account.bring_up(follower)
            else:
                self._lines.switch(now)

    def clock_is(self, offset_ns: int | None, now: int, *, is_doubtful: bool) -> None:
        """What is known of the venue's clock: where that may be wrong nothing is traded, until it was measured again."""
        events, is_wanted = self._venue_time.told(offset_ns, now, is_doubtful=is_doubtful)
        self._out.events += events
        if is_wanted:
            self._out.ask(Prepare())

    # ---- what came ----

    def alive(self, line: int, now: int) -> None:
        """Bytes came, whatever they say."""
        target = self._lines.at(line)
        if target is not None:
            target.heard = now

    def receive(self, line: int, frames: Iterable[Decoded], now: int) -> None:
        """The decoded frames of one batch, in order."""
        target = self._lines.at(line)
        if target is None:
            return
        target.heard = now
        statuses = target.channels.statuses
        heard: list[e.Event] = []
        for decoded in frames:
            events = decoded.events
            if decoded.reconnect or decoded.notices:
                self._notice(target, decoded, now)
            if not events:
                continue
            status = statuses.get(decoded.channel)
            if status is None or status.state is not _CONFIRMED or type(events[0]) in CONTROL:
                self._pass_on(target, heard, now)
                heard = []
                if not self._is_content(target, decoded, now):
                    continue
            else:
                status.last_update = now
                status.updates += len(events)
            if self._with_snapshots:
                heard += events
            elif target is self._lines.line:
                self._on_market(decoded, now)
        self._pass_on(target, heard, now)

    def garbled(self, line: int, error: DecodeError, now: int) -> None:
        """A frame that could not be decoded: it is told, skipped, and the account reconciled. Too many end the line."""
        target = self._lines.at(line)
        if target is None:
            return
        target.heard = now
        target.garbled(now)
        channel, reason = error.channel or "unknown", f"a frame could not be read: {error}"
        if target.is_ending:
            return
        if self._with_snapshots:
            self._account.open_gap(channel, reason, now)
        else:
            self._out.tell(e.GapOpened, now, channel=channel, reason=reason)
            self._out.tell(e.GapClosed, now, channel=channel)

    def fills(self, fills: tuple[e.Filled, ...], now: int) -> None:
        """The answer to FetchFills."""
        self._account.fills(fills, now)

    def snapshot(self, snapshot: Snapshot) -> None:
        """The answer to FetchSnapshot."""
        self._account.books(snapshot)

    def snapshot_failed(self, reason: str, now: int, *, is_auth: bool = False) -> None:
        """FetchFills or FetchSnapshot got no answer, or (`is_auth`) the credentials were refused."""
        self._account.failed(reason, now, is_auth=is_auth)

    def listed(self, contracts: Iterable[Contract], now: int) -> None:
        """The answer to FetchContracts, or what was listed before connecting."""
        if self._listing is not None:
            self._out.events += self._listing.listed(contracts, now)

    @property
    def is_listed(self) -> bool:
        """Whether the contracts are known."""
        return self._listing is None or self._listing.answered is not None

    def failed(self, reason: str, now: int) -> None:
        """FetchContracts or Prepare got no answer: they are asked for again in their time, and people told."""
        self._out.events += self._notices.told((reason,), now)

    def conflated(self, dropped: Mapping[str, int]) -> None:
        """So many events of these channels were left out for later ones, because the engine lagged."""
        for channel, count in dropped.items():
            self.channels.left_out(channel, count)

    def book(self, whole: e.BookUpdated, now: int) -> None:
        """The answer to FetchBook."""
        book = self._market.books.fetched(whole)
        if book is not None:
            self._out.say(book)
        self._ask_books(now)

    def book_failed(self, contract: ContractId, now: int) -> None:
        """FetchBook got no answer: it is asked again."""
        self._market.books.failed(contract, now)

    def mistrust(self, channel: str, reason: str, now: int) -> None:
        """Something may have been missed for a reason of the driver's own: look at the account before it is traded on."""
        self._account.open_gap(channel, reason, now)

    # ---- orders on their way ----

    def submitted(self, client_id: str) -> None:
        """An order is being sent."""
        self._release.submitted(client_id)

    def answered(self, client_id: str, events: Iterable[e.Event], now: int) -> None:
        """The venue's answer to a command."""
        self._release.answered(client_id, events)
        self._out.actions += self._release.doubtful(now)

    def outcome_unknown(self, client_id: str, contract: ContractId, update: e.OrderUpdated, now: int) -> None:
        """A command got no answer: its order is UNKNOWN, and looked up until the venue knows it or never heard of it."""
        self._release.outcome_unknown(client_id, contract, update, now)

    def found(self, find: Find, order: e.OrderUpdated | None, now: int) -> None:
        """The answer to Find."""
        self._release.found(find, order, now)
        self._out.actions += self._release.doubtful(now)

    def find_failed(self, find: Find, now: int) -> None:
        """Find got no answer: it is asked again."""
        self._release.find_failed(find, now)

    # ---- where it stands ----

    @property
    def channels(self) -> Channels:
        """The channels of the line, with what was counted on the lines before."""
        return self._lines.channels

    @property
    def connections(self) -> int:
        """How many lines stood so far."""
        return self._lines.connections

    @property
    def auth_refused(self) -> str:
        """What the venue said against the credentials, on the whole connection or on a channel of it; "" when nothing."""
        return self._lines.auth_refused

    @property
    def last_reconciled(self) -> int | None:
        """When the account was last found right."""
        return self._account.last

    @property
    def phase(self) -> Phase:
        if self._lines.line is None:
            return Phase.IDLE
        if not self._lines.line.is_open:
            return Phase.CONNECTING
        return Phase.READY if self._lines.is_ready else Phase.SYNCING

    @property
    def state(self) -> State:
        """For status."""
        phase = self.phase
        if self.auth_refused and phase is not Phase.READY:
            return State.AUTH_FAILED
        if phase is Phase.IDLE:
            return State.DOWN
        return State.DEGRADED if phase is not Phase.CONNECTING and self.shortcomings else State(phase.value)

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why a line that stands is not all that it should be, in words."""
        refused = [f"{status.channel.name} is refused" for status in self.channels if status.state is ChannelState.REFUSED]
        return (*refused, *self._account.shortcomings, *self._venue_time.shortcomings)

    def channel_status(self) -> dict[str, dict[str, Any]]:
        """Each channel as plain types, with its three clocks (ns UTC, None = never or not now).

        `alive` is when its connection last brought a byte, `acknowledged` since when the subscription stands, `last_confirmed`
        when what it says was last found right.
        """
        line = self._lines.line
        alive = None if line is None or not line.is_open else line.heard
        return {status.channel.name: {**status.plain(), "alive": alive} for status in self.channels}

    # ---- inside ----

    def _look_again(self, now: int) -> None:
        """Find out whether the line may be relied on: by a snapshot, or for a feed by its answers alone."""
        line = self._lines.line
        if self._with_snapshots:
            self._account.look_again()
        elif line is not None and line.is_open and not self._lines.is_ready and line.channels.settled:
            self._lines.is_ready = line.flows = True
            self._lines.trusted()
            self._out.tell(e.StreamOpened, now, connection=self.connections)

    def _notice(self, line: Line, decoded: Decoded, now: int) -> None:
        """The venue asks to move on, or the adapter has noticed something."""
        if decoded.reconnect and line is self._lines.line:
            self._lines.move()
        if decoded.notices:
            self._out.events += self._notices.told(decoded.notices, now)

    def _is_content(self, line: Line, decoded: Decoded, now: int) -> bool:
        """Whether a frame is more than an answer to us. An update of a channel that was only asked for confirms it."""
        if type(decoded.events[0]) in CONTROL:
            for event in decoded.events:
                self._control(line, event, now)
            return False
        if line.channels.touched(decoded.channel, now, len(decoded.events)):
            self._out.tell(e.ChannelSubscribed, now, channel=decoded.channel, by="update")
            if line is self._lines.line:
                self._look_again(now)
        return True

    def _pass_on(self, line: Line, events: list[e.Event], now: int) -> None:
        """What a batch says of the account, up to here."""
        if events:
            self._account.streamed(line, events, now)

    def _control(self, line: Line, event: e.Event, now: int) -> None:
        if isinstance(event, e.ChannelSubscribed):
            self._confirm(line, event.channel, event.by, now)
        elif isinstance(event, e.ChannelRefused):
            self._refused(line, event, now)
        elif isinstance(event, e.ContractListed) and self._listing is not None:
            self._out.events += self._listing.learned((event.specification,), now)

    def _confirm(self, line: Line, channel: str, by: str, now: int) -> None:
        """A channel works: what it said before is not known, so the account is looked at (again)."""
        if line.channels.confirm(channel, now):
            self._out.tell(e.ChannelSubscribed, now, channel=channel, by=by)
            if line is self._lines.line:
                self._look_again(now)

    def _refused(self, line: Line, event: e.ChannelRefused, now: int) -> None:
        line.channels.refuse(event.channel, now, is_auth=event.is_auth)
        self._out.say(attrs.evolve(event, port=self.port, received=now))
        if line is not self._lines.line:
            return
        reason = f"{event.code} {event.message}".strip()
        if event.is_auth:
            self._lines.distrusted(f"{event.channel}: {reason}")
        if self._lines.is_barred:
            return
        if self._with_snapshots:
            self._account.refused(event.channel, reason, now)
        else:
            self._look_again(now)

    def _on_market(self, decoded: Decoded, now: int) -> None:
        if decoded.channel not in self._market:
            self._out.events += decoded.events
            return
        self._out.events += [told for event in decoded.events if (told := self._market.streamed(decoded.channel, event)) is not None]
        for gap in self._market.books.take_gaps():
            self._out.tell(e.GapOpened, now, channel=decoded.channel, reason=gap)
        self._ask_books(now)

    def _ask_books(self, now: int) -> None:
        self._out.actions += [FetchBook(contract) for contract in self._market.books.due(now)]

    def _watch_contracts(self, now: int) -> None:
        """Refresh the list, end what has expired, renew what names contracts, let go of what waited for a list."""
        listing = self._listing
        if listing is None:
            return
        if not self._with_snapshots:
            self._out.events += listing.expired(now)
            if listing.is_due(now):
                self._out.ask(FetchContracts())
        if self._revision != listing.revision:
            self._revision = listing.revision
            for line in (self._lines.line, self._lines.next):
                if line is not None:
                    line.follow(listing.active)
        if self._strangers is not None:
            self._strangers.tick(now)
