"""The state of each channel of a port."""

from __future__ import annotations

from strikeloop.session import ChannelState
from strikeloop.session.channels import Channels
from tests.framework.session.stage import CHANNELS, FILLS, ORDERS, POSITIONS, QUIET, SECOND


def asked(channels: Channels | None = None) -> Channels:
    made = Channels(CHANNELS) if channels is None else channels
    for status in made:
        made.ask(status, 0)
    return made


def state(channels: Channels, name: str) -> ChannelState:
    status = channels.get(name)
    assert status is not None
    return status.state


def test_a_port_is_settled_when_every_channel_was_answered_one_way_or_the_other() -> None:
    channels = asked()
    channels.confirm(ORDERS, 1)
    channels.confirm(FILLS, 1)
    assert not channels.settled
    channels.refuse(POSITIONS, 1)
    assert channels.settled


def test_a_channel_without_acknowledgements_is_not_waited_for() -> None:
    assert asked(Channels(QUIET)).settled


def test_only_essential_channels_stand_in_the_way_of_orders() -> None:
    channels = asked()
    channels.confirm(ORDERS, 1)
    assert channels.unconfirmed == (FILLS,)


def test_the_first_update_confirms_a_channel_and_the_second_is_no_news() -> None:
    channels = asked()
    assert channels.touched(ORDERS, 1)
    assert not channels.touched(ORDERS, 2)
    assert state(channels, ORDERS) is ChannelState.CONFIRMED


def test_an_update_does_not_confirm_a_channel_that_was_refused() -> None:
    channels = asked()
    channels.refuse(ORDERS, 1)
    assert not channels.touched(ORDERS, 2)
    assert state(channels, ORDERS) is ChannelState.REFUSED


def test_a_second_acknowledgement_is_no_news() -> None:
    channels = asked()
    assert channels.confirm(ORDERS, 1)
    assert not channels.confirm(ORDERS, 2)


def test_an_unknown_channel_is_neither_confirmed_nor_refused_nor_touched() -> None:
    channels = asked()
    channels.refuse("other", 1)
    assert not channels.confirm("other", 1)
    assert not channels.touched("other", 1)
    assert channels.get("other") is None


def test_an_acknowledgement_is_overdue_after_five_seconds() -> None:
    channels = asked()
    channels.confirm(ORDERS, 1)
    assert channels.overdue(5 * SECOND - 1) == ()
    assert [status.channel.name for status in channels.overdue(5 * SECOND)] == [FILLS, POSITIONS]


def test_a_refused_channel_is_tried_again_ever_more_slowly_up_to_a_minute() -> None:
    channels, now, waits = asked(), 0, []
    status = channels.get(ORDERS)
    assert status is not None
    for _ in range(6):
        channels.refuse(ORDERS, now)
        assert status.retry_at is not None
        waits.append((status.retry_at - now) // SECOND)
        now = status.retry_at
        assert channels.retries(now - 1) == ()
        assert channels.retries(now) == (status,)
        channels.ask(status, now)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_lost_connection_leaves_nothing_subscribed() -> None:
    channels = asked()
    channels.confirm(ORDERS, 1)
    channels.refuse(FILLS, 1)
    channels.ended()
    assert {status.state for status in channels} == {ChannelState.IDLE}
    assert channels.retries(1_000 * SECOND) == ()


def test_what_came_on_a_channel_is_counted_and_dated() -> None:
    channels = asked()
    channels.touched(ORDERS, 7)
    channels.touched(ORDERS, 9)
    status = channels.get(ORDERS)
    assert status is not None
    assert (status.updates, status.last_update) == (2, 9)
