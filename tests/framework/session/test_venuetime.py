"""People are told that clocks differ, and nothing is traded while nobody knows by how much."""

from __future__ import annotations

import pytest

from strikeloop import AlertRaised, Event, GapClosed, GapOpened
from strikeloop.session import Prepare
from strikeloop.session.venuetime import VenueTime
from tests.framework.session.stage import SECOND, Stage

HOUR = 3_600 * SECOND


def told(known: VenueTime, offset_s: float | None, now_s: float = 0, *, is_doubtful: bool = False) -> tuple[list[Event], bool]:
    return known.told(None if offset_s is None else round(offset_s * SECOND), round(now_s * SECOND), is_doubtful=is_doubtful)


@pytest.mark.parametrize("offset_s", [None, 0, 4.9, -4.9])
def test_small_differences_are_not_worth_telling(offset_s: float | None) -> None:
    assert told(VenueTime("gate"), offset_s) == ([], False)


@pytest.mark.parametrize(("offset_s", "words"), [(3_600, "3600.0 s ahead of"), (-3_600, "3600.0 s behind")])
def test_a_large_difference_is_told_once_and_when_it_changes(offset_s: float, words: str) -> None:
    known = VenueTime("gate")
    ((alert,), _) = told(known, offset_s)
    assert isinstance(alert, AlertRaised)
    assert words in alert.text
    assert told(known, offset_s + 1) == ([], False)
    assert len(told(known, 0)[0]) == 1


def test_a_doubt_stops_orders_until_the_clock_is_measured_again() -> None:
    known = VenueTime("gate")
    (events, is_wanted) = told(known, 0, is_doubtful=True)
    assert [(type(event), event.port) for event in events if isinstance(event, GapOpened)] == [(GapOpened, "driver")]
    assert (is_wanted, known.shortcomings) == (True, ("the venue's time is not known",))
    assert told(known, 0, 4.9, is_doubtful=True) == ([], False)
    assert told(known, 0, 5, is_doubtful=True) == ([], True)
    assert [type(event) for event in told(known, 0, 6)[0]] == [GapClosed]


def test_a_session_asks_for_the_measurement_and_is_degraded_meanwhile() -> None:
    stage = Stage().ready()
    stage.session.clock_is(0, stage.now, is_doubtful=True)
    stage.listen()
    assert (stage.asked(Prepare), stage.session.state) == ([Prepare()], "degraded")
    stage.session.clock_is(HOUR, stage.now, is_doubtful=False)
    assert stage.listen().session.state == "ready"
