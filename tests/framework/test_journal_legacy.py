"""What earlier runs left at the venue, as their journals tell it."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from strikeloop import ContractId, ContractSettled, Event, Filled, OrderState, OrderUpdated, Origin, SubmitOrder
from strikeloop.encoding import described
from strikeloop.errors import StorageError
from strikeloop.journal import Intent, Journal, Legacy, Row, is_begun, joined, legacy_of
from strikeloop.journal.legacy import KEPT_NS, SETTLEMENTS_NS
from strikeloop.journal.store import _START, _head

D = Decimal
CALL = ContractId.of("gate", "C")
OLD = Legacy(begun=5, since=7, intents=(Intent("a", 1, SubmitOrder(client_id="t-0-a-1", contract=CALL, size=D(2))),))


def order(client_id: str) -> SubmitOrder:
    return SubmitOrder(client_id=client_id, contract=CALL, size=D(3), price=D(10))


def update(client_id: str, state: OrderState, at: int = 10, **more: Any) -> OrderUpdated:
    told: dict[str, Any] = {"time": at, "received": at, "contract": CALL, "order_id": "9", "size": D(3), **more}
    return OrderUpdated(client_id=client_id, state=state, **told)


def fill(trade: str, size: int = 1, at: int = 10, **more: Any) -> Filled:
    told: dict[str, Any] = {"time": at, "received": at, "contract": CALL, "order_id": "9", "price": D(4), **more}
    return Filled(trade_id=trade, size=D(size), **told)


def left(path: Path, *events: Event, intents: tuple[str, ...] = (), before: Legacy | None = None) -> Legacy:
    """What a run leaves that inherited `before`, meant to send orders of these names and was told of these events."""
    header = {"began": 100, "legacy": (before or Legacy()).record()}
    with Journal.create(path / "journal.sqlite", header) as journal:
        journal.append(Row("intent", name, {"instance": "a", "approved": 1, **described(order(name))}) for name in intents)
        journal.append(Row("input", "", described(event)) for event in events)
        return legacy_of(journal)


def test_the_first_run_leaves_when_it_began(tmp_path: Path) -> None:
    assert left(tmp_path) == Legacy(begun=100)


def test_orders_without_a_known_end_are_left_with_the_last_that_was_heard(tmp_path: Path) -> None:
    told = (
        update("t-1", OrderState.OPEN, left=D(2)),
        update("t-2", OrderState.OPEN),
        update("t-2", OrderState.FILLED),
        update("t-3", OrderState.UNKNOWN),
    )
    found = left(tmp_path, *told, intents=("t-0", "t-1", "t-2", "t-3")).intents
    assert [(one.order.client_id, one.state, one.order_id, one.left) for one in found] == [
        ("t-0", OrderState.PENDING, None, None),
        ("t-1", OrderState.OPEN, "9", D(2)),
        ("t-3", OrderState.UNKNOWN, "9", None),
    ]
    assert found[0].order == order("t-0")


def test_an_end_stands_whatever_is_said_late(tmp_path: Path) -> None:
    told = (update("t-1", OrderState.CANCELED), update("t-1", OrderState.OPEN))
    assert left(tmp_path, *told, intents=("t-1",)).intents == ()


def test_an_order_that_was_called_absent_may_come_back(tmp_path: Path) -> None:
    told = (update("t-1", OrderState.ABSENT), update("t-1", OrderState.OPEN))
    assert [one.state for one in left(tmp_path, *told, intents=("t-1",)).intents] == [OrderState.OPEN]


def test_the_fills_of_an_open_order_are_summed_over_all_runs(tmp_path: Path) -> None:
    before = Legacy(begun=5, intents=(Intent("a", 1, order("t-1"), OrderState.OPEN, "9", D(2), D(1), D(4)),))
    (intent,) = left(tmp_path, fill("b", 1, client_id="t-1"), before=before).intents
    assert (intent.filled, intent.paid) == (D(2), D(8))


def test_what_is_inherited_and_still_not_known_is_left_again(tmp_path: Path) -> None:
    assert left(tmp_path, before=OLD) == OLD


def test_the_end_of_an_inherited_order_ends_its_story(tmp_path: Path) -> None:
    assert left(tmp_path, update("t-0-a-1", OrderState.CANCELED), before=OLD).intents == ()


def test_the_account_is_known_up_to_the_latest_word_of_the_venue(tmp_path: Path) -> None:
    ours = update("x", OrderState.UNKNOWN, 900, origin=Origin.COMPUTED)
    told = (update("x", OrderState.OPEN, 500), update("x", OrderState.OPEN, 400), ours)
    assert left(tmp_path, *told).since == 500


def test_fills_are_kept_for_longer_than_they_are_asked_for_again(tmp_path: Path) -> None:
    found = left(tmp_path, fill("old", at=10), fill("new", at=20 + KEPT_NS))
    assert list(found.fills) == [("gate", "C", "new", "9")]
    assert found.record()["fills"] == [["gate", "C", "new", "9", 20 + KEPT_NS]]


def test_settlements_are_kept_for_more_than_a_day(tmp_path: Path) -> None:
    def settled(name: str, at: int) -> ContractSettled:
        return ContractSettled(time=at, received=at, contract=ContractId.of("gate", name), settle_price=D(1), size=D(1), pnl=D(1))

    found = left(tmp_path, settled("A", 10), settled("B", 20 + SETTLEMENTS_NS + KEPT_NS))
    assert found.settled == {ContractId.of("gate", "B"): 20 + SETTLEMENTS_NS + KEPT_NS}


def test_a_legacy_passes_through_a_header_unchanged(tmp_path: Path) -> None:
    full = Legacy(
        begun=5,
        since=7,
        intents=(Intent("a", 1, order("t-1"), OrderState.UNKNOWN, "9", D(2), D(1), D("4.5")),),
        fills={("gate", "C", "1", "9"): 7},
        settled={CALL: 6},
    )
    assert left(tmp_path, before=full) == full


# ---- a process that died while it made its journal ------------------------------------------------------------------------


def test_a_journal_with_rows_is_begun(tmp_path: Path) -> None:
    left(tmp_path)
    assert is_begun(tmp_path / "journal.sqlite")


@pytest.mark.parametrize("died", ["before the journal", "before its head was written", "before its tables", "before its first row"])
def test_a_journal_nothing_was_committed_to_is_not_begun(tmp_path: Path, died: str) -> None:
    path, head = tmp_path / "journal.sqlite", tmp_path / "journal.head"
    if died == "before its first row":
        Journal.create(path, {}).close()
        _forget_rows(path)
        head.write_bytes(_head(0, _START))
    elif died != "before the journal":
        path.write_bytes(b"")
        head.write_bytes(b"" if died == "before its head was written" else _head(0, _START))
    assert not is_begun(path)


@pytest.mark.parametrize("spoiled", ["journal.sqlite", "journal.head"])
def test_what_is_damaged_counts_as_begun_so_that_opening_it_names_the_damage(tmp_path: Path, spoiled: str) -> None:
    left(tmp_path)
    (tmp_path / spoiled).write_bytes(b"not what it was")
    assert is_begun(tmp_path / "journal.sqlite")
    with pytest.raises(StorageError, match="journal"):
        Journal.open(tmp_path / "journal.sqlite")


def test_a_process_that_died_between_the_first_row_and_its_head_leaves_a_sound_journal(tmp_path: Path) -> None:
    left(tmp_path)
    (tmp_path / "journal.head").write_bytes(_head(0, _START))
    assert is_begun(tmp_path / "journal.sqlite")
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        assert journal.header()["began"] == 100


def _forget_rows(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM rows")
    db.close()


def test_a_run_that_acted_beside_another_is_joined_with_what_that_one_did_when_it_went_on(tmp_path: Path) -> None:
    for name in ("hung", "hand"):
        (tmp_path / name).mkdir()
    hung = left(tmp_path / "hung", update("t-h-a-1", OrderState.CANCELED), fill("1"), fill("2", at=30), intents=("t-h-a-1", "t-h-a-2"))
    hand = left(tmp_path / "hand", fill("3", at=20), intents=("t-h-a-1", "t-h-a-2", "t-k-a-1"))
    both = joined(hand, hung, "k")
    assert [one.order.client_id for one in both.intents] == ["t-h-a-2", "t-k-a-1"]
    assert {trade for _, _, trade, _ in both.fills} == {"1", "2", "3"}
    assert both.since == 30
