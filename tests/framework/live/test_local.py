"""A venue inside this process under the clock of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import pytest

from strikeloop import Approved, CancelOrder, Contract, Event, Quoted, TickerUpdated
from strikeloop.live import LocalVenue
from strikeloop.testing import ManualClock
from strikeloop.testing.scripted import START_NS
from tests.framework.live.stage import CALL, CONTRACT, SECOND, until

pytestmark = pytest.mark.anyio


def quoted(second: float) -> Quoted:
    at = START_NS + round(second * SECOND)
    return Quoted(time=at, received=at, contract=CALL, bid=4.0, ask=6.0, bid_size=1, ask_size=1)


def response(second: float) -> TickerUpdated:
    at = START_NS + round(second * SECOND)
    return TickerUpdated(time=at, received=at, contract=CALL, mark_price=5.0)


class Echo:
    """A venue that notes what it is told, and answers each command a second later."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []
        self.due: list[TickerUpdated] = []

    feed = None

    def report(self) -> dict[str, Any]:
        return {}

    def on_market(self, event: Event) -> None:
        self.log.append(("market", event.time))

    def on_command(self, approved: Approved[Any], now: int) -> None:
        self.log.append(("command", now))
        self.due.append(response((now - START_NS) / SECOND + 1))

    def advance(self, now: int) -> Sequence[Event]:
        self.log.append(("advance", now))
        told = [event for event in self.due if event.time <= now]
        self.due = [event for event in self.due if event.time > now]
        return told

    def next_time(self) -> int | None:
        return self.due[0].time if self.due else None

    def snapshot(self, now: int) -> Any:
        raise NotImplementedError

    def contracts(self) -> tuple[Contract, ...]:
        return (CONTRACT,)


class Quotes:
    def __init__(self, *seconds: float) -> None:
        self.seconds = seconds

    def contracts(self) -> tuple[Contract, ...]:
        return (CONTRACT,)

    def events(self) -> Iterator[Event]:
        return map(quoted, self.seconds)

    def content_hash(self) -> str:
        return "quotes"


COMMAND: Approved[Any] = Approved(CancelOrder(client_id="t-a-1", contract=CALL), "a", 0)


class Stage:
    def __init__(self, source: Quotes | None = None) -> None:
        self.clock, self.echo, self.heard = ManualClock(), Echo(), list[Event]()
        self.venue = LocalVenue("venue", self.echo, self.clock, self.heard.extend, source)


def test_it_lists_what_the_venue_trades() -> None:
    assert Stage().venue.contracts() == (CONTRACT,)


def test_to_a_paper_venue_the_market_moves_when_we_hear_of_it() -> None:
    stage = Stage()
    stage.venue.on_market(Quoted(time=1, received=START_NS + 5, contract=CALL, bid=4.0, ask=6.0, bid_size=1, ask_size=1))
    assert stage.echo.log == [("market", START_NS + 5)]


def test_a_command_leaves_now_and_its_answer_is_heard_in_its_time() -> None:
    stage = Stage()
    stage.venue.put(COMMAND)
    stage.venue.catch_up()
    assert stage.heard == []
    stage.clock.pass_s(1)
    stage.venue.catch_up()
    assert stage.heard == [response(1)]


def test_catching_up_plays_the_market_and_the_venue_in_the_order_of_time() -> None:
    stage = Stage(Quotes(0.5, 1, 1.5, 9))
    stage.venue.put(COMMAND)
    stage.clock.pass_s(2)
    stage.venue.catch_up()
    assert stage.heard == [quoted(0.5), quoted(1), response(1), quoted(1.5)]


def test_the_venue_hears_of_the_market_after_the_client() -> None:
    stage = Stage(Quotes(1))
    stage.clock.pass_s(1)
    stage.venue.catch_up()
    at = START_NS + SECOND
    assert stage.echo.log == [("advance", at - 1), ("market", at), ("advance", at)]


async def test_a_running_venue_answers_as_time_goes_by() -> None:
    stage = Stage(Quotes(1, 2, 500))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.venue.run)
        await until(lambda: ("advance", START_NS) in stage.echo.log)
        assert stage.heard == []
        stage.clock.pass_s(2)
        await until(lambda: len(stage.heard) == 2)
        stage.venue.put(COMMAND)
        stage.clock.pass_s(1)
        await until(lambda: len(stage.heard) == 3)
        tasks.cancel_scope.cancel()
    assert stage.heard[-1] == response(3)
