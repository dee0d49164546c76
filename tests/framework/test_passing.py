"""The specification of strikeloop.passing: what has passed is known, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from strikeloop import ContractId, Quoted, TickerUpdated, Traded
from strikeloop.backtest.merge import stretches
from strikeloop.columns import Batch
from strikeloop.passing import Known, KnownTickers, Passing
from strikeloop.portfolio import Portfolio
from tests.framework.backtest.columnar import Market
from tests.framework.stage import contract, position
from tests.framework.test_columns import CALL, PUT, columns, quotes


def laid_out(*batches: Batch) -> Passing:
    """The first batch laid out, the others behind it."""
    passing = Passing()
    passing.rest = stretches([Market(batches, ())])  # type: ignore[attr-defined]  # what the tests turn to
    passing.turn(next(passing.rest))  # type: ignore[attr-defined]  # the same
    return passing


def turn(passing: Passing) -> None:
    passing.turn(next(passing.rest))  # type: ignore[attr-defined]  # the same as above


def test_the_latest_event_is_the_last_row_that_has_passed() -> None:
    passing = laid_out(Batch(parts=(quotes(1, 2, 3, keys=[0, 1, 0]),)))
    seen = []
    for passing.at in range(4):
        latest = passing.latest(Quoted, CALL)
        seen.append((None if latest is None else latest.time, passing.place(Quoted, CALL)))
    assert seen == [(None, -1), (1, 0), (1, 0), (3, 2)]
    assert passing.latest(Quoted, ContractId.of("sim", "X")) is None
    assert passing.latest(Traded, CALL) is None


def test_a_row_that_somebody_made_an_event_of_is_not_made_again() -> None:
    passing = laid_out(Batch(parts=(quotes(1, 2, keys=[0, 1]),)), Batch(parts=(quotes(5),)))
    told = passing.stretch.event(0)
    passing.tell(0, told)
    passing.at = 2
    assert passing.latest(Quoted, CALL) is told
    assert passing.event(0) is told
    assert passing.event(1) is passing.latest(Quoted, PUT)
    turn(passing)
    assert passing.event(0).time == 5


def test_what_passed_in_an_earlier_stretch_is_still_known_and_where_it_stood() -> None:
    passing = laid_out(Batch(parts=(quotes(1, 2, keys=[0, 1]),)), Batch(parts=(quotes(5, keys=[1]),)))
    turn(passing)
    assert (passing.latest(Quoted, CALL).time, passing.place(Quoted, CALL)) == (1, 0)
    assert (passing.latest(Quoted, PUT).time, passing.place(Quoted, PUT)) == (2, 1)
    passing.at = 1
    assert (passing.latest(Quoted, PUT).time, passing.place(Quoted, PUT)) == (5, 2)
    assert passing.passed == 3


def test_a_group_is_the_rows_about_one_contract() -> None:
    passing = laid_out(
        Batch(parts=(quotes(1, 2, 3, 4, keys=[0, 1, 0, 1]), columns(Traded, times=[3], price=[7.0], size=[1.0], place=[-1])))
    )
    group = passing.group(Quoted, PUT)
    assert group is not None
    assert group.positions.tolist() == [1, 4]
    assert group.column("time").tolist() == [2, 4]
    assert [event.time for event in group.events(1, 2)] == [4]
    assert (group.passed(1), group.passed(2), group.has("bid"), group.has("price")) == (0, 1, True, False)


def test_rows_of_several_kinds_become_events_in_their_order() -> None:
    passing = laid_out(Batch(parts=(quotes(1, 3), columns(Traded, times=[2], price=[7.0], size=[1.0]))))
    assert [type(event).__name__ for event in passing.stretch.events(np.arange(3))] == ["Quoted", "Traded", "Quoted"]


def test_known_is_a_dict_of_what_has_passed() -> None:
    passing = laid_out(Batch(parts=(quotes(1, 2, keys=[1, 0]),)))
    known = Known(passing, Quoted)
    passing.at = 1
    assert (list(known), len(known), CALL in known, known.get(CALL), known[PUT].time) == ([PUT], 1, False, None, 1)
    assert [event.time for event in known.values()] == [1]
    assert repr(known).startswith("{ContractId")
    with pytest.raises(KeyError):
        known[CALL]
    assert known.pop(PUT).time == 1
    assert PUT not in known
    assert known.pop(PUT, None) is None


def test_a_mark_alone_takes_no_greeks_away() -> None:
    nothing = float("nan")
    first = columns(TickerUpdated, times=[1, 2], mark_price=[7.0, 8.0], delta=[0.5, nothing], mark_iv=[0.6, nothing])
    second = columns(TickerUpdated, times=[3], mark_price=[9.0], delta=[nothing], mark_iv=[nothing])
    passing = laid_out(Batch(parts=(first,)), Batch(parts=(second,)))
    known, seen = KnownTickers(passing), []
    for passing.at in range(3):
        ticker = known.get(CALL)
        seen.append(None if ticker is None else (ticker.time, ticker.mark_price, ticker.delta))
    turn(passing)
    passing.at = 1
    assert [*seen, (known[CALL].time, known[CALL].mark_price, known[CALL].delta)] == [None, (1, 7.0, 0.5), (2, 8.0, 0.5), (3, 9.0, 0.5)]


def test_a_mark_alone_after_a_position_was_told_leaves_its_greeks() -> None:
    nothing = float("nan")
    rows = columns(TickerUpdated, times=[1, 2], mark_price=[7.0, 8.0], delta=[0.5, nothing], mark_iv=[0.6, nothing])
    passing, portfolio = laid_out(Batch(parts=(rows,))), Portfolio()
    portfolio.follow(passing)
    passing.at = 1
    portfolio.apply(position(2, CALL, delta=0.1, mark_price=7.5))
    passing.at = 2
    (held,) = portfolio.positions
    assert (held.mark_price, held.delta) == (8.0, 0.1)


def test_who_stops_following_knows_what_has_passed_and_is_told_the_rest() -> None:
    rows = columns(TickerUpdated, times=[1], mark_price=[7.0], delta=[0.5], mark_iv=[0.6])
    passing, portfolio = laid_out(Batch(parts=(quotes(1, 2), rows))), Portfolio()
    portfolio.follow(passing)
    passing.at = 2
    portfolio.apply(position(2, CALL, delta=0.1, mark_price=6.5))
    passing.at = 3
    revision = portfolio.revision
    portfolio.stop_following()
    assert portfolio.is_told
    assert (portfolio.quotes[CALL].time, portfolio.tickers[CALL].mark_price, type(portfolio.quotes)) == (2, 7.0, dict)
    portfolio.add_contract(contract())
    portfolio.latest[Quoted][CALL] = passing.stretch.event(0)
    assert portfolio.quotes[CALL].time == 1
    assert portfolio.revision > revision
