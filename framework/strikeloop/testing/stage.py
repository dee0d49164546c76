"""Plugins at a desk, told by hand what happens: the `desk` fixture.

Owns `DeskStage`: the real engine on a few contracts. Nothing happens by itself, no market moves and no venue answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from strikeloop import events as e
from strikeloop.commands import CancelOrder, Command, SubmitOrder
from strikeloop.contracts import Contract
from strikeloop.desk import Desk
from strikeloop.engine import Engine, Step
from strikeloop.errors import ConfigError
from strikeloop.margin import Classic
from strikeloop.testing.factories import PUT, contract, event
from strikeloop.testing.scripted import START_NS
from strikeloop.testing.sim import named

E = TypeVar("E", bound=e.Event)


class DeskStage:
    """Seat plugins with `runs`, tell them what happens with `hears`, and look at `commands`, `refusals`, `alerts`.

    Without contracts of your own there are a call and a put (`strikeloop.testing.CALL` and `PUT`).
    """

    def __init__(self, contracts: Sequence[Contract] | None = None, *, rules: Sequence[Any] = ()) -> None:
        self.contracts = (contract(), contract(PUT.name, is_call=False)) if contracts is None else tuple(contracts)
        self._rules = tuple(rules)
        self._engine: Engine | None = None
        self.now = START_NS
        self.commands: list[Command] = []
        self.events: list[e.Event] = []

    def runs(self, *plugins: Any) -> DeskStage:
        """Seat these plugins, and start the run. Raises ConfigError for a mistake in their hooks."""
        self._engine = Engine(named(plugins, self._rules), contracts=self.contracts, margin=Classic(), tag="stage")
        return self.hears(event(e.RunStarted, at=self.now))

    def hears(self, *events: e.Event) -> DeskStage:
        """Tell these, in order. A plugin that raises fails the test."""
        for one in events:
            self.now = max(self.now, one.received)
            self._keep(one, self.engine.step(one))
        return self

    def passes(self, seconds: float) -> DeskStage:
        """Let time pass; timers fire."""
        end = self.now + round(seconds * 1e9)
        while (due := self.engine.next_timer()) is not None and due <= end:
            fired = self.engine.due(due)
            if fired is not None:
                self._keep(fired, self.engine.step(fired))
        self.now = end
        return self

    def fills(self, order: SubmitOrder | None = None, *, price: Any = 100) -> DeskStage:
        """The venue fills an order whole: the last one that was placed, unless another is named."""
        placed = [command for command in self.commands if isinstance(command, SubmitOrder)]
        if order is None and not placed:
            raise ConfigError("no order was placed that could be filled")
        order = order or placed[-1]
        held = self.engine.portfolio.position(order.contract)
        size = order.size + (held.size if held else 0)
        here: dict[str, Any] = {"contract": order.contract, "at": self.now}
        number = str(1 + len(self.of(e.Filled)))
        names: dict[str, Any] = {**here, "client_id": order.client_id, "order_id": f"v{order.client_id}", "size": order.size}
        return self.hears(
            event(e.OrderUpdated, **names, left=order.size * 0, state=e.OrderState.FILLED, fill_price=order.size * 0 + price),
            event(e.Filled, **names, price=order.size * 0 + price, trade_id=number),
            event(e.PositionUpdated, **here, size=size),
        )

    # ---- what came of it ----

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise ConfigError("nobody sits at the desk yet: desk.runs(MyStrategy()) comes first")
        return self._engine

    @property
    def desk(self) -> Desk:
        """That of the first plugin."""
        return self.engine.instances[0].desk

    @property
    def orders(self) -> list[SubmitOrder]:
        """The orders that left."""
        return [command for command in self.commands if isinstance(command, SubmitOrder)]

    @property
    def cancels(self) -> list[CancelOrder]:
        """The cancels that left."""
        return [command for command in self.commands if isinstance(command, CancelOrder)]

    @property
    def refusals(self) -> list[e.OrderRefused]:
        return self.of(e.OrderRefused)

    @property
    def alerts(self) -> list[e.AlertRaised]:
        return self.of(e.AlertRaised)

    def of(self, kind: type[E]) -> list[E]:
        """What was told or came of it, of one class of events."""
        return [one for one in self.events if isinstance(one, kind)]

    # ---- inside ----

    def _keep(self, told: e.Event, step: Step) -> None:
        self.events += [told, *step.events]
        self.commands += [approved.command for approved in step.approved]
        faults = [one for one in step.events if isinstance(one, e.PluginFaulted)]
        if faults:
            raise AssertionError(f"{faults[0].instance} raised in {faults[0].hook}: {faults[0].error}")
