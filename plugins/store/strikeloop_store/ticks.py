"""Prices as whole numbers: price = ticks · numerator / denominator, one correctly rounded division.

Owns `Scale` and how one is found. A scale is exact for a price when the division gives back the very float; it never
rounds a price to make it fit.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EXACT = float(2**53)
"""Whole numbers below this are floats without loss, so that the one division is the only rounding."""
_MOST_DECIMALS = 15


@attrs.frozen
class Scale:
    """One tick is numerator / denominator of the quote currency.

    >>> Scale(1, 2).prices(np.array([3, 4]))
    array([1.5, 2. ])
    """

    numerator: int = 1
    denominator: int = 1

    @classmethod
    def of_tick(cls, tick: Decimal) -> Self:
        """The scale of a price step. Raises ValueError unless it is positive and finite."""
        if not tick.is_finite() or tick <= 0:
            raise ValueError(f"{tick} is no price step: expected a number above 0")
        ratio = Fraction(tick)
        return cls(ratio.numerator, ratio.denominator)

    @classmethod
    def of_decimals(cls, decimals: int) -> Self:
        """The scale of prices printed with so many decimals."""
        return cls(1, 10**decimals)

    def prices(self, ticks: Ints) -> Floats:
        """The floats that the venue printed."""
        whole = ticks if self.numerator == 1 else ticks * self.numerator
        return whole / float(self.denominator) if self.denominator != 1 else whole.astype(np.float64)

    def ticks(self, prices: Floats) -> Ints:
        """Whole ticks, 0 where a price is not finite. Right where `fits`."""
        finite = np.where(np.isfinite(prices), prices, 0.0)
        return np.rint(finite * self.denominator / self.numerator).astype(np.int64)

    def fits(self, prices: Floats) -> NDArray[np.bool_]:
        """Where the division gives back the price exactly; what is not finite fits."""
        finite = np.isfinite(prices)
        whole = np.rint(np.where(finite, prices, 0.0) * self.denominator / self.numerator)
        bounded = np.abs(whole) * self.numerator < _EXACT
        back = np.where(bounded, whole, 0.0) * self.numerator / self.denominator
        result: Any = ~finite | (bounded & (back == prices))
        return result  # type: ignore[no-any-return]  # numpy types comparisons of unions as Any


def found(columns: list[Floats], least: int = 0) -> Scale | None:
    """The coarsest decimal scale, of at least `least` decimals, that is exact for every price; None where none is.

    >>> found([np.array([61800.1, 0.25])])
    Scale(numerator=1, denominator=100)
    >>> found([np.array([0.1 + 0.2])]) is None
    True
    """
    decimals = least
    for prices in columns:
        while decimals <= _MOST_DECIMALS and not Scale.of_decimals(decimals).fits(prices).all():
            decimals += 1
    scale = Scale.of_decimals(min(decimals, _MOST_DECIMALS))
    return scale if all(scale.fits(prices).all() for prices in columns) else None
