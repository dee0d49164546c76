"""European option values: Black-76 on the expiry's forward, and the generalized Black-Scholes-Merton form.

Owns price, greeks and implied volatility of one option, in plain floats. Conventions (those of Gate's tickers):
r = 0, years are ACT/365, volatilities fractions, vega per volatility point (0.01), theta per calendar day, delta
undiscounted. Outside its domain a function returns NaN; it never raises for a float, and it never knows the time.
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
_MAX_STEPS = 100


@attrs.frozen(kw_only=True)
class Greeks:
    """Sensitivities of one unit of the option: vega per volatility point (0.01), theta per calendar day."""

    delta: float
    gamma: float
    vega: float
    theta: float


@attrs.frozen(kw_only=True)
class Valuation:
    """Price per unit of the underlying, and its greeks."""

    price: float
    greeks: Greeks


_UNDEFINED = Greeks(delta=NAN, gamma=NAN, vega=NAN, theta=NAN)


def price(forward: float, strike: float, years: float, iv: float, *, is_call: bool) -> float:
    """The Black-76 price with r = 0, in the currency of `forward`.

    Intrinsic value plus the price of the out-of-the-money twin, so that put-call parity holds to the last digit.
    Intrinsic value alone where `years` <= 0 or `iv` is 0; NaN unless forward and strike are positive and iv >= 0.

    >>> round(price(100.0, 100.0, 0.5, 0.2, is_call=True), 4)
    5.6372
    """
    if not _is_defined(forward, strike, years, iv):
        return NAN
    return _intrinsic(forward, strike, is_call) + _time_value(forward, strike, _deviation(years, iv))


def greeks(forward: float, strike: float, years: float, iv: float, *, is_call: bool) -> Greeks:
    """The greeks of `price`.

    Where `years` <= 0 or `iv` is 0, delta is that of the intrinsic value (±0.5 at the strike) and the others are 0.
    All NaN where `price` is.
    """
    if not _is_defined(forward, strike, years, iv):
        return _UNDEFINED
    sign = 1.0 if is_call else -1.0
    deviation = _deviation(years, iv)
    if not deviation > 0.0:
        return Greeks(delta=sign * _step(sign * (forward - strike)), gamma=0.0, vega=0.0, theta=0.0)
    d1 = _log(forward / strike) / deviation + 0.5 * deviation
    density, root = _density(d1), math.sqrt(years)
    return Greeks(
        delta=sign * _cumulative(sign * d1),
        gamma=density / forward / deviation,
        vega=forward * density * root * _POINT,
        theta=-forward * density * iv / (2.0 * root) / _DAYS,
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


def implied_volatility(price: float, forward: float, strike: float, years: float, *, is_call: bool) -> float:
    """The volatility at which `price` is the Black-76 price.

    0 at the intrinsic value; NaN below it, at or above the upper bound (forward for a call, strike for a put), and for
    a price above intrinsic when no time is left. What is lost when a price in the money is rounded cannot come back:
    half a unit of its last digit divided by vega is the error to expect there.
    """
    if not _is_defined(forward, strike, years, 0.0):
        return NAN
    low, high = min(forward, strike), max(forward, strike)
    extra, ratio = price - _intrinsic(forward, strike, is_call), high / low
    if extra / low == 0.0:
        return 0.0
    if not (0.0 < extra < low and years > 0.0 and ratio < math.inf):
        return NAN
    return _solve(extra / low, (low - extra) / low, ratio) / math.sqrt(years)


def gbs(spot: float, strike: float, years: float, iv: float, *, is_call: bool, r: float, q: float) -> float:
    """The generalized Black-Scholes-Merton price: rate `r` and yield `q`, both continuous and per year.

    Source: Haug, The Complete Guide to Option Pricing Formulas (1998), with cost of carry b = r − q. NaN as in `price`.

    >>> round(gbs(100.0, 95.0, 0.5, 0.2, is_call=False, r=0.1, q=0.05), 4)
    2.4648
    """
    left = max(0.0, years)
    return _exp(-r * left) * price(spot * _exp((r - q) * left), strike, years, iv, is_call=is_call)


def _is_defined(forward: float, strike: float, years: float, iv: float) -> bool:
    return forward > 0.0 and strike > 0.0 and iv >= 0.0 and not math.isnan(years)


def _deviation(years: float, iv: float) -> float:
    """Standard deviation of the logarithm of the forward at expiry; 0 when no time is left."""
    return iv * math.sqrt(years) if years > 0.0 else 0.0


def _intrinsic(forward: float, strike: float, is_call: bool) -> float:
    return max(0.0, forward - strike if is_call else strike - forward)


def _time_value(forward: float, strike: float, deviation: float) -> float:
    """Price of whichever of call and put is out of the money: the same formula with the smaller number first."""
    if not deviation > 0.0:
        return 0.0
    low, high = (forward, strike) if forward < strike else (strike, forward)
    distance, half = _log(high / low) / deviation, 0.5 * deviation
    return max(0.0, low * _cumulative(half - distance) - high * _cumulative(-half - distance))


def _solve(target: float, complement: float, ratio: float) -> float:
    """The deviation s at which b(s) = Φ(s/2 − x/s) − ratio·Φ(−s/2 − x/s) is `target`; x = log(ratio) >= 0.

    `complement` is 1 − target. Below the inflection point √(2x), Newton runs on 1/log b, which is nearly linear in s²
    there; above it on log(1 − b). Both objectives are Jäckel's (Let's Be Rational, 2013). A bracket catches the rest.
    """
    x = math.log(ratio)
    turn = math.sqrt(2.0 * x)
    at_turn = max(0.5 - ratio * _cumulative(-turn), 0.0)
    is_low = target < at_turn
    s = turn * math.sqrt(math.log(at_turn) / math.log(target)) if is_low else turn + (target - at_turn) * _ROOT_TWO_PI
    below, above = (0.0, turn) if is_low else (turn, math.inf)
    for _ in range(_MAX_STEPS):
        step = _low_step(s, x, ratio, target) if is_low else _high_step(s, x, ratio, complement)
        if abs(step) <= 1e-9 * s:
            return s + step
        below, above = (s, above) if step > 0.0 else (below, s)
        s += step
        if not below < s < above:
            s = 0.5 * (below + above) if above < math.inf else 2.0 * below
    return s


def _low_step(s: float, x: float, ratio: float, target: float) -> float:
    """The Newton step on 1/log b. Where b vanishes in double precision: any step too long to be taken."""
    d1 = 0.5 * s - x / s
    b, slope = _cumulative(d1) - ratio * _cumulative(d1 - s), _density(d1)
    if b <= 0.0 or slope == 0.0:
        return math.inf
    log_b, log_target = math.log(b), math.log(target)
    return log_b * (log_target - log_b) / log_target * b / slope


def _high_step(s: float, x: float, ratio: float, complement: float) -> float:
    """The Newton step on log(1 − b). Where 1 − b vanishes in double precision: a step too long to be taken."""
    d1 = 0.5 * s - x / s
    c, slope = _cumulative(-d1) + ratio * _cumulative(d1 - s), _density(d1)
    if c <= 0.0 or slope == 0.0:
        return -math.inf
    return math.log(c / complement) * c / slope


def _step(distance: float) -> float:
    """Φ of an infinite multiple of `distance`."""
    return 0.5 if distance == 0.0 else float(distance > 0.0)


def _cumulative(x: float) -> float:
    return 0.5 * math.erfc(-x * _ROOT_HALF)


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / _ROOT_TWO_PI


def _log(ratio: float) -> float:
    """log, defined at 0, where a quotient of positive numbers may underflow."""
    return math.log(ratio) if ratio > 0.0 else -math.inf


def _exp(x: float) -> float:
    """exp, infinite where math.exp would raise."""
    return math.exp(x) if x < 709.0 else math.inf
