"""The backtest driver: what comes when, under one virtual clock, and that it comes the same way every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import pytest

from strikeloop import (
    AlertRaised,
    Approved,
    Command,
    ConfigError,
    Contract,
    Desk,
    Event,
    Filled,
    OrderState,
    OrderUpdated,
    PluginFaulted,
    Quoted,
    RunStarted,
    RunStopping,
    SubmitOrder,
    TickerUpdated,
    TimerFired,
)
from strikeloop.backtest import Backtest, Result
from strikeloop.engine import Plugin
from strikeloop_venue import VenueSettings
from tests.framework.stage import CALL, PUT, SECOND, D, contract, made, quoted, watching

MS = SECOND // 1_000


class Listed:
    """A source that is a list of events."""

    def __init__(self, *events: Event, name: str = "listed") -> None:
        self._events, self._name = events, name

    def contracts(self) -> tuple[Contract, ...]:
        return (contract(), contract(PUT)) if self._name == "listed" else ()

    def events(self) -> Iterator[Event]:
        return iter(self._events)

    def content_hash(self) -> str:
        return self._name


class Echo:
    """A venue that opens each order `latency` ns after it left, and keeps the order in which it heard of things."""

    def __init__(self, latency: int = 0) -> None:
        self.latency = latency
        self.log: list[tuple[str, int]] = []
        self._due: list[OrderUpdated] = []

    feed: Callable[[Event], int] | None = None

    def report(self) -> dict[str, Any]:
        return {"queue": {"real": len(self.log)}}

    def on_market(self, event: Event) -> None:
        self.log.append(("market", event.time))

    def on_command(self, approved: Approved[Any], now: int) -> None:
        self.log.append(("command", now))
        command, at = approved.command, now + self.latency
        self._due.append(
            OrderUpdated(
                time=at,
                received=at,
                contract=command.contract,
                client_id=command.client_id,
                order_id=command.client_id,
                state=OrderState.OPEN,
                size=D(1),
                left=D(1),
            )
        )

    def advance(self, now: int) -> Sequence[Event]:
        told = [event for event in self._due if event.received <= now]
        self._due = [event for event in self._due if event.received > now]
        return told

    def next_time(self) -> int | None:
        return min((event.received for event in self._due), default=None)

    def snapshot(self, now: int) -> Any:
        raise NotImplementedError

    def contracts(self) -> tuple[Contract, ...]:
        return (contract(), contract(PUT))


class Diary:
    """A strategy that writes down what it hears and when; `acts` maps a hook to what else it does there."""

    def __init__(self, **acts: Callable[[Any, Desk], Any]) -> None:
        self.heard: list[tuple[str, int]] = []
        hooks = {"on_start": watching("BTC_USDT"), **acts}
        names = ("on_start", "on_quote", "on_order", "on_timer", "on_stop")
        noting: dict[str, Any] = {name: self._noting(name, hooks.get(name)) for name in names}
        self.plugin = made(**noting)

    def _noting(self, name: str, act: Callable[[Any, Desk], Any] | None) -> Callable[[Any, Desk], Any]:
        def note(event: Any, desk: Desk) -> None:
            self.heard.append((name, desk.now))
            if act is not None:
                act(event, desk)

        return note


def ran(*plugins: Any, sources: Sequence[Any], venue: Any = None, until: int | None = None, faults: int = 0, **options: Any) -> Result:
    """Run these strategies, named s0, s1, …; none of them raises where no fault is expected."""
    named = [Plugin(name=f"s{index}", kind="strategy", plugin=one) for index, one in enumerate(plugins)]
    result = Backtest(named, sources=sources, open_venue=lambda _contracts: venue or Echo(), **options).run(until=until)
    assert len(result.record()["faults"]) == faults
    return result


def starting(act: Callable[[Desk], Any]) -> Callable[[Any, Desk], None]:
    """An on_start that watches everything and does this."""

    def on_start(_event: Event, desk: Desk) -> None:
        desk.watch("BTC_USDT")
        act(desk)

    return on_start


# ---- what comes when ----


@pytest.mark.parametrize("latency", [0, 5])
def test_at_equal_times_market_data_comes_first_then_responses_then_timers(latency: int) -> None:
    now = 10 + latency

    def on_start(_event: Event, desk: Desk) -> None:
        desk.watch("BTC_USDT")
        desk.buy(CALL, 1, 100)
        desk.at(now, "t")

    diary = Diary(on_start=on_start)
    market = Listed(quoted(at=0), quoted(at=10), quoted(PUT, at=10), quoted(at=11))
    ran(diary.plugin, sources=[market], venue=Echo(latency=10), feed_latency=latency)
    assert [name for name, when in diary.heard if when == now] == ["on_quote", "on_quote", "on_order", "on_timer"]


def test_the_client_hears_of_the_market_before_the_venue_can_act_on_it() -> None:
    echo, order = Echo(), []

    def on_quote(event: Quoted, desk: Desk) -> None:
        order.append(list(echo.log))
        if event.time == 10:
            desk.buy(CALL, 1, 100)

    ran(Diary(on_quote=on_quote).plugin, sources=[Listed(quoted(at=0), quoted(at=10), quoted(at=20))], venue=echo)
    assert order[1] == [("market", 0)]
    assert echo.log == [("market", 0), ("command", 10), ("market", 10), ("market", 20)]


def test_timers_fire_between_events_at_their_own_time() -> None:
    diary = Diary(on_start=starting(lambda desk: desk.every(0.002, "t")))
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=5 * MS), quoted(at=9 * MS))])
    assert [(name, when / MS) for name, when in diary.heard] == [
        ("on_start", 0),
        ("on_quote", 0),
        ("on_timer", 2),
        ("on_timer", 4),
        ("on_quote", 5),
        ("on_timer", 6),
        ("on_timer", 8),
        ("on_quote", 9),
        ("on_stop", 9),
    ]


def test_timers_beyond_the_data_do_not_fire() -> None:
    diary = Diary(on_start=starting(lambda desk: desk.at(10, "t")))
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=9))])
    assert diary.heard[-1] == ("on_stop", 9)
    assert ("on_timer", 10) not in diary.heard


def test_a_response_comes_between_events_at_its_own_time() -> None:
    diary = Diary(on_start=starting(lambda desk: desk.buy(CALL, 1, 100)))
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=9))], venue=Echo(latency=4))
    assert ("on_order", 4) in diary.heard


def test_the_start_comes_before_the_first_event_and_the_stop_after_the_last() -> None:
    heard: list[Event] = []
    result = ran(made(on_event=lambda event, _desk: heard.append(event)), sources=[Listed(quoted(at=7), quoted(at=9))])
    assert (type(heard[0]), heard[0].received) == (RunStarted, 7)
    assert heard[-1] == RunStopping(time=9, received=9, reason="end of data")
    assert result.engine.clock.now == 9


def test_a_run_may_be_cut_at_a_time() -> None:
    diary = Diary()
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=5), quoted(at=6))], until=5)
    assert [entry for entry in diary.heard if entry[0] == "on_quote"] == [("on_quote", 0), ("on_quote", 5)]


def test_commands_given_at_the_stop_still_leave() -> None:
    echo = Echo()
    ran(Diary(on_stop=lambda _event, desk: desk.buy(CALL, 1, 100)).plugin, sources=[Listed(quoted(at=0), quoted(at=3))], venue=echo)
    assert echo.log[-1] == ("command", 3)


# ---- feed latency ----


def test_feed_latency_delays_what_the_client_sees_and_not_what_the_venue_knows() -> None:
    echo = Echo()
    diary = Diary(on_quote=lambda event, desk: desk.buy(CALL, 1, 100) if event.time == 10 else None)
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=10), quoted(at=12), quoted(at=20))], venue=echo, feed_latency=5)
    assert [when for name, when in diary.heard if name == "on_quote"] == [5, 15, 17, 25]
    assert echo.log == [("market", 0), ("market", 10), ("market", 12), ("command", 15), ("market", 20)]


def test_recorded_data_reaches_the_client_when_the_recording_says_so() -> None:
    echo, diary = Echo(), Diary()
    told = [attrs.evolve(quoted(at=at), received=seen) for at, seen in ((0, 4), (10, 30), (11, 12), (20, 20))]
    ran(diary.plugin, sources=[Listed(*told)], venue=echo)
    assert [when for name, when in diary.heard if name == "on_quote"] == [4, 12, 20, 30]
    assert echo.log == [("market", 0), ("market", 10), ("market", 11), ("market", 20)]


def test_a_venue_may_say_itself_how_long_its_market_data_takes() -> None:
    echo, diary = Echo(), Diary()
    echo.feed = lambda event: event.time + 7
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=10))], venue=echo)
    assert [when for name, when in diary.heard if name == "on_quote"] == [7, 17]


def test_what_the_venue_knows_of_the_run_stands_in_its_result() -> None:
    result = ran(Diary().plugin, sources=[Listed(quoted(at=0), quoted(at=3))], venue=Echo())
    assert result.record()["venue"] == {"queue": {"real": 2}}


def test_delayed_events_keep_the_venues_time() -> None:
    seen: list[tuple[int, int]] = []
    plugin = made(on_start=watching("BTC_USDT"), on_quote=lambda event, _desk: seen.append((event.time, event.received)))
    ran(plugin, sources=[Listed(quoted(at=0), quoted(at=10))], feed_latency=5)
    assert seen == [(0, 5), (10, 15)]


def test_everything_still_on_its_way_to_the_client_arrives_before_the_stop() -> None:
    diary = Diary()
    ran(diary.plugin, sources=[Listed(quoted(at=0), quoted(at=1), quoted(at=2))], feed_latency=1_000)
    assert diary.heard[-2:] == [("on_quote", 1_002), ("on_stop", 1_002)]


@pytest.mark.parametrize("latency", [0, 3])
def test_the_clock_never_goes_back(latency: int) -> None:
    times: list[int] = []
    plugin = made(on_start=starting(lambda desk: desk.every(0.003, "t")), on_event=lambda _event, desk: times.append(desk.now))
    ran(plugin, sources=[Listed(*(quoted(at=at * MS) for at in (0, 1, 1, 4, 6, 6, 9)))], venue=Echo(latency=2), feed_latency=latency * MS)
    assert len(times) >= 11
    assert times == sorted(times)


# ---- several sources ----


def test_sources_are_merged_by_time_then_by_their_rank_then_in_sequence() -> None:
    first = Listed(quoted(at=1, bid=1.0), quoted(at=5, bid=2.0), quoted(at=5, bid=3.0))
    second = Listed(quoted(at=0, bid=4.0), quoted(at=5, bid=5.0), quoted(at=5, bid=6.0), name="second")
    seen: list[tuple[int, float | None]] = []
    plugin = made(on_start=watching("BTC_USDT"), on_quote=lambda event, _desk: seen.append((event.time, event.bid)))
    ran(plugin, sources=[first, second])
    assert seen == [(0, 4.0), (1, 1.0), (5, 2.0), (5, 3.0), (5, 5.0), (5, 6.0)]


def test_events_that_cannot_be_compared_are_merged_all_the_same() -> None:
    ticker = TickerUpdated(time=5, received=5, contract=CALL, mark_price=1.0)
    heard: list[str] = []
    plugin = made(on_event=lambda event, _desk: heard.append(type(event).__name__))
    ran(plugin, sources=[Listed(ticker), Listed(quoted(at=5), name="second")])
    assert heard[1:-1] == ["TickerUpdated", "Quoted"]


def test_a_run_without_a_market_is_refused() -> None:
    with pytest.raises(ConfigError, match="no market to run on"):
        ran(sources=[])
    with pytest.raises(ConfigError, match="no event"):
        ran(sources=[Listed()])


# ---- the digest ----


def trading(size: int = 1) -> Any:
    """A strategy that buys at each quote."""
    return made(on_start=watching("BTC_USDT"), on_quote=lambda _event, desk: desk.buy(CALL, size, 100))


def digest(*, size: int = 1, source: Listed | None = None, **options: Any) -> str:
    market = source or Listed(quoted(at=0), quoted(at=10), quoted(at=20))
    return ran(trading(size), sources=[market], venue=Echo(latency=3), **options).digest


def test_the_same_run_has_the_same_digest() -> None:
    assert digest() == digest()
    assert len(digest()) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"size": 2},
        {"tag": "other"},
        {"feed_latency": 1},
        {"header": {"plugins": "0.2"}},
        {"source": Listed(quoted(at=0), quoted(at=10), quoted(at=20), name="other")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_run_has_another_digest(change: dict[str, Any]) -> None:
    if change.get("source") is not None:
        change = {"source": _Renamed(quoted(at=0), quoted(at=10), quoted(at=20))}
    assert digest(**change) != digest()


class _Renamed(Listed):
    """The same events under another hash."""

    def content_hash(self) -> str:
        return "renamed"


def test_who_listens_changes_nothing() -> None:
    heard: list[Event] = []
    left: list[Command] = []
    assert digest(listen=heard.append, sent=left.append) == digest()
    assert [type(command) for command in left] == [SubmitOrder] * 3
    assert [type(event) for event in heard].count(OrderUpdated) == 2
    assert not any(isinstance(event, Quoted) for event in heard)


def test_market_events_stand_in_the_digest_by_the_hash_of_their_source() -> None:
    idle = made(on_start=lambda _event, _desk: None)
    one = ran(idle, sources=[Listed(quoted(at=0), quoted(at=9))]).digest
    other = ran(idle, sources=[Listed(quoted(at=0, bid=1.0), quoted(at=9))]).digest
    assert one == other


# ---- plugins that fail ----


def test_a_strategy_that_raises_is_halted_and_the_others_go_on() -> None:
    def fail(event: Quoted, _desk: Desk) -> None:
        if event.time == 10:
            raise ValueError("no such plan")

    failing, diary = Diary(on_quote=fail), Diary()
    faults: list[Event] = []
    quotes = Listed(*(quoted(at=at) for at in (0, 10, 20, 30)))
    result = ran(failing.plugin, diary.plugin, sources=[quotes], listen=faults.append, faults=1)
    assert [when for name, when in failing.heard if name == "on_quote"] == [0, 10]
    assert [when for name, when in diary.heard if name == "on_quote"] == [0, 10, 20, 30]
    (fault,) = (event for event in faults if isinstance(event, PluginFaulted))
    assert (fault.instance, fault.error, fault.halted) == ("s0", "ValueError: no such plan", True)
    assert result.record()["faults"][0]["instance"] == "s0"


# ---- what is counted ----


def test_progress_tells_how_far_a_run_is() -> None:
    said: list[tuple[int, int]] = []
    Backtest([], sources=[Listed(*(quoted(at=at) for at in range(2_500)))], open_venue=lambda _contracts: Echo()).run(
        lambda count, now: said.append((count, now))
    )
    assert said == [(1_024, 1_023), (2_048, 2_047), (2_500, 2_499)]


@pytest.mark.parametrize("latency", [0, 5])
def test_the_summary_counts_every_event_once(latency: int) -> None:
    result = ran(trading(), sources=[Listed(quoted(at=0), quoted(at=10), quoted(at=20))], venue=Echo(latency=1), feed_latency=latency)
    assert (result.summary.events["Quoted"], result.summary.orders) == (3, 3)
    assert result.summary.digest == result.digest


# ---- the simulated venue ----


def test_with_the_simulated_venue_an_order_fills_after_its_latency_and_the_account_shows_it() -> None:
    events: list[Event] = []
    quotes = Listed(*(quoted(at=at * 10 * MS, bid=100.0, ask=102.0) for at in range(20)))
    settings = VenueSettings(latency={"entry_ms": 5, "response_ms": 5})
    plugin = made(
        on_start=watching("BTC_USDT"),
        on_quote=lambda event, desk: desk.buy(CALL, 1, 102) if event.time == 20 * MS else None,
        on_fill=lambda event, desk: desk.alert(f"{event.size} at {event.price}"),
    )

    def run() -> Result:
        events.clear()
        return ran(plugin, sources=[quotes], venue=settings.open("sim", quotes.contracts()), listen=events.append)

    first = run()
    (fill,) = (event for event in events if isinstance(event, Filled))
    assert (fill.received, fill.size, fill.price) == (30 * MS, D(1), D(102))
    assert [event.text for event in events if isinstance(event, AlertRaised)] == ["1 at 102.0"]
    held = first.engine.portfolio.position(CALL)
    assert held is not None
    assert held.size == 1
    assert run().digest == first.digest


def test_a_market_event_is_not_changed_by_a_run() -> None:
    event = quoted(at=4)
    before = attrs.evolve(event)
    ran(Diary().plugin, sources=[Listed(event)], feed_latency=9)
    assert event == before


def test_timers_are_told_with_the_time_they_were_set_for() -> None:
    fired: list[TimerFired] = []
    plugin = made(on_start=starting(lambda desk: desk.at(3, "t")), on_timer=lambda event, _desk: fired.append(event))
    ran(plugin, sources=[Listed(quoted(at=0), quoted(at=9))])
    assert fired == [TimerFired(time=3, received=3, instance="s0", name="t", due=3)]
