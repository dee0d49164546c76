"""One option by Black-76, in plain floats: price, greeks, and the generalized Black-Scholes-Merton price.

Owns the formulas and their limits: without time or volatility the intrinsic value is left; outside the domain NaN.
"""

from __future__ import annotations

import math

import attrs

from strikeloop.contracts import Contract

NAN = math.nan
_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_DAYS = 365.0
_POINT = 0.01


@attrs.frozen(kw_only=True)
class Greeks:
    """Sensitivities of one unit of the option: vega per volatility point (0.01), theta per calendar day."""

    delta: float
    gamma: float
    vega: float
    theta: float


@attrs.frozen(kw_only=True)
class FurtherGreeks:
    """What the four greeks leave out, per unit of the option.

    `rho`: per percentage point of the rate that discounts the premium, the forward held fixed. `vanna`: change of delta,
    `volga` of vega (per point), both per volatility point. `charm`: change of delta per calendar day that passes.
    """

    rho: float
    vanna: float
    volga: float
    charm: float


@attrs.frozen(kw_only=True)
class Valuation:
    """Price per unit of the underlying, and its greeks."""

    price: float
    greeks: Greeks


_UNDEFINED = Greeks(delta=NAN, gamma=NAN, vega=NAN, theta=NAN)
_FURTHER_UNDEFINED = FurtherGreeks(rho=NAN, vanna=NAN, volga=NAN, charm=NAN)


def price(forward: float, strike: float, years: float, iv: float, *, is_call: bool) -> float:
    """The Black-76 price with r = 0, in the currency of `forward`.

    Intrinsic value plus the price of the out-of-the-money twin, so that put-call parity holds to the last digit.
    Intrinsic value alone where `years` <= 0 or `iv` is 0; NaN unless forward and strike are positive and iv >= 0.

    >>> round(price(100.0, 100.0, 0.5, 0.2, is_call=True), 4)
    5.6372
    """
    if not is_defined(forward, strike, years, iv):
        return NAN
    return intrinsic(forward, strike, is_call) + _time_value(forward, strike, _deviation(years, iv))


def greeks(forward: float, strike: float, years: float, iv: float, *, is_call: bool) -> Greeks:
    """The greeks of `price`.

    Where `years` <= 0 or `iv` is 0, delta is that of the intrinsic value (±0.5 at the strike) and the others are 0.
    All NaN where `price` is.
    """
    if not is_defined(forward, strike, years, iv):
        return _UNDEFINED
    sign = 1.0 if is_call else -1.0
    deviation = _deviation(years, iv)
    if not deviation > 0.0:
        return Greeks(delta=sign * _step(sign * (forward - strike)), gamma=0.0, vega=0.0, theta=0.0)
    d1 = log_ratio(forward, strike) / deviation + 0.5 * deviation
    density, root = _density(d1), math.sqrt(years)
    return Greeks(
        delta=sign * cumulative(sign * d1),
        gamma=density / forward / deviation,
        vega=forward * density * root * _POINT,
        theta=-forward * density * iv / (2.0 * root) / _DAYS,
    )


def further_greeks(forward: float, strike: float, years: float, iv: float, *, is_call: bool) -> FurtherGreeks:
    """Rho, vanna, volga and charm of `price`; rho is −years · price / 100, for the forward is quoted, not carried.

    Where `years` <= 0 or `iv` is 0, all but rho are 0. All NaN where `price` is. Formulas: Haug, The Complete Guide to
    Option Pricing Formulas (2nd ed.), chapter 2, with r = b = 0.
    """
    if not is_defined(forward, strike, years, iv):
        return _FURTHER_UNDEFINED
    deviation = _deviation(years, iv)
    rho = -_POINT * max(years, 0.0) * price(forward, strike, years, iv, is_call=is_call)
    if not deviation > 0.0:
        return FurtherGreeks(rho=rho, vanna=0.0, volga=0.0, charm=0.0)
    x = log_ratio(forward, strike)
    d1, d2 = x / deviation + 0.5 * deviation, x / deviation - 0.5 * deviation
    density = _density(d1)
    if density == 0.0:
        return FurtherGreeks(rho=rho, vanna=0.0, volga=0.0, charm=0.0)
    return FurtherGreeks(
        rho=rho,
        vanna=-density * d2 / iv * _POINT,
        volga=forward * density * math.sqrt(years) * d1 * d2 / iv * _POINT * _POINT,
        charm=density * d2 / (2.0 * years) / _DAYS,
    )


def value(forward: float, strike: float, years: float, iv: float, *, is_call: bool) -> Valuation:
    """Price and greeks together."""
    return Valuation(
        price=price(forward, strike, years, iv, is_call=is_call),
        greeks=greeks(forward, strike, years, iv, is_call=is_call),
    )


def of_contract(contract: Contract, forward: float, iv: float, now: int) -> Valuation:
    """Value one unit of `contract` at `now` (ns UTC), given the forward of its expiry and its volatility."""
    return value(forward, float(contract.strike), contract.years(now), iv, is_call=contract.is_call)


def gbs(spot: float, strike: float, years: float, iv: float, *, is_call: bool, r: float, q: float) -> float:
    """The generalized Black-Scholes-Merton price: rate `r` and yield `q`, both continuous and per year.

    Source: Haug, The Complete Guide to Option Pricing Formulas (1998), with cost of carry b = r − q. NaN as in `price`.

    >>> round(gbs(100.0, 95.0, 0.5, 0.2, is_call=False, r=0.1, q=0.05), 4)
    2.4648
    """
    left = max(0.0, years)
    return _exp(-r * left) * price(spot * _exp((r - q) * left), strike, years, iv, is_call=is_call)


def is_defined(forward: float, strike: float, years: float, iv: float) -> bool:
    """Whether Black's formula has a value here."""
    return forward > 0.0 and strike > 0.0 and iv >= 0.0 and not math.isnan(years)


def _deviation(years: float, iv: float) -> float:
    """Standard deviation of the logarithm of the forward at expiry; 0 when no time is left."""
    return iv * math.sqrt(years) if years > 0.0 else 0.0


def intrinsic(forward: float, strike: float, is_call: bool) -> float:
    """What exercising now would bring."""
    return max(0.0, forward - strike if is_call else strike - forward)


def _time_value(forward: float, strike: float, deviation: float) -> float:
    """Price of whichever of call and put is out of the money: the same formula with the smaller number first."""
    if not deviation > 0.0:
        return 0.0
    low, high = (forward, strike) if forward < strike else (strike, forward)
    distance, half = log_ratio(high, low) / deviation, 0.5 * deviation
    return max(0.0, low * cumulative(half - distance) - high * cumulative(-half - distance))


def _step(distance: float) -> float:
    """Φ of an infinite multiple of `distance`."""
    return 0.5 if distance == 0.0 else float(distance > 0.0)


def cumulative(x: float) -> float:
    """The standard normal distribution Φ, exact in its lower tail."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / _ROOT_TWO_PI


def log_ratio(a: float, b: float) -> float:
    """log(a / b), exact to the last digits also where a is near b; infinite where the quotient leaves the floats."""
    ratio = a / b
    if 0.5 < ratio < 2.0:
        return math.log1p((a - b) / b)
    return math.log(ratio) if ratio > 0.0 else -math.inf


def _exp(x: float) -> float:
    """exp, infinite where math.exp would raise."""
    return math.exp(x) if x < 709.0 else math.inf
