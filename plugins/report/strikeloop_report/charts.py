"""The charts of a run, as plotly figures in plain dicts.

Owns what is drawn. Colors are names of the style sheet ("var(--blue)"), which the page resolves for light and dark.
Lines are steps: a figure holds until the next one is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from strikeloop_report.spelling import MILLISECOND, amount, nanoseconds, number, points, rows, text

Figure = dict[str, Any]
Point = tuple[int, float]
_GREEKS = {"delta": "blue", "gamma": "purple", "vega": "green", "theta": "orange"}
_OPENED = ("StreamOpened", "Reconciled")


@attrs.frozen
class Chart:
    """One chart: its heading, a sentence under it, its figure and its height in pixels."""

    title: str
    note: str
    figure: Figure
    height: int


def charts(result: Mapping[str, Any]) -> list[Chart]:
    """Every chart that the run has data for, in the order of the page."""
    drawn = (_equity(result), _timeline(result), _greeks(result), _margin(result))
    return [chart for chart in drawn if chart is not None]


# ---- equity, underlying, fills ----


def _equity(result: Mapping[str, Any]) -> Chart | None:
    equity, underlying = points(result, "equity"), points(result, "underlying")
    if not equity and not underlying:
        return None
    base = underlying or equity
    axis = "y2" if underlying else "y"
    data = [
        *_line("equity", equity, "blue", width=2),
        *_line("underlying", underlying, "gray", axis="y2"),
        *_fill_marks(result, base, axis),
    ]
    layout = {
        "xaxis": _x(result),
        "yaxis": {"title": {"text": "equity"}, **_MONEY},
        "yaxis2": {"title": {"text": "underlying"}, "overlaying": "y", "side": "right", "tickmode": "auto", **_MONEY, "showgrid": False},
        "shapes": _outages(result),
    }
    return Chart(
        "Equity and underlying",
        "Triangles are fills; where no connection stood, the ground is shaded.",
        {"data": data, "layout": layout},
        380,
    )


def _fill_marks(result: Mapping[str, Any], base: Sequence[Point], axis: str) -> list[Figure]:
    """Buys and sells as triangles on the line of the underlying (or of equity)."""
    fills = [
        (fill, size) for fill in rows(result, "fill_list") if (size := number(fill.get("size"))) and number(fill.get("time")) is not None
    ]
    marks = []
    for name, symbol, color, sign in (("bought", "triangle-up", "green", 1), ("sold", "triangle-down", "red", -1)):
        chosen = [fill for fill, size in fills if size * sign > 0]
        if chosen:
            marks.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [_ms(fill["time"]) for fill in chosen],
                    "y": [_at(base, fill["time"]) for fill in chosen],
                    "yaxis": axis,
                    "text": [_fill_text(fill, name) for fill in chosen],
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": {"symbol": symbol, "size": 10, "color": f"var(--{color})", "line": {"width": 1, "color": "var(--paper)"}},
                }
            )
    return marks


def _fill_text(fill: Mapping[str, Any], name: str) -> str:
    who = f" by {text(fill.get('instance'))}" if fill.get("instance") else ""
    return f"{name} {amount(abs(number(fill.get('size')) or 0))} {text(fill.get('contract'))} at {amount(fill.get('price'))}{who}"


def _outages(result: Mapping[str, Any]) -> list[Figure]:
    """A shaded span from each lost connection to the next one that stands."""
    shapes, lost = [], dict[tuple[str, str], Any]()
    for row in rows(result, "stream_list"):
        place = (str(row.get("adapter")), str(row.get("port", "")))
        if row.get("event") == "StreamLost":
            lost.setdefault(place, row.get("time"))
        elif row.get("event") in _OPENED and place in lost:
            shapes.append(_band(lost.pop(place), row.get("time")))
    shapes.extend(_band(since, result.get("ended")) for since in lost.values())
    return shapes


def _band(since: Any, until: Any) -> Figure:
    ends = {"x0": _ms(since), "x1": _ms(until), "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return {"type": "rect", **ends, "fillcolor": "var(--red)", "opacity": 0.12, "line": {"width": 0}, "layer": "below"}


# ---- what happened when ----


def _timeline(result: Mapping[str, Any]) -> Chart | None:
    """One lane for each kind of thing that happened; fills have one per instance."""
    lanes: dict[str, list[tuple[Any, str, str, str]]] = {}
    for row in rows(result, "stream_list"):
        color, symbol = _STREAM_MARKS.get(str(row.get("event")), ("gray", "circle-open"))
        told = f"{text(row.get('event'))} {text(row.get('text'))}"
        lanes.setdefault("connections", []).append((row.get("time"), color, symbol, told))
    for row in rows(result, "fill_list"):
        is_buy = (number(row.get("size")) or 0) > 0
        mark = ("green", "triangle-up") if is_buy else ("red", "triangle-down")
        lanes.setdefault(f"fills · {row.get('instance') or 'others'}", []).append(
            (row.get("time"), *mark, _fill_text(row, "bought" if is_buy else "sold"))
        )
    for row in rows(result, "refusal_list"):
        lanes.setdefault("refusals", []).append((row.get("time"), "orange", "x", f"{text(row.get('rule'))}: {text(row.get('reason'))}"))
    for row in rows(result, "alert_list"):
        color = {"critical": "red", "warning": "orange"}.get(str(row.get("severity")), "blue")
        lanes.setdefault("alerts", []).append((row.get("time"), color, "diamond", f"{text(row.get('source'))}: {text(row.get('text'))}"))
    for row in rows(result, "faults"):
        told = f"{text(row.get('instance'))}.{text(row.get('hook'))}: {text(row.get('error'))}"
        lanes.setdefault("faults", []).append((row.get("time"), "red", "x-thin-open", told))
    if not lanes:
        return None
    names = [*lanes]
    layout = {
        "xaxis": _x(result),
        "yaxis": {"tickvals": [*range(len(names))], "ticktext": [text(name) for name in names], "range": [len(names) - 0.5, -0.5], **_GRID},
        "shapes": _outages(result),
        "showlegend": False,
        "hovermode": "closest",
    }
    data = [_lane(place, lanes[name]) for place, name in enumerate(names)]
    return Chart("What happened when", "", {"data": data, "layout": layout}, 110 + 42 * len(names))


def _lane(place: int, marks: Sequence[tuple[Any, str, str, str]]) -> Figure:
    known = [mark for mark in marks if number(mark[0]) is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [_ms(time) for time, _, _, _ in known],
        "y": [place + _APART.get(symbol, 0.0) for _, _, symbol, _ in known],
        "text": [_wrapped(told) for _, _, _, told in known],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": 10,
            "symbol": [symbol for _, _, symbol, _ in known],
            "color": [f"var(--{color})" for _, color, _, _ in known],
            "line": {"width": 1, "color": "var(--paper)"},
        },
    }


def _wrapped(told: str) -> str:
    """A hover text in lines of about 90 characters."""
    lines, line = [], ""
    for word in told.split(" "):
        if line and len(line) + len(word) > 90:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return "<br>".join([*lines, line])


_APART = {"triangle-up": -0.14, "triangle-down": 0.14}
"""Buys stand a little above their lane and sells below it, so that neither hides the other."""
_STREAM_MARKS = {
    "StreamOpened": ("green", "circle"),
    "Reconciled": ("green", "diamond"),
    "StreamLost": ("red", "x"),
    "ChannelRefused": ("red", "x"),
    "ChannelSubscribed": ("blue", "circle-open"),
    "GapOpened": ("orange", "triangle-left"),
    "GapClosed": ("green", "triangle-right"),
    "StreamStale": ("orange", "circle-open"),
}


# ---- greeks and margin ----


def _greeks(result: Mapping[str, Any]) -> Chart | None:
    known = {name: series for name in _GREEKS if (series := points(result, name))}
    if not known:
        return None
    data, layout = [], {"grid": {"rows": 2, "columns": 2, "pattern": "independent", "xgap": 0.18, "ygap": 0.28}, "showlegend": False}
    for place, name in enumerate(_GREEKS, 1):
        suffix = "" if place == 1 else str(place)
        data.extend(_line(name, known.get(name, []), _GREEKS[name], axis=f"y{suffix}", x_axis=f"x{suffix}"))
        layout[f"xaxis{suffix}"] = {**_x(result), "matches": "x"} if place > 1 else _x(result)
        layout[f"yaxis{suffix}"] = {"title": {"text": name}, **_RISK}
    return Chart(
        "Greeks of the account",
        "Totals over all positions; vega per volatility point, theta per day.",
        {"data": data, "layout": layout},
        460,
    )


def _margin(result: Mapping[str, Any]) -> Chart | None:
    occupied, required = points(result, "margin_occupied"), points(result, "margin_required")
    equity, available = points(result, "equity"), points(result, "available")
    if not occupied and not required:
        return None
    data = [
        *_line("equity", equity, "blue"),
        *_line("available", available, "green"),
        *_line("occupied", _with_share(occupied, equity), "orange", axis="y2", x_axis="x2", fill=True),
        *_line("required", _with_share(required, equity), "red", axis="y2", x_axis="x2", fill=True),
    ]
    layout = {
        "grid": {"rows": 2, "columns": 1, "pattern": "independent", "ygap": 0.2},
        "xaxis": _x(result),
        "xaxis2": {**_x(result), "matches": "x"},
        "yaxis": {"title": {"text": "account"}, **_MONEY},
        "yaxis2": {"title": {"text": "margin"}, "rangemode": "tozero", **_MONEY},
    }
    note = "Occupied is initial margin with what orders hold back; required is maintenance margin. Hover for its share of equity."
    return Chart("Margin and equity", note, {"data": data, "layout": layout}, 460)


def _with_share(margin: Sequence[Point], equity: Sequence[Point]) -> list[tuple[int, float, str]]:
    shares = ((value, _at(equity, time)) for time, value in margin)
    told = (f"{value / whole:.1%} of equity" if whole else "" for value, whole in shares)
    return [(*point, note) for point, note in zip(margin, told, strict=True)]


# ---- what all have in common ----

_GRID: Figure = {"gridcolor": "var(--line)", "zerolinecolor": "var(--line)", "automargin": True}
_MONEY: Figure = {**_GRID, "tickformat": ",.10~g"}
_RISK: Figure = {**_GRID, "tickformat": ",.4~g"}


def _x(result: Mapping[str, Any]) -> Figure:
    ends = [_ms(result.get(name)) for name in ("started", "ended")]
    axis: Figure = {"type": "date", **_GRID}
    return {**axis, "range": ends} if None not in ends and ends[0] != ends[1] else axis


def _line(
    name: str, series: Sequence[tuple[Any, ...]], color: str, *, axis: str = "y", x_axis: str = "x", width: float = 1.5, fill: bool = False
) -> list[Figure]:
    """A step line through the points where its value changes; none for an empty series."""
    if not series:
        return []
    kept = [p for place, p in enumerate(series) if place in (0, len(series) - 1) or p[1] != series[place - 1][1]]
    line: Figure = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [_ms(point[0]) for point in kept],
        "y": [float(f"{point[1]:.9g}") for point in kept],
        "xaxis": x_axis,
        "yaxis": axis,
        "line": {"shape": "hv", "width": width, "color": f"var(--{color})"},
    }
    if fill:
        line |= {"fill": "tozeroy", "fillcolor": f"var(--{color}-soft)"}
    if len(series[0]) > 2:
        line |= {"text": [point[2] for point in kept], "hovertemplate": "%{y:,.2f} (%{text})"}
    return [line]


def _ms(time: object) -> int | None:
    found = nanoseconds(time)
    return None if found is None else found // MILLISECOND


def _at(series: Sequence[Point], time: Any) -> float | None:
    """The last value known at `time`; before the first one, the first."""
    place = bisect_right(series, (number(time) or 0, float("inf")))
    return series[max(0, place - 1)][1] if series else None
