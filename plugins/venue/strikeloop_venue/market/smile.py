"""The volatility surface: total variance by strike and expiry, free of static arbitrage.

Owns the SSVI parametrization (Gatheral and Jacquier, Arbitrage-free SVI volatility surfaces, 2014, §4):
w(k) = θ/2 · (1 + ρφk + √((φk + ρ)² + 1 − ρ²)) with φ = η/√(θ(1 + θ)), k = log(strike/forward). With η(1 + |ρ|) <= 2 no
butterfly, and with θ increasing in time no calendar spread, has a negative price. It knows neither contracts nor time.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_IV_STEPS = 10_000
"""Published volatilities are cut to four decimals, as on Gate's tickers."""


@attrs.frozen(kw_only=True, eq=False)
class Smile:
    """Options at one moment, each field one figure or an array with one for each option.

    `theta` is the total variance at the money, `shape` the φ and `skew` the ρ of the formula; `log_forward` saves a logarithm.
    """

    forward: Array
    log_forward: Array
    years: Array
    theta: Array
    shape: Array
    skew: float

    def of(self, expiry: NDArray[np.intp]) -> Smile:
        """The options of these expiries (positions in the arrays)."""
        columns = (self.forward, self.log_forward, self.years, self.theta, self.shape)
        forward, log_forward, years, theta, shape = (column[expiry] for column in columns)
        return Smile(forward=forward, log_forward=log_forward, years=years, theta=theta, shape=shape, skew=self.skew)

    def variance(self, log_strike: Array) -> Array:
        """Total variance (volatility² · years) at these strikes."""
        x = self.shape * (log_strike - self.log_forward)
        total: Array = 0.5 * self.theta * (1.0 + self.skew * x + np.sqrt((x + self.skew) ** 2 + (1.0 - self.skew**2)))
        return total

    def volatility(self, log_strike: Array) -> Array:
        """Implied volatility at these strikes, a fraction cut to four decimals, at least 0.0001."""
        cut: Array = np.maximum(1.0, np.floor(np.sqrt(self.variance(log_strike) / self.years) * _IV_STEPS)) / _IV_STEPS
        return cut


@attrs.frozen(kw_only=True)
class Surface:
    """The smiles of all expiries. Variance reverts to that of `volatility` at `reversion` per year.

    Raises ValueError for a skew and curvature that would admit arbitrage.
    """

    volatility: float
    skew: float
    curvature: float
    reversion: float

    def __attrs_post_init__(self) -> None:
        if not (abs(self.skew) < 1.0 and self.curvature > 0.0 and self.curvature * (1.0 + abs(self.skew)) <= 2.0):
            raise ValueError(f"skew {self.skew} and curvature {self.curvature} admit arbitrage: curvature · (1 + |skew|) must be in (0, 2]")

    def smile(self, forward: Array, years: Array, spot_volatility: float, level: float = 1.0) -> Smile:
        """The smiles of the expiries `years` (> 0) away, when the volatility of this moment is `spot_volatility`.

        `level` is a factor on the volatility of all of them.
        """
        theta = level**2 * self._variance(years, spot_volatility)
        shape = self.curvature / np.sqrt(theta * (1.0 + theta))
        return Smile(forward=forward, log_forward=np.log(forward), years=years, theta=theta, shape=shape, skew=self.skew)

    def _variance(self, years: Array, spot_volatility: float) -> Array:
        """Expected variance until then, from today's level to the long one; increasing in `years`."""
        long, now = self.volatility**2, spot_volatility**2
        expected: Array = long * years - (now - long) * np.expm1(-self.reversion * years) / self.reversion
        return expected
