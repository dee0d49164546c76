"""Limits as settings: a number or a table, and what is refused at `strikeloop check`, under the key it stands at."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from strikeloop import ConfigError
from strikeloop.load import load
from strikeloop.settings import structure
from strikeloop_risk import GreekLimits, OrderLimits, StressLimit, VarLimit
from strikeloop_risk import limits as module
from strikeloop_risk.limits import of_total, of_underlying

BASE = '[run]\nmode = "sim"\n[market]\nuse = "generated"\n[strategies.a]\nuse = "quoter"\n'
TABLE = {"default": 500.0, "BTC_USDT": 300.0, "total": 900.0}


def refused(tmp_path: Path, rule: str, base: str = BASE) -> list[str]:
    file = tmp_path / "strikeloop.toml"
    file.write_text(f"{base}[risk.r]\n{rule}", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load([file], environ={})
    return [f"{problem.where.split(' ')[0]} {problem.what}" for problem in error.value.problems]


def test_a_number_holds_for_each_underlying_and_for_their_total() -> None:
    assert (of_underlying(500.0, "ETH_USDT"), of_total(500.0)) == (500.0, 500.0)


def test_a_table_holds_for_what_it_names() -> None:
    assert (of_underlying(TABLE, "BTC_USDT"), of_underlying(TABLE, "ETH_USDT"), of_total(TABLE)) == (300.0, 500.0, 900.0)
    assert (of_underlying({"BTC_USDT": 300.0}, "ETH_USDT"), of_total({"BTC_USDT": 300.0})) == (None, None)


def test_both_come_from_plain_data_of_the_right_type() -> None:
    assert structure({"max_vega": 500}, GreekLimits).max_vega == 500.0
    assert structure({"max_vega": {"default": 500, "BTC_USDT": 300}}, GreekLimits).max_vega == {"default": 500.0, "BTC_USDT": 300.0}
    assert structure({"max_size": {"BTC_USDT": 3}}, OrderLimits).max_size == {"BTC_USDT": Decimal(3)}


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ('use = "greek-limits"\nmax_vega = -5', "risk.r.max_vega is -5.0; expected more than 0"),
        ('use = "greek-limits"\nmax_vega = { default = 5, BTC_USDT = 0 }', "risk.r.max_vega.BTC_USDT is 0.0; expected more than 0"),
        ('use = "greek-limits"\nmax_vega = "5"', 'risk.r.max_vega expected a number or a table, got "5"'),
        ('use = "greek-limits"\nmax_vega = { default = "5" }', 'risk.r.max_vega.default expected a number, got "5"'),
        ('use = "greek-limits"\nmax_vega = {}', "risk.r.max_vega is a table that names no limit"),
        ('use = "greek-limits"', "risk.r.max_delta GreekLimits has no limit"),
        ('use = "greek-limits"\nmax_vega = 5\non_breach = "ignore"', 'risk.r.on_breach expected one of refuse, resize, got "ignore"'),
        ('use = "loss-limits"\nsoft_drawdown = "5"\nmax_drawdown = "4"', "risk.r.soft_drawdown is 5, above max_drawdown of 4"),
        ('use = "margin-guard"\nmax_share = 1.2', "risk.r.max_share is 1.2; expected a share above 0 and at most 1"),
        ('use = "stress-limit"', "risk.r.max_loss missing"),
        ('use = "stress-limit"\nmax_loss = 5\nmoves = [-1.0]', "risk.r.moves is [-1.0]; expected fractions above -1, at least one"),
        (
            'use = "position-limits"\nmax_per_expiry = { ETH_USDT = 5 }',
            "risk.r.max_per_expiry.ETH_USDT ETH_USDT is no underlying of this run",
        ),
        ('use = "trading-scope"\nunderlyings = ["ETH_USDT"]', "risk.r.underlyings ETH_USDT is no underlying of this run"),
    ],
)
def test_what_is_wrong_is_refused_before_a_run_under_its_key(tmp_path: Path, rule: str, problem: str) -> None:
    assert refused(tmp_path, rule) == [problem]


def test_the_underlyings_of_adapters_are_known_too(tmp_path: Path) -> None:
    base = '[adapters.gate]\nuse = "gate"\nunderlyings = ["BTC_USDT", "SOL_USDT"]\n[strategies.a]\nuse = "quoter"\n'
    rule = 'use = "greek-limits"\nmax_vega = { default = 5, SOL_USDT = 3, total = 9, ETH_USDT = 2 }'
    assert refused(tmp_path, rule, base) == ["risk.r.max_vega.ETH_USDT ETH_USDT is no underlying of this run"]


@pytest.mark.parametrize("rule", [StressLimit, VarLimit])
def test_rules_of_scenarios_say_what_to_install_where_it_is_missing(rule: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "scipy" else object())
    (field,) = ("max_loss" if rule is StressLimit else "max_var",)
    with pytest.raises(ConfigError, match=r"scenarios need scipy, not installed here \(pip install 'strikeloop-risk\[vector\]'\)"):
        rule(**{field: 5.0})


def test_dates_stand_in_a_config_as_toml_writes_them_and_in_a_journal_as_text(tmp_path: Path) -> None:
    file = tmp_path / "strikeloop.toml"
    file.write_text(f'{BASE}[risk.r]\nuse = "trading-scope"\nexpiries = [2026-06-26]\n', encoding="utf-8")
    plan = load([file], environ={})
    assert json.loads(json.dumps(plan.header()))["config"]["risk"]["r"]["expiries"] == ["2026-06-26"]
    assert "expiries = [2026-06-26]" in plan.toml()
