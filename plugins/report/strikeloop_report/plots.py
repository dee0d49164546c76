"""What all charts have in common: axes, lines, marks and times, as plain dicts for plotly.

Owns `Chart` and how a line is drawn. Colors are names of the style sheet ("var(--blue)"), which the page resolves for light
and dark. Lines are steps: a figure holds until the next one is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from strikeloop_report.spelling import MILLISECOND, nanoseconds, number

Figure = dict[str, Any]
Point = tuple[int, float]
GRID: Figure = {"gridcolor": "var(--line)", "zerolinecolor": "var(--line)", "automargin": True}
APART: Figure = {"ticks": "outside", "ticklen": 8, "tickcolor": "rgba(0,0,0,0)"}
"""Labels keep a distance from those of the other axis."""
MONEY: Figure = {**GRID, "tickformat": ",.10~g"}
SHARE: Figure = {**GRID, "tickformat": ",.4~p"}
RISK: Figure = {**GRID, "tickformat": ",.4~g"}


@attrs.frozen
class Chart:
    """One chart: what it is called for those who do not see it, its figures by name, and its height in pixels.

    Of several figures one is shown, and the reader chooses which.
    """

    label: str
    figures: Mapping[str, Figure]
    height: int
    title: str = ""

    @classmethod
    def of(cls, label: str, data: Sequence[Figure], layout: Figure, height: int, *, title: str = "") -> Chart:
        """A chart with one figure."""
        return cls(label, {label: {"data": [*data], "layout": layout}}, height, title)


def time_axis(result: Mapping[str, Any]) -> Figure:
    """From the start of the run to its end."""
    ends = [ms(result.get(name)) for name in ("started", "ended")]
    axis: Figure = {"type": "date", **GRID, **APART}
    return {**axis, "range": ends} if None not in ends and ends[0] != ends[1] else axis


def line(
    name: str,
    series: Sequence[tuple[Any, ...]],
    color: str,
    *,
    axis: str = "",
    width: float = 1.5,
    fill: bool = False,
    dash: str = "solid",
    hover: str = "",
) -> list[Figure]:
    """A step line through the points where its value changes; none for an empty series. `axis` is the number of its axes.

    A third member of a point is text for `hover`, plotly's template.
    """
    if not series:
        return []
    kept = [p for place, p in enumerate(series) if place in (0, len(series) - 1) or p[1] != series[place - 1][1]]
    drawn: Figure = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [ms(point[0]) for point in kept],
        "y": [float(f"{point[1]:.9g}") for point in kept],
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "line": {"shape": "hv", "width": width, "color": f"var(--{color})", "dash": dash},
    }
    if fill:
        drawn |= {"fill": "tozeroy", "fillcolor": f"var(--{color}-soft)"}
    if hover:
        drawn["hovertemplate"] = hover
    if len(series[0]) > 2:
        drawn["text"] = [point[2] for point in kept]
    return [drawn]


def marker(symbol: Any, color: Any, *, size: int = 10) -> Figure:
    """A mark that stands out from what is behind it."""
    return {"symbol": symbol, "size": size, "color": color, "line": {"width": 1, "color": "var(--paper)"}}


def ms(time: object) -> int | None:
    """Plotly counts milliseconds."""
    found = nanoseconds(time)
    return None if found is None else found // MILLISECOND


def at(series: Sequence[Point], time: Any) -> float | None:
    """The last value known at `time`; before the first one, the first."""
    place = bisect_right(series, (number(time) or 0, float("inf")))
    return series[max(0, place - 1)][1] if series else None
