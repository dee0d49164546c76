"""Quoter: a small market maker around the venue's mark.

Theory: in each round it looks at every contract it makes a market in and asks what it would like to have in the book:
one post-only bid and one offer, leaning against what is held. An order that is too far from that is canceled, a missing
one is placed; what a round cancels the next one replaces, so it never has two orders on one side. While a connection
is down it has no orders at all. It is driven by one timer: the market's pace changes what it quotes, not how often.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import attrs

from strikeloop import (
    Contract,
    ContractId,
    Desk,
    GapClosed,
    GapOpened,
    OrderRefused,
    Quoted,
    Reconciled,
    StreamEvent,
    StreamLost,
    StreamOpened,
    SubmitOrder,
    TickerUpdated,
    TimeInForce,
    TimerFired,
    UnderlyingPriced,
    hookimpl,
    plugin,
    state,
)

ZERO = Decimal(0)
HOUR_NS = 3_600_000_000_000
_ROUND = "round"
_TAKE = "take"


def _positive(_instance: Any, field: attrs.Attribute[Any], value: float | Decimal) -> None:
    if not value > 0:
        raise ValueError(f"{field.name} is {value}; expected more than 0")


@attrs.frozen
class _Wish:
    """The order that should stand on one side: unsigned size, and how far a standing order may be from `price`."""

    price: Decimal
    size: Decimal
    tolerance: Decimal


@plugin
class Quoter:
    """Quote both sides of a few contracts near the money, stay roughly flat, and now and then take.

    underlying: whose options. expiries: how many, the nearest first; min_hours: hours to expiry below which one is left
    alone. strikes: how many per expiry, the nearest to the underlying first; calls and puts of each.
    size: contracts per quote. half_width: fraction of the mark between mark and quote, at least one tick.
    max_position: contracts of the account in one contract beyond which it no longer quotes that side.
    requote_s: seconds between rounds. recenter_rounds: rounds between two choices of contracts.

    take_every: every so many rounds it trades at once, at the best opposite price, in one contract after the other:
    against what is held, else buying and selling in turn (0: never).
    take_step: it sizes up: each take is this many contracts larger than the one before. Where a rule refuses one, or
    it would outgrow max_position, it starts again at `size`: so it finds out how much it is allowed to do.
    """

    underlying: str = "BTC_USDT"
    expiries: int = attrs.field(default=1, validator=_positive)
    min_hours: float = 2.0
    strikes: int = attrs.field(default=2, validator=_positive)
    size: Decimal = attrs.field(default=Decimal(2), validator=_positive)
    half_width: float = attrs.field(default=0.004, validator=_positive)
    max_position: Decimal = attrs.field(default=Decimal(12), validator=_positive)
    requote_s: float = attrs.field(default=1.0, validator=_positive)
    recenter_rounds: int = attrs.field(default=60, validator=_positive)
    take_every: int = 3
    take_step: Decimal = Decimal(2)
    rounds: int = state(default=0)
    takes: int = state(default=0)
    next_take: Decimal = state(default=ZERO)
    chosen: tuple[Contract, ...] = state(default=())
    lost: set[tuple[str, str]] = state(factory=set)

    # ---- when ----

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch(self.underlying, kinds=(UnderlyingPriced,))
        desk.every(self.requote_s, _ROUND)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        if event.name != _ROUND:
            return
        if not self.chosen or self.rounds % self.recenter_rounds == 0:
            self._choose(desk)
        if not self.chosen or self._is_cut_off():
            return
        self.rounds += 1
        is_taking = self._is_taking(self.rounds)
        taking = self._next_taken() if is_taking or self._is_taking(self.rounds + 1) else None
        self._quote(desk, [contract for contract in (*self.chosen, *self._leftovers(desk)) if contract is not taking])
        if is_taking:
            self._take(self._next_taken(), desk)

    @hookimpl
    def on_stream(self, event: StreamEvent, desk: Desk) -> None:
        """Without a connection the book moves on unseen: withdraw, and quote again when the account is confirmed."""
        place = (event.adapter, event.port)
        match event:
            case StreamLost() | GapOpened():
                self.lost.add(place)
                for order in desk.working:
                    if order.contract.adapter == event.adapter:
                        desk.cancel(order.key)
            case Reconciled() | GapClosed():
                self.lost.discard(place)
            case StreamOpened(port="feed"):
                self.lost.discard(place)
            case _:
                pass

    @hookimpl
    def on_refused(self, event: OrderRefused) -> None:
        if isinstance(event.command, SubmitOrder) and event.command.tag == _TAKE:
            self.next_take = self.size
            self.takes -= 1

    @hookimpl
    def on_stop(self, desk: Desk) -> None:
        desk.cancel_all()

    # ---- what ----

    def _choose(self, desk: Desk) -> None:
        """The contracts near the money now; what is no longer among them is only wound down."""
        chain = [c for c in desk.chain(self.underlying) if c.expiry - desk.now >= self.min_hours * HOUR_NS]
        price = desk.portfolio.underlying_price(chain[0].id) if chain else None
        if price is None:
            return
        chosen: list[Contract] = []
        for expiry in sorted({contract.expiry for contract in chain})[: self.expiries]:
            near = sorted((c for c in chain if c.expiry == expiry), key=lambda c: (abs(float(c.strike) - price), c.strike, c.kind))
            chosen.extend(near[: 2 * self.strikes])
        new = [contract.id for contract in chosen if contract not in self.chosen]
        if new:
            desk.watch(new, kinds=(TickerUpdated, Quoted))
        self.chosen = tuple(chosen)

    def _quote(self, desk: Desk, contracts: Iterable[Contract]) -> None:
        """Bring the book to what is wished for in `contracts`; whatever stands elsewhere is withdrawn."""
        standing = {(order.contract, order.is_buy): order for order in desk.working if order.tif is TimeInForce.POC}
        open_to_both = {contract.id for contract in self.chosen}
        for contract in contracts:
            for is_buy in (True, False):
                order = standing.pop((contract.id, is_buy), None)
                wish = self._wish(desk, contract, is_buy=is_buy, is_closing=contract.id not in open_to_both)
                if order is not None and (wish is None or order.price is None or abs(order.price - wish.price) > wish.tolerance):
                    desk.cancel(order.key)
                elif order is None and wish is not None:
                    place = desk.buy if is_buy else desk.sell
                    place(contract.id, wish.size, wish.price, tif=TimeInForce.POC, tag="quote")
        for order in standing.values():
            desk.cancel(order.key)

    def _leftovers(self, desk: Desk) -> Iterable[Contract]:
        """Contracts we traded, still hold, and no longer make a market in."""
        known = desk.contracts
        return [known[held] for held in desk.mine if held in known and known[held] not in self.chosen]

    def _wish(self, desk: Desk, contract: Contract, *, is_buy: bool, is_closing: bool) -> _Wish | None:
        ticker, held, tick = desk.ticker(contract.id), _held(desk, contract.id), contract.tick
        if ticker is None:
            return None
        limit = ZERO if is_closing else self.max_position
        size = min(self.size, limit - held if is_buy else limit + held)
        half = max(Decimal(repr(self.half_width * ticker.mark_price)), tick)
        center = Decimal(repr(ticker.mark_price)) - half * held / self.max_position
        quote = desk.quote(contract.id)
        if is_buy:
            price = _on_tick(center - half, tick, ROUND_FLOOR)
            if quote is not None and quote.ask is not None:
                price = min(price, _on_tick(Decimal(repr(quote.ask)), tick, ROUND_FLOOR) - tick)
        else:
            price = _on_tick(center + half, tick, ROUND_CEILING)
            if quote is not None and quote.bid is not None:
                price = max(price, _on_tick(Decimal(repr(quote.bid)), tick, ROUND_CEILING) + tick)
        return _Wish(price, size, half / 2) if size >= contract.size_min and price >= tick else None

    def _is_taking(self, number: int) -> bool:
        return self.take_every > 0 and number % self.take_every == 0

    def _next_taken(self) -> Contract:
        """One contract after the other. It is not quoted in the round before, so that it never trades with itself."""
        return self.chosen[self.takes % len(self.chosen)]

    def _take(self, contract: Contract, desk: Desk) -> None:
        """Trade at the best opposite price: against what is held, else buying and selling in turn."""
        held, quote = _held(desk, contract.id), desk.quote(contract.id)
        is_buy = held < 0 if held else self.takes // len(self.chosen) % 2 == 0
        price = None if quote is None else quote.ask if is_buy else quote.bid
        if price is None or any(order.contract == contract.id for order in desk.working):
            return
        size = max(self.next_take, self.size)
        if size > self.max_position + abs(held):
            size = self.size
        self.takes += 1
        self.next_take = size + self.take_step
        trade = desk.buy if is_buy else desk.sell
        trade(contract.id, size, price, tif=TimeInForce.IOC, tag=_TAKE)

    def _is_cut_off(self) -> bool:
        down = {adapter for adapter, _ in self.lost}
        return any(contract.id.adapter in down for contract in self.chosen)


def _held(desk: Desk, contract: ContractId) -> Decimal:
    position = desk.position(contract)
    return ZERO if position is None else position.size


def _on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).quantize(Decimal(1), rounding) * tick
