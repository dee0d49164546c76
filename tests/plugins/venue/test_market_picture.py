"""The specification of strikeloop_venue.market.picture and of `strikeloop venue picture`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from strikeloop_venue import GeneratedMarket
from strikeloop_venue.command import venue
from strikeloop_venue.market.picture import sketch

START = 1_780_272_000_000_000_000
HOUR = 3_600_000_000_000
SHORT = GeneratedMarket(duration_s=10 * 3_600, step_ms=600_000, ticker_every_ms=600_000, strikes=5, daily=1, weekly=1, monthly=0)


def test_the_path_is_the_index_from_the_first_event_to_the_last() -> None:
    found = sketch(SHORT)
    assert found.path[0] == (START, 70_000.0)
    assert len(found.path) == 60


def test_the_smiles_are_of_the_options_that_stood_at_each_moment() -> None:
    found = sketch(SHORT)
    assert found.moments == tuple(START + part * 10 * HOUR // 4 for part in (1, 2, 3))
    first, _, last = ({contract.expiry for contract, _, _ in smile} for smile in found.smiles)
    assert min(first) == START + 8 * HOUR
    assert len([contract for contract, _, _ in found.smiles[0]]) == 20
    assert last == first


def test_volatility_at_the_money_is_told_for_each_expiry_while_it_stands() -> None:
    found = sketch(SHORT)
    times = [time for time, _ in found.money[START + 8 * HOUR]]
    assert max(times) < START + 8 * HOUR
    assert all(0.3 < iv < 1.0 for points in found.money.values() for _, iv in points)


def test_a_market_without_end_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="give duration_s"):
        sketch(GeneratedMarket(duration_s=None))


def test_the_command_writes_one_page_that_needs_no_network(tmp_path: Path) -> None:
    out = tmp_path / "market.html"
    done = CliRunner().invoke(venue, ["picture", "--hours", "0.2", "--scenario", "crash", "--seed", "3", "--out", str(out)])
    assert (done.exit_code, done.output.strip()) == (0, str(out))
    page = out.read_text()
    assert r"crash \u00b7 heston \u00b7 seed 3" in page
    assert '<script src="http' not in page


@pytest.mark.parametrize("arguments", [["--scenario", "storm"], ["--hours", "0"], ["--process", "levy"]])
def test_what_cannot_be_drawn_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner().invoke(venue, ["picture", *arguments]).exit_code == 2
