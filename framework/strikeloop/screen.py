"""What a running engine looks like on a terminal: connection, channels, positions, risk, orders, alerts.

Owns `Screen`, which turns a `Live` into rich renderables and remembers the last lines worth reading. It only looks.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from strikeloop import events as e
from strikeloop.live import Live
from strikeloop.portfolio import Position

LINES = 8
REFUSALS = 2
DENSE_LINES = 4
DENSE_POSITIONS = 4
GREEKS = ("delta", "gamma", "vega", "theta")
STATES = {"ready": "green", "syncing": "yellow", "connecting": "yellow", "degraded": "yellow", "down": "red", "auth-failed": "red"}


class Screen:
    """Feed it every event with `see`; ask for `render` as often as you like."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._counts: Counter[str] = Counter()
        self._news: deque[Text] = deque(maxlen=LINES)
        self._orders: deque[Text] = deque(maxlen=LINES)
        self._refusals: deque[Text] = deque(maxlen=REFUSALS)

    def see(self, event: e.Event) -> None:
        """Count an event; keep a line of it where a person would want one."""
        self._counts[type(event).__name__] += 1
        match event:
            case e.OrderRefused():
                self._line(
                    self._refusals,  # of their own: where orders come and go several times a second nobody could read them
                    event,
                    f"{event.instance}: {_side(getattr(event.command, 'size', None))} {event.contract} refused by {event.reason}",
                    "red",
                )
            case e.OrderUpdated() if event.client_id is not None:
                price = "market" if event.price is None or event.is_market else f"{event.price:f}"
                self._line(self._orders, event, f"{event.client_id}: {event.size:+} {event.contract} at {price} is {event.state.value}", "")
            case e.Filled():
                self._line(self._orders, event, f"filled {event.size:+} {event.contract} at {event.price:f}", "green")
            case e.AlertRaised():
                self._line(self._news, event, f"{event.severity.value} {event.source}: {event.text}", "yellow")
            case e.PluginFaulted():
                self._line(self._news, event, f"{event.instance}.{event.hook} failed: {event.error}", "red")
            case e.ChannelSubscribed():
                self._subscribed(event)
            case e.StreamEvent():
                self._line(
                    self._news,
                    event,
                    f"{event.adapter} {event.port}: {_stream(event)}",
                    "cyan" if not isinstance(event, e.StreamLost) else "red",
                )
            case _:
                pass

    def _subscribed(self, event: e.ChannelSubscribed) -> None:
        """Channels that are confirmed one after the other share a line: a loss before them stays in sight."""
        start, end = f"{event.adapter} {event.port}: ", f" confirmed by {event.by}"
        before = self._news[-1].plain[9:] if self._news else ""  # without the time
        channels = event.channel
        if before.startswith(start) and before.endswith(end):
            channels = f"{before[len(start) : -len(end)]}, {channels}"
            self._news.pop()
        self._line(self._news, event, f"{start}{channels}{end}", "cyan")

    def render(self, live: Live) -> RenderableType:
        """The whole screen as it stands, in the form that fits the terminal's height."""
        orders = [*self._orders, *self._refusals]
        roomy = Group(
            self._head(live),
            _channels(live),
            _positions(live),
            _risk(live),
            Panel(Group(*orders) if orders else Text("no order yet", "dim"), title="orders", title_align="left"),
            Panel(Group(*self._news) if self._news else Text("quiet", "dim"), title="connection and alerts", title_align="left"),
        )
        return _Fitting(roomy, self._dense(live))

    def _dense(self, live: Live) -> Group:
        """What matters most, for a terminal of 24 lines."""
        last = [*self._orders][-DENSE_LINES:]
        news = [*self._news][-DENSE_LINES:]
        return Group(self._head(live), _channel_line(live), _few_positions(live), _risk_line(live), *last, *self._refusals, *news)

    def _head(self, live: Live) -> Text:
        head = Text(self._title + "  ", "bold")
        for name, port in {**live.feeds, **live.ports}.items():
            state = port.session.state
            head.append(f"{name} {state} ", STATES.get(state, ""))
            head.append(f"connection {port.session.connections}  ", "dim")
        switch = live.engine.switch
        if switch.is_engaged:
            head.append(f"{switch.words}  ", "bold red")
        head.append(
            f"orders {live.summary.orders}  fills {live.summary.fills}  refused {live.summary.refusals}  alerts {live.summary.alerts}"
        )
        return head

    @staticmethod
    def _line(lines: deque[Text], event: e.Event, text: str, style: str) -> None:
        seconds = event.received // 1_000_000_000 % 86_400
        line = Text(f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02} ", "dim", no_wrap=True, overflow="ellipsis")
        lines.append(line.append(text, style))


@attrs.frozen
class _Fitting:
    """`roomy` where the terminal is high enough for it, else `dense`."""

    roomy: Group
    dense: Group

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_too_high = len(console.render_lines(self.roomy, options, pad=False)) > options.max_height
        yield self.dense if is_too_high else self.roomy


_FIGURES = frozenset({"pnl", "return", "volatility", "sharpe", "max_drawdown", "fees"})
"""Of the standard figures, those that a terminal shows; result.json has all."""


def summary_table(short: dict[str, Any]) -> Table:
    """The last table of a run."""
    table = Table(title=f"run {short['run']}", title_justify="left", show_header=False)
    for name in (
        "mode",
        "backend",
        "duration_s",
        "connections",
        "reconnects",
        "orders",
        "fills",
        "refusals",
        "alerts",
        "faults",
        "digest",
        "report",
    ):
        value = short.get(name, "")
        table.add_row(name, f"{value:.1f}" if isinstance(value, float) else str(value))
    if short.get("halt"):
        table.add_row("halt", f"{short['halt']['state']}, by {short['halt']['by']}: {short['halt']['reason']}")
    for name, value in short.get("figures", {}).items():
        if value is not None and name in _FIGURES:
            table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    for name, count in short["events"].items():
        table.add_row(f"events {name}", str(count))
    return table


def _channels(live: Live) -> Table:
    table = Table(title="channels", title_justify="left", expand=True)
    for column in ("channel", "state", "updates", "last update"):
        table.add_column(column)
    now = live.clock.now()
    for port in (*live.ports.values(), *live.feeds.values()):
        for status in port.session.channels:
            age = "" if status.last_update is None else f"{(now - status.last_update) / 1e9:.1f} s ago"
            table.add_row(status.channel.name, status.state.value, str(status.updates), age)
    return table


def _channel_line(live: Live) -> Text:
    statuses = [status for port in (*live.ports.values(), *live.feeds.values()) for status in port.session.channels]
    known = (
        f"{status.channel.name} {status.updates}" if status.updates else f"{status.channel.name} {status.state.value}"
        for status in statuses
    )
    return Text("  ".join(known), "dim")


def _positions(live: Live) -> Table:
    table = Table(title="positions (greeks × size × multiplier)", title_justify="left", expand=True)
    for column in ("contract", "size", "entry", "mark", "unrealized", *GREEKS):
        table.add_column(column, justify="left" if column == "contract" else "right")
    for position in live.engine.portfolio.positions:
        mark = "" if position.mark_price is None else f"{position.mark_price:g}"
        table.add_row(
            str(position.contract), f"{position.size:+}", f"{position.entry_price:.1f}", mark, _unrealized(position), *_greeks(position)
        )
    return table


def _few_positions(live: Live) -> Table:
    """The last few positions in 80 columns, and a word on the others."""
    positions = live.engine.portfolio.positions
    hidden = max(0, len(positions) - DENSE_POSITIONS)
    table = Table(title=f"and {hidden} more positions" if hidden else None, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("contract", "size", "unrealized", *GREEKS):
        table.add_column(column, justify="left" if column == "contract" else "right", no_wrap=True)
    for position in positions[hidden:]:
        table.add_row(str(position.contract), f"{position.size:+}", _unrealized(position), *_greeks(position))
    return table


def _unrealized(position: Position) -> str:
    return "" if position.unrealized_pnl is None else f"{position.unrealized_pnl:+.2f}"


def _greeks(position: Position) -> tuple[str, ...]:
    greeks = position.exposure
    return f"{greeks.delta:+.3f}", f"{greeks.gamma:.2e}", f"{greeks.vega:+.2f}", f"{greeks.theta:+.2f}"


def _risk(live: Live) -> Table:
    table = Table(title="portfolio", title_justify="left", expand=True)
    figures = _figures(live)
    for name, _ in figures:
        table.add_column(name)
    if figures:
        table.add_row(*(value for _, value in figures))
    return table


def _risk_line(live: Live) -> Text:
    return Text("  ".join(f"{name} {value}" for name, value in _figures(live) if value))


def _figures(live: Live) -> list[tuple[str, str]]:
    """The account's balance and risk, by name."""
    risk, balance = live.engine.portfolio.risk, live.engine.portfolio.balance
    found: list[tuple[str, str]] = []
    if balance is not None:
        found += [("total", f"{balance.total:.2f} {balance.currency}"), ("available", f"{balance.available:.2f}")]
    if risk is not None:
        found += [("delta", f"{risk.total_delta:+.3f}"), ("gamma", f"{risk.total_gamma:.2e}"), ("vega", f"{risk.total_vega:+.1f}")]
        found += [("theta", f"{risk.total_theta:+.1f}"), ("margin occupied", f"{risk.margin_occupied:.2f}")]
        found += [("required", f"{risk.margin_required:.2f}"), ("leverage", f"{risk.effective_leverage:.3f}")]
        found += [("VaR", "" if risk.portfolio_var is None else f"{risk.portfolio_var:.1f}")]
    return found


def _stream(event: e.StreamEvent) -> str:
    match event:
        case e.StreamOpened():
            return f"connection {event.connection} is open and confirmed"
        case e.ChannelRefused():
            return f"{event.channel} refused: {event.code} {event.message}"
        case e.StreamLost():
            retry = "" if event.retry_in_s is None else f", next attempt in {event.retry_in_s:.1f} s"
            return f"connection lost: {event.reason}{retry}"
        case e.Reconciled():
            return f"account reconciled, {_count(event.adjustments)}"
        case e.GapOpened():
            return f"messages missed on {event.channel}: {event.reason}"
        case _:
            return type(event).__name__


def _count(adjustments: Sequence[str]) -> str:
    return f"{len(adjustments)} adjustments: {adjustments[0]}" if adjustments else "nothing was missed"


def _side(size: Decimal | None) -> str:
    return "" if size is None else f"{size:+}"
