"""What others ask of the kill switch of a running process, and what is kept of it."""

from __future__ import annotations

import pytest

from strikeloop import AlertRaised, HaltRequested, HaltReset, HaltState, HaltUpdated, StorageError
from strikeloop.journal import Asked, HaltNote
from strikeloop.killswitch import HaltSettings
from strikeloop.live import Halting, status_of
from tests.framework.live.stage import Stage, until

NOTE = HaltNote(time=0, mode="live", run="r1", state="reducing", cause="risk", by="drawdown", reason="12 %", cancel=True, flatten=True)


def told(state: HaltState = HaltState.HALTED) -> HaltUpdated:
    return HaltUpdated(time=0, received=0, state=state, cause="risk", by="drawdown", reason="12 %")


def test_a_request_is_made_once_and_again_when_it_is_written_again() -> None:
    asked = [Asked(reason="news", by="anna", mark=5, cancel=True)]
    halting = Halting(asked=lambda: asked[0])
    (event,) = halting.from_outside(7)
    assert event == HaltRequested(time=7, received=7, cause="command", by="anna", reason="news", cancel=True)
    assert halting.from_outside(8) == []
    asked[0] = Asked(reason="news", by="anna", mark=6, flatten=True)
    assert len(halting.from_outside(9)) == 1


def test_a_reset_comes_before_a_halt_that_is_written_after_it() -> None:
    halting = Halting(asked=lambda: Asked(reason="a", by="x", mark=6), reset=lambda: Asked(reason="b", by="y", mark=5))
    assert [type(event) for event in halting.from_outside(7)] == [HaltReset, HaltRequested]
    assert halting.heard == 6


def test_a_reset_that_cannot_be_read_arms_nothing() -> None:
    assert Halting(reset=lambda: Asked(reason="", by="RESET", mark=-1)).from_outside(7) == []


@pytest.mark.parametrize(
    ("state", "flatten"), [("halted", True), ("canceling", True), ("reducing", True), ("flat", False), ("gave-up", False)]
)
def test_the_next_run_begins_halted_says_why_and_finishes_what_was_begun(state: str, flatten: bool) -> None:
    note = HaltNote(time=0, mode="live", run="r1", state=state, cause="risk", by="drawdown", reason="12 %", cancel=True, flatten=True)
    (event,) = Halting(standing=note).from_earlier(3)
    assert (event.cause, event.by, event.cancel, event.flatten) == ("restart", "drawdown", True, flatten)
    assert event.reason == "12 % (run r1, 1970-01-01 00:00:00 UTC); it holds until: strikeloop halt --reset"


def test_a_halt_that_outlives_several_runs_does_not_grow() -> None:
    (event,) = Halting(standing=NOTE).from_earlier(3)
    second = HaltNote(time=9, mode="live", run="r2", state="halted", cause="restart", by=event.by, reason=event.reason)
    assert Halting(standing=second).from_earlier(4)[0].reason == event.reason


def test_a_state_that_cannot_be_noted_is_tried_again_and_told_once() -> None:
    kept: list[str] = []
    full = [True]

    def keep(event: HaltUpdated) -> None:
        if full[0]:
            raise StorageError("disk full")
        kept.append(event.state.value)

    halting = Halting(keep=keep)
    halting.see(told())
    halting.see(told(HaltState.FLAT))
    assert [alert.text for alert in halting.troubles(1)] == ["the next run will not know of this halt: disk full"]
    assert halting.troubles(2) == []
    full[0] = False
    assert halting.troubles(3) == []
    assert kept == ["halted", "flat"]


# ---- in a run --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_run_begins_halted_where_an_earlier_one_was_and_closes_what_it_held() -> None:
    stage = Stage(halting=Halting(standing=NOTE))
    async with stage.running():
        assert status_of(stage.live)["state"] == "halted"
        assert stage.state(stage.buy()) == ""
        await until(lambda: status_of(stage.live)["halt"]["state"] == "flat")
    assert stage.live.ending.cause == "halt"


@pytest.mark.anyio
async def test_a_run_ends_when_it_is_done_where_the_settings_say_so() -> None:
    stage = Stage(settings=HaltSettings(end_run=True))
    async with stage.running():
        stage.live.halt("signal", "SIGUSR1", "by hand", cancel=True)
        await until(lambda: stage.live.ending.cause == "halt")
    assert stage.live.ending.reason == "halted and every order withdrawn, by SIGUSR1: by hand"
    assert [alert.severity.value for alert in stage.trader.heard if isinstance(alert, AlertRaised)] == ["critical", "warning"]


@pytest.mark.anyio
async def test_what_is_asked_for_at_the_last_moment_counts() -> None:
    stage = Stage()
    async with stage.running():
        stage.live.stop("terminate", "asked to terminate")
        stage.halt = "news"
    assert (stage.live.ending.cause, stage.live.ending.reason) == ("halt", "halted, by anna: news")
