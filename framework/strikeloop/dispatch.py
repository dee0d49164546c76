"""Who hears what: the hook table, compiled once from pluggy's registry and the plugins' watches.

Theory: pluggy registers and validates; its tryfirst and trylast, then the config, order. `Dispatch` turns its lists into
tuples of calls per event class, and for market events per contract, so that delivering an event is a look-up and a
loop. A route is computed on the first event that needs it and forgotten when a watch, a listing or a halt changes it.
It never calls a hook itself.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any, Literal, NamedTuple

import attrs
import pluggy

from strikeloop.contracts import Contract, ContractId
from strikeloop.desk import Desk, View, Watch
from strikeloop.errors import PluginError
from strikeloop.events import Event, UnderlyingPriced
from strikeloop.hooks import HOOK_OF, HOOKS, MARKET_HOOKS, PROJECT, Hooks, OnFault, on_fault_of

Kind = Literal["strategy", "risk", "sink"]


@attrs.define(eq=False)
class Instance:
    """One configured plugin: the object, its desk, and what becomes of it when it raises."""

    name: str
    kind: Kind
    plugin: Any
    desk: Desk
    on_fault: OnFault = "cancel"
    halted: bool = False


@attrs.frozen(kw_only=True)
class Plugin:
    """A plugin as a driver hands it to the engine; `memory` is what it kept from an earlier run."""

    name: str
    kind: Kind
    plugin: Any
    memory: dict[str, Any] = attrs.field(factory=dict)

    def placed(self, view: View, seed: int) -> Instance:
        """The plugin at a desk of its own."""
        desk = Desk(view, self.name, seed=str(seed), read_only=self.kind != "strategy")
        desk.memory.update(self.memory)
        return Instance(self.name, self.kind, self.plugin, desk, on_fault_of(type(self.plugin)))


class Call(NamedTuple):
    """One prepared call: `function(event, desk)`."""

    function: Callable[[Any, Desk], Any]
    desk: Desk
    instance: Instance
    hook: str


Plain = tuple[Callable[[Any, Desk], Any], Desk, Instance, str]
"""A call as a plain tuple: Python takes named ones apart more slowly."""
Route = tuple[Plain, ...]
"""The calls of one event, in order."""
Wrap = Callable[[Callable[[Any, Desk], Any], str, str], Callable[[Any, Desk], Any]]
"""What a driver may put around each call, given instance and hook: to measure it."""


@attrs.define
class _Interest:
    """What one instance watches."""

    contracts: dict[tuple[type[Event], ContractId], int] = attrs.field(factory=dict)
    underlyings: dict[tuple[type[Event], str], int] = attrs.field(factory=dict)


class Dispatch:
    """The compiled table; `wrap` is put around every call. Raises PluginError for a plugin that pluggy refuses."""

    def __init__(self, instances: Sequence[Instance], contracts: Mapping[ContractId, Contract], wrap: Wrap | None = None) -> None:
        self.instances = tuple(instances)
        self._started = False
        self.version = 0
        """Counts what changed who hears what of any contract."""
        self._contracts = contracts
        self._interests = {instance.name: _Interest() for instance in instances}
        self._counters: dict[tuple[str, type[Event], Any], list[int]] = {}
        self._by_hook = _compile(self.instances, wrap)
        self._broadcast: dict[type[Event], Route] = {}
        self._owned: defaultdict[type[Event], dict[str, Route]] = defaultdict(dict)
        self._when_relisted: Callable[[ContractId], None] = _ignore
        self.routes: dict[type[Event], dict[Any, Route]] = {kind: {} for kind, hook in HOOK_OF.items() if hook in MARKET_HOOKS}

    def rules(self) -> tuple[Call, ...]:
        """The review_order calls, in order."""
        return self._by_hook["review_order"]

    def order(self) -> Mapping[str, tuple[Call, ...]]:
        """The calls of every hook that somebody implements, in order, whoever watches what."""
        return {hook: calls for hook, calls in self._by_hook.items() if calls}

    def watch(self, instance: Instance, watch: Watch) -> None:
        """Add to what `instance` hears of the market."""
        kinds = watch.kinds or tuple(kind for kind, hook in HOOK_OF.items() if hook in MARKET_HOOKS)
        interest = self._interests[instance.name]
        for kind in kinds:
            interest.contracts.update({(kind, contract): watch.every for contract in watch.contracts})
            interest.underlyings.update({(kind, underlying): watch.every for underlying in watch.underlyings})
        self.forget()

    def start(self) -> None:
        """From now on events are delivered; until then they are only folded."""
        self._started = True
        self.forget()

    def forget(self) -> None:
        """Drop every compiled route: a watch or a halt changed who hears what."""
        self.version += 1
        self._broadcast.clear()
        self._owned.clear()
        for routes in self.routes.values():
            routes.clear()

    def relist(self, contract: ContractId) -> None:
        """This contract was listed, or went: who hears about it, and about no other, may have changed."""
        for routes in self.routes.values():
            routes.pop(contract, None)
        self._when_relisted(contract)

    def when_relisted(self, hear: Callable[[ContractId], None]) -> None:
        """`hear` of each contract that is listed or goes; these are not counted in `version`."""
        self._when_relisted = hear

    def broadcast(self, kind: type[Event]) -> Route:
        """The calls for an event that goes to all."""
        calls = self._broadcast.get(kind)
        if calls is None:
            hook = HOOK_OF.get(kind)
            calls = self._broadcast[kind] = self._live(self._by_hook[hook] if hook else ()) + self._live(self._by_hook["on_event"])
        return calls

    def owned(self, kind: type[Event], owner: str) -> Route:
        """The calls for an event that belongs to one instance: that one, and rules."""
        owned = self._owned[kind]
        calls = owned.get(owner)
        if calls is None:
            heard = tuple(call for call in self._by_hook[HOOK_OF[kind]] if call.instance.name == owner or call.instance.kind != "strategy")
            calls = owned[owner] = self._live(heard) + self._live(self._by_hook["on_event"])
        return calls

    def heard(self, kind: type[Event], key: Any) -> tuple[tuple[Plain, int, list[int]], ...]:
        """Who hears of a kind of market event about `key`: the call, of how many events each one, and the count since the last."""
        contract, underlying = self._about(kind, key)
        heard = []
        for call in self._by_hook[HOOK_OF[kind]]:
            every = self._every(call.instance, kind, contract, underlying)
            if every:
                heard.append((call, every))
        heard += [(call, 1) for call in self._by_hook["on_event"]]
        return tuple(
            ((call.function, call.desk, call.instance, call.hook), every, self._counter(call, kind, key) if every > 1 else [0])
            for call, every in heard
            if self._started and not call.instance.halted
        )

    def route(self, event: Event) -> Route:
        """The calls for a market event, from the table or compiled now."""
        kind = type(event)
        key: Any = (event.adapter, event.underlying) if isinstance(event, UnderlyingPriced) else event.contract  # type: ignore[attr-defined]  # every other market event has one
        calls = self.routes[kind].get(key)
        if calls is None:
            heard = self.heard(kind, key)
            calls = self.routes[kind][key] = tuple(call if every == 1 else _nth(call, every, counter) for call, every, counter in heard)
        return calls

    def _about(self, kind: type[Event], key: Any) -> tuple[ContractId | None, str]:
        """The contract and the underlying that a key of this kind stands for."""
        if kind is UnderlyingPriced:
            return None, key[1]
        specification = self._contracts.get(key)
        return key, "" if specification is None else specification.underlying

    def _every(self, instance: Instance, kind: type[Event], contract: ContractId | None, underlying: str) -> int:
        interest = self._interests[instance.name]
        every = interest.contracts.get((kind, contract), 0) if contract is not None else 0
        return every or interest.underlyings.get((kind, underlying), 0)

    def _counter(self, call: Call, kind: type[Event], key: Any) -> list[int]:
        return self._counters.setdefault((call.instance.name, kind, key), [0])

    def _live(self, calls: tuple[Call, ...]) -> Route:
        live = [call for call in calls if self._started and not call.instance.halted]
        return tuple((call.function, call.desk, call.instance, call.hook) for call in live)


def _ignore(_: object) -> None:
    """Nobody looks at rows."""


def _nth(call: Plain, every: int, counter: list[int]) -> Plain:
    function = call[0]

    def each_nth(event: Any, desk: Desk) -> None:
        counter[0] += 1
        if counter[0] >= every:
            counter[0] = 0
            function(event, desk)

    return each_nth, *call[1:]


def _compile(instances: Sequence[Instance], wrap: Wrap | None) -> dict[str, tuple[Call, ...]]:
    """Let pluggy register and validate; the calls of each hook in config order, those with tryfirst before, with trylast behind."""
    registry = pluggy.PluginManager(PROJECT)
    registry.add_hookspecs(Hooks)
    owner: dict[int, tuple[int, Instance]] = {}
    for place, instance in enumerate(instances):
        if any(instance.plugin is other.plugin for other in instances[:place]):
            raise PluginError(f"{instance.name}: the same object is a plugin under another name already", plugin=instance.name)
        likeness = _likeness(instance.plugin)
        owner[id(likeness)] = place, instance
        try:
            registry.register(likeness, name=instance.name)
            registry.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"{instance.name}: {error}", plugin=instance.name) from error
    table: dict[str, tuple[Call, ...]] = {}
    for hook in HOOKS:
        found = [(impl.trylast - impl.tryfirst, *owner[id(impl.plugin)], impl) for impl in getattr(registry.hook, hook).get_hookimpls()]
        found.sort(key=lambda one: one[:2])  # pluggy would call the last registered first, except among those that try to be last
        table[hook] = tuple(_call(_of(instance.plugin, impl), instance, hook, wrap) for _, _, instance, impl in found)
    return table


def _likeness(plugin: Any) -> Any:
    """What pluggy may look at in the place of a plugin: one of its class with the same fields.

    Theory: Python keeps the attributes of an object beside it until somebody asks for its `__dict__`, as pluggy does; from then on each
    access in each of its hooks costs three times as much, for the whole run.
    """
    cls = type(plugin)
    if not attrs.has(cls) or cls.__new__ is not object.__new__:
        return plugin
    likeness = object.__new__(cls)
    for field in attrs.fields(cls):
        object.__setattr__(likeness, field.name, getattr(plugin, field.name))
    return likeness


def _of(plugin: Any, impl: pluggy.HookImpl) -> Callable[..., Any]:
    """The hook that was found on a likeness, of the plugin itself."""
    function: Any = impl.function
    return MethodType(function.__func__, plugin) if getattr(function, "__self__", None) is impl.plugin else function


def _call(method: Callable[..., Any], instance: Instance, hook: str, wrap: Wrap | None) -> Call:
    function = _two_arguments(method)
    return Call(function if wrap is None else wrap(function, instance.name, hook), instance.desk, instance, hook)


def _two_arguments(method: Callable[..., Any]) -> Callable[[Any, Desk], Any]:
    """`method` as a function of (event, desk), whichever of them it takes and in whichever order."""
    match tuple(inspect.signature(method).parameters):
        case ("event" | "command", "desk"):
            return method
        case ("desk", "event" | "command"):
            return lambda event, desk: method(desk, event)
        case ("event" | "command",):
            return lambda event, _desk: method(event)
        case ("desk",):
            return lambda _event, desk: method(desk)
        case _:
            return lambda _event, _desk: method()
