"""How long things take."""

from __future__ import annotations

from itertools import pairwise

import pytest

from strikeloop import Quoted
from strikeloop_venue.latency import MS, Constant, Interpolated, LatencySettings, Lost
from tests.plugins.venue.stage import CALL, START, Stage


def test_constant_latency_is_what_it_says() -> None:
    model = LatencySettings(entry_ms=5, response_ms=2.5, feed_ms=1).open(seed=1)
    assert (model.entry(0), model.response(0), model.feed(0)) == (5 * MS, 2_500_000, MS)


def test_a_negative_entry_loses_every_command() -> None:
    assert Constant(-7, 1).entry(0) == Lost(7)


def test_the_lognormal_tail_stands_on_its_floor_and_comes_from_its_seed() -> None:
    def draws(seed: int) -> list[int | Lost]:
        model = LatencySettings(kind="lognormal", entry_ms=5).open(seed)
        return [model.entry(0) for _ in range(50)]

    assert draws(1) == draws(1) != draws(2)
    assert all(isinstance(draw, int) and draw > 5 * MS for draw in draws(1))


def test_a_table_is_interpolated_between_its_rows_and_held_outside() -> None:
    model = Interpolated([(0, 10, 30), (100, 130, 190)])
    assert (model.entry(0), model.entry(50), model.entry(100), model.entry(999)) == (10, 20, 30, 30)
    assert (model.response(10), model.response(70), model.response(130)) == (20, 40, 60)
    assert model.feed(5) == 0


def test_a_row_without_a_venue_time_lost_its_command() -> None:
    assert Interpolated([(0, 10, 30), (100, 0, 190)]).entry(50) == Lost(60)


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        Interpolated([])


def test_an_offset_comes_on_top_of_each_way() -> None:
    model = LatencySettings(kind="table", rows=((0, 10, 30), (100, 130, 190)), offset_ms=1).open(seed=1)
    assert (model.entry(50), model.response(70)) == (20 + MS, 40 + MS)


def test_a_table_whose_every_command_was_lost_still_has_answers() -> None:
    assert Interpolated([(0, 0, 30)], offset=3).response(5) == 3


def test_rows_that_are_not_in_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in order of request"):
        Interpolated([(100, 130, 190), (0, 10, 30)])


def draws(kind: str, seed: int = 1, **figures: float) -> list[int]:
    model = LatencySettings(kind=kind, **figures).open(seed)  # type: ignore[arg-type]  # every figure is a float
    return [delay for now in range(0, 2_000 * MS, MS) if isinstance(delay := model.entry(now), int)]


@pytest.mark.parametrize("kind", ["lognormal", "cubic", "spikes"])
def test_what_is_drawn_comes_from_the_seed_and_stands_on_its_floor(kind: str) -> None:
    told = draws(kind, spike_every_s=0.2)
    assert told == draws(kind, spike_every_s=0.2) != draws(kind, seed=2, spike_every_s=0.2)
    assert min(told) >= 5 * MS


@pytest.mark.parametrize("kind", ["lognormal", "cubic", "spikes"])
def test_a_feed_without_a_floor_is_not_delayed_and_a_negative_entry_loses(kind: str) -> None:
    model = LatencySettings(kind=kind, entry_ms=-7).open(seed=1)
    assert (model.feed(0), model.entry(0)) == (0, Lost(7 * MS))
    assert LatencySettings(kind=kind, feed_ms=2).open(seed=1).feed(0) >= 2 * MS


def test_the_cubic_delay_lies_between_what_x_of_one_and_the_clip_give() -> None:
    told = draws("cubic", cubic_a=0.5, cubic_unit=10, cubic_clip=0.1)
    assert 5 * MS * 1.05 <= min(told) < 5.3 * MS
    assert 50 * MS < max(told) <= 5 * MS * 51


def test_spikes_are_bursts_between_quiet_times() -> None:
    told = draws("spikes", spike_every_s=0.2, spike_ms=50, spike_factor=10)
    assert set(told) == {5 * MS, 50 * MS}
    turns = sum(before != after for before, after in pairwise(told))
    assert 4 < turns < 40


def test_multiples_of_the_feed_follow_what_recorded_data_took() -> None:
    model = LatencySettings(kind="feed", feed_ms=1, offset_ms=0.5).open(seed=1)
    assert (model.entry(0), model.response(0)) == (4_500_000, 3_500_000)
    model.watch(10 * MS)
    assert (model.entry(0), model.response(0)) == (40_500_000, 30_500_000)


def test_the_venue_lets_the_model_watch_recorded_data() -> None:
    stage = Stage(latency={"kind": "feed"})
    stage.market(Quoted(time=START, received=START + 3 * MS, contract=CALL, bid=490.0, ask=510.0, bid_size=1.0, ask_size=1.0))
    order = stage.submit(1, 480)
    assert stage.at(1).order(order).time == START + 12 * MS


def test_market_data_reaches_the_client_late_and_in_sequence() -> None:
    venue = Stage(latency={"kind": "lognormal", "feed_ms": 1, "jitter_ms": 50}).venue
    assert venue.feed is not None
    quotes = [Quoted(time=START + i, received=START + i, contract=CALL, bid=None, ask=None, bid_size=0.0, ask_size=0.0) for i in range(50)]
    seen = [venue.feed(quote) for quote in quotes]
    assert seen == sorted(seen)
    assert seen[0] >= START + MS


def test_market_data_that_is_not_delayed_needs_no_question() -> None:
    assert Stage(latency_ms=5).venue.feed is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "quick"},
        {"response_ms": -1.0},
        {"entry_ms": float("nan")},
        {"kind": "table"},
        {"kind": "table", "rows": ((0, 1, 2),), "file": "x.csv"},
        {"kind": "table", "rows": ((2, 3, 4), (0, 1, 2))},
        {"kind": "table", "file": "nowhere.csv"},
        {"cubic_clip": 1.0},
        {"spike_ms": 0.0},
    ],
)
def test_latency_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="latency"):
        LatencySettings(**wrong)  # type: ignore[arg-type]  # wrong values are the point


def test_a_figure_that_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match=r"latency\.jitter_ms is -1\.0; expected a finite number that is not negative"):
        LatencySettings(jitter_ms=-1.0)
