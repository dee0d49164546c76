"""The tables of a run: what was held, ordered, refused, reported, and what went wrong.

Owns which columns stand where. Every cell goes through strikeloop_report.spelling, so nothing foreign reaches the
page unescaped; long lists are cut to their last rows, and say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from strikeloop_report.spelling import DAY, NONE, amount, moment, number, rows, text

MOST_ROWS = 500
Row = Mapping[str, Any]
Cell = Callable[[Row], str]


def sections(result: Row) -> list[str]:
    """Every table that has something to show, as HTML."""
    made = (
        _faults(result),
        _bracket(result),
        _positions(result),
        _refusals(result),
        _alerts(result),
        _order_counts(result),
        _orders(result),
        _fills(result),
        _streams(result),
        _events(result),
    )
    return [section for section in made if section]


_VIEWS = {"back": "at the back of the queue", "real": "as simulated", "front": "at the front of the queue"}


def _bracket(result: Row) -> str:
    """What resting orders filled in a simulated run, between what they would have with everybody and with nobody ahead."""
    venue = result.get("venue")
    queue = venue.get("queue") if isinstance(venue, Mapping) else None
    views = queue if isinstance(queue, Mapping) else {}
    found = [{"resting orders": told, **views[name]} for name, told in _VIEWS.items() if isinstance(views.get(name), Mapping)]
    columns = {"resting orders": _text("resting orders"), "filled": _figure("orders"), "contracts": _figure("contracts")}
    return _section("What hung on the queue", columns, found, numeric=frozenset({"filled", "contracts"}), scroll="scroll compact")


def _positions(result: Row) -> str:
    columns = {
        "contract": _text("contract"),
        "size": _signed("size"),
        "entry": _figure("entry_price"),
        "mark": _figure("mark_price"),
        "unrealized": _gain("unrealized_pnl"),
        **{greek: _figure(greek) for greek in ("delta", "gamma", "vega", "theta")},
    }
    return _section("Positions at the end", columns, rows(result, "positions"))


def _orders(result: Row) -> str:
    columns = {
        "time": _time(result),
        "instance": _text("instance"),
        "contract": _text("contract"),
        "size": _signed("size"),
        "price": lambda row: amount(row.get("price")) if row.get("price") is not None else "market",
        "tif": _text("tif"),
        "state": _chip("state"),
        "filled": _signed("filled"),
        "at": lambda row: amount(row.get("fill_price")) if number(row.get("fill_price")) else NONE,
        "reason": _text("reason"),
        "client id": _text("client_id"),
    }
    return _section("Orders", columns, rows(result, "order_list"), is_long=True)


def _order_counts(result: Row) -> str:
    """How the orders of each instance ended."""
    orders = rows(result, "order_list")
    states = [*dict.fromkeys(str(order.get("state")) for order in orders)]
    counts = Counter((str(order.get("instance") or "others"), str(order.get("state"))) for order in orders)
    owners = dict.fromkeys(owner for owner, _ in counts)
    columns: dict[str, Cell] = {"instance": _text("instance"), "orders": _figure("orders"), **{state: _figure(state) for state in states}}
    table = [
        {"instance": owner, "orders": sum(counts[owner, state] for state in states), **{state: counts[owner, state] for state in states}}
        for owner in owners
    ]
    return _section("Orders by instance", columns, table, numeric=frozenset({"orders", *states}), scroll="scroll compact")


def _fills(result: Row) -> str:
    columns = {
        "time": _time(result),
        "instance": _text("instance"),
        "contract": _text("contract"),
        "size": _signed("size"),
        "price": _figure("price"),
        "fee": _figure("fee"),
    }
    return _section("Fills", columns, rows(result, "fill_list"), is_long=True)


def _refusals(result: Row) -> str:
    refusals = rows(result, "refusal_list")
    counts = Counter(str(row.get("rule")) for row in refusals)
    summary = _bars(counts.most_common(), "rule") if counts else ""
    columns = {
        "time": _time(result),
        "rule": _text("rule"),
        "instance": _text("instance"),
        "contract": _text("contract"),
        "size": _signed("size"),
        "price": lambda row: amount(row.get("price")) if row.get("price") is not None else "market",
        "reason": _text("reason"),
    }
    return _section("Refusals", columns, refusals, lead=summary, is_long=True)


def _alerts(result: Row) -> str:
    columns = {
        "time": _time(result),
        "severity": _chip("severity"),
        "source": _text("source"),
        "topic": _text("topic"),
        "text": _text("text"),
    }
    return _section("Alerts", columns, rows(result, "alert_list"), is_long=True)


def _streams(result: Row) -> str:
    columns = {"time": _time(result), "adapter": _text("adapter"), "port": _text("port"), "event": _chip("event"), "": _text("text")}
    return _section("Connections", columns, rows(result, "stream_list"), is_long=True)


def _faults(result: Row) -> str:
    columns = {"time": _time(result), "instance": _text("instance"), "hook": _text("hook"), "error": _text("error")}
    return _section("Plugins that raised", columns, rows(result, "faults"))


def _events(result: Row) -> str:
    events = result.get("events")
    if not isinstance(events, Mapping) or not events:
        return ""
    ordered = sorted(((str(name), count) for name, count in events.items()), key=lambda pair: -(number(pair[1]) or 0))
    return f"<section><h2>Events</h2>{_bars(ordered, 'kind')}</section>"


# ---- cells ----


def _text(key: str) -> Cell:
    return lambda row: text(row.get(key))


def _figure(key: str) -> Cell:
    return lambda row: amount(row.get(key))


def _signed(key: str) -> Cell:
    return lambda row: amount(row.get(key), sign=True)


def _gain(key: str) -> Cell:
    def cell(row: Row) -> str:
        value = number(row.get(key)) or 0.0
        tone = "gain" if value > 0 else "loss" if value < 0 else ""
        return f'<span class="{tone}">{amount(row.get(key), sign=True)}</span>'

    return cell


def _chip(key: str) -> Cell:
    return lambda row: f'<span class="chip {_tone(row.get(key))}">{text(row.get(key))}</span>'


def _tone(word: object) -> str:
    return _TONES.get(word, "") if isinstance(word, str) else ""


_TONES = {
    "critical": "bad",
    "rejected": "bad",
    "liquidated": "bad",
    "StreamLost": "bad",
    "ChannelRefused": "bad",
    "warning": "fair",
    "unknown": "fair",
    "absent": "fair",
    "GapOpened": "fair",
    "StreamStale": "fair",
    "filled": "good",
    "StreamOpened": "good",
    "Reconciled": "good",
    "GapClosed": "good",
}


def _time(result: Row) -> Cell:
    """A time of day with milliseconds; with the date for a run of more than a day."""
    started, ended = number(result.get("started")), number(result.get("ended"))
    is_long = started is None or ended is None or ended - started >= DAY
    return lambda row: f'<time title="{moment(row.get("time"))} UTC">{moment(row.get("time"), with_date=is_long, digits=3)}</time>'


# ---- HTML ----

_NUMERIC = frozenset({"size", "entry", "mark", "unrealized", "delta", "gamma", "vega", "theta", "price", "filled", "at", "fee", "orders"})


def _section(
    title: str,
    columns: Mapping[str, Cell],
    table: Sequence[Row],
    *,
    lead: str = "",
    is_long: bool = False,
    numeric: frozenset[str] = _NUMERIC,
    scroll: str = "scroll",
) -> str:
    if not table:
        return ""
    shown = table[-MOST_ROWS:]
    cut = f" <small>the last {len(shown):,} of {len(table):,}</small>" if len(shown) < len(table) else f" <small>{len(table):,}</small>"
    search = f'<input type="search" placeholder="filter" aria-label="filter {title.lower()}">' if is_long and len(shown) > 10 else ""
    classes = {name: ' class="n"' if name in numeric else "" for name in columns}
    head = "".join(f"<th{classes[name]}>{text(name) if name else ''}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td{classes[name]}>{cell(row)}</td>' for name, cell in columns.items())}</tr>" for row in shown)
    tall = " tall" if is_long else ""
    return (
        f"<section><h2>{title}{cut}{search}</h2>{lead}"
        f'<div class="{scroll}{tall}" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>'
    )


def _bars(counts: Iterable[tuple[str, Any]], heading: str) -> str:
    pairs = [(name, number(count) or 0.0) for name, count in counts]
    most = max((count for _, count in pairs), default=0.0) or 1.0
    body = "".join(f'<tr><td>{text(name)}</td><td class="n">{amount(count)}</td>{_bar(count / most)}</tr>' for name, count in pairs)
    return f'<table class="bars"><thead><tr><th>{heading}</th><th class="n">count</th><th></th></tr></thead><tbody>{body}</tbody></table>'


def _bar(share: float) -> str:
    return f'<td class="bar"><i style="width:{100 * max(share, 0.0):.1f}%"></i></td>'
