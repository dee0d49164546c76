"""The way out: intents before orders, one order's commands in sequence, no answer is no answer."""

from __future__ import annotations

import anyio
import attrs
import pytest

from strikeloop import (
    AlertRaised,
    AuthRejectedError,
    DecodeError,
    LinkLostError,
    OrderRejectedError,
    OrderState,
    OrderUpdated,
    OutcomeUnknownError,
    SubmitOrder,
    VenueError,
)
from strikeloop.live import sender
from strikeloop.testing import Held
from tests.framework.live.stage import CALL, D, Stage, until

pytestmark = pytest.mark.anyio


# ---- what leaves ----


async def test_no_order_leaves_before_its_intent_is_on_disk() -> None:
    stage = Stage()
    async with stage.running():
        stage.notes.gate = anyio.Event()
        client_id = stage.buy()
        await stage.settle()
        assert stage.account.asked("submit") == []
        assert stage.state(client_id) == "pending"
        stage.notes.gate.set()
        await until(lambda: stage.account.asked("submit"))
        assert stage.notes.intended == [client_id]


async def test_an_order_is_sent_once_and_is_open_when_the_venue_says_so() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy(3, 7)
        await until(lambda: stage.state(client_id) == "open")
        assert stage.account.asked("submit") == [SubmitOrder(client_id=client_id, contract=CALL, size=D(3), price=D(7))]
        assert stage.states(client_id) == ["open"]


async def test_orders_do_not_wait_for_one_another() -> None:
    stage = Stage()
    slow = Held()
    stage.account.script("submit", slow)
    async with stage.running():
        both = stage.buy(), stage.buy()
        await until(lambda: sorted(map(stage.state, both)) == ["open", "sent"])
        slow.release()
        await until(lambda: [stage.state(one) for one in both] == ["open", "open"])


async def test_a_cancel_waits_for_the_answer_to_its_order() -> None:
    stage = Stage()
    slow = Held()
    stage.account.script("submit", slow)
    async with stage.running():
        client_id = stage.buy()
        stage.cancel(client_id)
        await slow.asked.wait()
        await stage.settle()
        assert stage.account.asked("cancel") == []
        slow.release()
        await until(lambda: stage.state(client_id) == "canceled")
        assert [kind for kind, _ in stage.account.calls if kind in ("submit", "cancel")] == ["submit", "cancel"]


async def test_an_amendment_is_what_the_venue_answers() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy(3, 7)
        await until(lambda: stage.state(client_id) == "open")
        stage.do(lambda desk: desk.amend(client_id, price=8, size=5))
        await until(lambda: stage.account.asked("amend"))
        await stage.settle()
        order = stage.engine.orders.get(client_id)
        assert order is not None
        assert (order.price, order.size, order.state.value) == (D(8), D(5), "open")


# ---- a no, and nothing at all ----


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OrderRejectedError("margin is short"), "margin is short"),
        (AuthRejectedError("key expired"), "key expired"),
        (LinkLostError("no route"), "not sent: no route"),
    ],
    ids=["refused", "credentials", "not-sent"],
)
async def test_an_order_that_does_not_exist_at_the_venue_is_rejected_with_its_reason(error: VenueError, reason: str) -> None:
    stage = Stage()
    stage.account.script("submit", error)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "rejected")
        assert [event.reason for event in stage.said(OrderUpdated)] == [reason]
        assert len(stage.account.asked("submit")) == 1


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknownError("reset"), VenueError("502"), DecodeError("no JSON")],
    ids=["no-answer", "server-error", "unreadable"],
)
async def test_an_order_without_a_plain_answer_is_unknown_never_repeated_and_looked_up(error: VenueError) -> None:
    stage = Stage()
    stage.account.script("submit", error)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "unknown")
        stage.account.rest(stage.account.asked("submit")[0])
        await stage.pass_s(1)
        await until(lambda: stage.state(client_id) == "open")
        assert len(stage.account.asked("submit")) == 1
        assert stage.states(client_id) == ["unknown", "open"]


async def test_an_order_that_is_not_answered_in_time_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "ANSWER_S", 0.01)
    stage = Stage()
    stage.account.script("submit", Held())
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "unknown")
        assert stage.said(OrderUpdated)[-1].reason == "no answer: none within 0.01 s"


async def test_an_order_the_venue_never_heard_of_is_absent_in_the_end() -> None:
    stage = Stage()
    stage.account.script("submit", OutcomeUnknownError("reset"))
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "unknown")
        await stage.pass_s(35)
        assert stage.states(client_id) == ["unknown", "absent"]
        assert len(stage.account.asked("find")) >= 3


async def test_a_refused_amendment_leaves_the_order_as_the_venue_has_it() -> None:
    stage = Stage()
    stage.account.script("amend", OrderRejectedError("too late"))
    async with stage.running():
        client_id = stage.buy(3, 7)
        await until(lambda: stage.state(client_id) == "open")
        stage.do(lambda desk: desk.amend(client_id, size=9))
        await until(lambda: stage.account.asked("find"))
        await stage.settle()
        order = stage.engine.orders.get(client_id)
        assert order is not None
        assert (order.size, order.left, order.state.value) == (D(3), D(3), "open")


async def test_an_amendment_without_an_answer_puts_the_order_in_doubt_until_it_is_found() -> None:
    stage = Stage()
    stage.account.script("amend", OutcomeUnknownError("reset"))
    async with stage.running():
        client_id = stage.buy(3, 7)
        await until(lambda: stage.state(client_id) == "open")
        stage.do(lambda desk: desk.amend(client_id, size=9))
        await until(lambda: stage.state(client_id) == "unknown")
        await stage.pass_s(1)
        await until(lambda: stage.state(client_id) == "open")
        order = stage.engine.orders.get(client_id)
        assert order is not None
        assert order.size == 3


# ---- cancels ----


async def test_a_cancel_without_an_answer_is_repeated() -> None:
    stage = Stage()
    stage.account.script("cancel", VenueError("502"), OutcomeUnknownError("reset"))
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")
        assert len(stage.account.asked("cancel")) == 3


async def test_a_cancel_that_is_refused_asks_what_became_of_the_order() -> None:
    stage = Stage()
    stage.account.script("cancel", OrderRejectedError("filled"))
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        resting = stage.account.orders[client_id]
        stage.account.script("find", _closed(resting))
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "filled")
        assert len(stage.account.asked("cancel")) == 1


async def test_a_cancel_that_went_through_unheard_ends_with_the_look_up() -> None:
    stage = Stage()
    stage.account.script("cancel", OutcomeUnknownError("reset"))
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.account.script("find", attrs.evolve(stage.account.orders[client_id], state=OrderState.CANCELED))
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")
        await stage.settle()
        assert len(stage.account.asked("cancel")) == 1


async def test_a_cancel_that_is_not_answered_in_time_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "CANCEL_ANSWER_S", 0.01)
    stage = Stage()
    stage.account.script("cancel", Held())
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")
        assert [kind for kind, _ in stage.account.calls if kind in ("cancel", "find")] == ["cancel", "find", "cancel"]


@pytest.mark.parametrize(
    ("error", "tries"), [(VenueError("502"), 3), (OrderRejectedError("busy"), 3), (AuthRejectedError("key expired"), 1)]
)
async def test_an_order_that_cannot_be_withdrawn_is_told_to_people(error: VenueError, tries: int) -> None:
    stage = Stage()
    stage.account.script("cancel", *[error] * 9)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.cancel(client_id)
        await until(lambda: any(alert.source == "sender" for alert in stage.said(AlertRaised)))
        (alert,) = (alert for alert in stage.said(AlertRaised) if alert.source == "sender")
        assert (alert.topic, client_id in alert.text, str(error) in alert.text) == ("cancel", True, True)
        assert len(stage.account.asked("cancel")) == tries
        assert stage.state(client_id) == "open"


async def test_a_cancel_whose_answer_shows_the_order_open_is_repeated() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.account.script("cancel", (attrs.evolve(stage.account.orders[client_id], time=5),))
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")
        assert len(stage.account.asked("cancel")) == 2


async def test_a_look_up_that_fails_after_a_cancel_is_made_again() -> None:
    stage = Stage()
    stage.account.script("cancel", *[OrderRejectedError("filled")] * 3)
    async with stage.running():
        client_id = stage.buy()
        await until(lambda: stage.state(client_id) == "open")
        stage.account.script("find", *[VenueError("502")] * 3, _closed(stage.account.orders[client_id]))
        stage.cancel(client_id)
        await stage.pass_until(lambda: stage.state(client_id) == "filled")
        assert len(stage.account.asked("find")) >= 4


async def test_a_cancel_of_an_order_in_doubt_goes_on_until_the_order_turns_up() -> None:
    stage = Stage()
    stage.account.script("submit", OutcomeUnknownError("reset"))
    async with stage.running():
        client_id = stage.buy()
        stage.cancel(client_id)
        await until(lambda: len(stage.account.asked("cancel")) >= 2)
        assert stage.state(client_id) == "unknown"
        stage.account.rest(stage.account.asked("submit")[0])
        await until(lambda: stage.state(client_id) == "canceled")


async def test_a_cancel_of_an_order_that_is_over_by_then_is_not_sent() -> None:
    stage = Stage()
    stage.account.script("submit", OrderRejectedError("margin is short"))
    async with stage.running():
        client_id = stage.buy()
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "rejected")
        await stage.settle()
        assert stage.account.asked("cancel") == []


# ---- halted ----


async def test_a_halt_between_approval_and_sending_stops_the_order() -> None:
    stage = Stage()
    async with stage.running():
        stage.notes.gate = anyio.Event()
        client_id = stage.buy()
        stage.halt = "halted by hand"
        stage.notes.gate.set()
        await until(lambda: stage.state(client_id) == "rejected")
        assert stage.said(OrderUpdated)[-1].reason == "not sent: halted by hand"
        assert stage.account.asked("submit") == []


async def test_a_halted_run_lets_cancels_pass_and_no_amendment() -> None:
    stage = Stage()
    async with stage.running():
        client_id = stage.buy(3, 7)
        await until(lambda: stage.state(client_id) == "open")
        stage.do(lambda desk: desk.amend(client_id, size=9))
        stage.halt = "halted by hand"
        await until(lambda: stage.account.asked("find"))
        assert stage.account.asked("amend") == []
        stage.cancel(client_id)
        await until(lambda: stage.state(client_id) == "canceled")
        order = stage.engine.orders.get(client_id)
        assert order is not None
        assert order.size == 3


def _closed(order: OrderUpdated) -> OrderUpdated:
    return attrs.evolve(order, state=OrderState.FILLED, left=D(0), fill_price=D(5))
