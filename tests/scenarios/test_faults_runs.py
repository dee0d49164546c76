"""Whole runs with the Gate adapter, a trading strategy and the served venue, while the line between them breaks in every way."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import anyio
import attrs
import pytest

from strikeloop import Event, Filled, OrderUpdated, Reconciled, StreamLost
from strikeloop.engine import Engine
from strikeloop.live import Live, WallClock
from strikeloop.margin import Classic
from strikeloop.session import lines
from strikeloop.summary import Summary
from strikeloop.testing.faults import (
    GARBAGE,
    Close,
    Coalesce,
    Connections,
    Cut,
    FaultProxy,
    Fragment,
    Frames,
    Freeze,
    HangUp,
    Mutate,
    Pass,
    Repeat,
    Reset,
    Rule,
    Send,
    Slice,
    nested,
    oversized,
)
from strikeloop.testing.sim import named
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from strikeloop_venue import GeneratedMarket, VenueSettings
from strikeloop_venue.served import ServedVenue
from tests.scenarios.test_partial_fills import Nibbler
from tests.scenarios.test_three_ways import Memory

pytestmark = pytest.mark.anyio

ORDERS = Frames(has={"channel": "options.orders", "event": "update"})
LONGEST_S = 60.0
AT_ONCE = 4
PRIVATE = Frames(to="server", has={"channel": "options.orders", "event": "subscribe"})
QUOTES = Frames(has={"channel": "options.book_ticker", "event": "update"})
CLOSES: dict[str, Any] = {
    "1000": Close(1000),
    "1001": Close(1001, "going away"),
    "1006, a reset": Reset(),
    "1006, hung up": HangUp(),
    "1008": Close(1008, "policy"),
    "1011": Close(1011),
    "1012": Close(1012, "restarting"),
    "4000": Close(4000, "x" * 120),
    "no code": Close(None),
    "mid-fragment": [Fragment(2, sent=1), HangUp()],
    "mid-fragment, politely": [Fragment(2, sent=1), Close(1001)],
    "mid-frame": Cut(0.5),
}


@attrs.frozen
class Outcome:
    """What is ours and the venue's at the end, and how often the account was reconciled."""

    orders: dict[str, tuple[str, Decimal]]
    venue_orders: dict[str, tuple[str, Decimal]]
    positions: dict[str, Decimal]
    venue_positions: dict[str, Decimal]
    fills: int
    venue_fills: int
    losses: list[str]
    reconciled: int
    alerts: list[str]

    @property
    def is_true(self) -> bool:
        """Whether we say what the venue's books say, and traded at all."""
        same = self.orders == self.venue_orders and self.positions == self.venue_positions and self.fills == self.venue_fills
        return same and self.fills > 0


def read(live: Live, record: Memory, served: ServedVenue) -> Outcome:
    events: Sequence[Event] = record.events
    (member,), engine = served.venue.members, live.engine
    ours = {key: engine.orders.by_order_id("gate", key) for key in member.book.orders}
    fills = {(event.contract, event.trade_id, event.order_id) for event in events if isinstance(event, Filled)}
    return Outcome(
        orders={key: (order.state.value, order.filled) for key, order in ours.items() if order is not None},
        venue_orders={key: (row.event.state.value, row.event.filled) for key, row in member.book.orders.items()},
        positions={one.contract.name: one.size for one in engine.portfolio.positions if one.size},
        venue_positions={one.contract.name: one.size for one in member.positions() if one.size},
        fills=len(fills),
        venue_fills=len(member.book.fills),
        losses=[event.reason for event in events if isinstance(event, StreamLost) and event.port == "account"],
        reconciled=_reconciled(record),
        alerts=[str(event) for event in events if isinstance(event, OrderUpdated) and event.state.value == "unknown"],
    )


async def played(*rules: Rule, reconciled: int = 1, seed: int = 3) -> Outcome:
    """A run through a proxy with these rules, which trades in parts and cancels.

    It ends once all rules have struck, the account was reconciled so often, and is as the venue has it; or after a minute.
    """
    record, strategy = Memory(), Nibbler(orders=16)
    market = GeneratedMarket(start=time.time_ns(), duration_s=None, seed=seed, step_ms=250, ticker_every_ms=1_000)
    async with (
        VenueSettings(balance=Decimal(1_000_000)).serve(market.open("venue"), dialect="gate") as served,
        FaultProxy(served.ws_url, *rules, seed=seed) as proxy,
    ):
        settings = Gate(rest_url=served.rest_url, ws_url=proxy.url(served.ws_url), key=Secret("key"), secret=Secret("secret"))
        live = Live(
            Engine(named([strategy]), margin=Classic(), tag="fault", seed=seed),
            clock=WallClock(),
            summary=Summary(run="faults", mode="live"),
            book=record,
        )
        live.add_adapter(settings.open("gate"), trade=True)

        def is_over() -> bool:
            done = strategy.done == strategy.orders and not proxy.unstruck and _reconciled(record) >= reconciled
            return done and read(live, record, served).is_true and not live.engine.orders.working()

        async def end() -> None:
            while not is_over():  # noqa: ASYNC110 - what is waited for has many owners
                await anyio.sleep(0.1)
            live.stop("stop", "everything has happened")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end)
            await live.run(LONGEST_S)
            tasks.cancel_scope.cancel()
        return read(live, record, served)


def _reconciled(record: Memory) -> int:
    return sum(isinstance(event, Reconciled) for event in record.events)


async def all_played(cases: dict[str, Any], rules: Any, **how: Any) -> dict[str, Outcome]:
    """Every case in a run of its own, several at once: they mostly wait."""
    outcomes: dict[str, Outcome] = {}
    turns = anyio.Semaphore(AT_ONCE)

    async def one(name: str, fault: Any) -> None:
        async with turns:
            outcomes[name] = await played(*rules(fault), **how)

    async with anyio.create_task_group() as tasks:
        for name, fault in cases.items():
            tasks.start_soon(one, name, fault)
    return outcomes


async def test_every_way_to_close_is_recovered_from_with_the_account_as_the_venue_has_it(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "AUTH_RETRY_NS", 200_000_000)  # 1008 may mean the credentials: those wait four minutes
    closes = CLOSES if anyio_backend == "asyncio" else {name: CLOSES[name] for name in ("1001", "4000", "1006, a reset", "mid-fragment")}
    outcomes = await all_played(closes, lambda fault: [Rule(ORDERS, fault, first=4)], reconciled=2)
    assert {name: outcome.is_true for name, outcome in outcomes.items()} == dict.fromkeys(closes, True)
    assert {name: len(outcome.losses) for name, outcome in outcomes.items()} == dict.fromkeys(closes, 1)
    told = {name: outcome.losses[0] for name, outcome in outcomes.items()}
    assert "going away" in told["1001"]
    assert len(told["4000"]) < 250


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_segments_however_cut_change_nothing() -> None:
    cases = {"one byte": Slice(), "seven bytes": Slice(7), "many frames in one": Coalesce(20, within_s=0.05)}
    outcomes = await all_played(cases, lambda fault: [Rule(PRIVATE, fault)])
    assert {name: outcome.is_true for name, outcome in outcomes.items()} == dict.fromkeys(cases, True)
    assert {name: outcome.losses for name, outcome in outcomes.items()} == {name: [] for name in cases}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_duplicated_private_frames_count_once_and_frames_held_back_are_put_right() -> None:
    private = [Frames(has={"channel": f"options.{name}", "event": "update"}) for name in ("orders", "usertrades", "positions", "balances")]
    outcome = await played(*(Rule(frames, Repeat(2), times=None) for frames in private))
    assert outcome.is_true
    assert outcome.losses == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_garbage_among_good_frames_is_skipped_or_ends_the_line_and_the_account_stays_true() -> None:
    frames = {**GARBAGE, "nested": nested(20_000), "oversized": oversized(2_000_000)}
    outcomes = await all_played(frames, lambda frame: [Rule(ORDERS, Send(frame), first=3)])
    assert {name: outcome.is_true for name, outcome in outcomes.items()} == dict.fromkeys(frames, True)
    assert {name for name, outcome in outcomes.items() if outcome.losses} == {"not utf-8", "oversized"}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_feed_that_turns_to_garbage_for_a_while_does_not_harm_the_run() -> None:
    good = Rule(QUOTES, Pass(), every=50, times=None)
    outcome = await played(good, Rule(QUOTES, Mutate(), first=20, times=300))
    assert outcome.is_true
    assert outcome.losses == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_line_frozen_for_a_while_loses_nothing() -> None:
    outcome = await played(Rule(ORDERS, Freeze(0.8), first=4))
    assert outcome.is_true
    assert outcome.losses == []


async def test_the_run_starts_once_the_venue_can_be_reached() -> None:
    outcome = await played(Rule(Connections(), Reset(), times=3))
    assert outcome.is_true
