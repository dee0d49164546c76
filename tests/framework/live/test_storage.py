"""A disk that is full, broken or read-only while a run goes on: nothing opens unjournalled, cancels leave, and the run ends in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from errno import EROFS
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from strikeloop import (
    AlertRaised,
    Approved,
    Command,
    Desk,
    Event,
    GapClosed,
    GapOpened,
    HaltUpdated,
    StorageError,
    SubmitOrder,
    hookimpl,
    plugin,
)
from strikeloop.engine import Plugin
from strikeloop.journal import Journal, JournalBook, Row, RunFolder
from strikeloop.live import status_of
from strikeloop.replay import Divergence, replay
from strikeloop.settings import event_from_record
from tests.framework.live.disk import Disk, NoDiskError, disk
from tests.framework.live.stage import CALL, PATIENCE_S, Notes, Stage, until

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks come as fast as they can, and a run that ends waits for a disk that others keep busy, too."""
    monkeypatch.setattr("strikeloop.live.run.TICK_S", 0.001)
    monkeypatch.setattr("strikeloop.live.run.STOP_S", PATIENCE_S)


FULL = "cannot write journal.sqlite: database or disk is full"


class FullDisk(Notes):
    """A book that can be written while `is_full` is not set."""

    is_full = False

    async def intents(self, approved: Sequence[Approved[Command]]) -> None:
        await super().intents(approved) if not self.is_full else self._fail()

    async def flush(self) -> None:
        await super().flush()
        if self.is_full:
            self._fail()

    def _fail(self) -> None:
        raise StorageError(FULL)


def full(**options: Any) -> tuple[Stage, FullDisk]:
    book = FullDisk()
    return Stage(book=book, **options), book


async def test_an_order_whose_intent_is_not_on_disk_does_not_leave() -> None:
    stage, book = full()
    async with stage.running():
        book.is_full = True
        order = stage.buy()
        await until(lambda: stage.state(order) == "rejected")
        assert stage.account.asked("submit") == []
        assert stage.engine.orders.get(order).reason == f"not sent: {FULL}"  # type: ignore[union-attr]  # it is there


async def test_nothing_is_opened_people_are_told_once_and_cancels_leave() -> None:
    stage, book = full()
    async with stage.running():
        order = stage.buy()
        await until(lambda: stage.state(order) == "open")
        book.is_full = True
        await until(lambda: stage.said(GapOpened))
        await stage.settle()
        assert stage.state(stage.buy()) == ""
        assert status_of(stage.live)["state"] == "degraded"
        stage.cancel(order)
        await until(lambda: stage.state(order) == "canceled")
        assert [alert.severity.value for alert in stage.said(AlertRaised) if alert.topic == "storage"] == ["critical"]
        book.is_full = False


async def test_a_disk_that_has_room_again_ends_the_trouble() -> None:
    stage, book = full()
    async with stage.running():
        book.is_full = True
        await until(lambda: stage.said(GapOpened))
        book.is_full = False
        await until(lambda: stage.said(GapClosed))
        order = stage.buy()
        await until(lambda: stage.state(order) == "open")
    assert stage.live.ending.cause == "stop"


async def test_a_disk_that_stays_full_ends_the_run_after_its_orders_are_withdrawn() -> None:
    stage, book = full()
    async with stage.running():
        order = stage.buy()
        await until(lambda: stage.state(order) == "open")
        book.is_full = True
        await stage.pass_until(lambda: stage.live.ending.cause == "storage")
    assert stage.state(order) == "canceled"
    assert [told.cause for told in stage.trader.heard if isinstance(told, HaltUpdated)][:1] == ["storage"]
    assert (stage.live.ending.cause, stage.live.ending.reason) == ("storage", FULL)


async def test_an_amendment_that_is_not_on_disk_leaves_the_order_as_it_is() -> None:
    stage, book = full()
    async with stage.running():
        order = stage.buy(3, 7)
        await until(lambda: stage.state(order) == "open")
        book.is_full = True
        stage.do(lambda desk: desk.amend(order, price=8))
        await until(lambda: not stage.engine.orders.get(order).is_amending)  # type: ignore[union-attr]  # it is there
        assert stage.account.asked("amend") == []
        assert stage.engine.orders.get(order).price == 7  # type: ignore[union-attr]  # it is there
        book.is_full = False


async def test_a_venue_in_this_process_gets_no_order_that_is_not_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.live.run.STOP_S", 0.0)  # nobody moves the venue's time on at the end
    stage, book = full(paper=True)
    async with stage.running(started=False):
        await until(lambda: stage.live.feeds["venue"].session.state == "ready")
        stage.feed.say("quotes", stage.quote())
        await stage.pass_until(lambda: stage.live.started)
        resting = stage.buy(1, 3)
        await stage.pass_until(lambda: stage.state(resting) == "open")
        book.is_full = True
        order = stage.buy(1, 6)
        stage.do(lambda desk: desk.amend(resting, price=4))
        await until(lambda: stage.state(order) == "rejected" and not stage.engine.orders.get(resting).is_amending)  # type: ignore[union-attr]  # it is there
        assert stage.engine.orders.get(resting).price == 3  # type: ignore[union-attr]  # it is there
        book.is_full = False


# ---- every write -----------------------------------------------------------------------------------------------------


class Failing(Journal):
    """A journal of which some writes fail: `fails` is asked with the number of each, from 1."""

    fails: Callable[[int], bool]
    writes = 0

    def append(self, rows: Iterable[Row]) -> None:
        self.writes += 1
        if self.writes > 1 and self.fails(self.writes - 1):  # the first writes the header
            raise StorageError(FULL)
        super().append(rows)


class OnDisk(JournalBook):
    """A book on disk that counts like one in memory."""

    flushes = 0

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.events: list[Event] = []
        self.sent: list[str] = []

    def inputs(self, events: Sequence[Event]) -> None:
        self.events += events
        super().inputs(events)

    async def flush(self) -> None:
        self.flushes += 1
        await super().flush()


async def a_second(stage: Stage) -> None:
    """A second passes, with two ticks, or the run ends."""
    before = stage.notes.flushes
    stage.clock.pass_s(1)
    await until(lambda: stage.notes.flushes >= before + 2 or stage.live.ending.cause == "storage")


def once(k: int, write: int) -> bool:
    return write == k


def from_then_on(k: int, write: int) -> bool:
    return write >= k


@pytest.mark.parametrize("k", range(1, 13))
@pytest.mark.parametrize("how", [once, from_then_on])
async def test_whichever_write_fails_no_order_is_unjournalled_and_the_journal_replays(
    tmp_path: Path, k: int, how: Callable[[int, int], bool]
) -> None:
    Failing.fails = staticmethod(partial(how, k))
    with Failing.create(tmp_path / "journal.sqlite", {"tag": "a"}) as journal:
        stage = Stage(book=OnDisk(journal))
        async with stage.running():
            for _ in range(4):
                order = stage.buy()
                await until(lambda order=order: stage.state(order) not in ("pending", "sent"))  # type: ignore[misc]  # its own
                await a_second(stage)
            for _ in range(7):
                await a_second(stage)
        assert stage.live.ending.cause == ("storage" if how is from_then_on else "stop")
        assert [order for order in stage.account.orders.values() if not order.state.is_terminal] == []
        submitted = [command.client_id for command in stage.account.asked("submit") if isinstance(command, SubmitOrder)]
        assert len(set(submitted)) == len(submitted)
        assert journal.verify() > 0
        assert set(submitted) <= {row.key for row in journal.rows("intent")}
        assert _replayed(journal) is None


# ---- a real disk -----------------------------------------------------------------------------------------------------


async def test_a_disk_that_turns_read_only_stops_what_opens_says_so_and_loses_nothing_it_had(tmp_path: Path) -> None:
    try:
        with disk(tmp_path) as real:
            await _on(real)
    except NoDiskError as reason:
        pytest.skip(f"no disk can be made to fail here: {reason}")


async def _on(real: Disk) -> None:
    folder = RunFolder(real.path)
    path = folder.journal
    folder.write("config.toml", "[run]\n")
    with Journal.create(path, {"tag": "a"}) as journal:
        stage = Stage(book=OnDisk(journal))
        async with stage.running():
            order = stage.buy()
            await until(lambda: stage.state(order) == "open")
            await stage.settle()
            kept = list(journal.rows())
            real.breaks()
            late = stage.buy()
            await until(lambda: stage.state(late) == "rejected")
            await until(lambda: stage.said(GapOpened))
            assert stage.state(stage.buy()) == ""
            await stage.pass_until(lambda: stage.live.ending.cause == "storage")
        assert [command.client_id for command in stage.account.asked("submit")] == [order]
        assert stage.state(order) == "canceled"
        assert [alert.severity.value for alert in stage.said(AlertRaised) if alert.topic == "storage"] == ["critical"]
        assert stage.live.ending.reason == f"cannot write {path}: [Errno {EROFS}] Read-only file system"
    real.mends()
    assert folder.config.read_text() == "[run]\n"
    with Journal.open(path) as journal:
        assert list(journal.rows()) == kept
        assert [row.key for row in journal.rows("intent")] == [order]
        assert _replayed(journal) is None


@plugin
class Repeating:
    """Does at each word what the trader of the stage was told to do."""

    @hookimpl
    def on_alert(self, event: AlertRaised, desk: Desk) -> None:
        if event.topic == "go":
            desk.buy(CALL, 1, 5)


def _replayed(journal: Journal) -> Divergence | None:
    """The first command on record that the inputs on record do not lead to."""
    commands = [{k: v for k, v in row.body.items() if k not in ("instance", "approved")} for row in journal.rows("intent")]
    inputs = [event_from_record(row.body) for row in journal.rows("input")]
    found = replay([Plugin(name="trader", kind="strategy", plugin=Repeating())], inputs, commands, tag="a", seed=0).divergence
    return found if found is not None and found.recorded is not None else None
