"""The specification of strikeloop.dispatch."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    ContractExpired,
    ContractId,
    ContractListed,
    Desk,
    Event,
    OrderState,
    PluginError,
    Quoted,
    RunStarted,
    TickerUpdated,
    TimerFired,
    UnderlyingPriced,
    hookimpl,
    plugin,
    state,
)
from strikeloop.dispatch import Dispatch, Instance
from tests.framework.stage import CALL, PUT, D, Stage, contract, fill, made, position, quoted, ticker, update, watching

LATER = ContractId.of("sim", "later-C")
ORDERS = ["first", "plain", "last"]


def hears(log: list[str], name: str, *hooks: str, **more: Any) -> Any:
    """A plugin that notes its name when one of these hooks is called."""
    noting: dict[str, Any] = {hook: lambda event, desk: log.append(name) for hook in hooks}
    return made(**noting, **more)


def options(log: list[str], name: str, option: str) -> Any:
    """A plugin whose on_balance is marked tryfirst, trylast or not at all."""

    class Made:
        @hookimpl(tryfirst=option == "first", trylast=option == "last")
        def on_position(self) -> None:
            log.append(name)

    return plugin(Made)()


# ---- order -----------------------------------------------------------------------------------------------------------


def test_plugins_hear_in_config_order() -> None:
    log: list[str] = []
    Stage(*(hears(log, name, "on_position") for name in "cab")).step(position(1))
    assert log == ["c", "a", "b"]


@given(st.lists(st.sampled_from(ORDERS), max_size=6))
def test_those_that_try_first_or_last_stand_before_or_behind_in_config_order(wanted: list[str]) -> None:
    log: list[str] = []
    Stage(*(options(log, f"{option}{index}", option) for index, option in enumerate(wanted))).step(position(1))
    expected = sorted(enumerate(wanted), key=lambda one: (ORDERS.index(one[1]), one[0]))
    assert log == [f"{option}{index}" for index, option in expected]


def test_rules_judge_in_config_order() -> None:
    log: list[str] = []
    played = Stage(made(on_start=lambda event, desk: desk.buy(CALL, 1, 100)), rules=[hears(log, name, "review_order") for name in "ba"])
    assert (log, len(played.commands)) == (["b", "a"], 1)


def test_on_event_comes_after_the_events_own_hooks() -> None:
    log: list[str] = []
    Stage(hears(log, "everything", "on_event"), hears(log, "position", "on_position")).step(position(1))
    assert log[1:] == ["position", "everything"]


# ---- arguments -------------------------------------------------------------------------------------------------------


@plugin
class Both:
    """Takes what the hook delivers."""

    @hookimpl
    def on_position(self, event: Any, desk: Any) -> None:
        HEARD.append((event, desk))


@plugin
class Turned:
    """Takes it the other way round."""

    @hookimpl
    def on_position(self, desk: Any, event: Any) -> None:
        HEARD.append((event, desk))


@plugin
class EventOnly:
    """Takes the event."""

    @hookimpl
    def on_position(self, event: Any) -> None:
        HEARD.append((event, None))


@plugin
class DeskOnly:
    """Takes the desk."""

    @hookimpl
    def on_position(self, desk: Any) -> None:
        HEARD.append((None, desk))


@plugin
class Neither:
    """Takes nothing."""

    @hookimpl
    def on_position(self) -> None:
        HEARD.append((None, None))


HEARD: list[tuple[Any, Any]] = []


@pytest.mark.parametrize(
    ("kind", "event", "desk"),
    [(Both, True, True), (Turned, True, True), (EventOnly, True, False), (DeskOnly, False, True), (Neither, False, False)],
)
def test_a_hook_may_take_any_of_its_arguments_in_any_order(kind: Callable[[], Any], event: bool, desk: bool) -> None:
    HEARD.clear()
    played, told = Stage(kind()), position(1)
    played.step(told)
    assert [(told if event else None, played.desk() if desk else None)] == HEARD


# ---- watching --------------------------------------------------------------------------------------------------------


def watcher(*targets: Any, hooks: tuple[str, ...] = ("on_quote",), **more: Any) -> tuple[Stage, list[Event]]:
    """One strategy that watches, and what it hears."""
    heard: list[Event] = []
    listening: dict[str, Any] = dict.fromkeys(hooks, lambda event, desk: heard.append(event))
    return Stage(made(on_start=watching(*targets, **more), **listening)), heard


def test_what_nobody_watches_is_not_delivered() -> None:
    played, heard = watcher(PUT)
    played.step(quoted(CALL))
    assert heard == []


@pytest.mark.parametrize("target", [CALL, contract(), [CALL], [contract()], "BTC_USDT"])
def test_a_contract_may_be_watched_by_itself_in_a_list_or_by_its_underlying(target: Any) -> None:
    played, heard = watcher(target)
    played.step(quoted(CALL))
    assert heard == [quoted(CALL)]


def test_watches_add_up() -> None:
    played, heard = watcher(CALL)
    played.does(lambda desk: desk.watch(PUT))
    played.step(quoted(CALL), quoted(PUT))
    assert heard == [quoted(CALL), quoted(PUT)]


def test_a_watch_counts_from_the_next_event_on() -> None:
    heard: list[Event] = []
    played = Stage(made(on_position=watching(CALL), on_quote=lambda event, desk: heard.append(event)))
    played.step(quoted(at=1), position(1), quoted(at=2))
    assert [event.received for event in heard] == [2]


def test_the_underlying_covers_contracts_that_are_listed_later() -> None:
    played, heard = watcher("BTC_USDT")
    played.step(quoted(LATER))
    played.step(ContractListed(time=0, received=0, contract=LATER, specification=contract(LATER)), quoted(LATER, at=1))
    assert heard == [quoted(LATER, at=1)]


def test_another_underlying_is_another_matter() -> None:
    played, heard = watcher("ETH_USDT")
    played.step(quoted(CALL))
    assert heard == []


def test_the_index_is_heard_by_those_who_watch_the_underlying() -> None:
    index = UnderlyingPriced(time=0, received=0, adapter="sim", underlying="BTC_USDT", price=70_000.0)
    for target, times in (("BTC_USDT", 1), ("ETH_USDT", 0), (CALL, 0)):
        played, heard = watcher(target, hooks=("on_underlying",))
        played.step(index)
        assert len(heard) == times


def test_kinds_narrow_what_is_heard() -> None:
    played, heard = watcher(CALL, hooks=("on_quote", "on_ticker"), kinds=(TickerUpdated,))
    played.step(quoted(), ticker())
    assert heard == [ticker()]


def test_every_nth_of_a_kind_and_contract_is_heard() -> None:
    played, heard = watcher("BTC_USDT", every=3)
    played.step(*(quoted(one, at=at) for at in range(7) for one in (CALL, PUT)))
    assert [(event.contract, event.received) for event in heard if isinstance(event, Quoted)] == [(CALL, 2), (PUT, 2), (CALL, 5), (PUT, 5)]


def test_counting_goes_on_when_something_else_is_watched() -> None:
    played, heard = watcher(CALL, every=3)
    played.step(quoted(at=1), quoted(at=2))
    played.does(lambda desk: desk.watch(PUT))
    played.step(quoted(at=3))
    assert [event.received for event in heard] == [3]


def test_a_contract_of_its_own_count_is_not_held_to_that_of_its_underlying() -> None:
    played, heard = watcher("BTC_USDT", every=3)
    played.does(lambda desk: desk.watch(CALL))
    played.step(quoted(CALL), quoted(PUT))
    assert heard == [quoted(CALL)]


def test_one_plugins_watch_is_not_anothers() -> None:
    log: list[str] = []
    Stage(made(on_start=watching(CALL)), hears(log, "other", "on_quote")).step(quoted())
    assert log == []


def test_on_event_hears_the_whole_market() -> None:
    heard: list[Event] = []
    Stage(made(on_event=lambda event, desk: heard.append(event))).step(quoted(CALL), quoted(LATER), ticker(PUT))
    assert heard[1:] == [quoted(CALL), quoted(LATER), ticker(PUT)]


def test_an_expired_contract_changes_nothing_for_the_others() -> None:
    played, heard = watcher("BTC_USDT")
    played.step(quoted(CALL), ContractExpired(time=0, received=0, contract=CALL), quoted(PUT))
    assert heard == [quoted(CALL), quoted(PUT)]


# ---- owners ----------------------------------------------------------------------------------------------------------

OWNED = ("on_order", "on_fill", "on_refused", "on_timer")


def household() -> tuple[Stage, list[str]]:
    """Two strategies and a rule that note what they hear of orders, and a strategy that hears everything."""
    log: list[str] = []
    played = Stage(
        hears(log, "s", *OWNED),
        hears(log, "s2", *OWNED),
        made(on_event=lambda event, desk: log.append("all") if type(event) is not RunStarted else None),
        rules=[hears(log, "r", *OWNED)],
    )
    return played, log


def test_news_of_an_order_goes_to_its_owner_to_rules_and_to_who_hears_everything() -> None:
    played, log = household()
    order = played.does(lambda desk: desk.buy(CALL, 2, 100), "s2")
    played.step(update(order, OrderState.OPEN, 2, 2))
    assert log == ["s2", "r", "all"]


def test_a_fill_goes_to_its_owner_to_rules_and_to_who_hears_everything() -> None:
    played, log = household()
    played.step(fill(played.does(lambda desk: desk.buy(CALL, 2, 100)), 1))
    assert log == ["s", "r", "all"]


def test_a_refusal_goes_to_its_owner_to_rules_and_to_who_hears_everything() -> None:
    played, log = household()
    played.does(lambda desk: desk.buy(CALL, 0, 100), "s2")
    assert log == ["s2", "r", "all"]


def test_a_timer_goes_to_its_owner_to_rules_and_to_who_hears_everything() -> None:
    played, log = household()
    played.step(TimerFired(time=0, received=0, instance="s2", name="x", due=0))
    assert log == ["s2", "r", "all"]


def test_an_order_of_other_hands_goes_to_rules_and_to_who_hears_everything() -> None:
    played, log = household()
    played.step(update(None, OrderState.OPEN, 2, 2, order_id="v7"), fill(None, 1, order_id="v8"))
    assert log == ["r", "all"] * 2


def test_news_that_is_old_goes_to_nobody() -> None:
    played, log = household()
    order = played.does(lambda desk: desk.buy(CALL, 2, 100))
    played.step(update(order, OrderState.CANCELED, 2, 2))
    log.clear()
    played.step(update(order, OrderState.OPEN, 2, 2))
    assert log == []


# ---- registration ----------------------------------------------------------------------------------------------------


def instance(name: str, made_plugin: Any) -> Instance:
    return Instance(name, "strategy", made_plugin, Desk(None, name))  # type: ignore[arg-type]  # nothing is asked of the view


def test_the_same_object_twice_is_refused_by_name() -> None:
    one = Both()
    with pytest.raises(PluginError, match="b: ") as caught:
        Dispatch([instance("a", one), instance("b", one)], {})
    assert caught.value.plugin == "b"


def test_registering_a_plugin_does_not_make_its_attributes_slower() -> None:
    @plugin
    class Counting:
        n: int = state(7_777)

        @hookimpl
        def on_position(self) -> None:
            self.n += 1

    one = Counting()
    assert 7_777 in gc.get_referents(one)  # beside the object, in no dict
    Stage(one).step(position(1))
    assert 7_778 in gc.get_referents(one)


def test_hooks_may_be_methods_of_the_object_of_the_class_or_of_nothing() -> None:
    log: list[str] = []

    @plugin
    class Made:
        name: str = "own"

        @hookimpl
        def on_position(self) -> None:
            log.append(self.name)

        @hookimpl
        @classmethod
        def on_balance(cls) -> None:
            log.append(cls.__name__)

        @hookimpl
        @staticmethod
        def on_alert() -> None:
            log.append("static")

    stage = Stage(Made(name="mine"))
    stage.step(position(1))
    stage.step(BalanceUpdated(time=0, received=0, adapter="sim", currency="USDT", total=D(1), available=D(1)))
    stage.step(AlertRaised(time=0, received=0, source="s", topic="t", text="x"))
    assert log == ["mine", "Made", "static"]


def test_a_plugin_that_makes_itself_in_its_own_way_is_registered_as_it_is() -> None:
    class Once:
        made = 0

        def __new__(cls) -> Self:
            cls.made += 1
            return super().__new__(cls)

        @hookimpl
        def on_position(self) -> None: ...

    table = Dispatch([instance("a", Once())], {})
    table.start()
    assert (len(table.broadcast(type(position(1)))), Once.made) == (1, 1)


def test_an_unknown_hook_that_nobody_checked_is_refused_by_name() -> None:
    @plugin
    class Misspelt:
        @hookimpl
        def on_qoute(self) -> None: ...

    with pytest.raises(PluginError, match="on_qoute"):
        Dispatch([instance("a", Misspelt())], {})


def test_nothing_is_delivered_before_the_start() -> None:
    table = Dispatch([instance("a", Both())], {})
    assert table.broadcast(type(position(1))) == ()
    table.start()
    assert [hook for *_, hook in table.broadcast(type(position(1)))] == ["on_position"]
