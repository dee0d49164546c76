"""The specification of strikeloop.pricing.black: prices and greeks of one option."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strikeloop.contracts import DAY_NS, Contract, ContractId, OptionKind
from strikeloop.pricing import Greeks, further_greeks, gbs, greeks, of_contract, price, value

FORWARDS = st.floats(1e-2, 1e5)
DEVIATIONS_AWAY = st.floats(-5.0, 5.0)
YEARS = st.floats(1e-4, 5.0)
VOLATILITIES = st.floats(0.05, 3.0)
ANY = st.floats(allow_nan=True, allow_infinity=False)
NAMES = ("delta", "gamma", "vega", "theta")
FURTHER = ("rho", "vanna", "volga", "charm")


def strike_at(forward: float, away: float, years: float, iv: float) -> float:
    return forward * math.exp(away * iv * math.sqrt(years))


def figures(result: Greeks) -> list[float]:
    return [getattr(result, name) for name in NAMES]


def test_the_prices_of_haugs_tables_come_out(shared: Path) -> None:
    with (shared / "data" / "haug_tables" / "haug1998_gbs_values.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 43
    for row in rows:
        spot, strike, years, iv, r, q = (float(row[name]) for name in ("spot", "strike", "t", "vol", "r", "q"))
        assert gbs(spot, strike, years, iv, is_call=row["type"] == "call", r=r, q=q) == pytest.approx(float(row["value"]), abs=1e-4), row


def test_a_price_and_greeks_published_by_the_venue_come_out() -> None:
    """BTC_USDT-20260516-77500-P as Gate showed it on 2026-05-14 shortly after 00:02:30 UTC."""
    expiry = datetime(2026, 5, 16, 8, tzinfo=UTC).timestamp()
    seen = datetime(2026, 5, 14, 0, 2, 38, tzinfo=UTC).timestamp()
    result = value(79_371.64, 77_500.0, (expiry - seen) / 86_400 / 365, 0.4103, is_call=False)
    assert result.price == pytest.approx(350.6, abs=0.1)
    assert result.greeks.delta == pytest.approx(-0.22843, abs=1e-4)
    assert result.greeks.gamma == pytest.approx(0.000116, abs=1e-6)
    assert result.greeks.vega == pytest.approx(19.18789, abs=1e-3)
    assert result.greeks.theta == pytest.approx(-168.86772, abs=0.05)


@given(FORWARDS, DEVIATIONS_AWAY, YEARS, VOLATILITIES)
def test_call_less_put_is_forward_less_strike(forward: float, away: float, years: float, iv: float) -> None:
    strike = strike_at(forward, away, years, iv)
    call, put = (price(forward, strike, years, iv, is_call=is_call) for is_call in (True, False))
    assert abs(call - put - (forward - strike)) <= 1e-12 * max(forward, strike)


@given(FORWARDS, DEVIATIONS_AWAY, YEARS, VOLATILITIES)
def test_calls_and_puts_share_gamma_vega_and_theta_and_their_deltas_differ_by_one(
    forward: float, away: float, years: float, iv: float
) -> None:
    strike = strike_at(forward, away, years, iv)
    call, put = (greeks(forward, strike, years, iv, is_call=is_call) for is_call in (True, False))
    assert (call.gamma, call.vega, call.theta) == (put.gamma, put.vega, put.theta)
    assert call.delta - put.delta == pytest.approx(1.0, abs=1e-15)


@given(FORWARDS, st.floats(-3.0, 3.0), YEARS, VOLATILITIES, st.booleans())
def test_greeks_are_the_slopes_of_the_price(forward: float, away: float, years: float, iv: float, is_call: bool) -> None:
    strike, s = strike_at(forward, away, years, iv), iv * math.sqrt(years)

    def at(bump: float = 0.0, wider: float = 0.0, later: float = 0.0) -> float:
        return price(forward * (1 + bump), strike, years * (1 - later), iv * (1 + wider), is_call=is_call)

    h = 1e-3 * min(1.0, s)
    result, scale = greeks(forward, strike, years, iv, is_call=is_call), forward * s
    slope = (at(bump=h) - at(bump=-h)) / (2 * h * forward)
    bend = (at(bump=h) - 2 * at() + at(bump=-h)) / (h * forward) ** 2
    assert result.delta == pytest.approx(slope, abs=1e-5)
    assert result.gamma * scale == pytest.approx(bend * scale, abs=1e-4)
    assert result.vega * 100 * iv == pytest.approx((at(wider=1e-4) - at(wider=-1e-4)) / 2e-4, abs=1e-5 * scale)
    assert result.theta * 365 * years == pytest.approx((at(later=1e-4) - at(later=-1e-4)) / 2e-4, abs=1e-5 * scale)


@given(FORWARDS, st.floats(-3.0, 3.0), YEARS, VOLATILITIES, st.booleans())
def test_further_greeks_are_the_slopes_of_the_greeks(forward: float, away: float, years: float, iv: float, is_call: bool) -> None:
    strike, h = strike_at(forward, away, years, iv), 1e-4

    def at(wider: float = 0.0, later: float = 0.0) -> Greeks:
        return greeks(forward, strike, years * (1 - later), iv * (1 + wider), is_call=is_call)

    result = further_greeks(forward, strike, years, iv, is_call=is_call)
    above, below, after, before = at(wider=h), at(wider=-h), at(later=h), at(later=-h)
    assert result.vanna * 100 * iv == pytest.approx((above.delta - below.delta) / (2 * h), abs=1e-5)
    assert result.volga * 100 * iv == pytest.approx((above.vega - below.vega) / (2 * h), abs=1e-5 * forward)
    assert result.charm * 365 * years == pytest.approx((after.delta - before.delta) / (2 * h), abs=1e-5)
    assert result.rho == pytest.approx(-years * price(forward, strike, years, iv, is_call=is_call) / 100, rel=1e-14)


def test_greeks_at_the_money_have_their_closed_form() -> None:
    forward, years, iv = 50_000.0, 0.25, 0.6
    root = math.sqrt(years)
    density = math.exp(-((iv * root) ** 2) / 8) / math.sqrt(2 * math.pi)
    result = greeks(forward, forward, years, iv, is_call=True)
    assert result.delta == pytest.approx(0.5 * (1 + math.erf(iv * root / math.sqrt(8))), rel=1e-14)
    assert result.gamma == pytest.approx(density / (forward * iv * root), rel=1e-14)
    assert result.vega == pytest.approx(forward * density * root / 100, rel=1e-14)
    assert result.theta == pytest.approx(-forward * density * iv / (2 * root) / 365, rel=1e-14)
    assert price(forward, forward, years, iv, is_call=True) == pytest.approx(forward * math.erf(iv * root / math.sqrt(8)), rel=1e-14)


@pytest.mark.parametrize(("years", "iv"), [(0.0, 0.5), (-1.0, 0.5), (0.5, 0.0)])
@pytest.mark.parametrize(("is_call", "forward", "worth", "delta"), [
    (True, 110.0, 10.0, 1.0), (True, 90.0, 0.0, 0.0), (True, 100.0, 0.0, 0.5),
    (False, 90.0, 10.0, -1.0), (False, 110.0, 0.0, 0.0), (False, 100.0, 0.0, -0.5),
])  # fmt: skip
def test_without_time_or_volatility_the_intrinsic_value_is_left(
    years: float, iv: float, is_call: bool, forward: float, worth: float, delta: float
) -> None:
    result = value(forward, 100.0, years, iv, is_call=is_call)
    assert result.price == worth
    assert figures(result.greeks) == [delta, 0.0, 0.0, 0.0]
    further = further_greeks(forward, 100.0, years, iv, is_call=is_call)
    assert (further.vanna, further.volga, further.charm) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("forward", "strike", "years", "iv"), [
    (0.0, 100.0, 1.0, 0.5), (-1.0, 100.0, 1.0, 0.5), (100.0, 0.0, 1.0, 0.5), (100.0, 100.0, 1.0, -0.1), (100.0, 100.0, math.nan, 0.5),
])  # fmt: skip
def test_outside_the_domain_everything_is_nan(forward: float, strike: float, years: float, iv: float) -> None:
    assert math.isnan(price(forward, strike, years, iv, is_call=True))
    assert all(map(math.isnan, figures(greeks(forward, strike, years, iv, is_call=True))))


@given(ANY, ANY, ANY, ANY, ANY, st.booleans())
@example(1e308, 1e-308, 1.0, 0.5, 1e300, True)
@example(1e-308, 1e308, 1e308, 1e308, 5e-324, False)
@example(1e-300, 1e-300, 1e-300, 1e-300, 5e-324, True)
@example(1e294, 1e294, 1.0, 0.5, 1.0, False)
def test_no_floats_make_it_raise(forward: float, strike: float, years: float, iv: float, rate: float, is_call: bool) -> None:
    further = further_greeks(forward, strike, years, iv, is_call=is_call)
    for result in (
        price(forward, strike, years, iv, is_call=is_call),
        gbs(forward, strike, years, iv, is_call=is_call, r=rate, q=iv),
        *figures(greeks(forward, strike, years, iv, is_call=is_call)),
        *(getattr(further, name) for name in FURTHER),
    ):
        assert isinstance(result, float)


def test_a_contract_is_valued_at_its_strike_kind_and_time_left() -> None:
    contract = Contract(
        id=ContractId.of("sim", "X-P"),
        underlying="X",
        kind=OptionKind.PUT,
        strike=Decimal(77_500),
        expiry=73 * DAY_NS,
        multiplier=Decimal(1),
        tick=Decimal(1),
        mark_tick=Decimal("0.1"),
    )
    assert of_contract(contract, 80_000.0, 0.5, 0) == value(80_000.0, 77_500.0, 0.2, 0.5, is_call=False)
    assert of_contract(contract, 75_000.0, 0.5, 74 * DAY_NS).price == 2_500.0
