"""A desk for rules and monitors: a trader beside them, a small chain of options, and what a test says of them in a word.

Owns `Scene`, a `DeskStage`: what the venue would say is said by the test; nothing happens by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    Contract,
    ContractId,
    Desk,
    Filled,
    OptionKind,
    OrderState,
    OrderUpdated,
    Origin,
    PortfolioRiskUpdated,
    PositionUpdated,
    Quoted,
    RunStarted,
    SubmitOrder,
    TickerUpdated,
    TimerFired,
    UnderlyingPriced,
    hookimpl,
    plugin,
    state,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.margin import Classic
from strikeloop.testing import DeskStage
from strikeloop.testing.scripted import START_NS

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
START = START_NS
EXPIRY = START + 30 * 24 * HOUR
D = Decimal


def option(strike: int, kind: str = "call", expiry: int = EXPIRY) -> Contract:
    """An option on BTC_USDT with round figures: 0.01 units per contract, tick 1."""
    name = f"BTC-{(expiry - START) // HOUR}h-{strike}-{kind[0].upper()}"
    return Contract(
        id=ContractId.of("gate", name),
        underlying="BTC_USDT",
        kind=OptionKind(kind),
        strike=D(strike),
        expiry=expiry,
        multiplier=D("0.01"),
        tick=D(1),
        mark_tick=D("0.1"),
    )


CALL, PUT = option(70_000), option(70_000, "put")
HIGH_CALL = option(80_000)
CHAIN = (CALL, PUT, HIGH_CALL)


@plugin
class Trader:
    """Does at its next timer what the test told it to do."""

    todo: list[Callable[[Desk], Any]] = state(factory=list)
    heard: list[AlertRaised] = state(factory=list)

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        while self.todo:
            self.todo.pop(0)(desk)

    @hookimpl
    def on_alert(self, event: AlertRaised) -> None:
        self.heard.append(event)


class Scene(DeskStage):
    """A desk with a trader and the plugins under test (`rules` are of kind risk)."""

    def __init__(
        self,
        *rules: Any,
        strategies: tuple[Any, ...] = (),
        contracts: tuple[Contract, ...] = CHAIN,
        memory: dict[str, Any] | None = None,
        start: bool = True,
    ) -> None:
        super().__init__(contracts)
        self.trader = Trader()
        plugins = [Plugin(name="trader", kind="strategy", plugin=self.trader)]
        plugins += [Plugin(name=f"rule{place}", kind="risk", plugin=rule, memory=dict(memory or {})) for place, rule in enumerate(rules)]
        plugins += [Plugin(name=f"strategy{place}", kind="strategy", plugin=one) for place, one in enumerate(strategies)]
        self._engine = Engine(plugins, contracts=contracts, margin=Classic())
        if start:
            self.start()

    def start(self) -> None:
        self.hears(RunStarted(time=self.now, received=self.now))

    # ---- what happens ----

    def do(self, action: Callable[[Desk], Any]) -> None:
        """Let the trader do something now."""
        self.trader.todo.append(action)
        self.hears(TimerFired(time=self.now, received=self.now, instance="trader", name="todo", due=self.now))

    def price(self, value: float) -> None:
        self.hears(UnderlyingPriced(time=self.now, received=self.now, adapter="gate", underlying="BTC_USDT", price=value))

    def tick(self, contract: Contract, mark: float, **figures: float) -> None:
        """A ticker: greeks not named are those of an option at the money."""
        known = {"delta": 0.5 if contract.is_call else -0.5, "gamma": 0.0001, "vega": 80.0, "theta": -40.0, "underlying_price": 70_000.0}
        self.hears(TickerUpdated(time=self.now, received=self.now, contract=contract.id, mark_price=mark, **{**known, **figures}))

    def quote(self, contract: Contract, bid: float | None, ask: float | None) -> None:
        self.hears(Quoted(time=self.now, received=self.now, contract=contract.id, bid=bid, ask=ask, bid_size=10.0, ask_size=10.0))

    def market(self) -> None:
        """A price and a ticker for everything."""
        self.price(70_000.0)
        for contract in CHAIN:
            self.tick(contract, 2_000.0)

    def hold(self, contract: Contract, size: int) -> None:
        held = PositionUpdated(time=self.now, received=self.now, contract=contract.id, size=D(size), entry_price=D(2000), realized_pnl=D(0))
        self.hears(held)

    def balance(self, total: str, option_value: str = "0", available: str | None = None) -> None:
        figures: dict[str, Any] = {"total": D(total), "available": D(available or total), "option_value": D(option_value)}
        self.hears(BalanceUpdated(time=self.now, received=self.now, adapter="gate", currency="USDT", **figures))

    def answer(self, order: SubmitOrder, status: OrderState = OrderState.OPEN, left: Decimal | None = None) -> None:
        """The venue's word on an order."""
        update = OrderUpdated(
            time=self.now,
            received=self.now,
            contract=order.contract,
            state=status,
            size=order.size,
            left=order.size if left is None else left,
            client_id=order.client_id,
            order_id=f"v{order.client_id}",
            price=order.price,
            tif=order.tif,
        )
        self.hears(update)

    def fill(self, order: SubmitOrder, size: int | None = None, *, names_client: bool = True) -> None:
        done = Filled(
            time=self.now,
            received=self.now,
            contract=order.contract,
            trade_id=f"t{len(self.events)}",
            order_id=f"v{order.client_id}",
            client_id=order.client_id if names_client else None,
            size=order.size if size is None else D(size),
            price=order.price or D(1),
        )
        self.hears(done)

    # ---- what came of it ----

    @property
    def reason(self) -> str:
        """Why the last order was refused."""
        return self.refusals[-1].reason

    def refused(self, action: Callable[[Desk], Any]) -> bool:
        """Whether what the trader did now was refused."""
        before = len(self.refusals)
        self.do(action)
        return len(self.refusals) > before

    def risk(self, *, origin: Origin = Origin.VENUE, **figures: float) -> None:
        """The account's risk; what is not named is 0."""
        totals: dict[str, Any] = {f"total_{greek}": figures.pop(greek, 0.0) for greek in ("delta", "gamma", "vega", "theta")}
        margins: dict[str, Any] = {f"margin_{kind}": D(str(figures.pop(kind, 0))) for kind in ("occupied", "required")}
        leverage, var = figures.pop("leverage", 0.0), figures.pop("var", None)
        others: dict[str, Any] = {"adapter": "gate", "effective_leverage": leverage, "portfolio_var": var}
        self.hears(PortfolioRiskUpdated(time=self.now, received=self.now, origin=origin, **others, **totals, **margins))


def told(scene: Scene) -> list[str]:
    """Severity and topic of every alert, in order."""
    return [f"{alert.severity.value} {alert.topic}" for alert in scene.alerts]
