"""One look at the books: fills, the rest, fills again, until nothing was filled meanwhile."""

from __future__ import annotations

from strikeloop.adapter import Snapshot
from strikeloop.session import FetchFills, FetchSnapshot
from strikeloop.session.taking import MOST_ROUNDS, Taking
from tests.framework.session.stage import PUT, fill

BOOKS = Snapshot(time=1, received=1)


def test_the_questions_are_fills_books_and_fills_again_of_the_same_time() -> None:
    taking = Taking(5)
    asked = [taking.question]
    assert taking.fills(()) is None
    asked.append(taking.question)
    taking.books(BOOKS)
    assert [*asked, taking.question] == [FetchFills(5), FetchSnapshot(), FetchFills(5)]


def test_equal_lists_make_a_snapshot_with_their_fills() -> None:
    taking, fills = Taking(0), (fill("a", 1), fill("b", 2))
    taking.fills(fills)
    taking.books(BOOKS)
    snapshot = taking.fills(fills[::-1])
    assert snapshot is not None
    assert (snapshot.fills, snapshot.time) == (fills[::-1], 1)


def test_a_fill_meanwhile_asks_for_the_books_again_but_not_for_the_first_list() -> None:
    taking = Taking(0)
    taking.fills(())
    taking.books(BOOKS)
    assert taking.fills((fill("a", 1),)) is None
    assert (taking.question, taking.rounds) == (FetchSnapshot(), 1)
    taking.books(BOOKS)
    assert taking.fills((fill("a", 1),)) is not None


def test_the_same_trade_id_in_another_contract_is_another_fill() -> None:
    taking = Taking(0)
    taking.fills((fill("a", 1),))
    taking.books(BOOKS)
    assert taking.fills((fill("a", 1, contract=PUT),)) is None


def test_an_account_traded_in_every_round_is_unsteady_after_five() -> None:
    taking = Taking(0)
    taking.fills(())
    for number in range(MOST_ROUNDS):
        assert not taking.is_unsteady
        taking.books(BOOKS)
        assert taking.fills((fill(str(number), 1),)) is None
    assert (taking.is_unsteady, MOST_ROUNDS) == (True, 5)
