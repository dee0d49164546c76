"""The volatility behind one price, after P. Jäckel, Let's Be Rational (Wilmott, January 2015).

Theory. With x = −|log(F/K)| and s = σ√T the normalized price of the option out of the money is b(x, s), its slope
v(x, s) = exp(−(h² + t²)/2)/√2π, h = x/s, t = s/2, and b = v·D with D = Y(h + t) − Y(h − t) and Mills' ratio
Y(z) = Φ(z)/φ(z). Three objectives that are nearly linear in s where they are used, a rational first guess for each
of four intervals of the price, and two Householder steps of fourth order reach the last digits. Written in D, nothing
underflows: the smallest price a float can hold has its volatility.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from strikeloop.pricing.black import NAN, cumulative, intrinsic, is_defined, log_ratio

STEPS = 2
TAYLOR_BELOW = 0.1
"""The t under which D is summed as a series; there the difference of the two ratios would lose its digits."""
_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)
_LOG_ROOT_TWO_PI = math.log(_ROOT_TWO_PI)
_ROOT_THREE = math.sqrt(3.0)
_LEAST_CONTROL = -(1.0 - math.sqrt(2.0**-52))
_STANDARD = NormalDist()


def implied_volatility(price: float, forward: float, strike: float, years: float, *, is_call: bool) -> float:
    """The volatility at which `price` is the Black-76 price.

    0 at the intrinsic value; NaN below it, at or above the upper bound (forward for a call, strike for a put), and for
    a price above intrinsic when no time is left. What is lost when a price in the money is rounded cannot come back:
    half a unit of its last digit divided by vega is the error to expect there.
    """
    if not is_defined(forward, strike, years, 0.0):
        return NAN
    low, high = min(forward, strike), max(forward, strike)
    extra, x = price - intrinsic(forward, strike, is_call), log_ratio(low, high)
    if extra / low == 0.0:
        return 0.0
    if not (0.0 < extra < low and years > 0.0 and x > -math.inf):
        return NAN
    return _deviation(extra / low, (low - extra) / low, x) / math.sqrt(years)


def _deviation(share: float, rest: float, x: float) -> float:
    """The s at which b(x, s) = share · e^(x/2), x <= 0; `rest` is 1 − share, `share` in (0, 1)."""
    most = math.exp(0.5 * x)
    beta, log_beta, log_rest = share * most, math.log(share) + 0.5 * x, math.log(rest) + 0.5 * x
    center = math.sqrt(-2.0 * x)
    v_center, d_center = _slope(x, center), price_over_slope(x, center)
    b_center = v_center * d_center
    if beta < b_center:
        left = center - d_center
        v_left = _slope(x, left)
        b_left = v_left * price_over_slope(x, left)
        if beta < b_left:
            return _householder(_low_guess(x, beta, left, b_left), x, _low_step, log_beta)
        control = _control(b_center - b_left, center - left, 1 / v_left, 1 / v_center, 0.0, at_left=False)
        place = (beta - b_left) / (b_center - b_left)
        guess = _cubic(place, 1.0 - place, b_center - b_left, (left, center), (1 / v_left, 1 / v_center), control)
        return _householder(guess, x, _middle_step, beta)
    right = center + (most - b_center) / v_center
    v_right = _slope(x, right)
    b_right = v_right * price_over_slope(x, right)
    if beta > b_right:
        return _householder(_high_guess(x, rest * most, most - b_right, right), x, _high_step, log_rest)
    control = _control(b_right - b_center, right - center, 1 / v_center, 1 / v_right, 0.0, at_left=True)
    place = (beta - b_center) / (b_right - b_center)
    guess = _cubic(place, 1.0 - place, b_right - b_center, (center, right), (1 / v_center, 1 / v_right), control)
    return _householder(guess, x, _middle_step, beta)


def _householder(s: float, x: float, step: Callable[[float, float, float], tuple[float, float, float]], target: float) -> float:
    """Householder's third method from the guess `s`: `step` gives Newton's step and the second and third derivative over the first."""
    for _ in range(STEPS):
        newton, second, third = step(s, x, target)
        s += newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0))
    return s


def _low_step(s: float, x: float, log_beta: float) -> tuple[float, float, float]:
    """On 1/log b."""
    d, (second, third) = price_over_slope(x, s), _bends(x, s)
    log_b = log_slope(x, s) + math.log(d)
    over = 1.0 / d
    newton = (log_beta - log_b) * log_b / log_beta * d
    lean = over * (1.0 + 2.0 / log_b)
    return newton, second - lean, third + 2.0 * over * over * (1.0 + 3.0 / log_b * (1.0 + 1.0 / log_b)) - 3.0 * second * lean


def _middle_step(s: float, x: float, beta: float) -> tuple[float, float, float]:
    """On b itself."""
    return (beta / _slope(x, s) - price_over_slope(x, s), *_bends(x, s))


def _high_step(s: float, x: float, log_rest: float) -> tuple[float, float, float]:
    """On the logarithm of what is left to the upper bound, e^(x/2) − b = v·(Y(−h − t) + Y(h − t))."""
    h, t = x / s, 0.5 * s
    d, (second, third) = mills(-h - t) + mills(h - t), _bends(x, s)
    over = 1.0 / d
    return (log_slope(x, s) + math.log(d) - log_rest) * d, second + over, third + over * (2.0 * over + 3.0 * second)


def _bends(x: float, s: float) -> tuple[float, float]:
    """Second and third derivative of b by s, over the first."""
    h = _ratio(x, s)
    second = h * h / s - 0.25 * s
    return second, second * second - 3.0 * (h / s) ** 2 - 0.25


# ---- first guesses ---------------------------------------------------------------------------------------------------


def _low_guess(x: float, beta: float, left: float, b_left: float) -> float:
    """Interpolate f = 2π|x|/(3√3)·Φ(−z)³, z = |x|/(s√3), which runs from 0 with slope 1, and turn it back into s."""
    size = -x
    z, tail = size / (_ROOT_THREE * left), cumulative(-size / (_ROOT_THREE * left))
    scale = 2.0 * math.pi * size / (3.0 * _ROOT_THREE)
    f, square = scale * tail**3, left * left
    slope = 2.0 * math.pi * z * z * tail * tail * math.exp(z * z + 0.125 * square)
    inner = 8.0 * _ROOT_THREE * left * size + (3.0 * square * (square - 8.0) - 8.0 * x * x) * mills(-z)
    bend = math.pi / 6.0 * z * z / (square * left) * tail * inner * math.exp(2.0 * z * z + 0.25 * square)
    control = _control(b_left, f, 1.0, slope, bend, at_left=False)
    share = beta / b_left
    found = _cubic(share, 1.0 - share, b_left, (0.0, f), (1.0, slope), control)
    if not found > 0.0:
        found = (f * share + b_left * (1.0 - share)) * share
    quantile = (found / scale) ** (1.0 / 3.0)
    return abs(size / (_ROOT_THREE * _STANDARD.inv_cdf(quantile))) if quantile > 0.0 else _smallest(x, beta)


def _smallest(x: float, beta: float) -> float:
    """Where even Φ(−z) vanishes in double precision: b falls like exp(−h²/2)."""
    return -x / math.sqrt(2.0 * (745.0 - 0.5 * x)) if beta == 0.0 else -x / math.sqrt(-2.0 * math.log(beta))


def _high_guess(x: float, left_over: float, width: float, right: float) -> float:
    """Interpolate f = Φ(−s/2), which falls to 0 with slope −1/2 at the upper bound, and turn it back into s.

    `left_over` is what the price lacks to its upper bound, `width` what b at `right` lacks.
    """
    f, ratio = cumulative(-0.5 * right), (x / right) ** 2
    slope, bend = -0.5 * math.exp(0.5 * ratio), _ROOT_HALF_PI * ratio / right * math.exp(ratio + 0.125 * right * right)
    control = _control(width, -f, slope, -0.5, bend, at_left=True)
    share = left_over / width
    found = _cubic(1.0 - share, share, width, (f, 0.0), (slope, -0.5), control)
    return -2.0 * _STANDARD.inv_cdf(found if found > 0.0 else f * share * share)


def _control(width: float, rise: float, left: float, right: float, bend: float, *, at_left: bool) -> float:
    """The control parameter of the rational cubic that has this second derivative at one end and keeps the shape.

    Source: R. Delbourgo and J. Gregory, Shape preserving piecewise rational interpolation (1985), as Jäckel uses it.
    """
    mean = rise / width
    wanted = 0.5 * width * bend + (right - left)
    room = mean - left if at_left else right - mean
    fitted = wanted / room if room != 0.0 else math.copysign(math.inf, wanted) if wanted else 0.0
    return max(fitted, _least_control(left, right, mean))


def _least_control(left: float, right: float, mean: float) -> float:
    """The least parameter at which the interpolant is monotonic, convex or concave where its data are."""
    least = _LEAST_CONTROL
    if left * mean >= 0.0 and right * mean >= 0.0 and mean != 0.0:
        least = max(least, (left + right) / mean)
    if left < mean < right or left > mean > right:
        least = max(least, abs((right - left) / (right - mean)), abs((right - left) / (mean - left)))
    return least


def _cubic(t: float, u: float, width: float, y: tuple[float, float], slopes: tuple[float, float], control: float) -> float:
    """The rational cubic through both ends with these slopes, at the share t = 1 − u of the way; control infinite: a line."""
    if control > 1e300:
        return y[1] * t + y[0] * u
    top = y[1] * t**3 + (control * y[1] - width * slopes[1]) * t * t * u + (control * y[0] + width * slopes[0]) * t * u * u + y[0] * u**3
    return top / (1.0 + (control - 3.0) * t * u)


# ---- the normalized price --------------------------------------------------------------------------------------------


def price_over_slope(x: float, s: float) -> float:
    """D = b(x, s) / v(x, s)."""
    h, t = _ratio(x, s), 0.5 * s
    if t >= TAYLOR_BELOW:
        return mills(h + t) - mills(h - t)
    y, w = h * h, t * t
    y1 = 1.0 + h * mills(h)
    y3 = (y + 3.0) * y1 - 1.0
    y5 = (y + 7.0) * y3 - 6.0 * y1
    y7 = (y + 11.0) * y5 - 20.0 * y3
    y9 = (y + 15.0) * y7 - 42.0 * y5
    return 2.0 * t * (y1 + w / 6.0 * (y3 + w / 20.0 * (y5 + w / 42.0 * (y7 + w / 72.0 * y9))))


def log_slope(x: float, s: float) -> float:
    """Log v(x, s)."""
    h, t = _ratio(x, s), 0.5 * s
    return -0.5 * (h * h + t * t) - _LOG_ROOT_TWO_PI


def _slope(x: float, s: float) -> float:
    return math.exp(log_slope(x, s))


def _ratio(x: float, s: float) -> float:
    return x / s if s > 0.0 else 0.0


def mills(z: float) -> float:
    """Mills' ratio Φ(z)/φ(z) = √(π/2)·erfcx(−z/√2)."""
    return _ROOT_HALF_PI * _erfcx(-z * _ROOT_HALF)


def _erfcx(q: float) -> float:
    """exp(q²)·erfc(q). The square is taken in two parts, for exp would blow up what rounding it loses."""
    if q < 26.0:
        high = q * 134_217_729.0
        high -= high - q
        return math.exp(high * high) * math.exp((q - high) * (q + high)) * math.erfc(q)
    w = 0.5 / (q * q)
    series = 1.0 - w * (1.0 - 3.0 * w * (1.0 - 5.0 * w * (1.0 - 7.0 * w * (1.0 - 9.0 * w))))
    return series / (q * math.sqrt(math.pi))
