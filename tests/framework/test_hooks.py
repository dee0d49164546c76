"""The specification of strikeloop.hooks."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import attrs
import pluggy
import pytest

from strikeloop import (
    AmendOrder,
    ContractListed,
    Desk,
    Event,
    PluginError,
    Problem,
    Quoted,
    StreamEvent,
    StreamLost,
    SubmitOrder,
    Verdict,
    hookimpl,
    plugin,
    state,
)
from strikeloop import events as e
from strikeloop.hooks import (
    HOOK_OF,
    HOOKS,
    MARKET_HOOKS,
    OWNER_HOOKS,
    PROJECT,
    hooks_of,
    hookspec,
    instead_of,
    on_fault_of,
    problems,
    settings_of,
    since,
)


def only(cls: type, kind: Literal["strategy", "risk", "sink"] = "strategy") -> Problem:
    """The one thing that is wrong with a plugin class."""
    (problem,) = problems(cls, kind)
    return problem


def line(cls: type, text: str) -> str:
    """File and line of the first line of a class that holds this text."""
    lines, first = inspect.getsourcelines(cls)
    return f"{__file__}:{first + next(index for index, one in enumerate(lines) if text in one)}"


# ---- what is right ---------------------------------------------------------------------------------------------------


@plugin
class Sound:
    """Everything as it should be."""

    band: float = 0.25
    seen: int = state(0)
    names: list[str] = state(factory=list)

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None: ...

    @hookimpl(tryfirst=True)
    def on_stop(self) -> None: ...

    @hookimpl
    def on_stream(self, desk: Desk, event: StreamEvent) -> None: ...

    @hookimpl
    def on_contract(self, event: Event) -> None: ...

    @hookimpl
    def on_ticker(self, event: Any, desk: Any) -> None: ...

    @hookimpl
    def on_trade(self, event, desk): ...  # type: ignore[no-untyped-def]  # annotations are not demanded  # noqa: ANN001

    def helper(self, anything: int) -> int:
        return anything


def test_a_sound_plugin_has_no_problem() -> None:
    assert problems(Sound) == []


def test_the_hooks_of_a_class_are_told_in_the_order_of_the_specification() -> None:
    assert hooks_of(Sound) == ("on_stop", "on_contract", "on_quote", "on_trade", "on_ticker", "on_stream")


def test_an_inherited_hook_counts() -> None:
    @plugin
    class Child(Sound):
        more: int = 1

    assert (problems(Child), hooks_of(Child)) == ([], hooks_of(Sound))


# ---- what is wrong, with its place and its mending -------------------------------------------------------------------


def test_a_class_without_the_mark_is_no_plugin() -> None:
    class Plain:
        @hookimpl
        def on_quote(self) -> None: ...

    found = only(Plain)
    assert (found.where, found.what, found.fix) == (line(Plain, "class Plain"), "Plain is not a plugin class", "put @plugin above it")


def test_an_attrs_class_of_its_own_making_is_no_plugin() -> None:
    @attrs.define
    class Equal:
        @hookimpl
        def on_quote(self) -> None: ...

    assert only(Equal).fix == "put @plugin above it"


def test_a_plugin_without_hooks_is_told_which_there_are() -> None:
    @plugin
    class Idle:
        band: float = 1.0

    found = only(Idle)
    assert found.what == "Idle implements no hook"
    assert all(hook in found.fix for hook in HOOKS)


def test_an_unknown_hook_is_refused_with_the_nearest_name() -> None:
    @plugin
    class Misspelt:
        @hookimpl
        def on_qoute(self, event: Quoted) -> None: ...

    found = only(Misspelt)
    assert (found.where, found.what, found.fix) == (line(Misspelt, "@hookimpl"), "there is no hook on_qoute", "did you mean on_quote?")


def test_an_unknown_hook_that_resembles_none_is_told_which_there_are() -> None:
    @plugin
    class Strange:
        @hookimpl
        def whenever(self) -> None: ...

    assert "on_start, on_stop" in only(Strange).fix


def test_a_method_with_the_name_of_a_hook_must_be_marked() -> None:
    @plugin
    class Unmarked:
        def on_quote(self, event: Quoted) -> None: ...

    found = only(Unmarked)
    assert found.where == line(Unmarked, "def on_quote")
    assert (found.what, found.fix) == ("on_quote has the name of a hook but is not marked", "put @hookimpl above it")


def test_an_async_hook_is_refused() -> None:
    @plugin
    class Waiting:
        @hookimpl
        async def on_quote(self, event: Quoted) -> None: ...

    found = only(Waiting)
    assert found.what == "on_quote is async"
    assert "the engine never awaits" in found.fix


def test_an_async_generator_is_refused() -> None:
    @plugin
    class Streaming:
        @hookimpl
        async def on_quote(self, event: Quoted) -> AsyncIterator[None]:
            yield

    assert only(Streaming).what == "on_quote is async"


def test_a_sink_may_be_async() -> None:
    @plugin
    class Sending:
        @hookimpl
        async def on_alert(self, event: e.AlertRaised) -> None: ...

    assert problems(Sending, "sink") == []


def test_a_wrapper_is_refused() -> None:
    @plugin
    class Wrapping:
        @pluggy.HookimplMarker("strikeloop")(wrapper=True)
        def review_order(self, command: Any) -> Iterator[None]:
            yield

    found = only(Wrapping, "risk")
    assert (found.what, found.fix) == ("review_order is a hook wrapper", "wrappers are refused: no plugin may overturn another's decision")


def test_a_generator_is_refused() -> None:
    @plugin
    class Yielding:
        @hookimpl
        def on_quote(self, event: Quoted) -> Iterator[None]:
            yield

    assert only(Yielding).what == "on_quote is a hook wrapper"


@pytest.mark.parametrize("binding", [staticmethod, classmethod])
def test_a_hook_that_is_no_method_of_the_object_is_refused(binding: Any) -> None:
    def on_quote(event: Quoted) -> None: ...

    cls = plugin(type("Bound", (), {"on_quote": binding(hookimpl(on_quote))}))
    assert only(cls).what == "on_quote is no method of the object"


def test_an_argument_that_the_hook_does_not_deliver_is_refused() -> None:
    @plugin
    class Asking:
        @hookimpl
        def on_quote(self, quote: Quoted, desk: Desk) -> None: ...

    found = only(Asking)
    assert (found.what, found.fix) == ("on_quote takes an argument quote", "it may take event and desk, by these names")


def test_an_argument_with_a_default_is_refused_too() -> None:
    @plugin
    class Asking:
        @hookimpl
        def on_quote(self, event: Quoted, depth: int = 1) -> None: ...

    assert only(Asking).what == "on_quote takes an argument depth"


def test_an_argument_by_keyword_only_is_refused() -> None:
    @plugin
    class Asking:
        @hookimpl
        def on_quote(self, *, event: Quoted) -> None: ...

    assert only(Asking).what == "on_quote takes event by keyword only"


def test_a_rule_is_given_a_command_and_not_an_event() -> None:
    @plugin
    class Judge:
        @hookimpl
        def review_order(self, event: Any) -> Verdict:
            return None

    assert only(Judge, "risk").fix == "it may take command and desk, by these names"


def test_an_annotation_that_differs_from_what_is_delivered_is_refused() -> None:
    @plugin
    class Mistaken:
        @hookimpl
        def on_quote(self, event: e.Traded) -> None: ...

    found = only(Mistaken)
    assert (found.what, found.fix) == ("on_quote wants event: Traded", "the hook delivers event: Quoted")


@pytest.mark.parametrize(
    ("hook", "annotation"), [("on_stream", StreamLost), ("on_contract", ContractListed), ("review_order", SubmitOrder), ("on_quote", int)]
)
def test_an_annotation_that_leaves_out_some_of_what_is_delivered_is_refused(hook: str, annotation: Any) -> None:
    argument = "command" if hook == "review_order" else "event"
    space: dict[str, Any] = {}
    exec(f"def {hook}(self, {argument}): ...", space)  # noqa: S102  # four methods of one shape
    space[hook].__annotations__ = {argument: annotation}
    cls = plugin(type("Narrow", (), {hook: hookimpl(space[hook])}))
    assert only(cls, "risk").what == f"{hook} wants {argument}: {annotation.__name__}"


def test_an_annotation_may_be_wider_than_what_is_delivered() -> None:
    @plugin
    class Wide:
        @hookimpl
        def on_quote(self, event: Quoted | e.Traded, desk: Desk | None) -> None: ...

    assert problems(Wide) == []


def test_an_annotation_that_is_not_there_at_run_time_is_refused() -> None:
    @plugin
    class Absent:
        @hookimpl
        def on_quote(self, event: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821  # as behind TYPE_CHECKING

    found = only(Absent)
    assert "name 'Nowhere' is not defined" in found.what
    assert found.fix == "import the names it uses at run time"


@plugin
class Rule:
    """Judges."""

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        return None


def test_a_rule_judges() -> None:
    assert problems(Rule, "risk") == []


def test_a_strategy_that_judges_is_refused() -> None:
    found = only(Rule)
    assert (found.what, found.where) == ("only rules judge orders", line(Rule, "@hookimpl"))


def test_all_that_is_wrong_is_told_at_once() -> None:
    @plugin
    class Wrong:
        @hookimpl
        async def on_quote(self, quote: Quoted) -> None: ...

        def on_trade(self) -> None: ...

    assert len(problems(Wrong)) == 3


# ---- settings and state ----------------------------------------------------------------------------------------------


def test_settings_are_the_fields_that_are_not_state() -> None:
    assert [field.name for field in settings_of(Sound)] == ["band"]


def test_state_is_not_taken_by_the_constructor() -> None:
    with pytest.raises(TypeError, match="seen"):
        Sound(seen=1)  # type: ignore[call-arg]  # which a type checker sees as well


def test_state_begins_with_its_default() -> None:
    assert (Sound().seen, Sound().names) == (0, [])


def test_state_from_a_factory_is_each_instances_own() -> None:
    one, other = Sound(), Sound()
    one.names.append("x")
    assert other.names == []


@pytest.mark.parametrize("default", [[], {}, set(), deque(), bytearray()])
def test_state_that_all_instances_would_share_is_refused(default: Any) -> None:
    with pytest.raises(PluginError, match="would be shared by all instances: write state"):
        state(default)


def test_a_setting_that_all_instances_would_share_is_refused() -> None:
    with pytest.raises(PluginError, match="the default of names would be shared"):

        @plugin
        class Shared:
            names: list[str] = []  # noqa: RUF012  # what is refused


def test_two_plugins_with_equal_settings_are_two() -> None:
    assert Sound(band=1.0) != Sound(band=1.0)


def test_settings_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        Sound(1.0)  # type: ignore[call-arg]  # which a type checker sees as well


@pytest.mark.parametrize("wanted", ["cancel", "keep"])
def test_a_plugin_says_what_becomes_of_its_orders_when_it_fails(wanted: Literal["cancel", "keep"]) -> None:
    assert on_fault_of(plugin(on_fault=wanted)(type("Made", (), {}))) == wanted


def test_orders_are_canceled_unless_the_plugin_says_otherwise() -> None:
    assert on_fault_of(Sound) == "cancel"


def test_another_fate_of_orders_is_refused() -> None:
    with pytest.raises(PluginError, match="on_fault='sell' is unknown"):
        plugin(on_fault="sell")  # type: ignore[call-overload]  # which a type checker sees as well


# ---- the specification itself ----------------------------------------------------------------------------------------


def test_every_event_but_the_abstract_ones_has_a_hook() -> None:
    kinds = {kind for kind in vars(e).values() if isinstance(kind, type) and issubclass(kind, Event)}
    assert kinds - set(HOOK_OF) == {Event, e.AccountEvent, e.HaltRequested, e.HaltReset}  # what is asked is told with what comes of it


def test_every_hook_but_two_is_an_events() -> None:
    assert set(HOOKS) - set(HOOK_OF.values()) == {"on_event", "review_order"}


def test_market_hooks_are_those_of_market_events() -> None:
    assert {HOOK_OF[kind] for kind in e.MARKET_EVENTS} == MARKET_HOOKS


def test_owned_hooks_are_those_of_orders_fills_refusals_and_timers() -> None:
    assert {HOOK_OF[kind] for kind in (e.OrderUpdated, e.Filled, e.OrderRefused, e.TimerFired)} == OWNER_HOOKS


# ---- what comes and goes ---------------------------------------------------------------------------------------------


def test_a_hook_that_will_go_warns_who_implements_it() -> None:
    class Specifications:
        @hookspec(since="0.2", instead="implement on_order")
        def on_done(self, event: Event) -> None: ...

    class Late:
        @hookimpl
        def on_done(self, event: Event) -> None: ...

    registry = pluggy.PluginManager(PROJECT)
    registry.add_hookspecs(Specifications)
    with pytest.warns(FutureWarning, match="on_done will go: implement on_order"):
        registry.register(Late())


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_tells_since_when_it_is_there(name: str) -> None:
    assert (since(name), instead_of(name)) == ("0.1", "")
