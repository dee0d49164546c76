"""What is never lost, through fills, cancellations, amendments, liquidations, takeovers and expiries: orders, contracts, cash."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal as D
from decimal import localcontext
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from strikeloop import (
    AmendOrder,
    CancelOrder,
    ContractId,
    Filled,
    LedgerPosted,
    Liquidated,
    OptionKind,
    OrderState,
    OrderUpdated,
    SubmitOrder,
    TickerUpdated,
    TimeInForce,
    Traded,
)
from strikeloop.margin import settlement_cash, settlement_fee
from strikeloop.pricing import value
from tests.plugins.venue.stage import CALL, EXPIRY, PUT, Stage, contract

KINDS = ("quote", "quote", "trade", "submit", "submit", "submit", "cancel", "amend", "wait", "wait", "jump", "dry")
PENALTY = D("0.0005")


@attrs.frozen
class Action:
    """One thing that happens: what it does with its three numbers stands in `Flow`."""

    kind: str
    x: float
    y: float
    size: int


@attrs.frozen
class Setting:
    """An account and its venue."""

    balance: int
    margin: str
    latency_ms: float
    self_trade: str


ACTIONS = st.builds(Action, st.sampled_from(KINDS), st.floats(0, 1), st.floats(0, 1), st.integers(1, 9))
SETTINGS = st.builds(
    Setting,
    st.sampled_from([150, 400, 3_000, 50_000]),
    st.sampled_from(["classic", "classic", "portfolio", "deribit_like", "span_like"]),
    st.sampled_from([0.0, 40.0]),
    st.sampled_from(["allow", "cn", "co", "cb"]),
)


class Flow:
    """A market and a client at random; `check` states the laws."""

    def __init__(self, setting: Setting) -> None:
        terms = contract(settle_fee_rate=D("0.00015"))
        self.stage = Stage(
            terms,
            attrs.evolve(terms, id=PUT, kind=OptionKind.PUT, strike=D(69_000), expiry=EXPIRY - 3600 * 1_000_000_000),
            balance=str(setting.balance),
            margin=setting.margin,
            latency_ms=setting.latency_ms,
            self_trade=setting.self_trade,
            liquidation_fee_rate=PENALTY,
            insurance="1000",
            settlement_window_s=60,
        )
        self.contracts = {one.id: one for one in self.stage.venue.contracts()}
        self.start, self.fund = D(setting.balance), D(1_000)
        self.seconds, self.forward, self.sent = 0.0, 70_000.0, 0
        self.quote(0.5, 0.5, 5)

    def run(self, actions: Iterable[Action]) -> None:
        for action in actions:
            getattr(self, action.kind)(action.x, action.y, action.size)
            self.check()
        self.stage.at(8 * 3600 + 60)
        self.check()
        assert [order for order in self.stage.venue.orders() if order.is_open] == []
        assert self.stage.venue.positions() == ()

    # ---- what happens ----

    def quote(self, x: float, y: float, size: int) -> None:
        """Index, tickers and quotes move a little."""
        self.forward *= 1 + (x - 0.5) * 0.02
        self.stage.index(round(self.forward, 2))
        for option, terms in self.contracts.items():
            worth = value(self.forward, float(terms.strike), max(terms.years(self.stage.now), 1e-6), 0.5 + y, is_call=terms.is_call)
            mark = max(0.1, round(worth.price, 1))
            self.stage.market(
                TickerUpdated(
                    time=self.stage.now,
                    received=self.stage.now,
                    contract=option,
                    mark_price=mark,
                    underlying_price=round(self.forward, 2),
                    mark_iv=0.5 + y,
                    delta=worth.greeks.delta,
                    gamma=worth.greeks.gamma,
                    vega=worth.greeks.vega,
                    theta=worth.greeks.theta,
                )
            )
            bid = float(max(1, int(mark * 0.97)))
            self.stage.quote(bid, bid + 1 + int(mark * 0.04), size, size + 2, contract=option)

    def jump(self, x: float, y: float, size: int) -> None:
        """The market leaps by up to a third."""
        self.forward *= 1 + (x - 0.5) * 0.6
        self.quote(0.5, y, size)

    def dry(self, x: float, y: float, size: int) -> None:
        """One side of a book, or both, is empty."""
        bid, ask = (None, None) if x < 0.3 else (None, 600.0) if x < 0.6 else (400.0, None)
        self.stage.quote(bid, ask, contract=self.which(y))

    def trade(self, x: float, y: float, size: int) -> None:
        """Somebody else trades near the mark."""
        mark = self.mark(self.which(y))
        price, now = float(max(1, int(mark * (0.9 + 0.2 * x)))), self.stage.now
        self.stage.market(Traded(time=now, received=now, contract=self.which(y), price=price, size=float(size if x < 0.5 else -size)))

    def wait(self, x: float, y: float, size: int) -> None:
        """Moments, sometimes hours, pass."""
        self.seconds = min(8 * 3600, self.seconds + (size if x < 0.9 else 3600 * y * 3))
        self.stage.at(self.seconds)

    def submit(self, x: float, y: float, size: int) -> None:
        """Buys and sells, passive and aggressive, of every kind."""
        self.sent += 1
        option = self.which(y)
        is_buy, spread = int(x * 1000) % 2 == 0, 0.85 + 0.3 * ((y * 7) % 1)
        tif = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.POC)[int(x * 97) % 4]
        is_market = x > 0.85
        self.stage.send(
            SubmitOrder(
                client_id=f"t-{self.sent}",
                contract=option,
                size=D(size if is_buy else -size),
                price=None if is_market else D(max(1, int(self.mark(option) * spread))),
                tif=TimeInForce.IOC if is_market else tif,
                reduce_only=int(y * 53) % 5 == 0,
                iceberg=D(2) if size > 5 and tif is TimeInForce.GTC and not is_market else D(0),
            )
        )

    def cancel(self, x: float, y: float, size: int) -> None:
        self.stage.send(CancelOrder(client_id=self.known(x), contract=self.which(y)))

    def amend(self, x: float, y: float, size: int) -> None:
        """A new size, a new price or both."""
        sign = 1 if y < 0.5 else -1
        price = D(max(1, int(self.mark(self.which(y)) * (0.85 + 0.3 * x))))
        self.stage.send(
            AmendOrder(
                client_id=self.known(x),
                contract=self.which(y),
                size=D(sign * size) if size % 3 else None,
                price=price if size % 2 or not size % 3 else None,
            )
        )

    def known(self, x: float) -> str:
        return f"t-{1 + int(x * max(0, self.sent - 1))}"

    def which(self, y: float) -> ContractId:
        return CALL if int(y * 100) % 2 == 0 else PUT

    def mark(self, option: ContractId) -> float:
        ticker = self.stage.venue.tickers().get(option)
        return 500.0 if ticker is None else ticker.mark_price

    # ---- the laws ----

    def check(self) -> None:
        with localcontext(prec=100):
            self.orders_add_up()
            self.positions_add_up()
            self.cash_adds_up()

    def orders_add_up(self) -> None:
        """Σ fills = size − left, and what has ended stays ended."""
        filled: dict[str | None, D] = {}
        for fill in self.stage.venue.fills():
            filled[fill.order_id] = filled.get(fill.order_id, D(0)) + fill.size
        for order in self.stage.venue.orders():
            assert filled.pop(order.order_id, D(0)) == order.size - order.left
            assert abs(order.left) <= abs(order.size)
            assert order.is_open is (order.finished is None)
            assert order.state in (OrderState.OPEN, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.LIQUIDATED)
            assert (order.left == 0) <= (order.state in (OrderState.FILLED, OrderState.LIQUIDATED))
        assert not filled
        ended: dict[str, OrderState] = {}
        for event in self.stage.all(OrderUpdated):
            if event.order_id is not None:
                assert ended.get(event.order_id, event.state) is event.state
                if event.state.is_terminal:
                    ended[event.order_id] = event.state

    def positions_add_up(self) -> None:
        """Position = Σ fills, and what the fund took over is what the account lost to it."""
        settled = {row.contract: row.size for row in self.stage.venue.settlements()}
        held = {position.contract: position.size for position in self.stage.venue.positions()}
        for option in self.contracts:
            expected = sum((fill.size for fill in self.stage.venue.fills() if fill.contract == option), D(0))
            assert settled.get(option, held.get(option, D(0))) == expected
            assert option not in settled or option not in held
            if option not in settled:
                taken = sum((-fill.size for fill in self.takeovers() if fill.contract == option), D(0))
                assert self.stage.venue.insurance.positions.get(option, D(0)) == taken

    def cash_adds_up(self) -> None:
        """The identity, to the last digit, of account and fund, and each posting after the one before."""
        venue = self.stage.venue
        fills, settled = venue.fills(), venue.settlements()
        covered = sum((one.change for one in venue.ledger() if one.kind == "insurance"), D(0))
        premium, fees = sum(map(self.premium, fills), D(0)), sum((fill.fee or D(0) for fill in fills), D(0))
        settlement = sum((settlement_cash(self.contracts[row.contract], row.size, row.settle_price) for row in settled), D(0))
        settlement_fees = sum((settlement_fee(self.contracts[row.contract], row.size, row.settle_price) for row in settled), D(0))
        assert venue.account().total == self.start + premium - fees + settlement - settlement_fees + covered
        balance = self.start
        for posting in venue.ledger():
            balance += posting.change
            assert posting.balance == balance
        assert balance == venue.account().total
        took = sum(map(self.premium, self.takeovers()), D(0))
        penalties = -sum((one.change for one in venue.ledger() if one.kind == "liq_fee"), D(0))
        prices = {row.contract: row.settle_price for row in settled}
        paid = sum((self.payoff(fill, prices[fill.contract]) for fill in self.takeovers() if fill.contract in prices), D(0))
        assert venue.insurance.cash == self.fund - took + penalties - covered + paid

    def premium(self, fill: Filled) -> D:
        return -fill.price * fill.size * self.contracts[fill.contract].multiplier

    def payoff(self, fill: Filled, price: D) -> D:
        """What the fund, which has the other side of the fill, is paid at the expiry."""
        terms = self.contracts[fill.contract]
        return terms.intrinsic(price) * -fill.size * terms.multiplier

    def liquidations(self) -> list[Filled]:
        ids = {order.order_id for order in self.stage.venue.orders() if order.is_liquidation}
        return [fill for fill in self.stage.venue.fills() if fill.order_id in ids]

    def takeovers(self) -> list[Filled]:
        return [fill for fill in self.liquidations() if not fill.fee]


@settings(max_examples=60)
@given(SETTINGS, st.lists(ACTIONS, max_size=40))
def test_orders_contracts_and_cash_are_conserved(setting: Setting, actions: list[Action]) -> None:
    Flow(setting).run(actions)


def drawn(seed: int) -> tuple[Setting, list[Action]]:
    """A long random day."""
    draw = random.Random(seed)
    setting = Setting(
        balance=draw.choice([150, 400, 3_000, 50_000]),
        margin=draw.choice(["classic", "portfolio", "deribit_like", "span_like"]),
        latency_ms=draw.choice([0.0, 40.0]),
        self_trade=draw.choice(["allow", "cn", "co", "cb"]),
    )
    return setting, [Action(draw.choice(KINDS), draw.random(), draw.random(), draw.randint(1, 9)) for _ in range(120)]


def test_long_random_days_conserve_too_and_nothing_that_can_happen_is_left_out() -> None:
    seen: set[Any] = set()
    for seed in range(30):
        setting, actions = drawn(seed)
        flow = Flow(setting)
        flow.run(actions)
        heard = flow.stage.heard
        seen |= {event.state for event in heard if isinstance(event, OrderUpdated)}
        seen |= {event.kind for event in heard if isinstance(event, LedgerPosted)}
        seen |= {type(event) for event in heard if isinstance(event, Liquidated)}
        seen |= {"takeover" for _ in flow.takeovers()}
        seen |= {("maker", fill.is_maker) for fill in flow.stage.venue.fills()}
        seen |= {"partial" for order in flow.stage.venue.orders() if order.left and order.filled}
        seen |= {"settled with a position" for row in flow.stage.venue.settlements() if row.size}
    missing = {
        *(OrderState.OPEN, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.LIQUIDATED, OrderState.REJECTED),
        *("prem", "fee", "set", "liq_fee", "insurance", Liquidated, "takeover", "partial", "settled with a position"),
        *(("maker", True), ("maker", False)),
    } - seen
    assert missing == set()
