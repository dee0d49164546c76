"""Where the PnL comes from: by cause, over time, by expiry and by contract; and the calendar of expiries.

Owns these two sections. The figures are those of result.json's `pnl`; nothing is computed here but their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from strikeloop_report.markup import Column, Row, Section, empty, figure, gain, table, time, words
from strikeloop_report.plots import GRID, MONEY, Chart, Figure, Point, line, ms, time_axis
from strikeloop_report.spelling import moment, money, nanoseconds, number, points, rows

CAUSES = {"delta": "blue", "gamma": "purple", "vega": "green", "theta": "orange", "trading": "gray", "fees": "red", "rest": "soft"}
_HOW = (
    "Between two looks at a position, with the greeks of the earlier one: delta · ΔF, ½ · gamma · ΔF², vega · 100 · ΔIV and"
    " theta · days, each times size and multiplier (F the forward, IV the mark volatility). Trading is what fills gained against"
    " the mark, or the middle of a newer quote. The rest is the PnL less all of these: higher orders, settlement against the last"
    " mark, and what came without greeks."
)


def causes(result: Mapping[str, Any]) -> Section:
    """The PnL and its parts, which sum to it."""
    pnl = _table(result.get("pnl"))
    total, contracts = _table(pnl.get("total")), rows(pnl, "contracts")
    if not contracts:
        return Section("PnL by cause", (empty("Nothing was held or traded: there is no PnL to explain."),))
    outside = number(pnl.get("outside")) or 0.0
    note = _HOW + (f" Outside of contracts (adjustments, marks not told yet): {money(outside, sign=True)}." if outside else "")
    body: list[str | Chart] = [_bars(total, outside), *_over_time(result), "<h3>By expiry</h3>", _by_expiry(pnl), "<h3>By contract</h3>"]
    return Section("PnL by cause", (*body, _by_contract(result, contracts)), note)


def _table(value: object) -> Row:
    return value if isinstance(value, Mapping) else {}


def _bars(total: Row, outside: float) -> Chart:
    """Horizontal, the sum last; what is outside of contracts only where it is something."""
    summands = {cause: number(total.get(cause)) or 0.0 for cause in CAUSES}
    if round(outside, 2):
        summands["outside"] = outside
    values = [*summands.values(), (number(total.get("pnl")) or 0.0) + outside]
    bar: Figure = {
        "type": "bar",
        "orientation": "h",
        "y": [*summands, "PnL"],
        "x": values,
        "text": [money(value, sign=True) for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "marker": {
            "color": ["var(--green)" if value >= 0 else "var(--red)" for value in values],
            "opacity": [0.75] * len(summands) + [1.0],
        },
    }
    reach = max([abs(value) for value in values] or [0.0]) * 1.7 or 1.0
    ends = [-reach if min(values) < 0 else 0.0, reach if max(values) > 0 else 0.0]
    layout = {
        "xaxis": {**MONEY, "range": ends, "zerolinecolor": "var(--soft)", "nticks": 5},
        "yaxis": {**GRID, "autorange": "reversed", "showgrid": False},
        "hovermode": "closest",
        "showlegend": False,
    }
    return Chart.of("PnL by cause", [bar], layout, 300)


def _over_time(result: Mapping[str, Any]) -> list[Chart]:
    """Each cause, summed up from the start."""
    data = [trace for cause, color in CAUSES.items() for trace in line(cause, points(result, f"pnl_{cause}"), color, hover="%{y:,.2f}")]
    data += line("rest", _rest(result), CAUSES["rest"], dash="dot", hover="%{y:,.2f}")
    data += line("PnL", points(result, "pnl"), "ink", width=2, hover="%{y:,.2f}")
    layout = {"xaxis": time_axis(result), "yaxis": MONEY}
    return [Chart.of("PnL by cause over time", data, layout, 320, title="Over time <small>from the start</small>")] if data else []


def _rest(result: Mapping[str, Any]) -> list[Point]:
    """The PnL of each row of the curve less what its causes explain; what is outside of contracts is in it."""
    explained = [dict(points(result, f"pnl_{cause}")) for cause in CAUSES if cause != "rest"]
    return [(time, total - sum(one.get(time, 0.0) for one in explained)) for time, total in points(result, "pnl") if any(explained)]


def _by_expiry(pnl: Row) -> str:
    columns = [Column("expiry", lambda row: moment(row.get("expiry"))), figure("contracts"), gain("PnL", "pnl"), *map(gain, CAUSES)]
    known = rows(pnl, "expiries")
    return table(columns, known, name="PnL by expiry") if known else empty("No contract of the run has a known expiry.")


def _by_contract(result: Row, contracts: Sequence[Row]) -> str:
    columns = [
        words("contract"),
        time(result, "opened", digits=0),
        time(result, "closed", digits=0),
        figure("fills"),
        figure("traded"),
        figure("held", "size", sign=True),
        gain("PnL", "pnl"),
        *map(gain, CAUSES),
    ]
    by_gain = sorted(contracts, key=lambda row: number(row.get("pnl")) or 0.0)
    return table(columns, by_gain, name="PnL by contract", is_long=True)


# ---- the calendar ----


def expiries(result: Mapping[str, Any]) -> Section:
    """When each expiry was first held, until when, and what came of it."""
    title = "Expiry calendar"
    by_expiry: dict[int, list[Row]] = {}
    for row in rows(_table(result.get("pnl")), "contracts"):
        expiry = nanoseconds(row.get("expiry"))
        if expiry is not None and nanoseconds(row.get("opened")) is not None:
            by_expiry.setdefault(expiry, []).append(row)
    if not by_expiry:
        return Section(title, (empty("No contract with a known expiry was held."),))
    found = [_expiry(expiry, by_expiry[expiry], result) for expiry in sorted(by_expiry)]
    columns = [
        Column("expiry", lambda row: moment(row.get("expiry"))),
        words("at the end of the run", "state"),
        figure("contracts"),
        figure("held"),
        Column("settled at", lambda row: money(row.get("settle_price")), is_figure=True),
        gain("PnL", "pnl"),
    ]
    note = "From when contracts of an expiry were first held until the last was closed, had settled, or the run ended."
    return Section(title, (_calendar(result, found), table(columns, found, name="expiry calendar", style="compact")), note)


def _expiry(expiry: int, contracts: Sequence[Row], result: Row) -> dict[str, Any]:
    ended = nanoseconds(result.get("ended")) or expiry
    held = sum(bool(number(row.get("size"))) for row in contracts)
    ends = [nanoseconds(row.get("closed")) or min(expiry, ended) for row in contracts]
    settled = [row.get("settle_price") for row in contracts if row.get("settle_price") is not None]
    days = (expiry - ended) / 86_400e9
    return {
        "expiry": expiry,
        "since": min(nanoseconds(row.get("opened")) or expiry for row in contracts),
        "until": max(ends),
        "state": "settled" if settled and not held else f"{days:.1f} days away" if days > 0 else "expired",
        "contracts": len(contracts),
        "held": held,
        "settle_price": settled[0] if settled else None,
        "pnl": sum(number(row.get("pnl")) or 0.0 for row in contracts),
    }


def _calendar(result: Row, found: Sequence[Row]) -> Chart:
    """A bar for each expiry, green where it won."""
    day = f"{{:.{10}}}"
    names = [day.format(moment(row["expiry"])) for row in found]
    bars: Figure = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "base": [ms(row["since"]) for row in found],
        "x": [max(1, (row["until"] - row["since"]) // 1_000_000) for row in found],
        "marker": {"color": ["var(--green)" if row["pnl"] >= 0 else "var(--red)" for row in found], "opacity": 0.8},
        "customdata": [f"{row['contracts']} contracts, {money(row['pnl'], sign=True)}" for row in found],
        "hovertemplate": "%{y}: %{customdata}<extra></extra>",
    }
    layout = {
        "xaxis": time_axis(result),
        "yaxis": {**GRID, "type": "category", "autorange": "reversed", "showgrid": False, "tickmode": "array", "tickvals": names},
        "hovermode": "closest",
        "showlegend": False,
    }
    return Chart.of("when each expiry was held", [bars], layout, 70 + 26 * len(found))
