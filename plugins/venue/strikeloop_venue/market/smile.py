"""The volatility surface: total variance by strike and expiry, free of static arbitrage.

Owns the SSVI parametrization (Gatheral and Jacquier, Arbitrage-free SVI volatility surfaces, 2014, §4):
w(k) = θ/2 · (1 + ρφk + √((φk + ρ)² + 1 − ρ²)) with φ = η/√(θ(1 + θ)), k = log(strike/forward). With η(1 + |ρ|) <= 2 no
butterfly, and with θ increasing in time no calendar spread, has a negative price. It knows neither contracts nor time.
"""

from __future__ import annotations

import math

import attrs

from strikeloop.pricing import price

_IV_STEPS = 10_000
"""Published volatilities are cut to four decimals, as on Gate's tickers."""


@attrs.frozen(kw_only=True)
class Smile:
    """One expiry at one moment. `theta` is the total variance at the money, `shape` the φ and `skew` the ρ of the formula."""

    forward: float
    years: float
    theta: float
    shape: float
    skew: float

    def variance(self, strike: float) -> float:
        """Total variance (volatility² · years) at this strike."""
        x = self.shape * math.log(strike / self.forward)
        return 0.5 * self.theta * (1.0 + self.skew * x + math.sqrt((x + self.skew) ** 2 + 1.0 - self.skew**2))

    def volatility(self, strike: float) -> float:
        """Implied volatility at this strike, a fraction cut to four decimals, at least 0.0001."""
        return max(1, math.floor(math.sqrt(self.variance(strike) / self.years) * _IV_STEPS)) / _IV_STEPS

    def price(self, strike: float, iv: float, *, is_call: bool) -> float:
        """The Black-76 price on this expiry's forward."""
        return price(self.forward, strike, self.years, iv, is_call=is_call)


@attrs.frozen(kw_only=True)
class Surface:
    """The smiles of all expiries. `volatility` is what variance reverts to, at `reversion` per year.

    Raises ValueError for a skew and curvature that would admit arbitrage.
    """

    volatility: float
    skew: float
    curvature: float
    reversion: float

    def __attrs_post_init__(self) -> None:
        if not (abs(self.skew) < 1.0 and self.curvature > 0.0 and self.curvature * (1.0 + abs(self.skew)) <= 2.0):
            raise ValueError(f"skew {self.skew} and curvature {self.curvature} admit arbitrage: curvature · (1 + |skew|) must be in (0, 2]")

    def smile(self, forward: float, years: float, spot_volatility: float) -> Smile:
        """The smile of the expiry `years` (> 0) away, when the volatility of this moment is `spot_volatility`."""
        theta = self._variance(years, spot_volatility)
        shape = self.curvature / math.sqrt(theta * (1.0 + theta))
        return Smile(forward=forward, years=years, theta=theta, shape=shape, skew=self.skew)

    def _variance(self, years: float, spot_volatility: float) -> float:
        """Expected variance until then, from today's level to the long one; increasing in `years`."""
        long, now = self.volatility**2, spot_volatility**2
        return long * years - (now - long) * math.expm1(-self.reversion * years) / self.reversion
