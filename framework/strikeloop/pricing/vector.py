"""Many options at once: Black-76 prices, greeks and implied volatilities of numpy arrays. Needs the `vector` extra.

Owns the arithmetic of `strikeloop.pricing` for arrays: same formulas, conventions and limits, to the last few digits.
Arguments broadcast against each other; `is_call` is a bool or an array of them. Nothing in an array ever raises:
outside its domain an element is NaN. Work is done in blocks that fit the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from strikeloop.pricing.vector_implied import deviation_of

Floats = NDArray[np.float64]
Signs = NDArray[np.float64]
BLOCK = 8_192
_POINT = 0.01
_DAYS = 365.0
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


@attrs.frozen(kw_only=True, eq=False)
class GreeksArrays:
    """`strikeloop.pricing.Greeks`, one array each."""

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


@attrs.frozen(kw_only=True, eq=False)
class FurtherGreeksArrays:
    """`strikeloop.pricing.FurtherGreeks`, one array each."""

    rho: Floats
    vanna: Floats
    volga: Floats
    charm: Floats


@attrs.frozen(kw_only=True, eq=False)
class ValuationArrays:
    """`strikeloop.pricing.Valuation`, one array each."""

    price: Floats
    greeks: GreeksArrays


def price(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, iv: ArrayLike, *, is_call: ArrayLike) -> Floats:
    """`strikeloop.pricing.price` of arrays.

    >>> price([90.0, 100.0], 100.0, 0.5, 0.2, is_call=True).round(4).tolist()
    [1.7725, 5.6372]
    """
    return _in_blocks(_price, 1, forward, strike, years, iv, is_call)[0]


def greeks(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, iv: ArrayLike, *, is_call: ArrayLike) -> GreeksArrays:
    """`strikeloop.pricing.greeks` of arrays."""
    return value(forward, strike, years, iv, is_call=is_call).greeks


def value(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, iv: ArrayLike, *, is_call: ArrayLike) -> ValuationArrays:
    """`strikeloop.pricing.value` of arrays: price and the four greeks, for less than both apart."""
    worth, delta, gamma, vega, theta = _in_blocks(_value, 5, forward, strike, years, iv, is_call)
    return ValuationArrays(price=worth, greeks=GreeksArrays(delta=delta, gamma=gamma, vega=vega, theta=theta))


def further_greeks(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, iv: ArrayLike, *, is_call: ArrayLike) -> FurtherGreeksArrays:
    """`strikeloop.pricing.further_greeks` of arrays."""
    rho, vanna, volga, charm = _in_blocks(_further, 4, forward, strike, years, iv, is_call)
    return FurtherGreeksArrays(rho=rho, vanna=vanna, volga=volga, charm=charm)


def implied_volatility(price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, *, is_call: ArrayLike) -> Floats:
    """`strikeloop.pricing.implied_volatility` of arrays: NaN outside the bounds, 0 at the intrinsic value."""
    return _in_blocks(_implied, 1, price, forward, strike, years, is_call)[0]


# ---- one block -------------------------------------------------------------------------------------------------------

Block = Callable[[Floats, Floats, Floats, Floats, Signs], tuple[Floats, ...]]


def _in_blocks(work: Block, results: int, *arguments: ArrayLike) -> tuple[Floats, ...]:
    """`work` on the broadcast arguments, the last of which is turned from is_call into ±1, a block at a time."""
    *numbers, is_call = arguments
    given = [np.asarray(number, dtype=np.float64) for number in numbers]
    given.append(np.where(is_call, 1.0, -1.0))
    shape = np.broadcast_shapes(*(array.shape for array in given))
    size = math.prod(shape)
    with np.errstate(all="ignore"):
        if size <= BLOCK:
            return tuple(np.array(np.broadcast_to(result, shape)) for result in work(*given))
        flat = [array if array.ndim == 0 else np.broadcast_to(array, shape).reshape(-1) for array in given]
        found = np.empty((results, size))
        for start in range(0, size, BLOCK):
            window = slice(start, start + BLOCK)
            for row, result in zip(found, work(*(array if array.ndim == 0 else array[window] for array in flat)), strict=True):
                row[window] = result
    return tuple(row.reshape(shape) for row in found)


def _price(forward: Floats, strike: Floats, years: Floats, iv: Floats, sign: Signs) -> tuple[Floats]:
    x, deviation, _ = _scaled(forward, strike, years, iv)
    return (_defined(_worth(forward, strike, x, deviation, sign), forward, strike, years, iv),)


def _value(forward: Floats, strike: Floats, years: Floats, iv: Floats, sign: Signs) -> tuple[Floats, ...]:
    x, deviation, root = _scaled(forward, strike, years, iv)
    d1 = _over(x, deviation) + 0.5 * deviation
    density = np.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
    exposed = forward * density
    found = (
        _worth(forward, strike, x, deviation, sign),
        sign * ndtr(sign * d1),
        _moving(density / forward / deviation, deviation),
        _moving(exposed * root * _POINT, deviation),
        _moving(exposed * iv / (-2.0 * _DAYS * root), deviation),
    )
    return tuple(_defined(array, forward, strike, years, iv) for array in found)


def _further(forward: Floats, strike: Floats, years: Floats, iv: Floats, sign: Signs) -> tuple[Floats, ...]:
    x, deviation, root = _scaled(forward, strike, years, iv)
    ratio = _over(x, deviation)
    d1, d2 = ratio + 0.5 * deviation, ratio - 0.5 * deviation
    density = np.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
    moving = np.where(density > 0.0, deviation, 0.0)
    found = (
        -_POINT * np.maximum(years, 0.0) * _worth(forward, strike, x, deviation, sign),
        _moving(-density * d2 / iv * _POINT, moving),
        _moving(forward * density * root * d1 * d2 / iv * _POINT * _POINT, moving),
        _moving(density * d2 / (2.0 * years) / _DAYS, moving),
    )
    return tuple(_defined(array, forward, strike, years, iv) for array in found)


def _implied(price: Floats, forward: Floats, strike: Floats, years: Floats, sign: Signs) -> tuple[Floats]:
    price, forward, strike, years, sign = np.broadcast_arrays(price, forward, strike, years, sign)
    low, high = np.minimum(forward, strike), np.maximum(forward, strike)
    extra, x = price - np.maximum(0.0, sign * (forward - strike)), log_ratio(low, high)
    share, inside = extra / low, (low > 0.0) & ~np.isnan(years)
    found = np.where(inside & (share == 0.0), 0.0, np.nan)
    is_open = inside & (share > 0.0) & (extra < low) & (years > 0.0) & (x > -np.inf)
    if is_open.any():
        found[is_open] = deviation_of(share[is_open], ((low - extra) / low)[is_open], x[is_open]) / np.sqrt(years[is_open])
    return (found,)


def _scaled(forward: Floats, strike: Floats, years: Floats, iv: Floats) -> tuple[Floats, Floats, Floats]:
    """log(F/K), σ√T and √T."""
    root = np.sqrt(np.maximum(years, 0.0))
    return log_ratio(forward, strike), iv * root, root


def _worth(forward: Floats, strike: Floats, x: Floats, deviation: Floats, sign: Signs) -> Floats:
    """Intrinsic value and the price of the out-of-the-money twin."""
    distance, half = _over(np.abs(x), deviation), 0.5 * deviation
    extra = np.minimum(forward, strike) * ndtr(half - distance) - np.maximum(forward, strike) * ndtr(-half - distance)
    return np.asarray(np.maximum(0.0, sign * (forward - strike)) + np.maximum(0.0, extra), dtype=np.float64)


def log_ratio(a: Floats, b: Floats) -> Floats:
    """log(a / b), exact to the last digits also where a is near b."""
    ratio = a / b
    near = (ratio > 0.5) & (ratio < 2.0)
    if near.all():
        return np.log1p((a - b) / b)
    return np.where(near, np.log1p(np.where(near, (a - b) / b, 0.0)), np.log(ratio))


def _over(x: Floats, deviation: Floats) -> Floats:
    """How far x is in units of σ√T: infinite where nothing can move, except 0 at the strike."""
    ratio = x / deviation
    return np.where(x == 0.0, 0.0, ratio) if (deviation == 0.0).any() else ratio


def _moving(array: Floats, deviation: Floats) -> Floats:
    """0 where nothing can move."""
    still = deviation == 0.0
    return np.where(still, 0.0, array) if still.any() else array


def _defined(array: Floats, forward: Floats, strike: Floats, years: Floats, iv: Floats) -> Floats:
    """NaN where Black's formula has no value."""
    inside = (forward > 0.0) & (strike > 0.0) & (iv >= 0.0) & ~np.isnan(years)
    return array if inside.all() else np.where(inside, array, np.nan)
