"""What resting orders would have filled at the front of the queue and at its back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.venue.stage import MS, Stage, contract


def bracket(stage: Stage) -> dict[str, tuple[int, str]]:
    told: dict[str, Any] = stage.venue.report()["queue"]
    return {name: (row["orders"], row["contracts"]) for name, row in told.items()}


@pytest.fixture
def stage() -> Stage:
    return Stage().index(70_000).ticker(500)


def test_nothing_rested_nothing_is_told(stage: Stage) -> None:
    stage.quote(490, 510).submit(2, 510)
    assert bracket(stage) == {"back": (0, "0"), "real": (0, "0"), "front": (0, "0")}


def test_a_trade_at_the_price_fills_the_front_first_and_the_back_last(stage: Stage) -> None:
    stage.depth([(490, 10), (480, 1)], [(510, 5)]).submit(5, 490)
    stage.depth([(490, 4)], [], snapshot=False)
    stage.trade(490, -6)
    assert bracket(stage) == {"back": (0, "0"), "real": (0, "2"), "front": (1, "5")}
    stage.trade(490, -6)
    assert bracket(stage) == {"back": (0, "2"), "real": (1, "5"), "front": (1, "5")}


def test_where_the_other_side_comes_to_the_price_the_queue_makes_no_difference(stage: Stage) -> None:
    stage.quote(490, 510).submit(5, 495)
    stage.quote(490, 494, ask_size=9)
    assert bracket(stage) == {"back": (1, "5"), "real": (1, "5"), "front": (1, "5")}


def test_the_size_of_a_trade_is_shared_once_in_each_view(stage: Stage) -> None:
    stage.quote(490, 510, bid_size=10).submit(3, 490)
    stage.submit(3, 490)
    stage.trade(490, -4)
    assert bracket(stage)["front"] == (1, "4")
    stage.trade(490, -8)
    assert bracket(stage) == {"back": (0, "2"), "real": (0, "2"), "front": (2, "6")}


def test_an_order_that_ends_takes_its_ghosts_with_it(stage: Stage) -> None:
    order = stage.quote(490, 510, bid_size=10).submit(3, 490)
    stage.cancel(order)
    stage.trade(490, -50)
    assert bracket(stage) == {"back": (0, "0"), "real": (0, "0"), "front": (0, "0")}


def test_what_filled_at_the_front_does_not_fill_again_when_the_order_moves(stage: Stage) -> None:
    order = stage.quote(490, 510, bid_size=10).submit(3, 490)
    stage.trade(490, -3)
    stage.amend(order, price=491)
    stage.trade(491, -3)
    assert bracket(stage)["front"] == (1, "3")


FLOW = st.lists(
    st.one_of(
        st.tuples(st.just("depth"), st.integers(488, 492), st.integers(0, 9)),
        st.tuples(st.just("trade"), st.integers(488, 492), st.integers(1, 9)),
        st.tuples(st.just("submit"), st.integers(488, 492), st.integers(1, 6)),
        st.tuples(st.just("cancel"), st.integers(1, 9), st.just(0)),
    ),
    max_size=40,
)


@given(FLOW, st.sampled_from(["risk-averse", "log", "power3", "front", "back"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_the_back_fills_no_more_than_the_order_and_the_front_no_less(flow: list[tuple[str, int, int]], queue: str) -> None:
    stage = Stage(contract(), queue=queue).index(70_000).ticker(500).depth([(490, 5), (480, 5)], [(510, 5)])
    for kind, first, second in flow:
        stage.now += MS
        match kind:
            case "depth":
                stage.depth([(first, second)], [], snapshot=False)
            case "trade":
                stage.trade(first, -second)
            case "submit":
                stage.submit(second, first)
            case _:
                stage.cancel(f"t-{first}")
    told = stage.venue.report()["queue"]
    back, real, front = (float(told[name]["contracts"]) for name in ("back", "real", "front"))
    assert back <= real <= front
