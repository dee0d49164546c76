"""CalendarRoller: the far leg stands before the near one is sold, and falls after it is bought back."""

from __future__ import annotations

from strikeloop_strategies import CalendarRoller
from tests.strategies.days import holdings, played, tags


def test_it_buys_far_sells_near_and_rolls_both() -> None:
    run = played(CalendarRoller(min_hours=6, look_every_s=600), daily=3)
    assert tags(run)[:2] == ["far", "near"]
    assert tags(run).count("near") >= 3
    assert not run.refusals


def test_it_is_never_short_without_the_same_strike_of_a_later_expiry() -> None:
    run = played(CalendarRoller(size=3, min_hours=6, look_every_s=600), daily=3)
    known = run.result.engine.portfolio.contracts
    shorts = 0
    for held in holdings(run):
        for near, size in held.items():
            if size < 0:
                shorts += 1
                later = [one for one in held if known[one].strike == known[near].strike and known[one].expiry > known[near].expiry]
                assert sum(held[one] for one in later) >= -size
    assert shorts


def test_with_one_expiry_there_is_no_spread() -> None:
    assert tags(played(CalendarRoller(look_every_s=600), hours=3, daily=1, weekly=0)) == []
