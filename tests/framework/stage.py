"""A small engine on two contracts, told what happens: what the tests of engine, review, dispatch and desk are played on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeVar

from strikeloop import (
    AmendOrder,
    CancelOrder,
    Command,
    Contract,
    ContractId,
    Desk,
    Event,
    Filled,
    OptionKind,
    OrderRefused,
    OrderState,
    OrderUpdated,
    PositionUpdated,
    Quoted,
    RunStarted,
    SubmitOrder,
    TickerUpdated,
    Verdict,
    hookimpl,
    plugin,
)
from strikeloop.desk import Watch, WriteLog
from strikeloop.engine import Engine, Plugin, Step
from strikeloop.margin import Classic

D = Decimal
SECOND = 1_000_000_000
EXPIRY = 1_000_000 * SECOND
CALL = ContractId.of("sim", "BTC_USDT-20260626-70000-C")
PUT = ContractId.of("sim", "BTC_USDT-20260626-70000-P")

E = TypeVar("E", bound=Event)
C = TypeVar("C", SubmitOrder, CancelOrder, AmendOrder)


def contract(id: ContractId = CALL, **changes: Any) -> Contract:  # noqa: A002  # the name of the field
    """A BTC option: multiplier 0.01, tick 1, 1 to 100 contracts."""
    kind = OptionKind.CALL if id.name.endswith("C") else OptionKind.PUT
    terms: dict[str, Any] = {"underlying": "BTC_USDT", "kind": kind, "strike": D(70_000), "expiry": EXPIRY, "multiplier": D("0.01")}
    return Contract(**{"id": id, **terms, "tick": D(1), "mark_tick": D("0.1"), "size_max": D(100), **changes})


def quoted(id: ContractId = CALL, bid: float | None = 100.0, ask: float | None = 102.0, at: int = 0) -> Quoted:  # noqa: A002  # as above
    return Quoted(time=at, received=at, contract=id, bid=bid, ask=ask, bid_size=1.0, ask_size=1.0)


def ticker(id: ContractId = CALL, mark: float = 101.0, at: int = 0, **more: Any) -> TickerUpdated:  # noqa: A002  # as above
    return TickerUpdated(time=at, received=at, contract=id, mark_price=mark, **more)


def position(size: int | str, id: ContractId = CALL, at: int = 0, **more: Any) -> PositionUpdated:  # noqa: A002  # as above
    return PositionUpdated(time=at, received=at, contract=id, **{"size": D(size), "entry_price": D(90), "realized_pnl": D(0), **more})


def update(client_id: str | None, state: OrderState, size: int | str = 1, left: int | str | None = None, **more: Any) -> OrderUpdated:
    """What the venue says of an order; `at` is its time."""
    at = more.pop("at", 0)
    gone = None if left is None else D(left)
    return OrderUpdated(time=at, received=at, client_id=client_id, state=state, size=D(size), left=gone, **{"contract": CALL, **more})


def fill(client_id: str | None, size: int | str, price: int | str = 100, trade_id: str = "1", **more: Any) -> Filled:
    at = more.pop("at", 0)
    terms = {"contract": CALL, "order_id": "v1", **more}
    return Filled(time=at, received=at, client_id=client_id, size=D(size), price=D(price), trade_id=trade_id, **terms)


def made(*, orders: Literal["cancel", "keep"] = "cancel", **hooks: Callable[[Any, Desk], Any]) -> Any:
    """A plugin object with these hooks, each a function of (event, desk); `orders` are its orders' fate when it raises."""

    def method(function: Callable[[Any, Desk], Any]) -> Callable[..., Any]:
        def hook(self: Any, event: Any, desk: Desk) -> Any:
            return function(event, desk)

        return hookimpl(hook)

    def judge(function: Callable[[Any, Desk], Verdict]) -> Callable[..., Any]:
        def review_order(self: Any, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
            return function(command, desk)

        return hookimpl(review_order)

    methods = {name: judge(function) if name == "review_order" else method(function) for name, function in hooks.items()}
    return plugin(on_fault=orders)(type("Made", (), methods))()


class Stage:
    """An engine with these plugins: strategies named s, s2, … and rules r, r2, …; everything that came of it is kept."""

    def __init__(
        self, *strategies: Any, rules: Sequence[Any] = (), contracts: Sequence[Contract] | None = None, start: bool = True, **more: Any
    ) -> None:
        plugins = [Plugin(name=_named("s", i), kind="strategy", plugin=one) for i, one in enumerate(strategies)]
        plugins += [Plugin(name=_named("r", i), kind="risk", plugin=one) for i, one in enumerate(rules)]
        listed = (contract(), contract(PUT)) if contracts is None else contracts
        self.engine = Engine(plugins, contracts=listed, margin=Classic(), **more)
        self.events: list[Event] = []
        self.commands: list[Command] = []
        self.logs: list[tuple[str, WriteLog]] = []
        if start:
            self.step(RunStarted(time=0, received=0))

    def desk(self, name: str = "s") -> Desk:
        return next(instance.desk for instance in self.engine.instances if instance.name == name)

    def step(self, *events: Event) -> Step:
        """Feed these; returns what came of the last."""
        step = Step()
        for event in events:
            step = self.engine.step(event)
            self._keep(step)
        return step

    def does(self, act: Callable[[Desk], Any], name: str = "s") -> Any:
        """Let a strategy act between two inputs, and the engine handle it."""
        result = act(self.desk(name))
        self._keep(self.engine._settle())
        return result

    def _keep(self, step: Step) -> None:
        self.events += step.events
        self.commands += [one.command for one in step.approved]
        self.logs += step.logs

    def of(self, kind: type[E]) -> list[E]:
        """What the engine made of this kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def sent(self, kind: type[C]) -> list[C]:
        """The approved commands of this kind."""
        return [command for command in self.commands if isinstance(command, kind)]

    def reason(self, act: Callable[[Desk], Any]) -> str:
        """Why what a strategy does is refused; nothing where it is not."""
        before = len(self.of(OrderRefused))
        self.does(act)
        return "; ".join(event.reason for event in self.of(OrderRefused)[before:])


def watching(*targets: Any, **options: Any) -> Callable[[Event, Desk], None]:
    """An on_start that watches."""
    return lambda event, desk: desk.watch(*targets, **options)


def _named(letter: str, index: int) -> str:
    return letter if index == 0 else f"{letter}{index + 1}"


__all__ = [
    "CALL",
    "EXPIRY",
    "PUT",
    "SECOND",
    "D",
    "Stage",
    "Watch",
    "contract",
    "fill",
    "made",
    "position",
    "quoted",
    "ticker",
    "update",
    "watching",
]
