"""The figures of a run: a few large ones at the top, and all of them with their formulas.

Owns what each is called and how it was computed; strikeloop.summary computed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from strikeloop_report.halting import standing
from strikeloop_report.markup import Column, Row, Section, empty, table, toned
from strikeloop_report.spelling import amount, money, number, points, rows, share, span, text

Shown = Callable[[object], str]


def _ratio(value: object) -> str:
    found = number(value)
    return text(value) if found is None else amount(round(found, 3))


def _signed_share(value: object) -> str:
    return toned(value, share(value, sign=True))


def _gain(value: object) -> str:
    return toned(value, money(value, sign=True))


FIGURES: Mapping[str, tuple[str, Shown, str]] = {
    "equity_start": ("equity at the start", money, "cash and options at their marks, as first heard"),
    "equity_end": ("equity at the end", money, "the same, as last heard"),
    "paid_in": ("paid in", money, "money that came from outside during the run, less what went there"),
    "pnl": ("PnL", _gain, "equity at the end − equity at the start − paid in"),
    "return": ("return", _signed_share, "time-weighted: Π (1 + PnL between two marks / equity before) − 1"),
    "annual_return": ("return per year", _signed_share, "(1 + return)^(365 days / length) − 1; for runs of 7 days and more"),
    "volatility": ("volatility", share, "sample deviation of the period returns · √(periods a year)"),
    "sharpe": ("Sharpe ratio", _ratio, "mean / sample deviation of the period returns · √(periods a year); riskless rate 0"),
    "sortino": ("Sortino ratio", _ratio, "mean · periods a year / (√ mean of min(r, 0)² · √(periods a year))"),
    "max_drawdown": ("maximum drawdown", _signed_share, "lowest of value / highest value before − 1, over every mark of the account"),
    "calmar": ("Calmar ratio", _ratio, "return per year / |maximum drawdown|"),
    "trips": ("round trips", _ratio, "positions that went from flat to flat in one contract"),
    "win_rate": ("win rate", share, "round trips that gained after fees / all round trips"),
    "profit_factor": ("profit factor", _ratio, "what winning round trips gained / what losing ones lost"),
    "traded": ("premium traded", money, "Σ |price · size · multiplier| of all fills"),
    "turnover": ("turnover", _ratio, "premium traded / equity, averaged over time"),
    "fees": ("fees", money, "of trades and settlements"),
    "fees_computed": ("fees not told", _ratio, "fills of which the venue did not say the fee: computed by the contract's rates"),
}


def figures(result: Mapping[str, Any]) -> Section:
    """Every standard figure; what is not defined for this run is a dash."""
    found = result.get("figures")
    known = found if isinstance(found, Mapping) else {}
    if not known:
        return Section("Figures", (empty("The run told no figures."),))
    listed = [{"figure": name, "value": shown(known.get(key)), "how": how} for key, (name, shown, how) in FIGURES.items()]
    columns = [
        Column("figure", lambda row: text(row["figure"])),
        Column("value", lambda row: str(row["value"]), is_figure=True),
        Column("computed as", lambda row: f'<span class="soft">{text(row["how"])}</span>'),
    ]
    return Section("Figures", (table(columns, listed, name="figures", style="figures"),), _periods(known))


def _periods(known: Row) -> str:
    period = number(known.get("return_period_s"))
    names = {86_400: "days", 3_600: "hours", 60: "minutes"}
    currency = f"Amounts are in {text(known['currency'])}. " if known.get("currency") else ""
    if period is None:
        return f"{currency}The run is shorter than 20 minutes: it has no period returns, and a dash where they are needed."
    count, name = amount(known.get("return_periods")), names.get(int(period), "periods")
    return f"{currency}Returns are of {count} whole {name} UTC; a year has 365 days."


# ---- the large ones ----


def cards(result: Mapping[str, Any]) -> Iterator[str]:
    """Money first, then what was done, then what went wrong."""
    found = result.get("figures")
    known: Row = found if isinstance(found, Mapping) else {}
    if number(known.get("pnl")) is not None:
        yield card("PnL", _gain(known.get("pnl")), f"{_signed_share(known.get('return'))} on {money(known.get('equity_start'))}")
        yield card("Sharpe", _ratio(known.get("sharpe")), f"Sortino {_ratio(known.get('sortino'))}")
        yield card("drawdown", share(known.get("max_drawdown")), f"Calmar {_ratio(known.get('calmar'))}")
        yield card("win rate", share(known.get("win_rate")), f"of {_ratio(known.get('trips'))} round trips")
        yield card("fees", money(known.get("fees")), f"turnover {_ratio(known.get('turnover'))}")
    yield card("fills", count(result, "fills", "fill_list"), f"of {count(result, 'orders', 'order_list')} orders")
    refusing = {str(row.get("rule")) for row in rows(result, "refusal_list")}
    yield card("refusals", count(result, "refusals", "refusal_list"), f"by {len(refusing)} rule{'' if len(refusing) == 1 else 's'}")
    critical = sum(row.get("severity") == "critical" for row in rows(result, "alert_list"))
    yield card("alerts", count(result, "alerts", "alert_list"), f"{critical} critical")
    delta = points(result, "delta")
    if delta:
        yield card("delta at the end", amount(delta[-1][1], sign=True), f"largest {amount(max(abs(value) for _, value in delta))}")
    if number(result.get("connections")):
        yield card("connections", amount(result["connections"]), f"{amount(result.get('reconnects'))} reconnected")
    events = result.get("events")
    if isinstance(events, Mapping):
        total = sum(number(number_of) or 0 for number_of in events.values())
        yield card("events", amount(total), f"in {span(result.get('duration_s'))}")
    halted = standing(result)
    if halted is not None:
        yield card("kill switch", *halted)
    faults = len(rows(result, "faults"))
    if faults:
        yield card("faults", f'<span class="loss">{faults}</span>', "plugins that raised")


def card(name: str, shown: str, note: str) -> str:
    return f'<div class="card"><h3>{name}</h3><b>{shown}</b><span>{note}</span></div>'


def count(result: Mapping[str, Any], name: str, listed: str) -> str:
    return amount(result[name]) if name in result else amount(len(rows(result, listed)))
