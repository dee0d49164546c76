"""Prices, greeks and volatilities against others: arbitrary precision, two libraries and a venue's recorded chains."""

from __future__ import annotations

import math
import random
import warnings
from pathlib import Path
from typing import Any

import pytest

from strikeloop.pricing import further_greeks, greeks, implied_volatility, price

GREEKS = ("delta", "gamma", "vega", "theta")
YEAR_S = 365 * 86_400


def options(count: int, seed: int, *, spread: float = 6.0) -> list[tuple[float, float, float, float, bool]]:
    """(forward, strike, years, iv, is_call) of every kind."""
    draw = random.Random(seed)

    def one() -> tuple[float, float, float, float, bool]:
        forward, years, iv = 10 ** draw.uniform(-2, 5), 10 ** draw.uniform(-4, 0.7), 10 ** draw.uniform(-1.3, 0.5)
        return forward, forward * math.exp(draw.uniform(-spread, spread) * iv * math.sqrt(years)), years, iv, draw.random() < 0.5

    return [one() for _ in range(count)]


def test_greeks_agree_with_fifty_digits_to_twelve() -> None:
    mp = pytest.importorskip("mpmath", reason="mpmath is not installed")
    with mp.workdps(50):
        for forward, strike, years, iv, is_call in options(400, 1):
            f, k, t, v, sign = *map(mp.mpf, (forward, strike, years, iv)), 1 if is_call else -1
            s = v * mp.sqrt(t)
            ratio = mp.log(f / k) / s
            d1, d2 = ratio + s / 2, ratio - s / 2
            density = mp.npdf(d1)
            expected = {
                "delta": sign * mp.ncdf(sign * d1),
                "gamma": density / (f * s),
                "vega": f * density * mp.sqrt(t) / 100,
                "theta": -f * density * v / (2 * mp.sqrt(t)) / 365,
            }
            found = greeks(forward, strike, years, iv, is_call=is_call)
            for name, exact in expected.items():
                assert abs(getattr(found, name) - exact) <= 1e-12 * abs(exact), (name, forward, strike, years, iv)
            # d2 is a difference: what it loses where it vanishes is measured against the terms it is made of.
            size = abs(ratio) + s / 2
            further = further_greeks(forward, strike, years, iv, is_call=is_call)
            assert abs(further.vanna + density * d2 / v / 100) <= 1e-12 * density * size / v
            assert abs(further.charm - density * d2 / (2 * t) / 365) <= 1e-12 * density * size / t
            assert abs(further.volga - f * density * mp.sqrt(t) * d1 * d2 / v / 10_000) <= 1e-12 * f * density * mp.sqrt(t) * size**2 / v


def test_prices_and_volatilities_agree_with_fifty_digits() -> None:
    mp = pytest.importorskip("mpmath", reason="mpmath is not installed")
    with mp.workdps(50):
        for forward, strike, years, iv, _ in options(400, 2):
            f, k, is_call = mp.mpf(forward), mp.mpf(strike), strike > forward
            s = mp.mpf(iv) * mp.sqrt(years)
            d1 = mp.log(f / k) / s + s / 2
            sign = 1 if is_call else -1
            exact = sign * (f * mp.ncdf(sign * d1) - k * mp.ncdf(sign * (d1 - s)))
            assert abs(price(forward, strike, years, iv, is_call=is_call) - exact) <= 1e-15 * max(forward, strike)
            if f * mp.npdf(d1) * mp.sqrt(years) / 100 > 1e-8 * f:
                assert implied_volatility(float(exact), forward, strike, years, is_call=is_call) == pytest.approx(iv, abs=1e-12)


def test_prices_agree_with_quantlib() -> None:
    ql = quantlib()
    for forward, strike, years, iv, is_call in options(2_000, 3):
        expected = ql.blackFormula(ql.Option.Call if is_call else ql.Option.Put, strike, forward, iv * math.sqrt(years))
        assert price(forward, strike, years, iv, is_call=is_call) == pytest.approx(expected, abs=1e-13 * max(forward, strike))


def test_volatilities_agree_with_quantlib() -> None:
    ql, compared = quantlib(), 0
    for forward, strike, years, iv, _ in options(500, 4, spread=2.5):
        is_call = strike > forward
        kind, worth = ql.Option.Call if is_call else ql.Option.Put, price(forward, strike, years, iv, is_call=is_call)
        expected = ql.blackFormulaImpliedStdDev(kind, strike, forward, worth, 1.0, 0.0, iv * math.sqrt(years), 1e-15, 200) / math.sqrt(
            years
        )
        assert implied_volatility(worth, forward, strike, years, is_call=is_call) == pytest.approx(expected, rel=1e-9)
        compared += 1
    assert compared == 500


def test_volatilities_agree_with_lets_be_rational() -> None:
    oracle: Any = pytest.importorskip("py_lets_be_rational", reason="py_lets_be_rational is not installed")
    for forward, strike, years, iv, _ in options(1_000, 5):
        is_call = strike > forward
        worth = price(forward, strike, years, iv, is_call=is_call)
        expected = oracle.implied_volatility_from_a_transformed_rational_guess(worth, forward, strike, years, 1.0 if is_call else -1.0)
        assert implied_volatility(worth, forward, strike, years, is_call=is_call) == pytest.approx(expected, rel=1e-11)


def test_marks_and_deltas_of_a_recorded_chain_come_out(shared: Path) -> None:
    """Deribit: marks in coin are Black-76 over the forward; a sample of every 60th row of a quarter."""
    np = pytest.importorskip("numpy", reason="the vector extra is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    from strikeloop.pricing import vector

    names = ["timestamp", "expiry_datetime", "underlying", "strike", "implied_volatility", "option_type", "mark_price", "delta"]
    table = parquet.read_table(shared / "data" / "deribit_btc_chain_2026q2" / "chain.parquet", columns=names)
    column = {name: table.column(name).to_numpy()[::60] for name in names}
    years = (column["expiry_datetime"] - column["timestamp"]) / np.timedelta64(1, "s") / YEAR_S
    is_call = column["option_type"] == "call"
    found = vector.value(column["underlying"], column["strike"], years, column["implied_volatility"], is_call=is_call)
    assert len(years) > 5_000
    assert np.nanmedian(np.abs(found.price / column["underlying"] - column["mark_price"])) <= 1e-5
    assert np.nanmedian(np.abs(found.greeks.delta - column["delta"])) <= 2e-4


def quantlib() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its generated bindings warn while they load
        return pytest.importorskip("QuantLib", reason="QuantLib is not installed")
