"""One HTML document that needs nothing else: style, charts and behavior are in the file.

Owns its frame, its policy, which forbids it to load anything, and how charts become places in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from strikeloop_report.bundle import asset, library
from strikeloop_report.markup import Section
from strikeloop_report.plots import Chart
from strikeloop_report.spelling import text

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"


def document(*, title: str, subtitle: str, lead: str, sections: Sequence[Section], foot: str) -> str:
    """The whole page; all arguments are HTML already."""
    drawn: list[Chart] = []
    body = "".join(_section(section, drawn) for section in sections)
    links = "".join(f'<a href="#{section.anchor}">{section.title}</a>' for section in sections)
    return "".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title} · strikeloop</title><style>{asset('page.css')}</style></head><body>",
            f"<header><h1>{title}</h1><p>{subtitle}</p></header>",
            f'<nav aria-label="sections"><div>{links}</div></nav>',
            f"<main>{lead}{body}</main>",
            f"<footer>{foot}made by strikeloop</footer>",
            _scripts(drawn),
            "</body></html>\n",
        )
    )


def _section(section: Section, drawn: list[Chart]) -> str:
    note = f"<p>{section.note}</p>" if section.note else ""
    count = f" <small>{section.count}</small>" if section.count else ""
    body = "".join(part if isinstance(part, str) else _place(part, drawn) for part in section.body)
    return f'<section id="{section.anchor}"><h2>{section.title}{count}</h2>{note}{body}</section>'


def _place(chart: Chart, drawn: list[Chart]) -> str:
    """Where a chart is drawn; with a choice above it where it has several figures."""
    name = f"chart-{len(drawn)}"
    drawn.append(chart)
    choice = ""
    if len(chart.figures) > 1:
        options = "".join(f"<option>{text(one)}</option>" for one in chart.figures)
        choice = f'<select data-chart="{len(drawn) - 1}" aria-label="{chart.label}">{options}</select>'
    elif chart.title and next(iter(chart.figures)) != chart.label:
        choice = f"<small>{text(next(iter(chart.figures)))}</small>"
    heading = f"<h3>{chart.title}{choice}</h3>" if chart.title or choice else ""
    figure = f'<div class="chart" id="{name}" role="img" aria-label="{chart.label}" style="height:{chart.height}px"></div>'
    return f'<div class="figure">{heading}{figure}</div>'


def _scripts(drawn: Sequence[Chart]) -> str:
    """Figures, library and behavior; a page without charts needs no library."""
    packed = f'<script type="application/gzip" id="library">{library()}</script>' if drawn else ""
    figures = json.dumps([[*chart.figures.values()] for chart in drawn], separators=(",", ":"), allow_nan=False)
    safe = figures.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'{packed}<script type="application/json" id="plots">{safe}</script><script>{asset("page.js")}</script>'
