"""Orders whose outcome nobody told us."""

from __future__ import annotations

from strikeloop import OrderState, Origin
from strikeloop.session import Find
from strikeloop.session.unknown import Unknown
from tests.framework.session.stage import CALL, SECOND, order

UPDATE = order(OrderState.UNKNOWN, order_id=None)


def case() -> Unknown:
    unknown = Unknown()
    unknown.add("t-a-1", CALL, UPDATE, 0)
    return unknown


def tenths(until: float, since: float = 0) -> range:
    return range(round(since * SECOND), round(until * SECOND) + 1, SECOND // 10)


def test_the_first_look_up_comes_after_a_fifth_of_a_second() -> None:
    unknown = case()
    assert unknown.due(SECOND // 5 - 1) == []
    assert unknown.due(SECOND // 5) == [Find(CALL, "t-a-1")]


def test_an_order_whose_id_at_the_venue_is_known_is_looked_up_by_it() -> None:
    unknown = Unknown()
    unknown.add("t-a-1", CALL, order(OrderState.UNKNOWN, order_id="77"), 0)
    assert unknown.due(SECOND) == [Find(CALL, "t-a-1", "77")]


def test_an_order_the_venue_never_hears_of_is_absent_after_three_misses_over_thirty_seconds() -> None:
    unknown, misses, absent, when = case(), 0, None, 0
    for now in tenths(60):
        for find in unknown.due(now):
            misses += 1
            absent, when = unknown.missed(find.client_id or "", now), now
        if absent is not None:
            break
    assert absent is not None
    assert (absent.state, absent.origin, absent.client_id) == (OrderState.ABSENT, Origin.COMPUTED, "t-a-1")
    assert misses >= 3
    assert 30 * SECOND <= when <= 35 * SECOND
    assert "t-a-1" not in unknown


def test_one_look_up_is_on_its_way_at_a_time() -> None:
    unknown = case()
    assert unknown.due(SECOND) == [Find(CALL, "t-a-1")]
    assert unknown.due(20 * SECOND) == []


def test_look_ups_without_an_answer_prove_nothing_and_go_on() -> None:
    unknown, polls = case(), 0
    for now in tenths(120):
        for find in unknown.due(now):
            polls += 1
            unknown.failed(find.client_id or "", now)
    assert polls > 10
    assert unknown.missed("t-a-1", 121 * SECOND) is None
    assert "t-a-1" in unknown


def test_misses_in_quick_succession_after_a_long_silence_are_not_enough() -> None:
    unknown, absent, when = case(), None, 0
    for now in tenths(160, since=100):
        for find in unknown.due(now):
            absent, when = unknown.missed(find.client_id or "", now), now
        if absent is not None:
            break
    assert absent is not None
    assert when >= 130 * SECOND


def test_two_misses_are_not_enough_however_far_apart() -> None:
    unknown = case()
    for second in (1, 40):
        unknown.due(second * SECOND)
        assert unknown.missed("t-a-1", second * SECOND) is None
    unknown.due(60 * SECOND)
    assert unknown.missed("t-a-1", 60 * SECOND) is not None


def test_evidence_ends_the_case() -> None:
    unknown = case()
    assert not unknown.evidence("t-a-1")
    assert unknown.due(100 * SECOND) == []
    assert unknown.missed("t-a-1", 100 * SECOND) is None


def test_late_evidence_of_an_absent_order_is_noticed_once() -> None:
    unknown = case()
    for second in (1, 20, 40):
        unknown.due(second * SECOND)
        unknown.missed("t-a-1", second * SECOND)
    assert unknown.evidence("t-a-1")
    assert not unknown.evidence("t-a-1")


def test_evidence_of_an_order_nobody_doubted_is_nothing_special() -> None:
    assert not Unknown().evidence("t-a-1")


def test_a_failed_look_up_of_another_order_changes_nothing() -> None:
    unknown = case()
    unknown.failed("t-a-2", 0)
    assert unknown.due(SECOND) == [Find(CALL, "t-a-1")]


def test_a_failed_look_up_is_made_again_soon() -> None:
    unknown = case()
    unknown.due(20 * SECOND)
    unknown.failed("t-a-1", 20 * SECOND)
    assert unknown.due(20 * SECOND) == []
    assert unknown.due(21 * SECOND) == [Find(CALL, "t-a-1")]


def test_the_look_up_that_decides_comes_as_soon_as_it_may() -> None:
    unknown, absent, when = case(), None, 0
    for now in tenths(60):
        for find in unknown.due(now):
            if now < 2 * SECOND:
                unknown.failed(find.client_id or "", now)
            else:
                absent, when = unknown.missed(find.client_id or "", now), now
        if absent is not None:
            break
    assert when < 33 * SECOND


def test_a_second_doubt_of_one_order_takes_nothing_away_from_the_first() -> None:
    unknown, absent, when = case(), None, 0
    for now in tenths(60):
        if now == 20 * SECOND:
            unknown.add("t-a-1", CALL, UPDATE, now)
        for find in unknown.due(now):
            absent, when = unknown.missed(find.client_id or "", now), now
        if absent is not None:
            break
    assert when <= 31 * SECOND
