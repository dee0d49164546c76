"""The account over time: equity and drawdown, greeks, margin use, and what happened when.

Owns these four sections of the page. Each says so where the run has nothing to draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strikeloop_report.markup import Section, empty
from strikeloop_report.plots import GRID, MONEY, RISK, SHARE, Chart, Figure, Point, at, line, marker, ms, time_axis
from strikeloop_report.spelling import amount, number, points, rows, text

_GREEKS = {
    "delta": ("blue", "units of the underlying"),
    "gamma": ("purple", "delta per unit of price"),
    "vega": ("green", "per volatility point"),
    "theta": ("orange", "per day"),
}
_OPENED = ("StreamOpened", "Reconciled")


def equity(result: Mapping[str, Any]) -> Section:
    """The curve of the account and how far below its peak it was."""
    known, drawdown = points(result, "equity"), points(result, "drawdown")
    if not known:
        return Section("Equity and drawdown", (empty("No balance of the account was heard."),))
    flat = {"range": [-0.01, 0.0005]} if not any(value for _, value in drawdown) else {}
    layout = {
        "grid": {"rows": 2, "columns": 1, "pattern": "independent", "roworder": "top to bottom"},
        "xaxis": {**time_axis(result), "showticklabels": False},
        "xaxis2": {**time_axis(result), "matches": "x"},
        "yaxis": {"domain": [0.34, 1], **MONEY},
        "yaxis2": {"domain": [0, 0.26], **SHARE, **flat},
        "shapes": outages(result),
    }
    data = [
        *line("equity", known, "blue", width=2, hover="%{y:,.2f}"),
        *line("drawdown", drawdown, "red", axis="2", fill=True, hover="%{y:.2%}"),
    ]
    note = "Cash and options at their marks; below, how far under the highest value so far, at the worst mark of each span."
    if layout["shapes"]:
        note += " Where no connection stood, the ground is shaded."
    return Section("Equity and drawdown", (Chart.of("equity and drawdown over time", data, layout, 380),), note)


def greeks(result: Mapping[str, Any]) -> Section:
    """One chart each, for their scales have nothing in common."""
    known = {name: series for name in _GREEKS if (series := points(result, name))}
    if not known:
        return Section("Greeks", (empty("No portfolio risk was heard: the account held nothing."),))
    if not any(value for series in known.values() for _, value in series):
        return Section("Greeks", (empty("All were 0 throughout: the account held nothing."),))
    charts = [
        Chart.of(
            f"{name} over time",
            line(name, series, _GREEKS[name][0], hover="%{y:.5g}"),
            {"xaxis": time_axis(result), "yaxis": RISK, "showlegend": False},
            200,
            title=f"{name} <small>{_GREEKS[name][1]}</small>",
        )
        for name, series in known.items()
    ]
    return Section("Greeks", ('<div class="pairs">', *charts, "</div>"), "Totals over all positions of the account.")


def margin(result: Mapping[str, Any]) -> Section:
    """Margin as a share of equity: at 100 % the venue acts."""
    occupied, required = points(result, "margin_occupied"), points(result, "margin_required")
    known = points(result, "equity")
    if not (occupied or required) or not known:
        return Section("Margin use", (empty("No margin was heard of."),))
    if not any(value for _, value in (*occupied, *required)):
        return Section("Margin use", (empty("No margin was used."),))
    data = [
        *line("occupied", _shares(occupied, known), "orange", fill=True, hover="%{y:.2%} of equity: %{text}"),
        *line("required", _shares(required, known), "red", fill=True, hover="%{y:.2%} of equity: %{text}"),
    ]
    layout = {"xaxis": time_axis(result), "yaxis": {"rangemode": "tozero", **SHARE}}
    note = (
        "Share of equity, the largest of each span. Occupied is initial margin with what orders hold back; required is maintenance margin."
    )
    return Section("Margin use", (Chart.of("margin use over time", data, layout, 260),), note)


def _shares(margins: Sequence[Point], known: Sequence[Point]) -> list[tuple[int, float, str]]:
    found = ((time, value, at(known, time)) for time, value in margins)
    return [(time, value / whole, amount(value)) for time, value, whole in found if whole is not None and whole > 0]


def outages(result: Mapping[str, Any]) -> list[Figure]:
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
    ends = {"x0": ms(since), "x1": ms(until), "y0": 0, "y1": 1, "xref": "x", "yref": "paper"}
    return {"type": "rect", **ends, "fillcolor": "var(--red)", "opacity": 0.12, "line": {"width": 0}, "layer": "below"}


# ---- what happened when ----

Mark = tuple[Any, str, str, str]
"""Time, color, symbol and words."""


def timeline(result: Mapping[str, Any]) -> Section:
    """One lane for each kind of thing that happened; fills have one per instance."""
    lanes: dict[str, list[Mark]] = {}
    for row in rows(result, "stream_list"):
        color, symbol = _STREAM_MARKS.get(str(row.get("event")), ("gray", "circle-open"))
        told = f"{text(row.get('event'))} {text(row.get('text'))}"
        lanes.setdefault("connections", []).append((row.get("time"), color, symbol, told))
    for row in rows(result, "fill_list"):
        lanes.setdefault(f"fills · {row.get('instance') or 'others'}", []).append(_fill_mark(row))
    for row in rows(result, "refusal_list"):
        lanes.setdefault("refusals", []).append((row.get("time"), "orange", "x", f"{text(row.get('rule'))}: {text(row.get('reason'))}"))
    for row in rows(result, "alert_list"):
        color = {"critical": "red", "warning": "orange"}.get(str(row.get("severity")), "blue")
        lanes.setdefault("alerts", []).append((row.get("time"), color, "diamond", f"{text(row.get('source'))}: {text(row.get('text'))}"))
    for row in rows(result, "faults"):
        told = f"{text(row.get('instance'))}.{text(row.get('hook'))}: {text(row.get('error'))}"
        lanes.setdefault("faults", []).append((row.get("time"), "red", "x-thin-open", told))
    if not lanes:
        return Section("What happened when", (empty("Nothing was traded, refused, reported or lost."),))
    return Section("What happened when", (_lanes(result, lanes),))


def _lanes(result: Mapping[str, Any], lanes: Mapping[str, Sequence[Mark]]) -> Chart:
    names = [*lanes]
    layout = {
        "xaxis": time_axis(result),
        "yaxis": {"tickvals": [*range(len(names))], "ticktext": [text(name) for name in names], "range": [len(names) - 0.5, -0.5], **GRID},
        "shapes": outages(result),
        "showlegend": False,
        "hovermode": "closest",
    }
    data = [_lane(place, lanes[name]) for place, name in enumerate(names)]
    return Chart.of("fills, refusals, alerts and connections over time", data, layout, 80 + 42 * len(names))


def _fill_mark(row: Mapping[str, Any]) -> Mark:
    is_buy = (number(row.get("size")) or 0) > 0
    mark = ("green", "triangle-up") if is_buy else ("red", "triangle-down")
    return (row.get("time"), *mark, fill_text(row))


def fill_text(fill: Mapping[str, Any]) -> str:
    """One fill in words."""
    size = number(fill.get("size")) or 0
    who = f" by {text(fill.get('instance'))}" if fill.get("instance") else ""
    return f"{'bought' if size > 0 else 'sold'} {amount(abs(size))} {text(fill.get('contract'))} at {amount(fill.get('price'))}{who}"


def _lane(place: int, marks: Sequence[Mark]) -> Figure:
    known = [mark for mark in marks if number(mark[0]) is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [ms(time) for time, _, _, _ in known],
        "y": [place + _APART.get(symbol, 0.0) for _, _, symbol, _ in known],
        "text": [_wrapped(told) for _, _, _, told in known],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker([symbol for _, _, symbol, _ in known], [f"var(--{color})" for _, color, _, _ in known]),
    }


def _wrapped(told: str) -> str:
    """A hover text in lines of about 90 characters."""
    lines, current = [], ""
    for word in told.split(" "):
        if current and len(current) + len(word) > 90:
            lines.append(current)
            current = ""
        current = f"{current} {word}".strip()
    return "<br>".join([*lines, current])


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
