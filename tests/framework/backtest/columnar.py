"""Small markets in columns, drawn at random, and a strategy that does at random what strategies do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from strikeloop import (
    BookUpdated,
    Contract,
    ContractId,
    Desk,
    Event,
    Filled,
    Quoted,
    TickerUpdated,
    TimerFired,
    Traded,
    UnderlyingPriced,
    hookimpl,
    plugin,
    state,
)
from strikeloop.columns import Batch, Columns, unrolled
from tests.framework.stage import CALL, PUT, contract

THIRD = ContractId.of("sim", "BTC_USDT-20260626-75000-C")
IDS = (CALL, PUT, THIRD)
MS = 1_000_000
ABOUT: dict[type[Event], tuple[Any, ...]] = {UnderlyingPriced: (("sim", "BTC_USDT"),)}
FIGURES: dict[type[Event], tuple[str, ...]] = {
    Quoted: ("bid", "ask", "bid_size", "ask_size"),
    Traded: ("price", "size"),
    TickerUpdated: ("mark_price", "delta", "mark_iv", "underlying_price"),
    UnderlyingPriced: ("price",),
}


class Market:
    """A source of batches. `expiry` is when the third contract ends."""

    def __init__(self, batches: Sequence[Batch], contracts: Sequence[Contract], name: str = "columns") -> None:
        self._batches, self._contracts, self._name = batches, tuple(contracts), name

    def contracts(self) -> tuple[Contract, ...]:
        return self._contracts

    def batches(self) -> Iterator[Batch]:
        return iter(self._batches)

    def events(self) -> Iterator[Event]:
        return unrolled(self.batches())

    def content_hash(self) -> str:
        return self._name


def drawn(seed: int, *, rows: int = 300, kinds: Sequence[type[Event]] = tuple(FIGURES), depth: bool = False, size: int = 40) -> Market:
    """A market of three contracts within some seconds, its rows now and then at one time, sides missing, one contract expiring."""
    random = Random(seed)
    time, middle, batches = 0, [100.0, 100.0, 100.0], []
    for _ in range(0, rows, size):
        told: dict[type[Event], list[tuple[Any, ...]]] = {kind: [] for kind in kinds}
        books: list[tuple[BookUpdated, int]] = []
        for place in range(size):
            time += random.choice([0, 0, 7, 30, 90]) * MS
            kind, which = random.choice(list(kinds)), random.randrange(3)
            if depth and random.random() < 0.05:
                bids, asks = (tuple((middle[which] + side * step, 5.0) for step in (1, 2, 3)) for side in (-1, 1))
                books.append((BookUpdated(time=time, received=time, contract=IDS[which], bids=bids, asks=asks, snapshot=True), place))
                continue
            middle[which] = max(5.0, middle[which] + random.choice([-2, -1, 0, 0, 0, 1, 2]))
            told[kind].append((time, place, which if kind is not UnderlyingPriced else 0, *_figures(kind, middle[which], random)))
        batches.append(
            Batch(
                parts=tuple(_columns(kind, rows_) for kind, rows_ in told.items() if rows_),
                events=tuple(book for book, _ in books),
                places=tuple(place for _, place in books),
            )
        )
    listed = [contract(), contract(PUT), contract(THIRD, expiry=max(1, time * 2 // 3))]
    return Market(batches, listed)


def _figures(kind: type[Event], middle: float, random: Random) -> tuple[float, ...]:
    if kind is Quoted:
        bid, ask = middle - random.choice([1, 1, 2]), middle + random.choice([1, 1, 2])
        nobody = random.random()
        return (
            np.nan if nobody < 0.05 else bid,
            np.nan if nobody > 0.95 else ask,
            0.0 if nobody < 0.05 else random.choice([1.0, 2.0, 5.0]),
            0.0 if nobody > 0.95 else random.choice([1.0, 2.0, 5.0]),
        )
    if kind is Traded:
        return middle + random.choice([-2, -1, 0, 1, 2]), random.choice([-3.0, -1.0, 1.0, 3.0])
    if kind is TickerUpdated:
        alone = random.random() < 0.2
        return middle, np.nan if alone else round(random.random(), 1), np.nan if alone else 0.5, 70_000.0
    return (70_000.0 + middle,)


def _columns(kind: type[Event], rows: list[tuple[Any, ...]]) -> Columns:
    time, place, key, *figures = zip(*rows, strict=True)
    return Columns(
        kind=kind,
        keys=ABOUT.get(kind, IDS),
        key=np.array(key, np.int32),
        time=np.array(time, np.int64),
        received=np.array(time, np.int64),
        fields={name: np.array(column, float) for name, column in zip(FIGURES[kind], figures, strict=True)},
        place=np.array(place, np.int64),
    )


@plugin
class Anything:
    """Watches, trades, looks around and sets timers at random; what it saw becomes an alert, so that the digest knows."""

    seed: int = 0
    busy: float = 0.1
    kinds: tuple[type[Event], ...] = ()
    every: int = 1
    draw: Any = state(None)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        self.draw = Random(self.seed)
        for contract_id in IDS:
            if self.draw.random() < 0.7:
                desk.watch(contract_id, kinds=self.kinds, every=self.draw.choice([1, self.every]))
        desk.every(self.draw.choice([0.05, 0.3, 1.0]), "look")
        self._act(desk)

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        self._maybe(event, desk)

    @hookimpl
    def on_trade(self, event: Traded, desk: Desk) -> None:
        self._maybe(event, desk)

    @hookimpl
    def on_ticker(self, event: TickerUpdated, desk: Desk) -> None:
        self._maybe(event, desk)

    @hookimpl
    def on_underlying(self, event: UnderlyingPriced, desk: Desk) -> None:
        self._maybe(event, desk)

    @hookimpl
    def on_book(self, event: BookUpdated, desk: Desk) -> None:
        self._maybe(event, desk)

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        self._maybe(event, desk)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        self._maybe(event, desk, 0.5)

    def _maybe(self, event: Event, desk: Desk, share: float | None = None) -> None:
        if self.draw.random() < (self.busy if share is None else share):
            desk.alert(f"{event}", topic="heard")
            self._act(desk)

    def _act(self, desk: Desk) -> None:
        draw, chosen = self.draw, self.draw.choice(IDS)
        what = draw.choice(["look", "buy", "sell", "buy", "sell", "market", "cancel", "amend", "watch", "close", "timer"])
        if what == "look":
            desk.alert(_seen(desk), topic="seen")
        elif what in ("buy", "sell"):
            quote = desk.quote(chosen)
            near = 100.0 if quote is None or quote.mid is None else quote.mid // 1
            order = desk.buy if what == "buy" else desk.sell
            order(chosen, draw.choice([1, 2, 4]), near + draw.choice([-3, -1, 0, 1, 3]), tif=draw.choice(["gtc", "gtc", "poc", "ioc"]))
        elif what == "market":
            desk.sell(chosen, 1) if draw.random() < 0.5 else desk.buy(chosen, 1)
        elif what == "cancel" and desk.working:
            desk.cancel(draw.choice(desk.working).key)
        elif what == "amend" and desk.working:
            order_ = draw.choice(desk.working)
            desk.amend(order_.key, price=float(order_.price or 100) + draw.choice([-1, 1]))
        elif what == "watch":
            desk.watch(chosen, kinds=self.kinds, every=draw.choice([1, 2, 5, self.every]))
        elif what == "close":
            desk.close(chosen)
        elif what == "timer":
            desk.at(desk.now + draw.choice([0, 1, 50 * MS]), f"t{draw.randrange(3)}")


def _seen(desk: Desk) -> str:
    """Everything a desk shows of the market and of the account."""
    portfolio = desk.portfolio
    shown = [desk.now, desk.positions, desk.balance, desk.risk, len(desk.working)]
    for contract_id in IDS:
        shown += [desk.quote(contract_id), desk.ticker(contract_id), desk.greeks(contract_id), desk.position(contract_id)]
        shown += [portfolio.trades.get(contract_id), portfolio.mark(contract_id), portfolio.underlying_price(contract_id)]
    return f"{shown} {sorted(portfolio.quotes)} {sorted(portfolio.underlyings.items())}"
