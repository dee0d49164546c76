"""The volatilities behind many prices: `strikeloop.pricing.implied` on arrays.

Owns the same four intervals, first guesses and Householder steps; see there for the theory. It knows nothing of
forwards and strikes: normalized prices in, deviations out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr, ndtri

from strikeloop.pricing.implied import STEPS, TAYLOR_BELOW

Floats = NDArray[np.float64]
Step = Callable[[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)
_LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_ROOT_THREE = math.sqrt(3.0)
_LEAST_CONTROL = -(1.0 - math.sqrt(2.0**-52))


def deviation_of(share: Floats, rest: Floats, x: Floats) -> Floats:
    """The s at which b(x, s) = share · e^(x/2), x <= 0; `rest` is 1 − share, `share` in (0, 1). One-dimensional arrays of one size."""
    most = np.exp(0.5 * x)
    beta = share * most
    center = np.sqrt(-2.0 * x)
    v_center, d_center = _slope(x, center), _price_over_slope(x, center)
    b_center = v_center * d_center
    found = np.empty_like(beta)
    is_low = beta < b_center
    for inside, solve, part in ((is_low, _below, share), (~is_low, _above, rest)):
        if inside.any():
            logarithm = np.log(part[inside]) + 0.5 * x[inside]
            found[inside] = solve(logarithm, *(array[inside] for array in (x, beta, center, v_center, b_center)))
    return found


def _below(log_beta: Floats, x: Floats, beta: Floats, center: Floats, v_center: Floats, b_center: Floats) -> Floats:
    """Prices below the one at the inflection point s = √(2|x|)."""
    left = center - b_center / v_center
    v_left = _slope(x, left)
    b_left = v_left * _price_over_slope(x, left)
    control = _control(b_center - b_left, center - left, 1 / v_left, 1 / v_center, 0.0, at_left=False)
    place = (beta - b_left) / (b_center - b_left)
    guess = _cubic(place, 1.0 - place, b_center - b_left, (left, center), (1 / v_left, 1 / v_center), control)
    low = beta < b_left
    if low.any():
        guess[low] = _low_guess(x[low], beta[low], left[low], b_left[low])
    return _two_ways(guess, x, low, (_low_step, log_beta), (_middle_step, beta))


def _above(log_rest: Floats, x: Floats, beta: Floats, center: Floats, v_center: Floats, b_center: Floats) -> Floats:
    """Prices above it."""
    width = np.exp(0.5 * x) - b_center
    right = center + width / v_center
    v_right = _slope(x, right)
    b_right = v_right * _price_over_slope(x, right)
    control = _control(b_right - b_center, right - center, 1 / v_center, 1 / v_right, 0.0, at_left=True)
    place = (beta - b_center) / (b_right - b_center)
    guess = _cubic(place, 1.0 - place, b_right - b_center, (center, right), (1 / v_center, 1 / v_right), control)
    high = beta > b_right
    if high.any():
        width -= b_right - b_center
        guess[high] = _high_guess(x[high], np.exp(log_rest[high]), width[high], right[high])
    return _two_ways(guess, x, high, (_high_step, log_rest), (_middle_step, beta))


def _two_ways(guess: Floats, x: Floats, is_first: NDArray[np.bool_], first: tuple[Step, Floats], second: tuple[Step, Floats]) -> Floats:
    """Each element by its own objective."""
    found = np.empty_like(guess)
    for inside, (step, target) in ((is_first, first), (~is_first, second)):
        if inside.all():
            return _householder(guess, x, step, target)
        found[inside] = _householder(guess[inside], x[inside], step, target[inside])
    return found


def _householder(s: Floats, x: Floats, step: Step, target: Floats) -> Floats:
    for _ in range(STEPS):
        newton, second, third = step(s, x, target)
        s = s + newton * (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0))
    return s


def _low_step(s: Floats, x: Floats, log_beta: Floats) -> tuple[Floats, Floats, Floats]:
    d, (second, third) = _price_over_slope(x, s), _bends(x, s)
    log_b = _log_slope(x, s) + np.log(d)
    over = 1.0 / d
    lean = over * (1.0 + 2.0 / log_b)
    newton = (log_beta - log_b) * log_b / log_beta * d
    return newton, second - lean, third + 2.0 * over * over * (1.0 + 3.0 / log_b * (1.0 + 1.0 / log_b)) - 3.0 * second * lean


def _middle_step(s: Floats, x: Floats, beta: Floats) -> tuple[Floats, Floats, Floats]:
    return (beta / _slope(x, s) - _price_over_slope(x, s), *_bends(x, s))


def _high_step(s: Floats, x: Floats, log_rest: Floats) -> tuple[Floats, Floats, Floats]:
    h, t = x / s, 0.5 * s
    d, (second, third) = _mills(-h - t) + _mills(h - t), _bends(x, s)
    over = 1.0 / d
    return (_log_slope(x, s) + np.log(d) - log_rest) * d, second + over, third + over * (2.0 * over + 3.0 * second)


def _bends(x: Floats, s: Floats) -> tuple[Floats, Floats]:
    h = _ratio(x, s)
    over = h / s
    second = h * over - 0.25 * s
    return second, second * second - 3.0 * over * over - 0.25


def _low_guess(x: Floats, beta: Floats, left: Floats, b_left: Floats) -> Floats:
    size, square = -x, left * left
    z = size / (_ROOT_THREE * left)
    tail, scale = ndtr(-z), 2.0 * math.pi * size / (3.0 * _ROOT_THREE)
    f, zz = scale * tail**3, z * z
    slope = 2.0 * math.pi * zz * tail * tail * np.exp(zz + 0.125 * square)
    inner = 8.0 * _ROOT_THREE * left * size + (3.0 * square * (square - 8.0) - 8.0 * x * x) * _mills(-z)
    bend = math.pi / 6.0 * zz / (square * left) * tail * inner * np.exp(2.0 * zz + 0.25 * square)
    control = _control(b_left, f, np.ones_like(x), slope, bend, at_left=False)
    share = beta / b_left
    found = _cubic(share, 1.0 - share, b_left, (0.0, f), (1.0, slope), control)
    found = np.where(found > 0.0, found, (f * share + b_left * (1.0 - share)) * share)
    guess = np.abs(size / (_ROOT_THREE * ndtri(np.cbrt(found / scale))))
    return np.where(guess > 0.0, guess, size / np.sqrt(-2.0 * np.log(np.maximum(beta, 5e-324))))


def _high_guess(x: Floats, left_over: Floats, width: Floats, right: Floats) -> Floats:
    f, ratio = ndtr(-0.5 * right), (x / right) ** 2
    slope, bend = -0.5 * np.exp(0.5 * ratio), _ROOT_HALF_PI * ratio / right * np.exp(ratio + 0.125 * right * right)
    control = _control(width, -f, slope, np.full_like(x, -0.5), bend, at_left=True)
    share = left_over / width
    found = _cubic(1.0 - share, share, width, (f, 0.0), (slope, -0.5), control)
    return np.asarray(-2.0 * ndtri(np.where(found > 0.0, found, f * share * share)), dtype=np.float64)


def _control(width: Floats, rise: Floats, left: Floats, right: Floats, bend: Floats | float, *, at_left: bool) -> Floats:
    mean, change = rise / width, right - left
    wanted = 0.5 * width * bend + change
    room = mean - left if at_left else right - mean
    fitted = np.where(wanted == 0.0, 0.0, wanted / room)
    least = np.where((left * mean >= 0.0) & (right * mean >= 0.0) & (mean != 0.0), (left + right) / mean, _LEAST_CONTROL)
    is_bent = ((left < mean) & (mean < right)) | ((left > mean) & (mean > right))
    shape = np.where(is_bent, np.maximum(np.abs(change / (right - mean)), np.abs(change / (mean - left))), _LEAST_CONTROL)
    return np.asarray(np.maximum(np.maximum(fitted, _LEAST_CONTROL), np.maximum(least, shape)), dtype=np.float64)


def _cubic(
    t: Floats,
    u: Floats,
    width: Floats,
    y: tuple[Floats | float, Floats | float],
    slopes: tuple[Floats | float, Floats | float],
    control: Floats,
) -> Floats:
    line = y[1] * t + y[0] * u
    tu = t * u
    top = (
        y[1] * t * t * t + (control * y[1] - width * slopes[1]) * t * tu + (control * y[0] + width * slopes[0]) * tu * u + y[0] * u * u * u
    )
    return np.where(control > 1e300, line, top / (1.0 + (control - 3.0) * tu))


def _price_over_slope(x: Floats, s: Floats) -> Floats:
    h, t = _ratio(x, s), 0.5 * s
    is_small = t < TAYLOR_BELOW
    if not is_small.any():
        return _difference(h, t)
    if is_small.all():
        return _series(h, t)
    found = np.empty_like(t)
    found[is_small] = _series(h[is_small], t[is_small])
    is_large = ~is_small
    found[is_large] = _difference(h[is_large], t[is_large])
    return found


def _difference(h: Floats, t: Floats) -> Floats:
    return _mills(h + t) - _mills(h - t)


def _series(h: Floats, t: Floats) -> Floats:
    y, w = h * h, t * t
    y1 = 1.0 + h * _mills(h)
    y3 = (y + 3.0) * y1 - 1.0
    y5 = (y + 7.0) * y3 - 6.0 * y1
    y7 = (y + 11.0) * y5 - 20.0 * y3
    y9 = (y + 15.0) * y7 - 42.0 * y5
    return 2.0 * t * (y1 + w / 6.0 * (y3 + w / 20.0 * (y5 + w / 42.0 * (y7 + w / 72.0 * y9))))


def _log_slope(x: Floats, s: Floats) -> Floats:
    h, t = _ratio(x, s), 0.5 * s
    return -0.5 * (h * h + t * t) - _LOG_ROOT_TWO_PI


def _slope(x: Floats, s: Floats) -> Floats:
    return np.exp(_log_slope(x, s))


def _ratio(x: Floats, s: Floats) -> Floats:
    return np.where(s > 0.0, x / s, 0.0)


def _mills(z: Floats) -> Floats:
    return np.asarray(_ROOT_HALF_PI * erfcx(-_ROOT_HALF * z), dtype=np.float64)
