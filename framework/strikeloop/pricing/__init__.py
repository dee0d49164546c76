"""European option values: Black-76 on the expiry's forward, and the generalized Black-Scholes-Merton form.

Owns price, greeks and implied volatility: of one option here, on the standard library alone; of arrays in
`strikeloop.pricing.vector`, which needs the `vector` extra. Conventions (those of Gate's tickers): r = 0, years are
ACT/365, volatilities fractions, vega per volatility point (0.01), theta per calendar day, delta undiscounted.
Outside its domain a function returns NaN; it never raises for a float, and it never knows the time.
"""

from strikeloop.pricing.black import FurtherGreeks, Greeks, Valuation, further_greeks, gbs, greeks, of_contract, price, value
from strikeloop.pricing.implied import implied_volatility

__all__ = [
    "FurtherGreeks",
    "Greeks",
    "Valuation",
    "further_greeks",
    "gbs",
    "greeks",
    "implied_volatility",
    "of_contract",
    "price",
    "value",
]
