"""A market made from a seed: index, forwards, smile, quotes with depth and trades of a whole chain.

`GeneratedMarket` is its settings and the only public name.
"""

from strikeloop_venue.market.generated import GeneratedMarket

__all__ = ["GeneratedMarket"]
