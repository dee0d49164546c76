"""How long things take."""

from __future__ import annotations

import pytest

from strikeloop_venue.latency import MS, Constant, Interpolated, LatencySettings, Lost


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


@pytest.mark.parametrize("wrong", [{"kind": "quick"}, {"response_ms": -1.0}, {"entry_ms": float("nan")}])
def test_latency_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="latency"):
        LatencySettings(**wrong)  # type: ignore[arg-type]  # wrong values are the point
