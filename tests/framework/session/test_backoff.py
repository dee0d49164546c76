"""When a lost connection is tried again."""

from __future__ import annotations

from random import Random

from strikeloop.session.backoff import Backoff

SECOND = 1_000_000_000


def waits(seed: int, count: int) -> list[int]:
    backoff = Backoff(Random(seed))
    return [backoff.down(0) for _ in range(count)]


def test_the_first_retry_comes_within_half_a_second() -> None:
    assert all(0 <= waits(seed, 1)[0] <= SECOND // 2 for seed in range(200))


def test_each_wait_lies_below_a_bound_that_doubles_up_to_thirty_seconds() -> None:
    bounds = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    for seed in range(200):
        assert all(0 <= wait <= bound * SECOND for wait, bound in zip(waits(seed, 9), bounds, strict=True))


def test_the_bound_does_not_overflow_after_many_failures() -> None:
    assert max(waits(1, 5_000)) <= 30 * SECOND


def test_a_thousand_instances_spread_their_sixth_retry() -> None:
    buckets: dict[int, int] = {}
    for seed in range(1_000):
        second = waits(seed, 6)[5] // SECOND
        buckets[second] = buckets.get(second, 0) + 1
    assert max(buckets.values()) <= 100


def test_five_minutes_of_refusals_cost_at_most_forty_five_attempts() -> None:
    for seed in range(200):
        backoff, now, attempts = Backoff(Random(seed)), 0, 0
        while now < 300 * SECOND:
            attempts += 1
            now += backoff.down(now)
        assert attempts <= 45


def test_failures_are_forgotten_after_thirty_seconds_of_health() -> None:
    backoff = Backoff(Random(1))
    for _ in range(6):
        backoff.down(0)
    backoff.up(0)
    assert backoff.down(30 * SECOND) <= SECOND // 2


def test_failures_are_remembered_when_health_was_short() -> None:
    longest = 0
    for seed in range(100):
        backoff = Backoff(Random(seed))
        for _ in range(6):
            backoff.down(0)
        backoff.up(0)
        longest = max(longest, backoff.down(30 * SECOND - 1))
    assert longest > 16 * SECOND


def test_health_counts_from_the_first_moment_of_a_connection() -> None:
    backoff = Backoff(Random(1))
    for _ in range(6):
        backoff.down(0)
    backoff.up(0)
    backoff.up(29 * SECOND)
    assert backoff.down(31 * SECOND) <= SECOND // 2


def test_a_thousand_that_fail_together_try_for_the_sixth_time_apart() -> None:
    waited = [Backoff(Random(seed)) for seed in range(1_000)]
    sixth = [sum(backoff.down(0) for _ in range(6)) // SECOND for backoff in waited]
    assert max(sixth.count(second) for second in set(sixth)) <= 100
