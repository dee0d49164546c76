"""What a config file says about the venue that is served; the command's own tests see it served."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from strikeloop import ConfigError
from strikeloop_venue import GeneratedMarket, RecordedMarket, VenueSettings
from strikeloop_venue.configured import Configured, configured
from strikeloop_venue.market.generated import GeneratedSource
from strikeloop_venue.recorded import RecordedSource


def settings_of(told: Configured, **above: object) -> GeneratedMarket:
    source = told.source("venue", **above)
    assert isinstance(source, GeneratedSource)
    return source.settings


def test_a_market_that_nobody_described_starts_now_and_goes_on() -> None:
    before = time.time_ns()
    settings = settings_of(Configured())
    assert (settings.duration_s, settings.step_ms) == (None, 500)
    assert before <= settings.begin <= time.time_ns()


def test_the_file_wins_over_what_is_served_by_itself_and_what_is_told_wins_over_the_file() -> None:
    told = Configured(venue={"balance": "5", "seed": 3}, market={"seed": 3, "scenario": "crash", "duration_s": 60})
    settings = settings_of(told, seed=7, scenario=None)
    assert (settings.seed, settings.scenario, settings.duration_s) == (7, "crash", 60)
    assert told.venue_settings(seed=None, balance="6") == VenueSettings(seed=3, balance="6")


def test_files_are_looked_for_beside_the_config(tmp_path: Path) -> None:
    config = tmp_path / "strikeloop.toml"
    (tmp_path / "market.jsonl").touch()
    config.write_text('[venue.latency]\nfile = "table.csv"\n[market]\nuse = "recorded"\nfile = "market.jsonl"')
    told = configured(config)
    assert told.venue["latency"]["file"] == str(tmp_path / "table.csv")
    assert told.source("venue", seed=1) == RecordedMarket(file=str(tmp_path / "market.jsonl")).open("venue")
    assert isinstance(told.source("venue"), RecordedSource)


def test_a_setting_that_is_none_is_refused_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"market\.scenarios: unknown key"):
        Configured(market={"scenarios": "crash"}).source("venue")
    with pytest.raises(ConfigError, match=r"venue\.quue: unknown key"):
        Configured(venue={"quue": "front"}).venue_settings()
