"""What a run amounted to: counts, lists and series, gathered from the events that pass by.

Owns `Summary`, the content of result.json, the demo's last table and `--json`. It only listens; series are thinned
to a bounded number of points, so that a run of any length gives a report of the same size.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from strikeloop import events as e
from strikeloop.commands import Approved, Command, SubmitOrder
from strikeloop.encoding import plain
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio

MOST_POINTS = 2_000
MOST_ROWS = 5_000
_UNTOLD = frozenset({e.Quoted, e.Traded, e.BookUpdated, e.TickerUpdated, e.OrderUpdated, e.PositionUpdated, e.LedgerPosted})
"""Kinds that are many and only counted."""


class Series:
    """(time, value) pairs; when it is full every second one is dropped and the distance between points doubles."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []
        self._stride = self._skip = 0

    def add(self, time: int, value: float) -> None:
        if self._skip < self._stride:
            self._skip += 1
            return
        self._skip = 0
        self.points.append((time, value))
        if len(self.points) >= MOST_POINTS:
            del self.points[1::2]
            self._skip, self._stride = self._stride + 1, 2 * self._stride + 1


class Summary:
    """Gathers one run. `run` is its id, `mode` sim, paper, live or backtest."""

    def __init__(self, *, run: str, mode: str, backend: str = "") -> None:
        self.run, self.mode, self.backend = run, mode, backend
        self.started: int | None = None
        self.ended = 0
        self.events: defaultdict[str, int] = defaultdict(int)
        self.channels: Counter[str] = Counter()
        self.connections = self.orders = self.fills = self.refusals = self.alerts = self.streams = 0
        self.digest = self.report = ""
        self.venue: Mapping[str, Any] = {}
        """What a venue in this process reported at the end."""
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("fill", "refusal", "alert", "stream", "fault")}
        self.series: dict[str, Series] = {}

    def see(self, event: e.Event) -> None:
        """Count an event and keep what the report shows of it."""
        kind, received = type(event), event.received
        self.events[kind.__name__] += 1
        if received > self.ended:
            self.ended = received
        if self.started is None:
            self.started = received
        if kind not in _UNTOLD:
            self._tell(event)

    def _tell(self, event: e.Event) -> None:
        match event:
            case e.BalanceUpdated():
                equity = event.total + (event.option_value or 0)
                self._points(event.received, equity=equity, cash=event.total, available=event.available)
            case e.PortfolioRiskUpdated():
                self._risk(event)
            case e.UnderlyingPriced():
                self._points(event.received, underlying=event.price)
            case e.Filled():
                self.fills += 1
                self._row(
                    "fill",
                    time=event.received,
                    client_id=event.client_id,
                    order_id=event.order_id,
                    contract=event.contract,
                    size=event.size,
                    price=event.price,
                    fee=event.fee,
                )
            case e.OrderRefused():
                self._refused(event)
            case e.AlertRaised():
                self.alerts += 1
                self._row("alert", time=event.received, source=event.source, severity=event.severity, topic=event.topic, text=event.text)
            case e.StreamEvent():
                self._stream(event)
            case e.PluginFaulted():
                self._row("fault", time=event.received, instance=event.instance, hook=event.hook, error=event.error)
            case _:
                pass

    def approve(self, approved: Sequence[Approved[Command]]) -> None:
        """Count what leaves."""
        self.orders += sum(isinstance(one.command, SubmitOrder) for one in approved)

    def short(self) -> dict[str, Any]:
        """The figures of `--json`: everything but lists and series."""
        started = self.ended if self.started is None else self.started
        return {
            "run": self.run,
            "mode": self.mode,
            "backend": self.backend,
            "started": started,
            "ended": self.ended,
            "duration_s": (self.ended - started) / 1e9,
            "events": dict(sorted((self.channels or self.events).items())),
            "connections": self.connections,
            "reconnects": max(0, self.connections - self.streams),
            "orders": self.orders,
            "fills": self.fills,
            "refusals": self.refusals,
            "alerts": self.alerts,
            "faults": len(self.rows["fault"]),
            "venue": dict(self.venue),
            "digest": self.digest,
            "report": self.report,
        }

    def full(self, portfolio: Portfolio, orders: Orders) -> dict[str, Any]:
        """The content of result.json."""
        out = self.short()
        owners = {order.order_id: order.instance for order in orders if order.order_id is not None}
        out["series"] = {name: series.points for name, series in self.series.items()}
        out["order_list"] = [
            {
                "time": order.created,
                "instance": order.instance,
                "client_id": order.client_id,
                "contract": plain(order.contract),
                "size": plain(order.size),
                "price": plain(order.price),
                "state": order.state.value,
                "filled": plain(order.filled),
                "fill_price": plain(order.fill_price),
                "tif": order.tif.value,
                "reason": order.reason,
            }
            for order in list(orders)[-MOST_ROWS:]
        ]
        for name, rows in self.rows.items():
            out["faults" if name == "fault" else f"{name}_list"] = rows
        out["fill_list"] = [{**row, "instance": owners.get(row["order_id"]) or orders.owner(row["client_id"])} for row in self.rows["fill"]]
        out["positions"] = [
            {
                "contract": plain(p.contract),
                "size": plain(p.size),
                "entry_price": plain(p.entry_price),
                "mark_price": p.mark_price,
                "unrealized_pnl": plain(p.unrealized_pnl),
                "delta": p.exposure.delta,
                "gamma": p.exposure.gamma,
                "vega": p.exposure.vega,
                "theta": p.exposure.theta,
            }
            for p in portfolio.positions
        ]
        return out

    def _risk(self, event: e.PortfolioRiskUpdated) -> None:
        self._points(event.received, delta=event.total_delta, gamma=event.total_gamma, vega=event.total_vega, theta=event.total_theta)
        self._points(event.received, margin_occupied=event.margin_occupied, margin_required=event.margin_required)

    def _refused(self, event: e.OrderRefused) -> None:
        self.refusals += 1
        size, price = getattr(event.command, "size", None), getattr(event.command, "price", None)
        for rule, reason in event.reasons:
            self._row(
                "refusal",
                time=event.received,
                instance=event.instance,
                contract=event.contract,
                size=size,
                price=price,
                rule=rule,
                reason=reason,
            )

    def _stream(self, event: e.StreamEvent) -> None:
        text = ", ".join(
            f"{name}={getattr(event, name)}"
            for name in ("channel", "connection", "reason", "message", "adjustments")
            if hasattr(event, name)
        )
        self._row("stream", time=event.received, adapter=event.adapter, port=event.port, event=type(event).__name__, text=text)

    def _row(self, name: str, **fields: Any) -> None:
        rows = self.rows[name]
        if len(rows) < MOST_ROWS:
            rows.append({key: plain(value) for key, value in fields.items()})

    def _points(self, time: int, **values: Any) -> None:
        for name, value in values.items():
            series = self.series.get(name)
            if series is None:
                series = self.series[name] = Series()
            series.add(time, float(value))
