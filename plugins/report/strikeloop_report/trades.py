"""The trades: on the price of the underlying and of their contracts, and how good their prices were.

Owns these two sections. A fill is measured against the middle of the quote that the client knew when it heard of the fill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import attrs

from strikeloop_report.charts import fill_text, outages
from strikeloop_report.markup import Row, Section, empty, figure, gain, part, table, words
from strikeloop_report.plots import GRID, MONEY, Chart, Figure, Point, at, line, marker, ms, time_axis
from strikeloop_report.spelling import columns, number, points, rows

_SIDES = (("bought", "triangle-up", "green", 1), ("sold", "triangle-down", "red", -1))


def trades(result: Mapping[str, Any]) -> Section:
    """Every fill on the line of the underlying, and for the contracts that mattered most on that of their mark."""
    fills = [fill for fill in rows(result, "fill_list") if number(fill.get("size")) and number(fill.get("time")) is not None]
    underlying = points(result, "underlying")
    if not fills:
        drawn = _underlying(result, underlying, []) if len(underlying) > 1 else []
        return Section("Trades on the price", (empty("No trades: nothing was filled in this run."), *drawn))
    body = [*_underlying(result, underlying, fills), *_contracts(result, fills)]
    return Section("Trades on the price", tuple(body), "Triangles up are buys, triangles down are sells.")


def _underlying(result: Row, series: Sequence[Point], fills: Sequence[Row]) -> list[Chart]:
    base = series or points(result, "equity")
    if not base:
        return []
    name = "underlying" if series else "equity"
    data = [*line(name, base, "gray", hover="%{y:,.2f}"), *_marks(fills, lambda fill: at(base, fill["time"]))]
    layout = {"xaxis": time_axis(result), "yaxis": MONEY, "shapes": outages(result)}
    return [Chart.of(f"fills on the price of the {name}", data, layout, 320, title=name.capitalize())]


def _contracts(result: Row, fills: Sequence[Row]) -> list[Chart]:
    """One figure per contract; the reader chooses."""
    marks = result.get("marks")
    known = marks if isinstance(marks, Mapping) else {}
    figures = {}
    for name, curve in known.items():
        series = columns(curve, "mark") if isinstance(curve, Mapping) else []
        own = [fill for fill in fills if fill.get("contract") == name and number(fill.get("price")) is not None]
        if series and own:
            data = [*line("mark", series, "gray", hover="%{y:,.2f}"), *_marks(own, lambda fill: number(fill["price"]))]
            figures[str(name)] = {"data": data, "layout": {"xaxis": {"type": "date", **GRID}, "yaxis": MONEY}}
    return [Chart("fills on the mark of a contract", figures, 280, title="Contract <small>while it was held</small>")] if figures else []


def _marks(fills: Sequence[Row], height: Any) -> list[Figure]:
    """Buys and sells as triangles."""
    drawn = []
    for name, symbol, color, sign in _SIDES:
        chosen = [fill for fill in fills if (number(fill["size"]) or 0) * sign > 0]
        if chosen:
            drawn.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [ms(fill["time"]) for fill in chosen],
                    "y": [height(fill) for fill in chosen],
                    "text": [fill_text(fill) for fill in chosen],
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": marker(symbol, f"var(--{color})"),
                }
            )
    return drawn


# ---- how good the prices were ----


@attrs.frozen
class Quality:
    """One fill against the quote: `edge` in half spreads (−1: the whole half spread was paid, +1: it was earned), `money` gained."""

    instance: str
    is_maker: bool | None
    edge: float
    money: float


def quality(result: Mapping[str, Any]) -> Section:
    """Fills against the middle of the quote, and what hung on the queue."""
    fills = rows(result, "fill_list")
    measured = [found for fill in fills if (found := _measured(fill)) is not None]
    body: list[str | Chart] = []
    if not fills:
        body.append(empty("No trades: there are no prices to judge."))
    elif not measured:
        body.append(empty("None of the fills came with a quote of both sides, so there is no middle to measure against."))
    else:
        body += [_by_instance(measured, fills), _histogram(measured)]
    body += _bracket(result)
    unmeasured = len(fills) - len(measured)
    note = "Against the middle of the quote known when the fill was heard of, in half spreads: −1 paid the whole of it, +1 earned it."
    if unmeasured:
        note += f" {unmeasured:,} of {len(fills):,} fills came without a quote of both sides and are left out."
    return Section("Fill quality", tuple(body), note if measured else "")


def _measured(fill: Row) -> Quality | None:
    price, size, bid, ask = (number(fill.get(name)) for name in ("price", "size", "bid", "ask"))
    if price is None or not size or bid is None or ask is None or ask <= bid:
        return None
    sign, middle = (1.0 if size > 0 else -1.0), (bid + ask) / 2
    maker = fill.get("is_maker")
    return Quality(
        instance=str(fill.get("instance") or "others"),
        is_maker=maker if isinstance(maker, bool) else None,
        edge=sign * (middle - price) / ((ask - bid) / 2),
        money=(middle - price) * size * (number(fill.get("multiplier")) or 1.0),
    )


def _by_instance(measured: Sequence[Quality], fills: Sequence[Row]) -> str:
    groups: dict[tuple[str, str], list[Quality]] = defaultdict(list)
    for one in measured:
        groups[one.instance, {True: "maker", False: "taker", None: "not told"}[one.is_maker]].append(one)
    found = [
        {
            "instance": instance,
            "as": role,
            "fills": len(group),
            "share": len(group) / len(fills),
            "edge": fmean(one.edge for one in group),
            "money": sum(one.money for one in group),
        }
        for (instance, role), group in groups.items()
    ]
    told = [
        words("instance"),
        words("as"),
        figure("fills"),
        part("of all", "share"),
        figure("half spreads, mean", "edge", sign=True),
        gain("against the middle", "money"),
    ]
    return table(told, found, name="fill quality by instance", style="compact")


def _histogram(measured: Sequence[Quality]) -> Chart:
    bars: Figure = {
        "type": "histogram",
        "x": [round(min(max(one.edge, -4.0), 4.0), 4) for one in measured],
        "xbins": {"start": -4.05, "end": 4.05, "size": 0.1},
        "marker": {"color": "var(--blue)", "opacity": 0.75},
        "hovertemplate": "%{x} half spreads: %{y} fills<extra></extra>",
    }
    reach = max(1.3, *(min(abs(one.edge), 4.0) + 0.2 for one in measured))
    layout = {
        "xaxis": {**GRID, "range": [-reach, reach], "zerolinecolor": "var(--soft)"},
        "yaxis": {**GRID, "tickformat": "~d", "rangemode": "tozero"},
        "hovermode": "closest",
        "bargap": 0.05,
    }
    return Chart.of("fills by half spreads earned", [bars], layout, 220, title="Fills by half spreads earned <small>negative: paid</small>")


_VIEWS = {"back": "at the back of the queue", "real": "as simulated", "front": "at the front of the queue"}


def _bracket(result: Row) -> list[str]:
    """What resting orders filled in a simulated run, between what they would have with everybody and with nobody ahead."""
    venue = result.get("venue")
    queue = venue.get("queue") if isinstance(venue, Mapping) else None
    views = queue if isinstance(queue, Mapping) else {}
    found = [{"resting orders": told, **views[name]} for name, told in _VIEWS.items() if isinstance(views.get(name), Mapping)]
    if not found:
        return []
    if not any(number(view.get("orders")) or number(view.get("contracts")) for view in found):
        return [empty("No resting order was filled, wherever in the queue: the result does not hang on the queue model.")]
    told = [words("resting orders"), figure("filled", "orders"), figure("contracts")]
    title = "<h3>What hung on the queue <small>a wide bracket says that the result hangs on the queue model</small></h3>"
    return [title, table(told, found, name="what hung on the queue", style="compact")]
