"""The Gate adapter on the simulated venue keeps the contract too, and one play gives the same events on either kind of books."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from strikeloop import Event, Filled, OrderState, OrderUpdated, PositionUpdated
from strikeloop.testing import KEY, SECRET
from strikeloop.testing.suite.checks import check
from strikeloop.testing.suite.play import Play, Run
from strikeloop.testing.suite.trading import Trading
from strikeloop.testing.suite.truth import Truth
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from tests.conformance.simulated_books import SimulatedBooks
from tests.plugins.gate.gate_spelling import GateSpelling

MOMENT = tuple[Any, ...]


class Unpaged(GateSpelling):
    """Pages are the server's, and not what is tested here."""

    page = 0


class TestSimulatedVenue(Truth, Trading):
    """The groups in which the venue decides something."""

    spelling = Unpaged()
    books = SimulatedBooks
    backends = ("asyncio",)

    def adapter(self) -> Gate:
        return Gate(key=Secret(KEY), secret=Secret(SECRET))


class Both(Truth):
    """One play, and what a strategy hears of it."""

    spelling = GateSpelling()

    def __init__(self) -> None:
        self.heard: list[MOMENT] = []

    def adapter(self) -> Gate:
        return Gate(key=Secret(KEY), secret=Secret(SECRET))

    @check()
    async def test_play(self, play: Play) -> None:
        """An order trades in two parts, one is amended and canceled, one takes, one finds nothing, one is refused."""
        async with play.running() as run:
            books, ids = play.venue.books, []
            for price in (100, 90):
                ids.append(run.buy(3, price))
                await run.until(partial(_is, run, ids[-1], "open"), "open", "")
            for size in (1, 2):
                books.trade(books.listed(is_open=True)[0], size)
                await run.until(lambda: not run.difference(), "told", "")
            run.do(lambda desk: desk.amend(ids[1], price=95, size=4))
            await run.until(lambda: run.engine.orders.get(ids[1]).price == 95, "amended", "")  # type: ignore[union-attr]  # it is there
            run.do(lambda desk: desk.cancel(ids[1]))
            await run.until(partial(_is, run, ids[1], "canceled"), "canceled", "")
            for depth in (2, 0):
                books.depth = type(books.cash)(depth)
                ids.append(run.buy(2, 100, tif="ioc"))
                await run.until(partial(_is, run, ids[-1], "filled" if depth else "expired"), "over", "")
            await run.agree("")
            self.heard = [moment for event in run.doer.heard if (moment := _moment(event))]


class BothSimulated(Both):
    books = SimulatedBooks


def _is(run: Run, client_id: str, state: str) -> bool:
    return run.state(client_id) == state


def _moment(event: Event) -> MOMENT:
    """What a strategy can tell of an event, without names and times of a venue's own."""
    match event:
        case OrderUpdated():
            return ("order", event.client_id, event.state, event.size, event.filled, event.price)
        case Filled():
            return ("fill", event.client_id, event.size, event.price)
        case PositionUpdated():
            return ("position", event.contract, event.size)
    return ()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_strategy_hears_the_same_of_the_simulated_venue_as_of_a_played_one(backend: str) -> None:
    heard = []
    for both in (Both(), BothSimulated()):
        both.test_play(backend)
        heard.append(both.heard)
    played, simulated = heard
    assert {OrderState.OPEN, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED} <= {one[2] for one in played if one[0] == "order"}
    assert simulated == played
