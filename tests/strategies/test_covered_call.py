"""CoveredCall: nothing is sold that is not covered, and what is sold is bought back before it ends."""

from __future__ import annotations

from strikeloop_strategies import CoveredCall
from tests.strategies.days import holdings, played, tags


def test_it_covers_then_writes_and_rolls_before_each_expiry() -> None:
    run = played(CoveredCall(size=2, look_every_s=600))
    assert tags(run) == ["cover", "write", "roll", "write"]
    assert not run.refusals


def test_what_is_sold_is_covered_by_a_lower_call_that_outlives_it() -> None:
    run = played(CoveredCall(size=2, look_every_s=600))
    known = run.result.engine.portfolio.contracts
    seen = 0
    for held in holdings(run):
        long = {known[contract]: size for contract, size in held.items() if size > 0}
        for contract, size in held.items():
            if size < 0:
                seen += 1
                cover = sum(
                    size for one, size in long.items() if one.strike < known[contract].strike and one.expiry > known[contract].expiry
                )
                assert cover >= -size
    assert seen


def test_where_no_nearer_expiry_is_listed_it_only_holds_the_cover() -> None:
    assert tags(played(CoveredCall(look_every_s=600), hours=3, daily=1, weekly=0)) == ["cover"]
