"""Sections and tables as HTML.

Owns `Section`, and that every cell goes through strikeloop_report.spelling, so that nothing foreign reaches the page
unescaped. Long lists are cut to their last rows, and say so; an empty list says that it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from strikeloop_report.plots import Chart
from strikeloop_report.spelling import DAY, amount, moment, money, number, share, text

MOST_ROWS = 500
Row = Mapping[str, Any]
Cell = Callable[[Row], str]


@attrs.frozen
class Section:
    """A part of the page under a heading: HTML and charts, in order. `count` stands beside the heading."""

    title: str
    body: tuple[str | Chart, ...]
    note: str = ""
    count: str = ""

    @property
    def anchor(self) -> str:
        return "-".join(self.title.lower().split())


@attrs.frozen
class Column:
    """One column of a table: its heading, how a row is shown in it, and whether it holds figures."""

    name: str
    cell: Cell
    is_figure: bool = False


def words(name: str, key: str = "") -> Column:
    return Column(name, lambda row: text(row.get(key or name)))


def figure(name: str, key: str = "", *, sign: bool = False) -> Column:
    return Column(name, lambda row: amount(row.get(key or name), sign=sign), is_figure=True)


def gain(name: str, key: str = "") -> Column:
    """Money won or lost, in their colors."""
    return Column(name, lambda row: toned(row.get(key or name), money(row.get(key or name), sign=True)), is_figure=True)


def part(name: str, key: str = "") -> Column:
    """A fraction, in percent."""
    return Column(name, lambda row: share(row.get(key or name)), is_figure=True)


def chip(name: str, key: str = "") -> Column:
    return Column(name, lambda row: f'<span class="chip {_tone(row.get(key or name))}">{text(row.get(key or name))}</span>')


def price(name: str = "price") -> Column:
    return Column(name, lambda row: amount(row.get(name)) if row.get(name) is not None else "market", is_figure=True)


def time(result: Row, name: str = "time", *, digits: int = 3) -> Column:
    """A time of day; with the date for a run of more than a day."""
    started, ended = number(result.get("started")), number(result.get("ended"))
    is_long = started is None or ended is None or ended - started >= DAY
    return Column(name, lambda row: _clock(row.get(name), is_long=is_long, digits=digits))


def _clock(value: object, *, is_long: bool, digits: int) -> str:
    if number(value) is None:
        return text(value)
    return f'<time title="{moment(value)} UTC">{moment(value, with_date=is_long, digits=digits)}</time>'


def toned(value: object, shown: str) -> str:
    """`shown` in the color of a gain or a loss."""
    found = number(value) or 0.0
    return f'<span class="{"gain" if found > 0 else "loss" if found < 0 else ""}">{shown}</span>'


def table(columns: Sequence[Column], rows: Sequence[Row], *, name: str, style: str = "", is_long: bool = False) -> str:
    """A table that scrolls inside itself; the last 500 rows of it. `name` is for those who do not see it."""
    shown = rows[-MOST_ROWS:]
    head = "".join(f"<th{_class(column)} scope=col>{text(column.name) if column.name else ''}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td{_class(column)}>{column.cell(row)}</td>' for column in columns)}</tr>" for row in shown)
    search = f'<input type="search" placeholder="filter" aria-label="filter {text(name)}">' if is_long and len(shown) > 10 else ""
    cut = f"<small>the last {len(shown):,} of {len(rows):,}</small>" if len(shown) < len(rows) else ""
    bar = f'<div class="bar">{cut}{search}</div>' if cut or search else ""
    styles = " ".join(["scroll", *(["tall"] if is_long else []), *([style] if style else [])])
    return (
        f'{bar}<div class="{styles}" tabindex="0" role="region" aria-label="{text(name)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def empty(sentence: str) -> str:
    """What stands where there is nothing to show."""
    return f'<p class="none">{sentence}</p>'


def listed(title: str, columns: Sequence[Column], rows: Sequence[Row], *, none: str, lead: str = "") -> Section:
    """A section that is one long table, or the sentence `none`."""
    body = (lead, table(columns, rows, name=title.lower(), is_long=True)) if rows else (empty(none),)
    return Section(title, body, count=f"{len(rows):,}" if rows else "")


def bars(counts: Iterable[tuple[str, Any]], heading: str) -> str:
    """Names with their counts, drawn as bars."""
    pairs = [(name, number(count) or 0.0) for name, count in counts]
    most = max((count for _, count in pairs), default=0.0) or 1.0
    body = "".join(f'<tr><td>{text(name)}</td><td class="n">{amount(count)}</td>{_bar(count / most)}</tr>' for name, count in pairs)
    return f'<table class="bars"><thead><tr><th>{heading}</th><th class="n">count</th><th></th></tr></thead><tbody>{body}</tbody></table>'


def _bar(length: float) -> str:
    return f'<td class="bar"><i style="width:{100 * max(length, 0.0):.1f}%"></i></td>'


def _class(column: Column) -> str:
    return ' class="n"' if column.is_figure else ""


def _tone(word: object) -> str:
    return _TONES.get(word, "") if isinstance(word, str) else ""


_TONES = {
    "critical": "bad",
    "halted": "bad",
    "gave-up": "bad",
    "rejected": "bad",
    "liquidated": "bad",
    "StreamLost": "bad",
    "ChannelRefused": "bad",
    "warning": "fair",
    "canceling": "fair",
    "reducing": "fair",
    "unknown": "fair",
    "absent": "fair",
    "GapOpened": "fair",
    "StreamStale": "fair",
    "filled": "good",
    "flat": "good",
    "armed": "good",
    "StreamOpened": "good",
    "Reconciled": "good",
    "GapClosed": "good",
}
