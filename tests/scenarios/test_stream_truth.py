"""Whatever a stream loses, we know what the venue knows soon after: streams that lose frames, links that flap, in virtual time."""

from __future__ import annotations

from random import Random

import pytest

from strikeloop import GapOpened, Reconciled, StreamLost
from tests.scenarios.truth_world import CALL, PUT, SECOND, Frame, World

SHAPES = ["gate", "seed"]
BUDGET_PER_S = 20.0
"""Requests a second that the venue allows of one kind: 200 in 10 s."""


def ready(shape: str, seed: int = 0) -> World:
    return World(shape, Random(seed)).pass_s(3)


def lose_one(world: World, frames: list[Frame], which: int) -> None:
    """All but one of these frames arrive."""
    world.tell([frame for index, frame in enumerate(frames) if index != which])


def episode(world: World) -> float:
    """Something happens, one frame about it is lost, and nothing follows: how long until we know."""
    random = world.random
    order = random.choice(world.books.open or [world.place(random.choice([CALL, PUT]), random.choice([-6, 6]))])
    world.pass_s(random.uniform(0, 31))
    frames = world.books.fill(order, random.randint(1, 6), world.now) if random.random() < 0.7 else world.books.cancel(order, world.now)
    lose_one(world, frames, random.randrange(len(frames)))
    took = world.until_equal(31)
    world.forget_closed()
    return took


@pytest.mark.parametrize("shape", SHAPES)
def test_one_lost_frame_is_made_good_within_thirty_one_seconds(shape: str) -> None:
    world = ready(shape)
    assert max(episode(world) for _ in range(60)) <= 31


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("size", [2, 10], ids=["in-part", "whole"])
def test_a_loss_that_a_chain_shows_is_made_good_within_two_seconds(which: int, size: int) -> None:
    world = ready("gate")
    first, second = world.place(), world.place()
    world.pass_s(1)
    lose_one(world, world.books.fill(first, size, world.now), which)
    world.pass_s(0.5).tell(world.books.fill(second, 3, world.now))
    assert world.until_equal(2) <= 2


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stream_that_loses_nothing_is_never_doubted(shape: str) -> None:
    world = ready(shape)
    for _ in range(40):
        order = world.place(size=world.random.choice([-4, 4]))
        world.pass_s(world.random.uniform(0, 3)).tell(world.books.fill(order, 2, world.now))
        world.pass_s(world.random.uniform(0, 3)).tell(world.books.fill(world.books.orders[order.order_id or ""], 2, world.now))
        assert world.until_equal(1) <= 1
    assert [event for event in world.said if isinstance(event, GapOpened)] == []
    assert [event.adjustments for event in world.said if isinstance(event, Reconciled)] == [()]


@pytest.mark.parametrize("shape", SHAPES)
def test_looking_at_a_quiet_account_takes_a_hundredth_of_the_requests_allowed(shape: str) -> None:
    world = ready(shape)
    world.requests = 0
    world.pass_s(600)
    assert world.requests / 3 / 600 <= BUDGET_PER_S / 100
    assert world.connects == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_flapping_for_ten_minutes_ends_in_the_truth_and_within_the_budget(shape: str) -> None:
    world = ready(shape)
    end, lost = world.now + 600 * SECOND, 0
    while world.now < end:
        order = world.place(size=4)
        world.pass_s(0.6)
        world.tell(world.books.fill(order, 3, world.now))
        world.disconnect()
        lost += 1
        world.pass_s(0.6)
        world.books.cancel(world.books.orders[order.order_id or ""], world.now)
    assert lost >= 450
    assert world.connects <= 90
    assert world.requests / 600 <= BUDGET_PER_S
    assert world.until_equal(35) <= 35
    waits = [event.retry_in_s for event in world.said if isinstance(event, StreamLost)]
    assert max(wait for wait in waits if wait is not None) > 8
