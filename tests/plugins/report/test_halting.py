"""The section of the kill switch: who pulled it, what came of it and when; nothing where nobody did."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop_report import render
from strikeloop_report.halting import engagements, kill_switch, standing
from tests.plugins.report.sample import SECOND, START, result

HALT: dict[str, Any] = {"cause": "risk", "by": "loss-limits", "reason": "lost <1,000>", "since": START + SECOND, "left": []}
FLATTEN = {"cancel": True, "flatten": True}
ORDER = {"instance": "maker", "contract": "C", "size": "2", "price": "463", "filled": "0", "fill_price": "0", "client_id": "t-a-maker-1"}


def change(state: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {**HALT, "state": state, "time": START + round(seconds * SECOND), **more}


def order(placed: float, updated: float, **more: Any) -> dict[str, Any]:
    return {**ORDER, "state": "canceled", "time": START + round(placed * SECOND), "updated": START + round(updated * SECOND), **more}


FLAT = [change("halted", 1), change("canceling", 1.5, **FLATTEN), change("reducing", 2, **FLATTEN), change("flat", 4.25, **FLATTEN)]


def section(changes: list[dict[str, Any]], *orders: dict[str, Any]) -> str:
    (found,) = kill_switch(result(halt_list=changes, order_list=list(orders)))
    return "".join(str(part) for part in found.body)


@pytest.mark.parametrize("changes", [[], None, [change("armed", 3, by="anna")]])
def test_where_nobody_pulled_it_there_is_no_section(changes: Any) -> None:
    quiet = result(halt_list=changes)
    assert kill_switch(quiet) == []
    assert standing(quiet) is None
    assert "kill switch" not in render(quiet)


def test_it_tells_who_pulled_it_when_and_why() -> None:
    told = section(FLAT)
    assert (
        "<b>lost &lt;1,000&gt;</b>. Pulled at 2026-06-01 00:00:01.000 UTC by loss-limits; cause: risk; asked to open nothing more." in told
    )


def test_it_tells_each_state_with_the_time_since_it_was_pulled_and_what_was_asked_for_later() -> None:
    told = section([*FLAT[:2], {**FLAT[2], "left": ["one", "two"]}, FLAT[3]])
    assert [told.index(part) for part in (">halted<", ">canceling<", "0.5 s", ">reducing<", ">1 s<", ">flat<", "3.25 s")]
    assert told.count("asked to withdraw orders and close positions") == 1
    assert "2 still there" in told
    assert "<li>" not in told


def test_it_lists_the_orders_that_ended_while_it_withdrew_them() -> None:
    withdrawn, before, later = order(0.5, 1.75, client_id="a"), order(0.5, 1.25, client_id="b"), order(1.75, 2, client_id="c")
    filled = order(0.5, 1.75, state="filled", client_id="d")
    told = section(FLAT, withdrawn, before, later, filled)
    assert "Withdrawn <small>1</small>" in told
    assert [client_id for client_id in "abcd" if f"<td>{client_id}</td>" in told] == ["a"]


def test_where_it_only_halted_nothing_was_withdrawn() -> None:
    assert "Withdrawn" not in section(FLAT[:1], order(0.5, 1.75))


def test_it_lists_its_own_orders_with_what_they_got() -> None:
    own = order(2, 2.5, instance="killswitch", state="filled", filled="-2", fill_price="455")
    told = section(FLAT, own)
    assert "Reduce-only orders of its own <small>1</small>" in told
    assert all(part in told for part in (">463<", ">455<", ">−2<", ">filled<"))
    assert "Withdrawn" not in told


def test_what_it_gave_up_is_listed_also_after_the_reset() -> None:
    gave_up = change("gave-up", 300, **FLATTEN, left=["C is +2: nobody bids <b>"])
    for changes in ([*FLAT[:3], gave_up], [*FLAT[:3], gave_up, change("armed", 400, by="anna", reason="looked at")]):
        assert "<li>C is +2: nobody bids &lt;b&gt;</li>" in section(changes)
    assert "reset by anna: looked at" in section(changes)


def test_a_halt_of_an_earlier_run_is_told_as_one() -> None:
    assert "before this run began" in section([change("halted", 0, since=START - SECOND)])
    assert "before this run began" not in section(FLAT)


def test_each_engagement_stands_alone() -> None:
    again = change("halted", 20, since=START + 20 * SECOND, reason="again")
    changes = [*FLAT, change("armed", 10, by="anna"), again]
    assert [len(one.changes) for one in engagements(changes)] == [5, 1]
    told = section(changes, order(0.5, 1.75), order(0.5, 15, client_id="late"))
    assert told.count("<h3>At 2026-06-01") == 2
    assert "Withdrawn <small>1</small>" in told
    assert standing(result(halt_list=changes)) == ('<span class="chip bad">halted</span>', "risk, at 00:00:20")
