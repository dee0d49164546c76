"""The simulated venue: market data and commands in, account events out, all in virtual time.

Theory: one agenda of what happens next at the venue (an arriving request, an expiry, a refresh of marks), worked
off in time. At one instant market data comes first, then expiries, then requests, then refreshes. Each step
changes the account once and is heard once, after the response latency; nobody is heard out of order. No clock, no
I/O: time is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs

from strikeloop import (
    AmendOrder,
    Approved,
    BookUpdated,
    CancelOrder,
    Contract,
    ContractExpired,
    ContractId,
    ContractListed,
    Event,
    InvariantError,
    Origin,
    Quoted,
    SubmitOrder,
    TickerUpdated,
    Traded,
    UnderlyingPriced,
)
from strikeloop.adapter import Mmp, Snapshot
from strikeloop_venue.account import Account
from strikeloop_venue.agenda import NEVER, Agenda, Refresh, Request, Scope
from strikeloop_venue.averaging import IndexWindow
from strikeloop_venue.counter import Counter, refused
from strikeloop_venue.latency import Lost
from strikeloop_venue.level3 import OrderShown
from strikeloop_venue.liquidation import Liquidator
from strikeloop_venue.markets import Market, Markets
from strikeloop_venue.matching import Matcher
from strikeloop_venue.protection import Protection
from strikeloop_venue.rules import Rules
from strikeloop_venue.settlement import Settlement, settle
from strikeloop_venue.shown import Shown
from strikeloop_venue.skimming import Skimmer
from strikeloop_venue.telling import Teller

if TYPE_CHECKING:
    from strikeloop.venue import Passing

ALL = Scope()


class SimulatedVenue(Shown):
    """Implements `strikeloop.venue.Venue`. Make one with `VenueSettings(...).open(adapter, contracts)`.

    Beside the protocol it answers what a server has to show: `orders`, `order`, `fills`, `ledger`, `positions`, `account`,
    `book`, `tickers`, `settlements`. They tell what is true at the venue after the last `advance`, latency or not.
    """

    def __init__(self, adapter: str, rules: Rules, contracts: Sequence[Contract]) -> None:
        self.adapter = adapter
        self._rules = rules
        self._markets = Markets(())
        self._account = Account(adapter, rules, self._markets)
        self._protection = Protection(self._account)
        self._matcher = Matcher(
            rules.queue,
            self._protection,
            count(1).__next__,
            consume=rules.consume_liquidity,
            whole=rules.whole_fills,
            self_trade=rules.self_trade,
        )
        self._counter = Counter(self._protection, self._account, self._markets, self._matcher)
        self._liquidator = Liquidator(self._account, self._counter.liquidate, self._counter.take_over)
        self._teller = Teller(rules, self._account, self._protection, self._want_refresh)
        self._skimmer: Skimmer | None = None
        self._settlements: list[Settlement] = []
        self._agenda = Agenda()
        self._opened: int | None = None
        self._is_open = False
        self._watches = rules.latency.watching
        self._now = self._arrived = self._refreshed = self._shown = 0
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            Quoted: self._on_quote,
            TickerUpdated: self._on_ticker,
            UnderlyingPriced: self._on_index,
            Traded: self._on_trade,
            BookUpdated: self._on_depth,
            OrderShown: self._on_order,
            ContractListed: self._on_listed,
            ContractExpired: self._on_expired,
        }
        for contract in contracts:
            self._list(contract)

    # ---- the protocol --------------------------------------------------------------------------------------------

    @property
    def feed(self) -> Callable[[Event], int] | None:
        """When the client receives market data; None where it is not delayed."""
        return self._seen if self._rules.feed_is_slow else None

    def report(self) -> dict[str, Any]:
        """The bracket of the run: what its resting orders filled, and would have at the back and at the front of the queue."""
        return {"queue": self._matcher.bracket.report()}

    def on_market(self, event: Event) -> None:
        """Tell the venue what its market does at `event.time`; whatever was due before that happens first."""
        time = event.time
        if self._watches:
            self._rules.latency.watch(event.received - time)
        if self._agenda.due < time:
            self._run(time - 1)
        if time > self._now:
            self._now = time
            if self._opened is None:
                self._opened = time
        if self._skimmer is not None:
            self._skimmer.tells(event)
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def on_command(self, approved: Approved[Request], now: int) -> None:
        """A command leaves the client at `now`; it reaches the matching engine after the entry latency, in sequence."""
        self.accept(approved.command, now)

    def advance(self, now: int) -> Sequence[Event]:
        """Run up to and including `now`; return what the client has received by then, in that order."""
        if not self._is_open:
            self._is_open = True
            self._account.now = max(now, self._now)
            self._teller.open(now)
        if self._agenda.due <= now:
            self._run(now)
        return self._teller.heard(now)

    def next_time(self) -> int | None:
        """The earliest time at which `advance` has something to do or to deliver; None when nothing is pending."""
        due, heard = self._agenda.due, self._teller.due
        if heard < due:
            due = heard
        if not self._is_open and self._opened is not None and self._opened < due:
            due = self._opened
        return None if due == NEVER else due

    def snapshot(self, now: int, since: int = 0) -> Snapshot:
        """Open orders, positions, balance, and fills from `since` on, as the venue's books stand; origin snapshot."""
        snapshot, account = Origin.SNAPSHOT, self._account
        account.now = max(now, self._now)
        held = self._markets.held()
        return Snapshot(
            time=now,
            received=now,
            orders=tuple(order.event(now, now, snapshot) for order in self._counter.open_orders()),
            positions=tuple(account.position(market, now, snapshot) for market in held),
            balances=(account.balance(account.margin(), now, snapshot),),
            fills=tuple(attrs.evolve(fill, origin=snapshot) for fill in account.ledger.filled if fill.time >= since),
        )

    # ---- rows that are not told -----------------------------------------------------------------------------------

    @property
    def can_skim(self) -> bool:
        """A delayed feed is asked for each row, and so is a latency that learns from them."""
        return not self._rules.feed_is_slow and not self._watches

    def skim(self, passing: Passing) -> None:
        """From now on the market passes here."""
        self._skimmer = self._teller.skimmer = Skimmer(self.adapter, self._markets, self._matcher, passing)

    def stop_skimming(self) -> None:
        """From now on it is told each row again."""
        self._skimming.stop()
        self._skimmer = self._teller.skimmer = None

    def touched(self) -> int:
        """The first row that concerns an order of ours, or a mark where none of them is to be looked at yet."""
        return self._skimming.touched(marks=self._rules.mark_every is not None and not self._agenda.has_refresh)

    def turn(self) -> None:
        """The stretch of rows is over."""
        self._skimming.turn()

    @property
    def _skimming(self) -> Skimmer:
        if self._skimmer is None:
            raise InvariantError("a venue that was not given rows with `skim` cannot say which of them matter")
        return self._skimmer

    # ---- the venue's own side -----------------------------------------------------------------------------------

    def accept(self, command: Request, now: int) -> None:
        """Take a command from outside, where no review of ours has been: what a server of this venue takes in."""
        if self._opened is None:
            self._opened = now
        delay = self._rules.latency.entry(now)
        if isinstance(delay, Lost):
            reason = "TOO_BUSY: the request did not reach the matching engine"
            self._teller.tell(refused(command, now, self._teller.received(now + delay.after), reason))
            return
        self._arrived = max(self._arrived, now + delay)
        self._agenda.request(self._arrived, command)

    def forget(self, keep: int) -> None:
        """Drop history but for the latest `keep` finished orders, fills and postings: a server lives for long."""
        self._counter.forget(keep)
        self._account.ledger.forget(keep)

    def count_down(self, now: int, timeout: int, scope: Scope = ALL) -> int | None:
        """Cancel every order in `scope` in `timeout` ns unless asked again before; 0 disarms. Returns when, None when disarmed."""
        due = now + timeout if timeout else None
        self._agenda.count_down(scope, due)
        return due

    def set_mmp(self, limits: Mmp) -> Mmp:
        """Protect an underlying with these limits; returns them as they stand."""
        self._begin()
        return self._protection.set(limits)

    def reset_mmp(self, underlying: str) -> Mmp | None:
        """End the freeze of an underlying; None when it has no limits."""
        self._begin()
        return self._protection.reset(underlying)

    def mmp(self, underlying: str) -> Mmp | None:
        """The limits of an underlying and until when it is frozen, None when it has none."""
        self._begin()
        return self._protection.limits(underlying)

    # ---- market data ---------------------------------------------------------------------------------------------

    def _on_quote(self, event: Quoted) -> None:
        market = self._markets.get(event.contract)
        if market is None:
            return
        market.keep_quote(event)
        if market.live:
            self._rematch(market, None)

    def _on_depth(self, event: BookUpdated) -> None:
        market = self._markets.get(event.contract)
        if market is None:
            return
        self._markets.tell(market)
        market.keep_depth(event)
        if market.live:
            self._rematch(market, event)

    def _on_order(self, event: OrderShown) -> None:
        market = self._markets.get(event.contract)
        if market is None:
            return
        self._markets.tell(market)
        self._begin()
        self._matcher.on_order(market, event)
        if self._account.step.has_news:
            self._teller.finish()

    def _on_trade(self, event: Traded) -> None:
        market = self._markets.get(event.contract)
        if market is None:
            return
        market.last_price = event.price
        if market.live and event.size:
            self._begin()
            self._markets.line_up(market)
            self._matcher.on_trade(market, event)
            if self._account.step.has_news:
                self._teller.finish()

    def _on_ticker(self, event: TickerUpdated) -> None:
        market = self._markets.get(event.contract)
        if market is None:
            return
        if market.keep_ticker(event):
            self._want_refresh()

    def _on_index(self, event: UnderlyingPriced) -> None:
        self._markets.index[event.underlying] = event.price
        window = self._markets.windows.get(event.underlying)
        if window is not None:
            window.add(event.time, event.price)

    def _on_listed(self, event: ContractListed) -> None:
        self._list(event.specification)

    def _on_expired(self, event: ContractExpired) -> None:
        if event.contract in self._markets.by_contract:
            self._agenda.expire(max(event.time, self._now), event.contract)

    def _rematch(self, market: Market, change: BookUpdated | None) -> None:
        """Our orders meet a displayed market that changed; most changes do nothing to them, and cost a few comparisons."""
        self._begin()
        if market.buys or market.sells:
            self._matcher.on_book(market, change)
        else:
            market.sync()
            market.look()
        if market.ticker is None and market.position.size:
            self._want_refresh()
        if self._account.step.has_news:
            self._teller.finish()

    def _seen(self, event: Event) -> int:
        """When the client sees market data: in sequence on its own connection."""
        self._shown = max(self._shown, event.received + self._rules.latency.feed(event.time))
        return self._shown

    # ---- the agenda ----------------------------------------------------------------------------------------------

    def _list(self, contract: Contract) -> None:
        if not self._markets.add(contract):
            return
        window = self._markets.windows.setdefault(contract.underlying, IndexWindow())
        window.opens = min(window.opens, contract.expiry - self._rules.settlement_window)
        self._agenda.expire(contract.expiry, contract.id)

    def _want_refresh(self) -> None:
        """Marks are looked at on a grid of times, the same whatever happened between: at its next one."""
        every = self._rules.mark_every
        if every is not None and not self._agenda.has_refresh:
            self._agenda.refresh(max(-(-self._now // every), self._refreshed // every + 1) * every)

    def _run(self, until: int) -> None:
        """Carry out everything due up to and including `until`."""
        agenda = self._agenda
        while agenda.due <= until:
            self._now = max(self._now, agenda.due)
            item = agenda.take()
            match item:
                case SubmitOrder() | CancelOrder() | AmendOrder():
                    self._serve(item)
                case Refresh():
                    self._refresh()
                case Scope():
                    self._cancel_all(item)
                case _:
                    self._expire(item)

    def _serve(self, command: Request) -> None:
        self._begin()
        answer = self._counter.serve(command, is_frozen=self._liquidator.is_active)
        self._teller.finish(answer)

    def _cancel_all(self, scope: Scope) -> None:
        self._begin()
        self._counter.cancel_all(scope, "the countdown ran out")
        self._teller.finish()

    def _expire(self, contract: ContractId) -> None:
        market = self._markets.get(contract)
        if market is None:
            return
        self._begin()
        self._settlements.append(settle(self._account, market, self._settle_price(market)))
        self._markets.retire(market)
        self._reopen_window(market.contract.underlying)
        self._teller.finish()

    def _settle_price(self, market: Market) -> Decimal:
        """The mean of the index over the window that ends now; without any index, what the venue last knew."""
        window = self._markets.window(market.contract.underlying)
        mean = window.mean(self._now, self._rules.settlement_window, self._rules.settlement_sample)
        return Decimal(repr(self._markets.index_price(market) if mean is None else mean))

    def _reopen_window(self, underlying: str) -> None:
        expiries = [m.contract.expiry for m in self._markets.by_contract.values() if m.contract.underlying == underlying]
        self._markets.windows[underlying].open_at(min(expiries, default=NEVER) - self._rules.settlement_window)

    def _refresh(self) -> None:
        """Marks moved, or the account did: tell what positions are worth, and see whether the margin still suffices."""
        self._refreshed = self._now
        moved = [market for market in self._markets.held() if market.figures != market.told]
        self._begin()
        for market in moved:
            self._account.step.markets[market.contract.id] = market
        if self._rules.liquidation:
            self._liquidator.watch()
        self._teller.finish(is_refresh=bool(moved) or self._teller.is_untold)

    def _begin(self) -> None:
        self._account.now = self._now
