"""The pace of requests: bursts, refill, the share for urgent ones, and the venue's own window."""

from __future__ import annotations

import random

import anyio
import attrs
import pytest

from strikeloop.errors import ConfigError
from strikeloop.wire import RateLimiter

S = 1_000_000_000


def spend(limiter: RateLimiter, now_ns: int, *, urgent: bool = False) -> int:
    """How many requests may leave at once."""
    count = 0
    while limiter.delay(now_ns, urgent) == 0:
        limiter.take(now_ns)
        count += 1
    return count


def test_a_burst_is_the_rate_less_the_reserve_and_urgent_requests_have_the_rest() -> None:
    limiter = RateLimiter(200, 10.0, reserve=0.1)
    assert spend(limiter, 0) == 180
    assert spend(limiter, 0, urgent=True) == 20


def test_the_bucket_refills_evenly_and_not_beyond_its_rate() -> None:
    limiter = RateLimiter(10, 1.0, reserve=0.0)
    assert spend(limiter, 0) == 10
    assert limiter.delay(0) == pytest.approx(0.1)
    assert spend(limiter, S // 2) == 5
    assert spend(limiter, 100 * S) == 10


def test_after_the_delay_that_was_named_the_request_may_leave() -> None:
    limiter = RateLimiter(7, 3.0, reserve=0.3)
    now = 0
    for _ in range(1_000):
        now += round(limiter.delay(now) * S) + 1
        assert limiter.delay(now) == 0
        limiter.take(now)


def test_asking_for_the_delay_spends_nothing() -> None:
    limiter = RateLimiter(1, 1.0)
    assert [limiter.delay(0) for _ in range(5)] == [0.0] * 5


def test_a_rate_of_one_still_lets_ordinary_requests_through() -> None:
    limiter = RateLimiter(1, 1.0, reserve=0.5)
    assert spend(limiter, 0) == 1
    assert limiter.delay(0) == pytest.approx(1.0)


def test_no_stretch_of_time_sees_more_than_a_burst_and_its_refill() -> None:
    rng = random.Random(7)
    limiter = RateLimiter(20, 2.0, reserve=0.2)
    now, left = 0, []
    for _ in range(5_000):
        now += rng.randrange(S // 5)
        urgent = rng.random() < 0.3
        if limiter.delay(now, urgent) == 0:
            limiter.take(now)
            left.append(now)
    for first in range(len(left) - 41):
        assert left[first + 41] - left[first] >= 2 * S


def test_a_clock_set_back_does_not_stop_the_refill() -> None:
    limiter = RateLimiter(10, 1.0, reserve=0.0)
    assert spend(limiter, 3_600 * S) == 10
    assert limiter.delay(0) == pytest.approx(0.1)
    assert limiter.delay(S // 10) == 0


def test_what_the_venue_says_is_left_holds_until_its_reset() -> None:
    limiter = RateLimiter(100, 1.0, reserve=0.0)
    limiter.restrict(3, 5 * S)
    assert spend(limiter, S) == 3
    assert limiter.delay(S) == pytest.approx(4.0)
    assert limiter.delay(S, urgent=True) == pytest.approx(4.0)
    assert spend(limiter, 5 * S) == 100


def test_the_reserve_also_holds_in_the_venues_window() -> None:
    limiter = RateLimiter(100, 1.0, reserve=0.1)
    limiter.restrict(12, 5 * S)
    assert spend(limiter, 0) == 2
    assert spend(limiter, 0, urgent=True) == 10


def test_answers_out_of_order_do_not_loosen_the_limit() -> None:
    limiter = RateLimiter(100, 1.0, reserve=0.0)
    limiter.restrict(3, 5 * S)
    limiter.restrict(9, 5 * S)
    limiter.restrict(50, 4 * S)
    assert spend(limiter, 0) == 3


def test_a_new_window_replaces_the_old_one() -> None:
    limiter = RateLimiter(100, 1.0, reserve=0.0)
    limiter.restrict(0, 2 * S)
    limiter.restrict(5, 4 * S)
    assert spend(limiter, 0) == 5


def test_the_venue_saying_that_much_is_left_does_not_loosen_our_own_limit() -> None:
    limiter = RateLimiter(10, 1.0, reserve=0.0)
    limiter.restrict(1_000, 5 * S)
    assert spend(limiter, 0) == 10


@pytest.mark.parametrize(
    ("rate", "per_s", "reserve"), [(0, 1.0, 0.1), (10, 0.0, 0.1), (10, 1.0, 1.0), (10, 1.0, -0.1), (10, float("nan"), 0.1)]
)
def test_a_limit_that_leaves_nothing_to_spend_is_refused(rate: int, per_s: float, reserve: float) -> None:
    with pytest.raises(ConfigError, match="rate limit"):
        RateLimiter(rate, per_s, reserve=reserve)


@attrs.define
class HandClock:
    now: int = 0

    def __call__(self) -> int:
        return self.now


@pytest.mark.anyio
async def test_an_urgent_request_does_not_wait_behind_ordinary_ones() -> None:
    clock = HandClock()
    limiter = RateLimiter(10, 3_600.0, reserve=0.1, clock=clock)
    async with anyio.create_task_group() as tasks:
        for _ in range(9):
            await limiter.acquire()
        for _ in range(20):
            tasks.start_soon(limiter.acquire)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(1):
            await limiter.acquire(urgent=True)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_cancelled_wait_spends_nothing() -> None:
    limiter = RateLimiter(1, 3_600.0, reserve=0.0, clock=HandClock())
    await limiter.acquire()
    with anyio.move_on_after(0.01) as scope:
        await limiter.acquire()
    assert scope.cancelled_caught
    assert spend(limiter, 3_600 * S) == 1


@pytest.mark.anyio
async def test_those_who_wait_leave_in_the_order_in_which_they_came() -> None:
    limiter = RateLimiter(200, 1.0, reserve=0.0)
    served: list[int] = []

    async def ask(number: int) -> None:
        await limiter.acquire()
        served.append(number)

    for _ in range(200):
        await limiter.acquire()
    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(ask, number)
            await anyio.wait_all_tasks_blocked()
    assert served == list(range(4))
