"""The lists of a run: what was held, ordered, refused, reported, and what went wrong.

Owns which columns stand where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from strikeloop_report.markup import Column, Row, Section, bars, chip, empty, figure, gain, listed, price, table, time, words
from strikeloop_report.spelling import NONE, amount, number, rows


def faults(result: Row) -> list[Section]:
    """Plugins that raised: only where one did."""
    found = rows(result, "faults")
    columns = [time(result), words("instance"), words("hook"), words("error")]
    return [Section("Plugins that raised", (table(columns, found, name="plugins that raised"),), count=f"{len(found):,}")] if found else []


def refusals(result: Row) -> Section:
    found = rows(result, "refusal_list")
    counts = Counter(str(row.get("rule")) for row in found)
    columns = [
        time(result),
        words("rule"),
        words("instance"),
        words("contract"),
        figure("size", sign=True),
        price(),
        words("reason"),
    ]
    return listed(
        "Refusals",
        columns,
        found,
        none="No rule refused an order.",
        lead=bars(counts.most_common(), "rule") if counts else "",
    )


def alerts(result: Row) -> Section:
    columns = [time(result), chip("severity"), words("source"), words("topic"), words("text")]
    return listed("Alerts", columns, rows(result, "alert_list"), none="No alert was raised.")


def positions(result: Row) -> Section:
    found = rows(result, "positions")
    columns = [
        words("contract"),
        figure("size", sign=True),
        figure("entry", "entry_price"),
        figure("mark", "mark_price"),
        gain("unrealized", "unrealized_pnl"),
        *(figure(greek) for greek in ("delta", "gamma", "vega", "theta")),
    ]
    body = table(columns, found, name="positions at the end") if found else empty("The account was flat at the end.")
    return Section("Positions at the end", (body,), count=f"{len(found):,}" if found else "")


def orders(result: Row) -> Section:
    columns = [
        time(result),
        words("instance"),
        words("contract"),
        figure("size", sign=True),
        price(),
        words("tif"),
        chip("state"),
        figure("filled", sign=True),
        Column("at", lambda row: amount(row.get("fill_price")) if number(row.get("fill_price")) else NONE, is_figure=True),
        words("reason"),
        words("client id", "client_id"),
    ]
    return listed("Orders", columns, rows(result, "order_list"), none="No order was sent.", lead=_order_counts(result))


def _order_counts(result: Row) -> str:
    """How the orders of each instance ended."""
    found = rows(result, "order_list")
    states = [*dict.fromkeys(str(order.get("state")) for order in found)]
    counts = Counter((str(order.get("instance") or "others"), str(order.get("state"))) for order in found)
    columns = [words("instance"), figure("orders"), *map(figure, states)]
    shown: list[dict[str, Any]] = [
        {"instance": owner, "orders": sum(counts[owner, state] for state in states), **{state: counts[owner, state] for state in states}}
        for owner in dict.fromkeys(owner for owner, _ in counts)
    ]
    return table(columns, shown, name="orders by instance", style="compact")


def fills(result: Row) -> Section:
    columns = [
        time(result),
        words("instance"),
        words("contract"),
        figure("size", sign=True),
        figure("price"),
        figure("bid"),
        figure("ask"),
        figure("mark"),
        figure("fee"),
        Column("as", _role),
    ]
    return listed("Fills", columns, rows(result, "fill_list"), none="Nothing was filled.")


def _role(row: Row) -> str:
    maker = row.get("is_maker")
    return NONE if not isinstance(maker, bool) else "maker" if maker else "taker"


def streams(result: Row) -> list[Section]:
    """Connections: only where a run had some."""
    found = rows(result, "stream_list")
    columns = [time(result), words("adapter"), words("port"), chip("event"), words("", "text")]
    return [listed("Connections", columns, found, none="")] if found else []


def events(result: Row) -> list[Section]:
    found = result.get("events")
    if not isinstance(found, Mapping) or not found:
        return []
    ordered = sorted(((str(name), count) for name, count in found.items()), key=lambda pair: -(number(pair[1]) or 0))
    return [Section("Events", (bars(ordered, "kind"),))]
