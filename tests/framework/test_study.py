"""The specification of strikeloop.study: a backtest in one call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from strikeloop import ConfigError, Desk, Quoted, hookimpl, plugin, run_backtest, state
from strikeloop.backtest import Result, told
from strikeloop.study.planning import plan_study

SHORT = {"market.duration_s": 60}


@plugin
class FirstQuote:
    """Buys once, at the first quote."""

    size: int = 1
    done: bool = state(default=False)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        if not self.done:
            self.done = True
            desk.buy(event.contract, self.size)


def test_classes_objects_and_names_are_strategies() -> None:
    given = FirstQuote(size=2)
    results = [run_backtest(one, settings=SHORT) for one in (FirstQuote, given, given)]
    assert [result.summary.orders for result in results] == [1, 1, 1]
    assert not given.done
    assert results[0].digest != results[1].digest == results[2].digest
    assert run_backtest("delta-band", settings={**SHORT, "band": 0.5}).summary.orders == 0


def test_it_runs_inside_an_event_loop() -> None:
    async def cell() -> Result:
        return run_backtest(FirstQuote, settings=SHORT)

    assert asyncio.run(cell()).digest == run_backtest(FirstQuote, settings=SHORT).digest


def test_a_range_is_a_part_of_the_market() -> None:
    whole, part = (run_backtest(FirstQuote, settings=SHORT, end=end) for end in (None, "2026-06-01T00:00:30Z"))
    assert part.summary.events["Quoted"] < whole.summary.events["Quoted"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"start": "2030-01-01", "settings": SHORT}, "the market has no event"),
        ({"start": "2026-06-02", "end": "2026-06-01"}, "the range is empty"),
        ({"data": "nowhere"}, "nowhere: there is no store"),
        ({"latency": "soon"}, "--latency: 'soon' is no delay"),
        ({"queue": "psychic"}, "queue is 'psychic'"),
        ({"settings": {"size": "two"}}, "size"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(options: dict[str, Any], says: str) -> None:
    called: list[int] = []

    @plugin
    class Never:
        @hookimpl
        def on_start(self) -> None:
            called.append(1)

    with pytest.raises(ConfigError, match=says):
        run_backtest("quoter" if says == "size" else Never, **options)
    assert called == []


def test_what_is_no_plugin_is_refused() -> None:
    with pytest.raises(ConfigError, match="write @plugin above the class"):
        run_backtest(object)


def test_latency_and_queue_are_settings_of_the_venue() -> None:
    venue = plan_study(latency="3,9,1", queue="front").venue
    assert (venue.latency.entry_ms, venue.latency.response_ms, venue.latency.feed_ms, venue.queue) == (3, 9, 1, "front")


def test_named_strategies_take_the_place_of_the_configured_and_rules_stay(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('[strategies.maker]\nuse = "quoter"\n[risk.orders]\nuse = "order-limits"\nmax_size = 5\n')
    plan = plan_study(["delta-band"], files=[config], sets=["band=0.5"])
    assert [(one.name, one.kind) for one in plan.plugins] == [("delta-band", "strategy"), ("orders", "risk")]
    assert plan.config["strategies"]["delta-band"]["band"] == 0.5


def test_a_strategy_that_raises_shows_where_and_no_frame_of_ours() -> None:
    @plugin
    class Wrong:
        @hookimpl
        def on_start(self) -> None:
            self._deeper()

        def _deeper(self) -> None:
            raise ValueError("no plan")

    (fault,) = run_backtest(Wrong, settings=SHORT).faults
    lines = told(fault).splitlines()
    assert lines[0] == "wrong raised ValueError in on_start: no plan"
    assert [line.rpartition(" in ")[2] for line in lines[1::2]] == ["_deeper", "on_start"]
    assert str(Path(__file__)) in lines[1]
