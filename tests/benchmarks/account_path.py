"""An account's frames as a live run takes them, for benchmarks: the Gate adapter, a session that is ready, an engine with sinks."""

from __future__ import annotations

from strikeloop import BalanceUpdated, Desk, OrderUpdated, PortfolioRiskUpdated, PositionUpdated, RunStarted, hookimpl, plugin, state
from strikeloop.engine import Engine, Plugin
from strikeloop.margin import Classic
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from tests.framework.session.stage import Stage


@plugin
class Counter:
    """Count what it hears of the account."""

    count: int = state(0)

    @hookimpl
    def on_position(self, event: PositionUpdated, desk: Desk) -> None:
        self.count += 1

    @hookimpl
    def on_order(self, event: OrderUpdated, desk: Desk) -> None:
        self.count += 1

    @hookimpl
    def on_balance(self, event: BalanceUpdated, desk: Desk) -> None:
        self.count += 1

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        self.count += 1


class AccountPath:
    """`decode_batch`, then `session.receive` on `line`, then `step`; `counters` are the plugins, so many as asked for."""

    def __init__(self, plugins: int) -> None:
        account = Gate(dialect="seed", key=Secret("k"), secret=Secret("s")).open("gate").account
        assert account is not None
        stage = Stage(account.channels).connect().snapshot()
        self.counters = [Counter() for _ in range(plugins)]
        engine = Engine([Plugin(name=f"p{at}", kind="sink", plugin=one) for at, one in enumerate(self.counters)], margin=Classic())
        engine.step(RunStarted(time=0, received=0))
        self.decode_batch, self.session, self.line, self.step = account.decode_batch, stage.session, stage.line, engine.step
