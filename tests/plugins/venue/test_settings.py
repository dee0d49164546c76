"""What a user may set, and what is refused."""

from __future__ import annotations

import tomllib
from decimal import Decimal as D

import pytest

import strikeloop_venue
from strikeloop.margin import GATE, Classic
from strikeloop.settings import structure
from strikeloop_venue import LatencySettings, VenueSettings


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = VenueSettings()
    assert (settings.balance, settings.currency, settings.queue, settings.settlement_window_s) == (D(100_000), "USDT", "risk-averse", 1800)


def test_numbers_and_tables_of_a_config_file_are_taken() -> None:
    settings = VenueSettings(balance="5000.5", latency={"kind": "constant", "entry_ms": 1})
    assert (settings.balance, settings.latency) == (D("5000.5"), LatencySettings(entry_ms=1))


def test_a_config_file_says_all_of_it() -> None:
    told = """
        queue = "power3"
        queue_exponent = 3.0
        self_trade = "cn"
        mark_price_up = "1.5"
        [latency]
        kind = "table"
        rows = [[0, 10, 30], [100, 130, 190]]
    """
    settings = structure(tomllib.loads(told), VenueSettings)
    assert settings.latency.rows == ((0, 10, 30), (100, 130, 190))
    assert (settings.queue, settings.self_trade, settings.mark_price_up) == ("power3", "cn", D("1.5"))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"queue": "lucky"}, "risk-averse"),
        ({"balance": "-1"}, "balance"),
        ({"balance": "NaN"}, "balance"),
        ({"settlement_window_s": 0}, "settlement_window_s"),
        ({"mark_every_s": 0.0}, "mark_every_s"),
        ({"self_trade": "never"}, "cn, co, cb"),
        ({"queue_exponent": 0.0}, "queue_exponent"),
        ({"queue_unit": -1.0}, "queue_unit"),
        ({"mark_price_up": "0.5"}, "mark_price_up"),
        ({"mark_price_down": "-1"}, "mark_price_down"),
        ({"mark_price_up": "NaN"}, "mark_price_up"),
        ({"insurance": "Infinity"}, "insurance"),
        ({"liquidation_batch": "0"}, "liquidation_batch"),
        ({"liquidation_fee_rate": "1"}, "liquidation_fee_rate"),
    ],
)
def test_settings_that_make_no_venue_are_refused_by_name(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        VenueSettings(**wrong)  # type: ignore[arg-type]  # wrong values are the point


def test_every_public_name_is_found_and_no_other() -> None:
    assert all(getattr(strikeloop_venue, name) for name in strikeloop_venue.__all__)
    with pytest.raises(AttributeError, match="Nothing"):
        strikeloop_venue.Nothing  # noqa: B018  # the look-up is the point


def test_the_margin_model_is_chosen_by_name() -> None:
    assert VenueSettings(margin="portfolio").margin_model is GATE
    assert VenueSettings().margin_model == Classic()
    with pytest.raises(ValueError, match="margin is 'regt'; expected one of classic, portfolio, deribit_like, span_like"):
        VenueSettings(margin="regt")
