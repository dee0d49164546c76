"""What passes by during a run, gathered: counts, rows, and the curves and figures of the account.

Owns `Summary`. It hears account, run and stream events; of market events it only wants the number (`count`), and looks up in
the portfolio what the market is when the account changes. So a market event costs it nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from strikeloop import events as e
from strikeloop.commands import Approved, Command, SubmitOrder
from strikeloop.encoding import plain
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio
from strikeloop.summary import figures
from strikeloop.summary.account import ZERO, Account
from strikeloop.summary.attribution import PARTS, Attribution, amount
from strikeloop.summary.curve import Curve
from strikeloop.summary.market import market_of
from strikeloop.summary.standing import orders_told, positions_told

SCHEMA = 1
"""The version of result.json; plugins/report/README.md documents it."""
HALT = ("state", "cause", "by", "reason", "since", "cancel", "flatten", "left")
MOST_ROWS = 5_000
MOST_MARKS = 400
MOST_CONTRACTS = 24
"""Contracts whose marks are kept: those that won or lost most."""
FLOWS = frozenset({"dnw"})
"""Kinds of ledger entries that bring money in or out: no PnL."""
PNL_PARTS = tuple(f"pnl_{part}" for part in PARTS)


Handler = Callable[[Any], None]


class _Handlers(dict[type[e.Event], Handler | None]):
    """What handles each kind, found once."""

    def __init__(self, find: Callable[[type[e.Event]], Handler | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, kind: type[e.Event]) -> Handler | None:
        handler = self[kind] = self._find(kind)
        return handler


class Summary:
    """Gathers one run. `run` is its id, `mode` sim, paper, live or backtest; `portfolio` is the engine's.

    `assumptions` is what the result hangs on beside the events: configuration, seeds, versions, hashes of the data.
    """

    def __init__(self, *, run: str, mode: str, backend: str = "", portfolio: Portfolio | None = None) -> None:
        self.run, self.mode, self.backend = run, mode, backend
        self.started: int | None = None
        self.ended = 0
        self._counts: defaultdict[type[e.Event], int] = defaultdict(int)
        self.channels: Counter[str] = Counter()
        self.connections = self.orders = self.fills = self.refusals = self.alerts = self.streams = 0
        self.digest = self.report = ""
        self.venue: Mapping[str, Any] = {}
        """What a venue in this process reported at the end."""
        self.halt: e.HaltUpdated | None = None
        """How the kill switch stands, None where nobody pulled it."""
        self.assumptions: Mapping[str, Any] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("refusal", "alert", "stream", "fault", "halt")}
        self._fills: list[tuple[e.Filled, Decimal, float | None, float | None, float | None, float | None]] = []
        """Fills with multiplier, bid, ask, mark and underlying as they were; rows are made of them when they are asked for."""
        self.portfolio = Portfolio() if portfolio is None else portfolio
        self.attribution = Attribution(self.portfolio)
        self.curve = Curve(keep={"drawdown": min, "margin_occupied": max, "margin_required": max})
        self.marks: dict[Any, Curve] = {}
        self.account = Account()
        self._risks: dict[str, e.PortfolioRiskUpdated] = {}
        self._margin: e.PortfolioRiskUpdated | None = None
        """The risk with the largest margin since the last row of the curve."""
        self._risk: dict[str, float] | None = None
        """What the rows of the curve tell of `_risks`; None where that is to be worked out."""
        self._price: float | None = None
        """Of the first underlying."""
        self._due = 0
        self._is_running = False
        self._handlers = _Handlers(self._handler)

    @property
    def events(self) -> Counter[str]:
        """How many events of each kind there were, by the names of the kinds."""
        return Counter({kind.__name__: count for kind, count in self._counts.items()})

    def see(self, event: e.Event) -> None:
        """Count an event and keep what the result shows of it."""
        kind, received = type(event), event.received
        self._counts[kind] += 1
        if received > self._due:
            self._sample()
            self._due = self.curve.due(received)
            self._look()
        if received > self.ended:
            self.ended = received
        if self.started is None:
            self.started = received
        handler = self._handlers[kind]
        if handler is not None:
            handler(event)

    def count(self, kind: type[e.Event], number: int, *, until: int) -> None:
        """So many events of a kind passed, the last at `until` (ns): for a driver that does not show each one to `see`."""
        self._counts[kind] += number
        self.ended = max(self.ended, until)

    def approve(self, approved: Sequence[Approved[Command]]) -> None:
        """Count what leaves."""
        for one in approved:
            if isinstance(one.command, SubmitOrder):
                self.orders += 1

    def _look(self) -> None:
        """What the first underlying costs now."""
        for priced in self.portfolio.underlyings.values():
            self._price = priced.price
            break

    def _sample(self) -> None:
        """What is true at the end of a span of the curve's grid becomes its row."""
        values: dict[str, float | None] = {"underlying": self._price}
        if self.account.equity is not None:
            self._account_now(values)
        if self._risks:
            values.update(self._risk_now())
        if self._price is not None or len(values) > 1:
            self.curve.add(self._due, values)

    def _account_now(self, values: dict[str, float | None]) -> None:
        account, made = self.account, self.attribution
        wealth = account.wealth
        values["equity"], values["cash"], values["available"], pnl = account.told
        low, wealth.low = wealth.low, wealth.drawdown
        values["return"], values["drawdown"], values["pnl"] = wealth.value - 1.0, low, pnl
        values.update(zip(PNL_PARTS, made.parts, strict=True))
        values["pnl_fees"] = -float(made.fees)

    def _risk_now(self) -> dict[str, float]:
        """Greeks and margins of all accounts; of the only one the largest margin since the row before."""
        if self._risk is None:
            risks, margin = self._risks.values(), self._margin
            occupied, required = (sum((getattr(risk, name) for risk in risks), ZERO) for name in ("margin_occupied", "margin_required"))
            if margin is not None and len(risks) == 1:
                occupied, required = margin.margin_occupied, margin.margin_required
            greeks = {name: sum(getattr(risk, f"total_{name}") for risk in risks) for name in ("delta", "gamma", "vega", "theta")}
            self._risk = {**greeks, "margin_occupied": float(occupied), "margin_required": float(required)}
        now = self._risk
        if self._margin is not None:
            self._margin = self._risk = None  # the next row looks at what was told last
        return now

    # ---- what came of it ----

    def short(self) -> dict[str, Any]:
        """The figures of `--json`: everything but lists and series."""
        started = self.ended if self.started is None else self.started
        return {
            "schema": SCHEMA,
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
            "halt": self._halted(),
            "figures": self.figures(),
            "venue": dict(self.venue),
            "digest": self.digest,
            "report": self.report,
        }

    def figures(self) -> dict[str, Any]:
        """The standard figures (strikeloop.summary.figures); what is not defined for this run is None."""
        self._sample()
        account, trips, made = self.account, self.attribution.trips, self.attribution
        times, columns = self.curve.rows()
        held = [(time, value) for time, value in zip(times, columns.get("return", ()), strict=False) if value is not None]
        wealth = [1.0 + value for _, value in held]
        period = figures.period_of([account.since], self.ended) if held else None
        series = [] if period is None else figures.returns([account.since, *(time for time, _ in held)], [1.0, *wealth], period, self.ended)
        rate = 0.0 if period is None else figures.per_year(period)
        total = account.wealth.value - 1.0 if held else None
        yearly = None if total is None else figures.annual_return(total, (self.ended - account.since) / 1e9)
        return {
            "currency": account.currency,
            "equity_start": _amount(account.first),
            "equity_end": _amount(account.equity),
            "paid_in": amount(account.paid_in),
            "pnl": amount(account.pnl),
            "return": total,
            "annual_return": yearly,
            "volatility": figures.volatility(series, rate),
            "sharpe": figures.sharpe(series, rate),
            "sortino": figures.sortino(series, rate),
            "max_drawdown": account.wealth.worst if held else None,
            "calmar": figures.calmar(yearly, account.wealth.worst),
            "return_period_s": period,
            "return_periods": len(series),
            "trips": trips.count,
            "win_rate": trips.won / trips.count if trips.count else None,
            "profit_factor": float(trips.gained / trips.given) if trips.given else None,
            "fees": amount(made.fees),
            "fees_computed": made.fees_computed,
            "traded": amount(made.traded),
            "turnover": float(made.traded) / account.mean_equity if account.mean_equity > 0 else None,
        }

    def full(self, portfolio: Portfolio, orders: Orders) -> dict[str, Any]:
        """The content of result.json."""
        owners = {order.order_id: order.instance for order in orders if order.order_id is not None}
        return {
            **self.short(),
            "assumptions": dict(self.assumptions),
            "series": self.curve.record(self.ended),
            "pnl": self.causes(portfolio),
            "marks": self._marks(),
            "order_list": orders_told(orders, MOST_ROWS),
            "fill_list": [{**row, "instance": owners.get(row["order_id"]) or orders.owner(row["client_id"])} for row in self.fill_rows()],
            **{"faults" if name == "fault" else f"{name}_list": rows for name, rows in self.rows.items()},
            "positions": positions_told(portfolio),
        }

    def fill_rows(self) -> list[dict[str, Any]]:
        """The first `MOST_ROWS` fills, each with the market as it was."""
        return [
            {
                "time": event.received,
                "trade_id": event.trade_id,
                "client_id": event.client_id,
                "order_id": event.order_id,
                "contract": plain(event.contract),
                "size": plain(event.size),
                "price": plain(event.price),
                "fee": plain(event.fee),
                "is_maker": event.is_maker,
                "multiplier": plain(multiplier),
                "bid": bid,
                "ask": ask,
                "mark": mark,
                "underlying": underlying,
            }
            for event, multiplier, bid, ask, mark, underlying in self._fills
        ]

    def causes(self, portfolio: Portfolio) -> dict[str, Any]:
        """The PnL by cause; `outside` is what the account gained beyond its contracts (adjustments, marks not told yet)."""
        found = self.attribution.record(portfolio.positions)
        account, total = self.account, found["total"]
        return {**found, "outside": amount(ZERO if account.first is None else account.pnl - Decimal(total["pnl"]))}

    def _marks(self) -> dict[str, Any]:
        """The marks of the contracts that won or lost most, while they were held."""
        gains = {row["contract"]: abs(Decimal(row["pnl"])) for row in self.attribution.record()["contracts"]}
        known = sorted(self.marks, key=lambda contract: -gains.get(contract.name, ZERO))
        return {contract.name: self.marks[contract].record(self.ended) for contract in known[:MOST_CONTRACTS]}

    # ---- what is kept of each kind ----

    def _handler(self, kind: type[e.Event]) -> Handler | None:
        """The method for a kind of event."""
        for known, handler in (
            (e.BalanceUpdated, self._on_balance),
            (e.PositionUpdated, self._on_position),
            (e.PortfolioRiskUpdated, self._on_risk),
            (e.LedgerPosted, self._on_ledger),
            (e.UnderlyingPriced, self._on_underlying),
            (e.ContractSettled, self.attribution.on_settled),
            (e.Filled, self._on_fill),
            (e.OrderRefused, self._on_refused),
            (e.AlertRaised, self._on_alert),
            (e.StreamEvent, self._on_stream),
            (e.PluginFaulted, self._on_fault),
            (e.HaltUpdated, self._on_halt),
            (e.RunStarted, self._on_start),
        ):
            if issubclass(kind, known):
                return handler
        return None

    def _on_start(self, _event: e.RunStarted) -> None:
        self._is_running = True

    def _on_balance(self, event: e.BalanceUpdated) -> None:
        self.account.on_balance(event)
        self._look()

    def _on_position(self, event: e.PositionUpdated) -> None:
        line = self.attribution.on_position(event, is_start=not self._is_running)
        if line is not None and line.look.mark is not None:
            self._mark(event.contract, event.received, line.look.mark)

    def _on_fill(self, event: e.Filled) -> None:
        self.fills += 1
        market = market_of(self.portfolio, event.contract)
        line, mark, quote = self.attribution.on_fill(event, market), market.mark, market.quote
        if mark is not None:
            self._mark(event.contract, event.received, mark)
        if len(self._fills) < MOST_ROWS:
            sides = (None, None) if quote is None else (quote.bid, quote.ask)
            self._fills.append((event, line.multiplier, *sides, mark, market.underlying))

    def _on_ledger(self, event: e.LedgerPosted) -> None:
        if event.kind in FLOWS:
            self.account.pay_in(event.change)

    def _on_underlying(self, event: e.UnderlyingPriced) -> None:
        """The curve is that of the first underlying."""
        first = next(iter(self.portfolio.underlyings), (event.adapter, event.underlying))
        if first == (event.adapter, event.underlying):
            self._price = event.price

    def _on_risk(self, event: e.PortfolioRiskUpdated) -> None:
        self._risks[event.adapter], self._risk = event, None
        if self._margin is None or event.margin_occupied > self._margin.margin_occupied:
            self._margin = event

    def _on_refused(self, event: e.OrderRefused) -> None:
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

    def _on_alert(self, event: e.AlertRaised) -> None:
        self.alerts += 1
        self._row("alert", time=event.received, source=event.source, severity=event.severity, topic=event.topic, text=event.text)

    def _on_stream(self, event: e.StreamEvent) -> None:
        text = ", ".join(
            f"{name}={getattr(event, name)}"
            for name in ("channel", "connection", "reason", "message", "adjustments")
            if hasattr(event, name)
        )
        self._row("stream", time=event.received, adapter=event.adapter, port=event.port, event=type(event).__name__, text=text)

    def _on_fault(self, event: e.PluginFaulted) -> None:
        self._row("fault", time=event.received, instance=event.instance, hook=event.hook, error=event.error)

    def _on_halt(self, event: e.HaltUpdated) -> None:
        self.halt = event
        self._row("halt", time=event.received, **{name: getattr(event, name) for name in HALT})

    def _halted(self) -> dict[str, Any] | None:
        """How it stands where it was pulled and not reset."""
        if self.halt is None or self.halt.state is e.HaltState.ARMED:
            return None
        return {name: plain(getattr(self.halt, name)) for name in HALT}

    def _mark(self, contract: Any, time: int, mark: float) -> None:
        curve = self.marks.get(contract)
        if curve is None:
            curve = self.marks[contract] = Curve(MOST_MARKS)
        curve.add(time, {"mark": mark})

    def _row(self, name: str, **fields: Any) -> None:
        rows = self.rows[name]
        if len(rows) < MOST_ROWS:
            rows.append({key: plain(value) for key, value in fields.items()})


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else amount(value)
