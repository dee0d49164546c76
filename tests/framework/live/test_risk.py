"""Portfolio risk of an account: the venue's own where it computes one, else ours, once a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from strikeloop import Event, Origin, PortfolioRiskUpdated, VenueError
from strikeloop.adapter import Channel
from strikeloop.engine import Engine
from strikeloop.live import risk
from strikeloop.live.risk import RiskWatch
from strikeloop.margin import Classic
from strikeloop.testing import ManualClock
from tests.framework.live.stage import until

pytestmark = pytest.mark.anyio

THEIRS = PortfolioRiskUpdated(
    time=0, received=0, adapter="venue", total_delta=0.5, total_gamma=0.0, total_vega=0.0, total_theta=0.0,
    margin_occupied=Decimal(1), margin_required=Decimal(1), effective_leverage=0.0,
)  # fmt: skip


class Asked:
    """An account that is asked for its risk: `answer` is returned, raised, or (None: never) waited for."""

    channels: tuple[Channel, ...] = ()

    def __init__(self, answer: Any) -> None:
        self.answer, self.times = answer, 0

    async def risk(self) -> PortfolioRiskUpdated | None:
        self.times += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer == "silence":
            await anyio.sleep_forever()
        return self.answer  # type: ignore[no-any-return]  # what the test put there


class Watched:
    def __init__(self, stream: Any) -> None:
        self.clock, self.stream, self.told = ManualClock(), stream, list[Event]()
        port: Any = SimpleNamespace(stream=stream)
        self.watch = RiskWatch("venue", port, Engine([], margin=Classic()), self.clock, self.told.extend)
        self.tasks: Any = None

    async def tick(self, passed_s: float) -> None:
        """Time passes; then there is one figure more."""
        self.clock.pass_s(passed_s)
        count = len(self.told)
        self.watch.tick(self.tasks)
        await until(lambda: len(self.told) > count)

    @property
    def origins(self) -> list[Origin]:
        return [event.origin for event in self.told if isinstance(event, PortfolioRiskUpdated)]


@pytest.fixture
async def tasks(anyio_backend: str) -> AsyncIterator[Any]:
    async with anyio.create_task_group() as group:
        yield group
        group.cancel_scope.cancel()


async def test_the_venues_own_figures_are_asked_for_once_a_second(tasks: Any) -> None:
    watched = Watched(Asked(THEIRS))
    watched.tasks = tasks
    for _ in range(3):
        await watched.tick(1)
        watched.watch.tick(tasks)
    assert (watched.stream.times, watched.told) == (3, [THEIRS] * 3)


@pytest.mark.parametrize("answer", [None, VenueError("403 FORBIDDEN")], ids=["none-for-this-account", "refused"])
async def test_a_venue_without_an_answer_is_left_alone_for_a_minute_and_ours_is_told(tasks: Any, answer: Any) -> None:
    watched = Watched(Asked(answer))
    watched.tasks = tasks
    for _ in range(59):
        await watched.tick(1)
    assert (watched.stream.times, set(watched.origins)) == (1, {Origin.COMPUTED})
    await watched.tick(2)
    assert watched.stream.times == 2


async def test_a_venue_that_is_silent_is_asked_one_question_at_a_time(tasks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "ANSWER_S", 0.02)
    watched = Watched(Asked("silence"))
    watched.tasks = tasks
    watched.clock.pass_s(1)
    for _ in range(5):
        watched.watch.tick(tasks)
        watched.clock.pass_s(1)
    await until(lambda: watched.told)
    assert (watched.stream.times, watched.origins) == (1, [Origin.COMPUTED])


async def test_a_venue_that_cannot_be_asked_leaves_it_to_us(tasks: Any) -> None:
    watched = Watched(SimpleNamespace(channels=()))
    watched.tasks = tasks
    await watched.tick(1)
    watched.watch.tick(tasks)
    assert watched.origins == [Origin.COMPUTED]


async def test_where_a_channel_brings_it_nothing_is_asked_or_computed(tasks: Any) -> None:
    streamed = Asked(THEIRS)
    streamed.channels = (Channel(name="risk", reports_risk=True),)
    watched = Watched(streamed)
    watched.clock.pass_s(1)
    watched.watch.tick(tasks)
    assert (streamed.times, watched.told) == (0, [])
