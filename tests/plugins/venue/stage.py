"""A small market around a simulated venue, told in seconds: what the venue's tests are played on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from strikeloop import (
    AmendOrder,
    Approved,
    BookUpdated,
    CancelOrder,
    Contract,
    ContractId,
    Event,
    OptionKind,
    OrderUpdated,
    Quoted,
    SubmitOrder,
    TickerUpdated,
    TimeInForce,
    Traded,
    UnderlyingPriced,
)
from strikeloop_venue import SimulatedVenue, VenueSettings

SECOND = 1_000_000_000
MS = 1_000_000
START = 1_780_272_000 * SECOND
EXPIRY = START + 8 * 3600 * SECOND
CALL = ContractId.of("venue", "BTC_USDT-20260601-70000-C")
PUT = ContractId.of("venue", "BTC_USDT-20260601-70000-P")
NEAR = {"delta": 0.5, "gamma": 0.0001, "vega": 20.0, "theta": -100.0}

E = TypeVar("E", bound=Event)
D = Decimal


def contract(**changes: Any) -> Contract:
    """A BTC option on Gate's terms of 2026."""
    terms: dict[str, Any] = {
        "id": CALL,
        "underlying": "BTC_USDT",
        "kind": OptionKind.CALL,
        "strike": D(70_000),
        "expiry": EXPIRY,
        "multiplier": D("0.01"),
        "tick": D(1),
        "mark_tick": D("0.1"),
        "size_max": D(10_000),
        "orders_limit": 10,
        "position_limit": D(40_000),
        "maker_fee_rate": D("0.0003"),
        "taker_fee_rate": D("0.0003"),
        "fee_cap": D("0.125"),
        "settle_fee_rate": D("0.00015"),
        "settle_fee_cap": D("0.125"),
        "price_deviation": D("0.2"),
    }
    return Contract(**{**terms, **changes})


class Stage:
    """A venue, the time, and everything that was heard. Times are seconds after the start."""

    def __init__(self, *contracts: Contract, latency_ms: float = 0.0, **settings: Any) -> None:
        self.settings = VenueSettings(**{"latency": {"entry_ms": latency_ms, "response_ms": latency_ms}, **settings})
        self.venue: SimulatedVenue = self.settings.open("venue", contracts or (contract(), contract(id=PUT, kind=OptionKind.PUT)))
        self.now = START
        self.heard: list[Event] = []
        self.count = 0

    def at(self, seconds: float) -> Stage:
        """Let time pass."""
        self.now = START + round(seconds * SECOND)
        return self.listen()

    def listen(self) -> Stage:
        """Hear everything that was said by now."""
        self.heard += self.venue.advance(self.now)
        return self

    def last(self, kind: type[E]) -> E:
        return self.all(kind)[-1]

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    def order(self, client_id: str) -> OrderUpdated:
        """What was heard last of an order."""
        return [event for event in self.all(OrderUpdated) if event.client_id == client_id][-1]

    # ---- the market ----------------------------------------------------------------------------------------------

    def quote(self, bid: float | None, ask: float | None, bid_size: float = 10, ask_size: float = 10, contract: ContractId = CALL) -> Stage:
        """Show a best bid and ask."""
        return self.market(
            Quoted(
                time=self.now,
                received=self.now,
                contract=contract,
                bid=bid,
                ask=ask,
                bid_size=0 if bid is None else bid_size,
                ask_size=0 if ask is None else ask_size,
            )
        )

    def depth(
        self,
        bids: Sequence[tuple[float, float]],
        asks: Sequence[tuple[float, float]],
        *,
        snapshot: bool = True,
        ids: tuple[int, int] = (0, 0),
    ) -> Stage:
        """Show the book, or changes of it, as the updates `ids`."""
        return self.market(
            BookUpdated(
                time=self.now,
                received=self.now,
                contract=CALL,
                bids=tuple(bids),
                asks=tuple(asks),
                first_id=ids[0],
                last_id=ids[1],
                snapshot=snapshot,
            )
        )

    def trade(self, price: float, size: float) -> Stage:
        """Somebody trades."""
        return self.market(Traded(time=self.now, received=self.now, contract=CALL, price=price, size=size))

    def ticker(self, mark: float, underlying: float = 70_000.0, contract: ContractId = CALL, **greeks: Any) -> Stage:
        """The venue's model speaks."""
        return self.market(
            TickerUpdated(
                time=self.now,
                received=self.now,
                contract=contract,
                mark_price=mark,
                underlying_price=underlying,
                mark_iv=0.5,
                **{**NEAR, **greeks},
            )
        )

    def index(self, price: float) -> Stage:
        """The index moves."""
        return self.market(UnderlyingPriced(time=self.now, received=self.now, adapter="venue", underlying="BTC_USDT", price=price))

    def market(self, event: Event) -> Stage:
        """Anything happens in the market."""
        self.venue.on_market(event)
        return self.listen()

    # ---- commands ------------------------------------------------------------------------------------------------

    def send(self, command: SubmitOrder | CancelOrder | AmendOrder) -> Stage:
        """A command leaves, as if a review had approved it."""
        self.venue.on_command(Approved(command, "test", self.now), self.now)
        return self.listen()

    def submit(
        self,
        size: int | str,
        price: int | str | None,
        tif: TimeInForce = TimeInForce.GTC,
        contract: ContractId = CALL,
        *,
        reduce_only: bool = False,
        iceberg: int = 0,
        mmp: bool = False,
    ) -> str:
        """Send an order; returns its client id."""
        self.count += 1
        client_id = f"t-{self.count}"
        self.send(
            SubmitOrder(
                client_id=client_id,
                contract=contract,
                size=D(size),
                price=None if price is None else D(price),
                tif=tif,
                reduce_only=reduce_only,
                iceberg=D(iceberg),
                mmp=mmp,
            )
        )
        return client_id

    def cancel(self, client_id: str) -> Stage:
        return self.send(CancelOrder(client_id=client_id, contract=CALL))

    def amend(self, client_id: str, *, price: int | None = None, size: int | None = None) -> Stage:
        return self.send(
            AmendOrder(
                client_id=client_id,
                contract=CALL,
                price=None if price is None else D(price),
                size=None if size is None else D(size),
            )
        )
