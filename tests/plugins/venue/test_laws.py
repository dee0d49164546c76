"""What holds of every order flow: icebergs, protection, countdowns, amendments and races included, up to the expiry and past it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal as D

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strikeloop import Filled, OrderState, OrderUpdated, PositionUpdated, TimeInForce
from strikeloop.adapter import Mmp
from strikeloop_venue.order import Order
from tests.plugins.venue.stage import MS, Stage, contract

Row = tuple[str, int, int, int]
TICKS, SIZES = st.integers(494, 506), st.integers(-6, 6)
TIFS = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.POC)
ROWS = st.one_of(
    st.tuples(st.just("quote"), TICKS, st.integers(0, 8), st.integers(0, 5)),
    st.tuples(st.just("depth"), TICKS, st.integers(0, 8), st.integers(1, 5)),
    st.tuples(st.just("trade"), TICKS, SIZES, st.just(0)),
    st.tuples(st.just("submit"), TICKS, SIZES, st.integers(0, 3)),
    st.tuples(st.just("iceberg"), TICKS, SIZES, st.integers(1, 3)),
    st.tuples(st.just("protected"), TICKS, SIZES, st.integers(0, 3)),
    st.tuples(st.just("reduce"), TICKS, SIZES, st.integers(0, 3)),
    st.tuples(st.just("market"), st.just(0), SIZES, st.just(0)),
    st.tuples(st.just("close"), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just("cancel"), st.integers(1, 12), st.just(0), st.just(0)),
    st.tuples(st.just("amend"), st.integers(1, 12), SIZES, st.integers(0, 12)),
    st.tuples(st.just("countdown"), st.integers(0, 5), st.just(0), st.just(0)),
)
FLOW = st.lists(ROWS, max_size=40)
QUEUES = st.sampled_from(["risk-averse", "front", "back", "log", "power2", "l3-fifo"])
POLICIES = st.sampled_from(["allow", "cn", "co", "cb"])
LAW = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])


def stage_of(latency_ms: float = 0.0, **terms: object) -> Stage:
    stage = Stage(contract(), latency_ms=latency_ms, **terms).index(70_000).ticker(500)
    stage.venue.set_mmp(Mmp(underlying="BTC_USDT", window_ms=5, frozen_ms=3, qty_limit=D("0.05"), delta_limit=D(0)))
    return stage.quote(495, 505)


def act(stage: Stage, row: Row) -> None:
    """One row of a flow, a millisecond after the one before."""
    kind, first, second, third = row
    stage.now += MS
    match kind:
        case "quote":
            stage.quote(first if third else None, first + second if second else None, third, third)
        case "depth":
            stage.depth([(first, third), (first - 3, 2)], [(first + second + 1, third), (first + second + 4, 2)])
        case "trade":
            stage.trade(first, second)
        case "iceberg":
            stage.submit(second, first, iceberg=min(third, abs(second)))
        case "submit" | "protected" | "reduce":
            stage.submit(second, first, TIFS[third], mmp=kind == "protected", reduce_only=kind == "reduce")
        case "market":
            stage.submit(second, None)
        case "close":
            stage.submit(0, None, reduce_only=True)
        case "cancel":
            stage.cancel(f"t-{first}")
        case "amend":
            stage.amend(f"t-{first}", price=494 + third if third else None, size=second or None)
        case _:
            stage.venue.count_down(stage.now, first * MS)


def play(flow: Sequence[Row], **terms: object) -> Stage:
    """The whole flow with a latency, and then the expiry."""
    stage = stage_of(latency_ms=3, **terms)
    for row in flow:
        act(stage, row)
    return stage.at(9 * 3600)


@given(FLOW, QUEUES, POLICIES)
@LAW
def test_every_order_ends_in_exactly_one_terminal_state(flow: list[Row], queue: str, policy: str) -> None:
    stage = play(flow, queue=queue, self_trade=policy)
    ends: dict[str, set[tuple[OrderState, str]]] = {}
    for event in stage.all(OrderUpdated):
        if event.order_id is not None and event.state.is_terminal:
            ends.setdefault(event.order_id, set()).add((event.state, event.finish_as))
    assert {order.order_id for order in stage.venue.orders()} == set(ends)
    assert all(len(told) == 1 for told in ends.values())


@given(FLOW, QUEUES, POLICIES)
@LAW
def test_the_fills_of_an_order_are_its_size_less_what_is_left(flow: list[Row], queue: str, policy: str) -> None:
    stage = play(flow, queue=queue, self_trade=policy)
    filled: Counter[str] = Counter()
    for fill in stage.all(Filled):
        filled[fill.order_id] += fill.size  # type: ignore[assignment]  # a Counter adds up Decimals as well
    for order in stage.venue.orders():
        assert order.size - order.left == filled[order.order_id]
        assert (order.state is OrderState.FILLED) == (order.left == 0)


@given(FLOW, QUEUES, POLICIES)
@LAW
def test_the_position_is_the_sum_of_the_fills(flow: list[Row], queue: str, policy: str) -> None:
    stage = stage_of(queue=queue, self_trade=policy)
    for row in flow:
        act(stage, row)
        told = [event.size for event in stage.all(PositionUpdated)]
        assert (told[-1] if told else D(0)) == sum((fill.size for fill in stage.all(Filled)), D(0))


@given(FLOW, QUEUES)
@LAW
def test_a_trade_fills_no_more_than_its_size_and_only_the_other_side(flow: list[Row], queue: str) -> None:
    stage = stage_of(queue=queue)
    for row in flow:
        before = len(stage.all(Filled))
        act(stage, row)
        fills = stage.all(Filled)[before:]
        if row[0] == "trade":
            assert sum((abs(fill.size) for fill in fills), D(0)) <= abs(row[2])
            assert all(fill.size * row[2] < 0 for fill in fills)


@given(FLOW, QUEUES)
@LAW
def test_what_was_displayed_once_is_taken_once(flow: list[Row], queue: str) -> None:
    stage = stage_of(queue=queue)
    for row in flow:
        before = len(stage.all(Filled))
        shown = book(stage)
        act(stage, row)
        shown = book(stage, before=shown, row=row)
        arriving = f"t-{row[1]}" if row[0] == "amend" else f"t-{stage.count}"
        taken: Counter[tuple[int, D]] = Counter()
        for fill in stage.all(Filled)[before:]:
            if row[0] not in ("quote", "depth", "trade") and fill.client_id == arriving:
                taken[1 if fill.size > 0 else -1, fill.price] += abs(fill.size)  # type: ignore[assignment]  # as above
        own = Counter((1 if order.size < 0 else -1, order.price) for order in stage.venue.orders())
        assert all(size <= shown.get(level, D(0)) for level, size in taken.items() if not own[level])


def book(stage: Stage, *, before: dict[tuple[int, D], D] | None = None, row: Row = ("", 0, 0, 0)) -> dict[tuple[int, D], D]:
    """Displayed size by (side of who takes it, price): what stood before the row, for rows that are not market data."""
    if before is not None and row[0] not in ("quote", "depth"):
        return before
    bids, asks = stage.venue.book(contract().id)
    levels = [(-1, price, size) for price, size in bids] + [(1, price, size) for price, size in asks]
    return {(side, D(repr(float(price)))): D(repr(size)) for side, price, size in levels}


@given(FLOW, QUEUES)
@LAW
def test_against_a_side_without_a_quote_nothing_but_own_orders_trades(flow: list[Row], queue: str) -> None:
    stage = stage_of(queue=queue, self_trade="cn").quote(None, None)
    for row in flow:
        if row[0] not in ("quote", "depth", "trade"):
            act(stage, row)
    assert stage.all(Filled) == []


@given(FLOW, QUEUES)
@LAW
def test_nobody_trades_while_a_better_priced_own_order_could(flow: list[Row], queue: str) -> None:
    stage = stage_of(queue=queue)
    for row in flow:
        before = len(stage.all(Filled))
        waiting = {order.order_id: order for order in stage.venue.orders(is_open=True) if not order.reduce_only}
        act(stage, row)
        for fill in stage.all(Filled)[before:] if row[0] == "trade" else ():
            filled = stage.venue.order(fill.order_id)
            assert filled is not None
            assert not [order for order in waiting.values() if order.is_open and better(order, filled)]


def better(order: Order, other: Order) -> bool:
    return order.is_buy is other.is_buy and (order.limit - other.limit) * order.sign > 0


@given(st.lists(st.integers(1, 6), min_size=2, max_size=4), st.lists(st.integers(1, 9), max_size=8))
@LAW
def test_at_one_price_who_came_first_trades_first(sizes: list[int], trades: list[int]) -> None:
    stage = stage_of().quote(480, 510)
    orders = [stage.submit(size, 490) for size in sizes]
    left = [D(size) for size in sizes]
    for size in trades:
        stage.trade(490, -size)
        left = [abs(stage.venue.order(order).left) for order in orders]  # type: ignore[union-attr]  # each was taken
        started = [index for index, size in enumerate(sizes) if left[index] < size]
        assert all(not left[index] for index in started[:-1])
    assert sum(sizes) - sum(left) == min(sum(trades), sum(sizes))


@given(FLOW)
@LAW
def test_orders_that_may_not_meet_never_do(flow: list[Row]) -> None:
    stage = stage_of(self_trade="cb")
    for row in flow:
        before = len(stage.all(Filled))
        act(stage, row)
        told = stage.all(Filled)[before:]
        assert not ([fill for fill in told if fill.size > 0] and [fill for fill in told if fill.size < 0])


def test_the_rows_of_a_flow_reach_every_kind_of_end() -> None:
    stage = stage_of()
    rows: tuple[Row, ...] = (
        ("submit", 500, 2, 0),
        ("market", 0, 3, 0),
        ("market", 0, 9, 0),
        ("reduce", 507, -7, 0),
        ("reduce", 508, -5, 0),
        ("reduce", 509, -1, 0),
        ("trade", 510, 20, 0),
        ("protected", 500, 6, 0),
        ("protected", 499, 6, 0),
        ("trade", 499, -9, 0),
        ("submit", 496, 1, 0),
        ("countdown", 1, 0, 0),
    )
    for row in rows:
        act(stage, row)
    ends = {order.finish_as for order in stage.at(1).venue.orders()}
    assert ends == {"filled", "ioc", "reduce_out", "position_closed", "mmp_cancelled", "cancelled"}
