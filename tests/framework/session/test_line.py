"""One connection: what is subscribed on it, whether it lives, and what it holds until the account is known."""

from __future__ import annotations

from random import Random

import pytest

from strikeloop import BalanceUpdated, Event, Filled
from strikeloop.adapter import Channel
from strikeloop.session import Action, Connect, Drop, SendPing, Subscribe, Unsubscribe
from strikeloop.session.line import DEAD_NS, GARBLED_WINDOW_NS, MOST_GARBLED, MOST_HELD, Line
from tests.framework.session.stage import CALL, CHANNELS, PUT, SECOND, balance, fill, position

NAMED = (Channel(name="quotes", by_contract=True), Channel(name="prices"))


def opened(channels: tuple[Channel, ...] = CHANNELS, *, now: int = 0) -> tuple[Line, list[Action]]:
    """A line that stands, and what it asked for since."""
    actions: list[Action] = []
    line = Line(7, channels, actions.append)
    assert actions == [Connect(7)]
    line.opened((CALL,), now)
    return line, actions


def drops(actions: list[Action]) -> list[str]:
    return [action.reason for action in actions if isinstance(action, Drop)]


# ---- liveness ----


@pytest.mark.parametrize("seed", range(200))
def test_a_line_that_freezes_at_any_moment_is_given_up_within_ten_seconds_and_not_before(seed: int) -> None:
    random = Random(seed)
    freezes = random.choice([0, round(random.uniform(0, 60) * SECOND)])
    line, actions = opened()
    for status in line.channels:
        line.channels.confirm(status.channel.name, 0)
    now, answers = 0, list[int]()
    while not drops(actions):
        now += random.randrange(SECOND // 50, SECOND // 5)
        if now < freezes and (random.random() < 0.05 or any(at <= now for at in answers)):
            line.heard, answers = now, [at for at in answers if at > now]
        pings = len([action for action in actions if isinstance(action, SendPing)])
        line.tick(now)
        if len([action for action in actions if isinstance(action, SendPing)]) > pings:
            answers.append(now + random.randrange(SECOND // 100, SECOND))
        assert now - freezes <= 10 * SECOND
    assert now - line.heard >= DEAD_NS
    assert now >= freezes
    assert len(drops(actions)) == 1


def test_a_line_that_does_not_stand_yet_is_not_judged() -> None:
    actions: list[Action] = []
    Line(1, CHANNELS, actions.append).tick(3_600 * SECOND)
    assert actions == [Connect(1)]


def test_too_many_frames_that_cannot_be_read_end_it_and_a_few_do_not() -> None:
    line, actions = opened()
    for number in range(30):
        line.garbled(number * GARBLED_WINDOW_NS // MOST_GARBLED + number)
    assert drops(actions) == []
    for _ in range(MOST_GARBLED + 1):
        line.garbled(30 * GARBLED_WINDOW_NS)
    assert drops(actions) == ["more than 10 frames in a minute could not be read"]


# ---- subscriptions ----


def test_channels_that_name_contracts_follow_the_list_and_others_do_not() -> None:
    line, actions = opened(NAMED)
    assert actions[1:] == [Subscribe(7, "quotes", (CALL,)), Subscribe(7, "prices")]
    actions.clear()
    line.follow((CALL, PUT))
    line.follow((PUT,))
    assert actions == [Subscribe(7, "quotes", (PUT,)), Unsubscribe(7, "quotes", (CALL,))]


def test_a_refused_channel_names_the_whole_list_when_it_is_tried_again() -> None:
    line, actions = opened(NAMED)
    line.channels.refuse("quotes", 0)
    line.channels.confirm("prices", 0)
    actions.clear()
    line.follow((CALL, PUT))
    assert actions == []
    line.tick(5 * SECOND)
    assert [action for action in actions if isinstance(action, Subscribe)] == [Subscribe(7, "quotes", (CALL, PUT))]


# ---- what is held ----


def test_what_was_held_comes_back_in_order_without_states_older_than_the_books() -> None:
    line, _ = opened()
    events: list[Event] = [position(1), fill("a", 1), balance(1)]
    for event in events:
        line.hold(event)
    line.mark()
    line.hold(position(2))
    assert [type(event).__name__ for event in line.held()] == ["Filled", "PositionUpdated"]
    assert list(line.held()) == []


def test_facts_are_never_left_out() -> None:
    line, _ = opened()
    for number in range(5):
        line.hold(fill(str(number), 1))
        line.hold(balance(number))
    line.mark()
    assert all(isinstance(event, Filled) and not isinstance(event, BalanceUpdated) for event in line.held())


def test_more_than_can_be_held_ends_it_once() -> None:
    line, actions = opened()
    for number in range(MOST_HELD + 5):
        line.hold(fill(str(number), 1))
    assert len(drops(actions)) == 1
