"""The page of one run: headline figures, charts and tables in one HTML file.

Owns `render`, a pure function of result.json: no clock, no file but this package's own, the same page for the same
run. What stands on it, and in which order, is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strikeloop_report import charts, tables
from strikeloop_report.assumptions import assumptions
from strikeloop_report.causes import causes, expiries
from strikeloop_report.document import document
from strikeloop_report.halting import kill_switch
from strikeloop_report.headline import cards, figures
from strikeloop_report.markup import Section
from strikeloop_report.spelling import moment, number, text
from strikeloop_report.trades import quality, trades


def render(result: Mapping[str, Any]) -> str:
    """The report of a run as one HTML document.

    `result` is the content of result.json; every part of it may be missing, and nothing in it is trusted.

    >>> page = render({"run": "r<1>", "fills": 3})
    >>> "r&lt;1&gt;" in page, "r<1>" in page
    (True, False)
    """
    lead = f'<div class="cards">{"".join(cards(result))}</div>'
    return document(title=text(result.get("run")), subtitle=_subtitle(result), lead=lead, sections=_sections(result), foot=_foot(result))


def _sections(result: Mapping[str, Any]) -> list[Section]:
    return [
        *kill_switch(result),
        *tables.faults(result),
        charts.equity(result),
        figures(result),
        causes(result),
        charts.greeks(result),
        charts.margin(result),
        trades(result),
        expiries(result),
        quality(result),
        charts.timeline(result),
        tables.refusals(result),
        tables.alerts(result),
        tables.positions(result),
        tables.orders(result),
        tables.fills(result),
        *tables.streams(result),
        *tables.events(result),
        assumptions(result),
    ]


def _subtitle(result: Mapping[str, Any]) -> str:
    parts = [text(result[name]) for name in ("mode", "backend") if result.get(name)]
    if number(result.get("started")) is not None:
        parts.append(f"{moment(result['started'])} – {moment(result.get('ended'))} UTC")
    return " · ".join(parts)


def _foot(result: Mapping[str, Any]) -> str:
    return f"digest <code>{text(result['digest'])}</code> · " if result.get("digest") else ""
