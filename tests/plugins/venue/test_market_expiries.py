"""The specification of strikeloop_venue.market.expiries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop_venue.market.expiries import DAY, SECOND, Cycle, datetime_of, next_rollover, tag

COUNTS = st.integers(0, 9)
MOMENTS = st.integers(1_704_067_200, 1_893_456_000).map(lambda second: second * SECOND)


def ns(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * SECOND


def at(text: str) -> int:
    return ns(datetime.fromisoformat(text))


def days(cycle: Cycle, now: str) -> list[str]:
    return [f"{datetime_of(expiry):%m-%d}" for expiry in cycle.expiries(at(now))]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-06-01T00:00", ["06-01", "06-02", "06-05", "06-12", "06-26"]),
        ("2026-06-01T08:00", ["06-02", "06-03", "06-05", "06-12", "06-26"]),
        ("2026-06-03T08:00", ["06-04", "06-05", "06-12", "06-19", "06-26"]),
        ("2026-06-10T08:00", ["06-11", "06-12", "06-19", "06-26", "07-31"]),
        ("2026-12-30T12:00", ["12-31", "01-01", "01-08", "01-15", "01-29"]),
    ],
)
def test_days_come_first_then_fridays_then_last_fridays(now: str, expected: list[str]) -> None:
    assert days(Cycle(daily=2, weekly=2, monthly=1), now) == expected


@given(MOMENTS, COUNTS, COUNTS, COUNTS)
def test_every_expiry_lies_ahead_at_eight_and_their_number_never_changes(now: int, daily: int, weekly: int, monthly: int) -> None:
    expiries = Cycle(daily=daily, weekly=weekly, monthly=monthly).expiries(now)
    assert len(set(expiries)) == len(expiries) == daily + weekly + monthly
    assert sorted(expiries) == list(expiries)
    assert all(expiry > now and datetime_of(expiry).time().isoformat() == "08:00:00" for expiry in expiries)


@given(MOMENTS, COUNTS, COUNTS, COUNTS, st.integers(1, 40))
def test_an_expiry_once_listed_stays_until_it_comes(now: int, daily: int, weekly: int, monthly: int, later: int) -> None:
    cycle, then = Cycle(daily=daily, weekly=weekly, monthly=monthly), now + later * DAY
    assert {expiry for expiry in cycle.expiries(now) if expiry > then} <= set(cycle.expiries(then))


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-06-01T07:59:59", "2026-06-01T08:00"), ("2026-06-01T08:00", "2026-06-02T08:00"), ("2026-06-01T23:00", "2026-06-02T08:00")],
)
def test_the_next_rollover_is_the_next_eight_o_clock(now: str, expected: str) -> None:
    assert next_rollover(at(now)) == at(expected)


@pytest.mark.parametrize(
    ("expiry", "word"),
    [("2026-06-25T08:00", "day"), ("2026-06-26T08:00", "month"), ("2026-06-19T08:00", "week"), ("2026-07-31T08:00", "month")],
)
def test_the_tag_is_the_longest_period_the_expiry_ends(expiry: str, word: str) -> None:
    assert tag(at(expiry)) == word
