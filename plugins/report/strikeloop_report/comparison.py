"""Runs beside each other: their figures, curves and causes, where they part, and what they were configured with.

Owns `compare`. The first run is what the others are held against. Pure, like `render`: the same results, the same page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import attrs

from strikeloop_report.assumptions import settings
from strikeloop_report.causes import CAUSES
from strikeloop_report.document import document
from strikeloop_report.headline import FIGURES, card
from strikeloop_report.markup import Column, Row, Section, empty, table, toned
from strikeloop_report.plots import GRID, MONEY, RISK, SHARE, Chart, Figure, Point, at, line, time_axis
from strikeloop_report.spelling import DAY, MILLISECOND, amount, moment, money, nanoseconds, number, points, rows, share, text

MOST_RUNS = 6
_COLORS = ("blue", "orange", "green", "purple", "red", "gray")
_SHARES = frozenset({"return", "annual_return", "volatility", "max_drawdown", "win_rate"})
_MONEY = frozenset({"equity_start", "equity_end", "paid_in", "pnl", "traded", "fees"})
_COUNTS = ("orders", "fills", "refusals", "alerts", "faults")


@attrs.frozen
class Run:
    """One of the runs: its letter and its name on the page, its color, its result."""

    letter: str
    id: str
    color: str
    result: Row

    @property
    def name(self) -> str:
        return f"{self.letter} {self.id}"

    def table(self, name: str) -> Row:
        found = self.result.get(name)
        return found if isinstance(found, Mapping) else {}


def compare(results: Sequence[Mapping[str, Any]]) -> str:
    """The comparison of two to six runs as one HTML document. Raises ValueError for another number of them.

    Each is the content of a result.json; every part of it may be missing, and nothing in it is trusted.
    """
    if not 2 <= len(results) <= MOST_RUNS:
        raise ValueError(f"{len(results)} runs cannot be compared; name 2 to {MOST_RUNS}")
    names = _names([str(result.get("run") or "run") for result in results])
    runs = [Run(*one) for one in zip("ABCDEF", names, _COLORS, results, strict=False)]
    sections = [
        _curves(runs),
        _figures(runs),
        _causes(runs),
        _greeks(runs),
        _margin(runs),
        _parting(runs),
        _settings(runs),
    ]
    title = " against ".join(text(run.id) for run in reversed(runs)) if len(runs) == 2 else f"{len(runs)} runs"
    lead = f'<div class="cards">{"".join(_cards(runs))}</div>'
    return document(title=title, subtitle=_subtitle(runs), lead=lead, sections=sections, foot="")


def _names(found: Sequence[str]) -> list[str]:
    """Runs of one name are told apart by their number."""
    return [name if found.count(name) == 1 else f"{name} ({found[: place + 1].count(name)})" for place, name in enumerate(found)]


def _subtitle(runs: Sequence[Run]) -> str:
    digests = {str(run.result.get("digest")) for run in runs}
    known = all(run.result.get("digest") for run in runs)
    if not known:
        return "not every run tells its digest"
    return "one digest: the same decisions and the same account" if len(digests) == 1 else "the digests differ"


def _cards(runs: Sequence[Run]) -> list[str]:
    return [
        card(
            f'<i class="dot" style="background:var(--{run.color})"></i> {text(run.name)}',
            toned(run.table("figures").get("pnl"), money(run.table("figures").get("pnl"), sign=True)),
            f"{share(run.table('figures').get('return'), sign=True)}, drawdown {share(run.table('figures').get('max_drawdown'))}",
        )
        for run in runs
    ]


# ---- over time ----


@attrs.frozen
class _Clock:
    """The time that all runs are drawn on: UTC where they overlap, else days from the start of each."""

    is_common: bool
    axis: Figure
    note: str

    @classmethod
    def of(cls, runs: Sequence[Run]) -> _Clock:
        spans = [(nanoseconds(run.result.get("started")), nanoseconds(run.result.get("ended"))) for run in runs]
        known = [(start, end) for start, end in spans if start is not None and end is not None]
        if len(known) == len(runs) and max(start for start, _ in known) < min(end for _, end in known):
            whole = {"started": min(start for start, _ in known), "ended": max(end for _, end in known)}
            return cls(is_common=True, axis=time_axis(whole), note="")
        return cls(is_common=False, axis={**GRID, "ticksuffix": " d"}, note=" The runs do not overlap: days from the start of each.")

    def points(self, run: Run, name: str) -> list[Point]:
        """A column of the run's curve on this clock."""
        start = 0 if self.is_common else nanoseconds(run.result.get("started")) or 0
        return [(time - start, value) for time, value in points(run.result, name)]

    def scaled(self, trace: Figure) -> Figure:
        """In days where there is no time of day."""
        return trace if self.is_common else {**trace, "x": [round(x * MILLISECOND / DAY, 6) for x in trace["x"]]}


def _lines(runs: Sequence[Run], clock: _Clock, name: str, hover: str) -> list[Figure]:
    return [clock.scaled(trace) for run in runs for trace in line(run.name, clock.points(run, name), run.color, hover=hover)]


def _curves(runs: Sequence[Run]) -> Section:
    clock = _Clock.of(runs)
    pnl = _lines(runs, clock, "pnl", "%{y:,.2f}")
    if not pnl:
        return Section("Curves", (empty("None of the runs tells its PnL over time."),))
    charts = [Chart.of("PnL of each run over time", pnl, {"xaxis": clock.axis, "yaxis": MONEY}, 320, title="PnL")]
    apart = [
        clock.scaled(trace) for run in runs[1:] for trace in line(run.name, _difference(runs[0], run, clock), run.color, hover="%{y:,.2f}")
    ]
    if apart:
        title = f"Difference of PnL <small>to {text(runs[0].name)}</small>"
        charts.append(
            Chart.of("difference of PnL over time", apart, {"xaxis": clock.axis, "yaxis": MONEY, "showlegend": True}, 240, title=title)
        )
    drawdown = _lines(runs, clock, "drawdown", "%{y:.2%}")
    charts.append(Chart.of("drawdown of each run", drawdown, {"xaxis": clock.axis, "yaxis": SHARE}, 200, title="Drawdown"))
    return Section("Curves", tuple(charts), f"PnL since the start of each run.{clock.note}")


def _difference(base: Run, run: Run, clock: _Clock) -> list[Point]:
    """What a run had gained more than the first one, at every time at which either is told; from where both are known to where one ends."""
    ours, theirs = (clock.points(one, "pnl") for one in (run, base))
    if not ours or not theirs:
        return []
    first, last = max(ours[0][0], theirs[0][0]), min(ours[-1][0], theirs[-1][0])
    times = sorted({time for time, _ in (*ours, *theirs) if first <= time <= last})
    return [(time, (at(ours, time) or 0.0) - (at(theirs, time) or 0.0)) for time in times]


def _greeks(runs: Sequence[Run]) -> Section:
    clock = _Clock.of(runs)
    drawn = {name: _lines(runs, clock, name, "%{y:.5g}") for name in ("delta", "gamma", "vega", "theta")}
    charts = [
        Chart.of(f"{name} of each run", traces, {"xaxis": clock.axis, "yaxis": RISK, "showlegend": False}, 200, title=name)
        for name, traces in drawn.items()
        if traces
    ]
    return Section("Greeks", ('<div class="pairs">', *charts, "</div>") if charts else (empty("None of the runs held anything."),))


def _margin(runs: Sequence[Run]) -> Section:
    clock = _Clock.of(runs)
    traces = _lines(runs, clock, "margin_occupied", "%{y:,.2f}")
    if not traces:
        return Section("Margin", (empty("None of the runs tells its margin."),))
    return Section(
        "Margin", (Chart.of("margin of each run", traces, {"xaxis": clock.axis, "yaxis": MONEY}, 220),), "Occupied: initial, with orders."
    )


# ---- figures ----


def _table(name: str, lines: Sequence[tuple[str, Sequence[Any], Callable[..., str]]], runs: Sequence[Run]) -> str:
    """One line per figure: its value in each run, and after every run but the first how much that is more."""
    columns = [Column(name, lambda row: text(row["name"]))]
    for place, run in enumerate(runs):
        columns.append(Column(run.letter, _value(place), is_figure=True))
        if place:
            columns.append(Column(f"{run.letter} − {runs[0].letter}", _apart(place), is_figure=True))
    return table(columns, [{"name": told, "values": values, "shown": shown} for told, values, shown in lines], name=name, style="compact")


def _value(place: int) -> Callable[[Row], str]:
    return lambda row: str(row["shown"](row["values"][place]))


def _apart(place: int) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        base, found = number(row["values"][0]), number(row["values"][place])
        if base is None or found is None:
            return text(None)
        return str(row["shown"](found - base, sign=True))

    return cell


def _shown(name: str) -> Callable[..., str]:
    return share if name in _SHARES else money if name in _MONEY else _plain


def _plain(value: object, *, sign: bool = False) -> str:
    found = number(value)
    return text(value) if found is None else amount(round(found, 3), sign=sign)


def _figures(runs: Sequence[Run]) -> Section:
    lines = [(told, [run.table("figures").get(name) for run in runs], _shown(name)) for name, (told, _, _) in FIGURES.items()]
    counts = [(name, [_count(run.result, name) for run in runs], _plain) for name in _COUNTS]
    return Section("Figures", (_table("figure", [*lines, *counts], runs),))


def _count(result: Row, name: str) -> Any:
    found = result.get(name)
    return len(found) if isinstance(found, list | tuple) else found


def _causes(runs: Sequence[Run]) -> Section:
    totals = [_sub(run.table("pnl"), "total") for run in runs]
    if not any(totals):
        return Section("PnL by cause", (empty("None of the runs held or traded anything."),))
    names = [*CAUSES, "pnl"]
    bars: list[Figure] = [
        {
            "type": "bar",
            "name": run.name,
            "x": ["PnL" if name == "pnl" else name for name in names],
            "y": [number(total.get(name)) or 0.0 for name in names],
            "marker": {"color": f"var(--{run.color})", "opacity": 0.8},
            "hovertemplate": "%{y:,.2f}",
        }
        for run, total in zip(runs, totals, strict=True)
    ]
    lines = [("PnL" if name == "pnl" else name, [total.get(name) for total in totals], money) for name in names]
    expiries = [{str(row.get("expiry")): row.get("pnl") for row in rows(run.table("pnl"), "expiries")} for run in runs]
    every = sorted({expiry for found in expiries for expiry in found}, key=lambda expiry: number(expiry) or 0.0)
    by_expiry = [(moment(number(expiry)), [found.get(expiry, "0") for found in expiries], money) for expiry in every]
    body: list[str | Chart] = [
        Chart.of("PnL by cause of each run", bars, {"yaxis": MONEY, "xaxis": GRID, "barmode": "group"}, 280),
        _table("cause", lines, runs),
    ]
    if by_expiry:
        body += ["<h3>By expiry</h3>", _table("expiry", by_expiry, runs)]
    return Section("PnL by cause", tuple(body))


def _sub(found: Row, name: str) -> Row:
    inner = found.get(name)
    return inner if isinstance(inner, Mapping) else {}


# ---- what differs ----

_SEEN = ("time", "instance", "contract", "size", "price", "tif")


def _parting(runs: Sequence[Run]) -> Section:
    """The first order that is another one, run by run against the first."""
    base = runs[0]
    told = [
        f"<p>{text(run.name)}: {_first_difference(rows(base.result, 'order_list'), rows(run.result, 'order_list'))}</p>" for run in runs[1:]
    ]
    return Section("Where they part", tuple(told), f"Orders in the sequence in which they were made, against {text(base.name)}.")


def _first_difference(ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    for place, (one, other) in enumerate(zip_longest(ours, theirs), 1):
        if one is None or other is None or any(one.get(name) != other.get(name) for name in _SEEN):
            return f"order {place:,} differs. There: {_order(one)}. Here: {_order(other)}."
    return f"all {len(ours):,} orders that were kept are the same." if ours else "neither sent an order."


def _order(order: Row | None) -> str:
    if order is None:
        return "none"
    size = number(order.get("size")) or 0.0
    price = f"at {amount(order['price'])}" if order.get("price") is not None else "at the market"
    what = f"{'buy' if size > 0 else 'sell'} {amount(abs(size))} {text(order.get('contract'))} {price}"
    return f"{what} by {text(order.get('instance'))}, {moment(order.get('time'), digits=3)}"


def _settings(runs: Sequence[Run]) -> Section:
    """Every setting that is not the same in all runs."""
    told = [dict(settings(run.result)) for run in runs]
    names = dict.fromkeys(name for found in told for name in found)
    differing = [
        {"setting": name, **{run.letter: found.get(name) for run, found in zip(runs, told, strict=True)}}
        for name in names
        if len({found.get(name) for found in told}) > 1
    ]
    if not differing:
        return Section("Settings that differ", (empty("None: settings, versions and data are the same."),))
    columns = [Column("setting", lambda row: text(row["setting"])), *(_setting(run.letter) for run in runs)]
    return Section("Settings that differ", (table(columns, differing, name="settings that differ"),))


def _setting(name: str) -> Column:
    return Column(name, lambda row: text(row.get(name)))


__all__ = ["MOST_RUNS", "compare"]
