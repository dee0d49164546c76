"""How many requests Gate takes: budgets by endpoint, below the venue's limits, paused when it says so."""

from __future__ import annotations

import anyio
import pytest

from strikeloop.testing.virtual import VirtualClock, run_virtually
from strikeloop_gate.budgets import CANCELLING, LONGEST_PAUSE_S, PLACING, Budgets, endpoint

S = 1_000_000_000
NOW = 1_700_000_000 * S
LISTING, PLACE, CANCEL = ("GET", "/options/orders"), ("POST", "/options/orders"), ("DELETE", "/options/orders/7")


class Clock:
    def __init__(self) -> None:
        self.now = NOW
        self.budgets = Budgets(lambda: self.now)

    def delay(self, what: tuple[str, str], *, urgent: bool = False) -> float:
        return self.budgets.of(*what).delay(self.now, urgent)

    def spend(self, what: tuple[str, str], count: int) -> None:
        for _ in range(count):
            self.budgets.of(*what).take(self.now)

    def answer(self, what: tuple[str, str], status: int, **headers: str) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.budgets.learn(self.budgets.of(*what), status, given, self.now)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/options/orders", PLACING),
        ("PUT", "/options/orders/25", PLACING),
        ("DELETE", "/options/orders/25", CANCELLING),
        ("DELETE", "/options/orders", CANCELLING),
        ("GET", "/options/orders", "GET /options/orders"),
        ("GET", "/options/orders/25", "GET /options/orders/*"),
        ("GET", "/options/positions/BTC_USDT-20260626-70000-C", "GET /options/positions/*"),
        ("GET", "/options/underlying/tickers/BTC_USDT", "GET /options/underlying/tickers/*"),
        ("POST", "/options/countdown_cancel_all", "POST /options/countdown_cancel_all"),
    ],
)
def test_a_request_is_counted_under_its_endpoint_whatever_it_names(method: str, path: str, name: str) -> None:
    assert endpoint(method, path) == name


def test_queries_that_have_used_up_theirs_hold_back_no_order_cancel_or_countdown() -> None:
    clock = Clock()
    clock.spend(LISTING, 500)
    assert clock.delay(LISTING) > 1
    for other in (PLACE, CANCEL, ("POST", "/options/countdown_cancel_all"), ("GET", "/options/positions")):
        assert clock.delay(other) == 0


def test_orders_that_have_used_up_theirs_hold_back_no_cancel() -> None:
    clock = Clock()
    clock.spend(PLACE, 500)
    assert (clock.delay(PLACE) > 1, clock.delay(CANCEL, urgent=True)) == (True, 0)


@pytest.mark.parametrize(("what", "window_s"), [(PLACE, 1), (CANCEL, 1), (LISTING, 10)])
def test_in_no_window_more_requests_leave_than_the_venue_takes(what: tuple[str, str], window_s: int) -> None:
    clock = Clock()
    left: list[int] = []
    while clock.now < NOW + 4 * window_s * S:
        clock.now += round(max(clock.delay(what, urgent=True), 1e-6) * S)
        if clock.delay(what, urgent=True) == 0:
            clock.spend(what, 1)
            left.append(clock.now)
    most = max(sum(start <= other < start + window_s * S for other in left) for start in left)
    assert 190 <= most <= 201


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry_after": "7"}, 7),
        ({"x_gate_ratelimit_reset_timestamp": str(NOW // S + 3)}, 3),
        ({"retry_after": "7", "x_gate_ratelimit_reset_timestamp": str(NOW // S + 3)}, 7),
        ({"retry_after": "soon"}, 10),
        ({"retry_after": "100000"}, LONGEST_PAUSE_S),
        ({}, 10),
    ],
    ids=["retry-after", "reset", "both", "nonsense", "absurd", "no-headers"],
)
def test_too_many_requests_pause_their_endpoint_and_no_other(headers: dict[str, str], wait_s: float) -> None:
    clock = Clock()
    clock.answer(LISTING, 429, **headers)
    assert clock.delay(LISTING, urgent=True) == pytest.approx(wait_s)
    assert clock.delay(CANCEL, urgent=True) == clock.delay(("GET", "/options/positions")) == 0


def test_too_many_orders_without_a_word_of_how_long_pause_for_their_window_of_a_second() -> None:
    clock = Clock()
    clock.answer(PLACE, 429)
    assert clock.delay(PLACE) == pytest.approx(1)


def test_what_the_venue_says_is_left_of_a_window_holds() -> None:
    clock = Clock()
    clock.answer(LISTING, 200, x_gate_ratelimit_requests_remain="0", x_gate_ratelimit_reset_timestamp=str(NOW // S + 4))
    assert clock.delay(LISTING) == pytest.approx(4)
    clock.now += 4 * S
    assert clock.delay(LISTING) == 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancel_waits_for_no_query_and_no_order_however_many_stand_in_line(backend: str) -> None:
    async def crowd() -> tuple[float, float]:
        budgets = Budgets(VirtualClock().now)
        async with anyio.create_task_group() as tasks:
            for what in [LISTING] * 500 + [PLACE] * 500:
                tasks.start_soon(budgets.of(*what).acquire)
            await anyio.sleep(0.05)
            began = anyio.current_time()
            for what in (CANCEL, ("POST", "/options/countdown_cancel_all")):
                await budgets.of(*what).acquire(urgent=True)
            cancel_s = anyio.current_time() - began
            await budgets.of(*LISTING).acquire(urgent=True)
            look_up_s = anyio.current_time() - began
            tasks.cancel_scope.cancel()
        return cancel_s, look_up_s

    cancel_s, look_up_s = run_virtually(backend, crowd)
    assert cancel_s == 0
    assert look_up_s <= 0.1
