"""Markets by name: what happens in them besides chance.

Owns `Scenario` and the table `SCENARIOS`. A scenario scales what the settings say and bends the path; it draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import attrs

Curve = tuple[tuple[float, float], ...]
"""Points (share of the market's length, value), straight lines between them, level before the first and after the last."""


def at(curve: Curve, share: float, otherwise: float) -> float:
    """The curve's value after `share` of the time; `otherwise` for a curve without points."""
    if not curve:
        return otherwise
    if share <= curve[0][0]:
        return curve[0][1]
    for (left, low), (right, high) in pairwise(curve):
        if share < right:
            return low + (high - low) * (share - left) / (right - left)
    return curve[-1][1]


@attrs.frozen(kw_only=True)
class Scenario:
    """Factors on the settings `volatility`, `spread`, `trades_per_hour`, and on displayed `size`; what bends the path.

    `absent`: the chance that a maker leaves one side empty when it looks at its quote. `index`: log displacement of the
    index. `level`: factor on volatility, of the path and of the smile. `stress`: what widens and thins quotes. `pins`:
    before each expiry the index is drawn to the strike that it is nearest to.
    """

    volatility: float = 1.0
    spread: float = 1.0
    size: float = 1.0
    trades: float = 1.0
    absent: float = 0.0
    index: Curve = ()
    level: Curve = ()
    stress: Curve = ()
    pins: bool = False


SCENARIOS: Mapping[str, Scenario] = {
    "plain": Scenario(),
    "calm": Scenario(volatility=0.5, spread=0.7, size=1.5, trades=0.6),
    "crash": Scenario(
        trades=2.0,
        index=((0.40, 0.0), (0.45, -0.10), (0.47, -0.07), (0.52, -0.30), (0.60, -0.22), (1.0, -0.25)),
        level=((0.40, 1.0), (0.52, 2.6), (1.0, 1.6)),
        stress=((0.40, 0.0), (0.45, 2.0), (0.52, 5.0), (0.70, 1.0), (1.0, 0.3)),
    ),
    "melt-up": Scenario(trades=2.0, index=((0.10, 0.0), (0.90, 0.28)), level=((0.10, 1.0), (0.90, 1.5)), stress=((0.10, 0.0), (0.90, 0.7))),
    "vol-spike": Scenario(
        trades=1.5,
        level=((0.45, 1.0), (0.47, 2.2), (0.60, 1.8), (1.0, 1.3)),
        stress=((0.45, 0.0), (0.47, 3.0), (0.60, 1.0), (1.0, 0.3)),
    ),
    "pin-at-expiry": Scenario(volatility=0.8, pins=True),
    "illiquid": Scenario(spread=5.0, size=0.15, trades=0.05, absent=0.3),
}
