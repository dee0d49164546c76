"""The page: headline figures, charts and tables of one run in one HTML file.

Owns `render`, a pure function of result.json: no clock, no file but this package's own, the same page for the same
run. The page's policy forbids it to load anything; what is not in the file is not shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from strikeloop_report.bundle import asset, library
from strikeloop_report.charts import Chart, charts
from strikeloop_report.spelling import amount, moment, number, points, rows, span, text
from strikeloop_report.tables import sections

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"


def render(result: Mapping[str, Any]) -> str:
    """The report of a run as one HTML document.

    `result` is the content of result.json; every part of it may be missing, and nothing in it is trusted.

    >>> page = render({"run": "r<1>", "fills": 3})
    >>> "r&lt;1&gt;" in page, "r<1>" in page
    (True, False)
    """
    drawn = charts(result)
    return "".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(result.get('run'))} · strikeloop</title><style>{asset('page.css')}</style></head><body>",
            _header(result),
            f'<main><div class="cards">{"".join(_cards(result))}</div>',
            *(_figure(place, chart) for place, chart in enumerate(drawn)),
            *sections(result),
            "</main>",
            _footer(result),
            _scripts(drawn),
            "</body></html>\n",
        )
    )


def _header(result: Mapping[str, Any]) -> str:
    parts = [text(result[name]) for name in ("mode", "backend") if result.get(name)]
    if number(result.get("started")) is not None:
        parts.append(f"{moment(result['started'])} – {moment(result.get('ended'))} UTC")
    return f"<header><h1>{text(result.get('run'))}</h1><p>{' · '.join(parts)}</p></header>"


def _footer(result: Mapping[str, Any]) -> str:
    digest = f"digest <code>{text(result['digest'])}</code> · " if result.get("digest") else ""
    return f"<footer>{digest}made by strikeloop</footer>"


# ---- headline figures ----


def _cards(result: Mapping[str, Any]) -> Iterator[str]:
    equity = points(result, "equity")
    if equity:
        first, last = equity[0][1], equity[-1][1]
        tone = "gain" if last > first else "loss" if last < first else ""
        yield _card("equity", amount(last), f'<span class="{tone}">{amount(round(last - first, 2), sign=True)}</span> in the run')
    yield _card("fills", _count(result, "fills", "fill_list"), f"of {_count(result, 'orders', 'order_list')} orders")
    refusing = {str(row.get("rule")) for row in rows(result, "refusal_list")}
    yield _card("refusals", _count(result, "refusals", "refusal_list"), f"by {len(refusing)} rule{'' if len(refusing) == 1 else 's'}")
    critical = sum(row.get("severity") == "critical" for row in rows(result, "alert_list"))
    yield _card("alerts", _count(result, "alerts", "alert_list"), f"{critical} critical")
    delta = points(result, "delta")
    if delta:
        yield _card("delta", amount(delta[-1][1], sign=True), f"largest {amount(max(abs(value) for _, value in delta))}")
    if number(result.get("connections")):
        yield _card("connections", amount(result["connections"]), f"{amount(result.get('reconnects'))} reconnected")
    events = result.get("events")
    if isinstance(events, Mapping):
        total = sum(number(count) or 0 for count in events.values())
        yield _card("events", amount(total), f"in {span(result.get('duration_s'))}")
    faults = len(rows(result, "faults"))
    if faults:
        yield _card("faults", f'<span class="loss">{faults}</span>', "plugins that raised")


def _count(result: Mapping[str, Any], name: str, listed: str) -> str:
    return amount(result[name]) if name in result else amount(len(rows(result, listed)))


def _card(name: str, figure: str, note: str) -> str:
    return f'<div class="card"><h3>{name}</h3><b>{figure}</b><span>{note}</span></div>'


# ---- charts ----


def _figure(place: int, chart: Chart) -> str:
    note = f"<p>{chart.note}</p>" if chart.note else ""
    return f'<section><h2>{chart.title}</h2>{note}<div class="chart" id="chart-{place}" style="height:{chart.height}px"></div></section>'


def _scripts(drawn: list[Chart]) -> str:
    """Figures, library and behavior; a page without charts needs no library."""
    packed = f'<script type="application/gzip" id="library">{library()}</script>' if drawn else ""
    figures = json.dumps([chart.figure for chart in drawn], separators=(",", ":"), allow_nan=False)
    safe = figures.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'{packed}<script type="application/json" id="figures">{safe}</script><script>{asset("page.js")}</script>'
