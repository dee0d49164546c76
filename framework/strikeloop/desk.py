"""The desk: everything one plugin instance sees and does.

Owns `Desk` and the requests it collects. A desk never acts: commands and requests go into an outbox, which the
engine reviews after the hook has returned, or discards when the hook raised. It never reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from types import MappingProxyType
from typing import Any, Literal

import attrs

from strikeloop.arguments import amount_of, flag_of, ids_of, one_of, price_of, text_of, whole_of
from strikeloop.clock import SECOND_NS, Clock
from strikeloop.commands import AmendOrder, CancelOrder, Command, SubmitOrder, TimeInForce
from strikeloop.contracts import Contract, ContractId
from strikeloop.drafts import maker
from strikeloop.errors import PluginError
from strikeloop.events import MARKET_EVENTS, BalanceUpdated, Event, PortfolioRiskUpdated, Quoted, Severity, TickerUpdated
from strikeloop.margin import MarginModel
from strikeloop.orders import Order, Orders
from strikeloop.portfolio import Portfolio, Position
from strikeloop.pricing import Greeks
from strikeloop.whatif import Account, WhatIf


@attrs.frozen
class SetTimer:
    """Wake the instance at `due`, then every `every` ns where that is not 0."""

    name: str
    due: int
    every: int = 0


@attrs.frozen
class CancelTimer:
    """Forget the timer of this name."""

    name: str


@attrs.frozen
class Watch:
    """Deliver market events of these kinds, contracts and underlyings; of each kind only every n-th per contract."""

    contracts: tuple[ContractId, ...]
    underlyings: tuple[str, ...]
    kinds: tuple[type[Event], ...]
    every: int = 1


@attrs.frozen
class RaiseAlert:
    """Tell people something."""

    topic: str
    text: str
    severity: Severity


@attrs.frozen
class RequestHalt:
    """Halt the run."""

    reason: str
    cancel: bool
    flatten: bool


@attrs.frozen
class WriteLog:
    """Write a line to the run's log."""

    text: str
    fields: Mapping[str, Any]


ZERO = Decimal(0)
_order, _withdrawal = maker(SubmitOrder), maker(CancelOrder)
SHORTEST_S, LONGEST_S = 1e-6, 1e9
Request = Command | SetTimer | CancelTimer | Watch | RaiseAlert | RequestHalt | WriteLog


@attrs.define
class View:
    """What every desk of one engine shares: the clock and the folds."""

    clock: Clock
    portfolio: Portfolio
    orders: Orders
    margin: MarginModel
    next_client_id: Callable[[str], str]
    asked: list[str] = attrs.field(factory=list)
    """Who has put something into its outbox since the engine last emptied them."""
    account: Account = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.account = Account(self.portfolio, self.orders, self.margin)


class Desk:
    """What a plugin trades through. Amounts may be int, Decimal or str; prices also float (the tick decides).

    Every command method returns the client id at once. What comes of it arrives as events: OrderUpdated, Filled or
    OrderRefused. They raise TypeError for a wrong Python type, and PluginError on the read-only desk of a rule;
    everything about the market is refused as an event, never raised.
    """

    def __init__(self, view: View, instance: str, *, seed: str = "", read_only: bool = False) -> None:
        self._view = view
        self._instance = instance
        self._read_only = read_only
        self._mine: dict[ContractId, Decimal] = {}
        self.outbox: list[Request] = []
        self.memory: dict[str, Any] = {}
        self.random = Random(f"{seed}/{instance}")  # noqa: S311  # a seeded stream for strategies, not a secret

    # ---- what it sees ----

    @property
    def instance(self) -> str:
        """The name under which the config runs this plugin."""
        return self._instance

    @property
    def now(self) -> int:
        """Engine time, ns UTC."""
        return self._view.clock.now

    @property
    def positions(self) -> tuple[Position, ...]:
        """The account's positions that are not flat."""
        return self._view.portfolio.positions

    def position(self, contract: ContractId) -> Position | None:
        """The account's position in `contract`, None when flat."""
        return self._view.portfolio.position(contract)

    @property
    def mine(self) -> Mapping[ContractId, Decimal]:
        """Signed contracts that this instance's own fills add up to; flat and expired ones are left out."""
        return MappingProxyType({contract: size for contract, size in self._mine.items() if size})

    @property
    def orders(self) -> tuple[Order, ...]:
        """This instance's orders, oldest first: all that can trade and the last that are over; a rule sees those of the whole account."""
        return tuple(order for order in self._view.orders if self._owns(order))

    @property
    def working(self) -> tuple[Order, ...]:
        """Those of `orders` that can still trade."""
        if self._read_only:
            return self._view.orders.working()
        return tuple(order for order in self._view.orders.working() if self._owns(order))

    def order(self, client_id: str) -> Order | None:
        """One order by the id that `buy` or `sell` returned."""
        order = self._view.orders.get(client_id)
        return order if order is not None and self._owns(order) else None

    @property
    def portfolio(self) -> Portfolio:
        """Balances, risk, marks and everything else that is known of account and market. Read it, never change it."""
        return self._view.portfolio

    @property
    def balance(self) -> BalanceUpdated | None:
        return self._view.portfolio.balance

    @property
    def risk(self) -> PortfolioRiskUpdated | None:
        return self._view.portfolio.risk

    @property
    def contracts(self) -> Mapping[ContractId, Contract]:
        """Every contract that has not expired."""
        now = self.now
        return MappingProxyType({key: contract for key, contract in self._view.portfolio.contracts.items() if contract.expiry > now})

    def chain(self, underlying: str, expiry: int | None = None) -> tuple[Contract, ...]:
        """The live contracts of an underlying (and of one expiry, ns), by expiry, strike, then call before put."""
        found = [c for c in self.contracts.values() if c.underlying == underlying and expiry in (None, c.expiry)]
        return tuple(sorted(found, key=lambda c: (c.expiry, c.strike, c.kind, c.id)))

    def quote(self, contract: ContractId) -> Quoted | None:
        """The last quote, None before the first."""
        return self._view.portfolio.quotes.get(contract)

    def ticker(self, contract: ContractId) -> TickerUpdated | None:
        """The venue's last model figures (mark, IVs, greeks), None before the first."""
        return self._view.portfolio.tickers.get(contract)

    def greeks(self, contract: ContractId) -> Greeks | None:
        """Per-unit greeks of a contract, None before the first ticker."""
        return self._view.portfolio.greeks(contract)

    @property
    def margin_model(self) -> MarginModel:
        """What margin is computed with here: the venue's own model, as far as it is known."""
        return self._view.margin

    def what_if(self, commands: Sequence[SubmitOrder] = (), *, filled: Sequence[Order] = (), adapter: str | None = None) -> WhatIf:
        """The account before and after these orders would have filled: greeks, margin, stress, value at risk.

        What is not asked for is not computed. One under the client id of a working order takes its place (an amendment); the working
        orders `filled` are taken as filled in both. Cash and margin are those of `adapter`: by default the one
        that the first order goes to, else the first that has a balance.
        """
        return self._view.account.what_if(commands, self._view.clock.now, filled=filled, adapter=adapter)

    @property
    def scratch(self) -> dict[str, Any]:
        """What rules worked out about the command that is judged, so that the next need not; empty before each command."""
        return self._view.account.scratch

    # ---- what it does ----

    def buy(
        self,
        contract: ContractId,
        size: int | str | Decimal,
        price: float | str | Decimal | None = None,
        *,
        tif: TimeInForce | str = TimeInForce.GTC,
        reduce_only: bool = False,
        iceberg: int | str | Decimal = 0,
        mmp: bool = False,
        tag: str = "",
    ) -> str:
        """Buy `size` contracts at `price` or better; without a price at the market (ioc).

        `iceberg` contracts are shown at a time (0: all), the hidden rest pays the taker fee; `mmp` puts the order under the
        account's market maker protection.
        """
        return self._submit(contract, amount_of(size), price, tif=tif, reduce_only=reduce_only, iceberg=iceberg, mmp=mmp, tag=tag)

    def sell(
        self,
        contract: ContractId,
        size: int | str | Decimal,
        price: float | str | Decimal | None = None,
        *,
        tif: TimeInForce | str = TimeInForce.GTC,
        reduce_only: bool = False,
        iceberg: int | str | Decimal = 0,
        mmp: bool = False,
        tag: str = "",
    ) -> str:
        """Sell `size` contracts at `price` or better; without a price at the market (ioc). `iceberg` and `mmp` as in `buy`."""
        return self._submit(contract, -amount_of(size), price, tif=tif, reduce_only=reduce_only, iceberg=iceberg, mmp=mmp, tag=tag)

    def close(
        self, contract: ContractId, size: int | str | Decimal | None = None, price: float | str | Decimal | None = None, *, tag: str = ""
    ) -> str:
        """Reduce the account's position by `size` (all of it by default); reduce-only, at the market without a price.

        With nothing to close the order has size 0 and comes back as OrderRefused.
        """
        position = self.position(contract)
        held = Decimal(0) if position is None else position.size
        amount = abs(held) if size is None else min(amount_of(size), abs(held))
        return self._submit(contract, -amount if held > 0 else amount, price, reduce_only=True, tag=tag)

    def cancel(self, client_id: str) -> str:
        """Withdraw one order."""
        order = self._view.orders.get(text_of(client_id, "client_id"))
        contract = ContractId.of("", "") if order is None else order.contract
        self._put(_withdrawal(client_id, contract))
        return client_id

    def cancel_all(
        self, contract: ContractId | None = None, *, underlying: str | None = None, side: Literal["buy", "sell"] | None = None
    ) -> tuple[str, ...]:
        """Withdraw every working order of this instance: in `contract`, in the contracts of `underlying`, of one `side`, or all."""
        if side not in (None, "buy", "sell"):
            raise TypeError(f"side must be buy or sell, got {side!r}")
        listed = self._view.portfolio.contracts
        return tuple(
            self.cancel(order.key)
            for order in self.working
            if contract in (None, order.contract)
            and (underlying is None or (order.contract in listed and listed[order.contract].underlying == underlying))
            and side in (None, "buy" if order.is_buy else "sell")
        )

    def amend(self, client_id: str, *, price: float | str | Decimal | None = None, size: int | str | Decimal | None = None) -> str:
        """Change price or total size (unsigned; the side stays) of a working order."""
        order = self._view.orders.get(text_of(client_id, "client_id"))
        contract = ContractId.of("", "") if order is None else order.contract
        total = None if size is None else amount_of(size)
        if total is not None and order is not None and order.size < 0:
            total = -total
        self._put(AmendOrder(client_id=client_id, contract=contract, price=price_of(price), size=total))
        return client_id

    def at(self, time: int, name: str) -> None:
        """Deliver TimerFired with this name once, at `time` (ns UTC). Setting a name again replaces it."""
        self._put(SetTimer(text_of(name, "name"), whole_of(time, "time")))

    def every(self, seconds: float, name: str) -> None:
        """Deliver TimerFired with this name every `seconds`, first after one interval."""
        if type(seconds) not in (int, float) or not SHORTEST_S <= seconds <= LONGEST_S:
            raise TypeError(f"seconds must be a number from {SHORTEST_S:g} to {LONGEST_S:g}, got {seconds!r}")
        interval = round(seconds * SECOND_NS)
        self._put(SetTimer(text_of(name, "name"), self.now + interval, interval))

    def cancel_timer(self, name: str) -> None:
        """Forget a timer; an unknown name is no error."""
        self._put(CancelTimer(text_of(name, "name")))

    def watch(
        self, *targets: ContractId | Contract | str | Iterable[Contract | ContractId], kinds: Sequence[type[Event]] = (), every: int = 1
    ) -> None:
        """Ask for market events: of contracts, of a whole chain, or (by name) of an underlying and all its contracts.

        `kinds` narrows them to some event classes (all that the plugin has hooks for by default); `every` delivers
        only each n-th event of a kind per contract. What nobody watches is not delivered, and in a backtest on columns not even
        made. Bars are a kind, CandleClosed: live from the venue's channel, of a stored market as `[market] bars = "1m"` says.
        """
        contracts: list[ContractId] = []
        underlyings: list[str] = []
        for target in targets:
            if isinstance(target, str):
                underlyings.append(target)
            else:
                contracts.extend(ids_of(target))
        for kind in kinds:
            if kind not in MARKET_EVENTS:
                raise TypeError(f"kinds must be market events ({', '.join(one.__name__ for one in MARKET_EVENTS)}), got {kind!r}")
        if whole_of(every, "every") < 1:
            raise TypeError(f"every must be at least 1, got {every}")
        self._put(Watch(tuple(contracts), tuple(underlyings), tuple(kinds), every))

    def alert(self, text: str, *, topic: str = "note", severity: Severity | str = Severity.WARNING) -> None:
        """Tell people something: becomes AlertRaised, which every plugin and sink sees."""
        self._put(RaiseAlert(text_of(topic, "topic"), text_of(text, "text"), one_of(Severity, severity, "severity")))

    def halt(self, reason: str, *, cancel: bool = False, flatten: bool = False) -> None:
        """Halt the whole run: from now on nothing opens, and only a person can let it trade again.

        `cancel` also withdraws every working order of the run, `flatten` that and closes every position of the account, under the
        limits of [halt]. A rule may ask for it too. Asked for again it changes nothing, unless it asks for more.
        """
        self._put(RequestHalt(text_of(reason, "reason"), flag_of(cancel, "cancel"), flag_of(flatten, "flatten")))

    def log(self, text: str, **fields: Any) -> None:
        """Write a line to the run's log; it plays no part in decisions or digest."""
        self._put(WriteLog(text_of(text, "text"), fields))

    # ---- inside ----

    def book_fill(self, contract: ContractId, size: Decimal) -> None:
        """Called by the engine: a fill of this instance."""
        self._mine[contract] = self._mine.get(contract, ZERO) + size

    def book_expiry(self, contract: ContractId) -> None:
        """Called by the engine: nobody holds this contract any more."""
        self._mine.pop(contract, None)

    def _owns(self, order: Order) -> bool:
        return self._read_only or order.instance == self._instance

    def _submit(
        self,
        contract: ContractId,
        size: Decimal,
        price: float | str | Decimal | None,
        *,
        tif: TimeInForce | str = TimeInForce.GTC,
        reduce_only: bool = False,
        iceberg: int | str | Decimal = 0,
        mmp: bool = False,
        tag: str = "",
    ) -> str:
        if not isinstance(contract, ContractId):
            raise TypeError(f"contract must be a ContractId, got {type(contract).__name__}: pass contract.id or event.contract")
        limit, chosen = price_of(price), one_of(TimeInForce, tif, "tif")
        shown, is_protected, note = amount_of(iceberg, "iceberg"), flag_of(mmp, "mmp"), text_of(tag, "tag")
        name = self._view.next_client_id(self._instance)
        self._put(_order(name, contract, size, limit, TimeInForce.IOC if limit is None else chosen, reduce_only, shown, is_protected, note))
        return name

    def _put(self, request: Request) -> None:
        if self._read_only and isinstance(request, SubmitOrder | CancelOrder | AmendOrder):
            raise PluginError(f"{self._instance} is a rule: rules judge commands, they do not send any", plugin=self._instance)
        self.outbox.append(request)
        self._view.asked.append(self._instance)
