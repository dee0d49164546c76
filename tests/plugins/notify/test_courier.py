"""The specification of strikeloop_notify.courier: messages get to a channel, whatever the channel does. In virtual time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from strikeloop.testing.virtual import run_virtually
from strikeloop.wire import Secret
from strikeloop_notify.channels import Mask, UndeliveredError
from strikeloop_notify.courier import Courier
from strikeloop_notify.notes import Message
from strikeloop_notify.outgoing import Outgoing
from tests.plugins.notify.test_notes import note

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
SECRET = Secret("json://anna:pass-word@example.test")


class Recorded:
    """Notes when each message came, and does with it what the next of `answers` says; nothing once they are used up."""

    def __init__(self, *answers: Callable[[], Awaitable[Any]] | Exception) -> None:
        self.answers, self.came = list(answers), list[tuple[float, str]]()

    async def send(self, message: Message) -> None:
        self.came.append((round(anyio.current_time() - self.begin, 3), message.body))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            await answer()

    begin = 0.0


def played(backend: str, channel: Recorded, play: Callable[[Courier], Awaitable[None]], **limits: Any) -> Courier:
    """A courier at work while `play` goes on."""
    made: list[Courier] = []

    async def main() -> None:
        channel.begin = anyio.current_time()
        outgoing = Outgoing(**{"group_s": 60.0, "per_minute": 60.0, **limits})
        made.append(Courier("test", channel, outgoing, Mask([SECRET]), timeout_s=5.0))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(made[0].work)
            await play(made[0])
            tasks.cancel_scope.cancel()

    run_virtually(backend, main)
    return made[0]


@BACKENDS
def test_a_note_is_sent_at_once_and_its_followers_when_their_time_is_over(backend: str) -> None:
    channel = Recorded()

    async def play(courier: Courier) -> None:
        courier.put(note("a"))
        await anyio.sleep(1)
        courier.put(note("b"))
        courier.put(note("c"))
        await anyio.sleep(100)

    assert played(backend, channel, play).delivered == 2
    assert channel.came == [(0.0, "a"), (60.0, "c (2 times, last at 00:00:00 UTC)")]


@BACKENDS
def test_a_service_that_refuses_is_asked_again_until_it_takes_the_message(backend: str) -> None:
    channel = Recorded(UndeliveredError("no"), UndeliveredError("no"))

    async def play(courier: Courier) -> None:
        courier.put(note("a"))
        await anyio.sleep(30)

    courier = played(backend, channel, play)
    assert channel.came == [(0.0, "a"), (1.0, "a"), (3.0, "a")]
    assert (courier.delivered, courier.problem) == (1, "")


@BACKENDS
def test_a_service_that_hangs_is_left_after_the_time_limit(backend: str) -> None:
    channel = Recorded(anyio.sleep_forever)

    async def play(courier: Courier) -> None:
        courier.put(note("a"))
        await anyio.sleep(5.5)
        assert courier.problem == "no answer within 5 s"
        await anyio.sleep(10)

    assert played(backend, channel, play).delivered == 1
    assert channel.came == [(0.0, "a"), (6.0, "a")]


@BACKENDS
def test_a_client_that_breaks_costs_an_attempt_and_no_more(backend: str, caplog: pytest.LogCaptureFixture) -> None:
    channel = Recorded(KeyError("json://anna:pass-word@example.test"))

    async def play(courier: Courier) -> None:
        courier.put(note("a"))
        await anyio.sleep(10)

    with caplog.at_level(logging.INFO):
        assert played(backend, channel, play).delivered == 1
    assert caplog.messages == ["test: a message was not delivered: KeyError: '***'; next attempt in 1 s"]


@BACKENDS
def test_a_service_that_is_dead_for_long_holds_up_nobody_who_puts_notes(backend: str) -> None:
    channel = Recorded(*[UndeliveredError("dead")] * 1000)

    async def play(courier: Courier) -> None:
        for number in range(1000):
            before = anyio.current_time()
            courier.put(note(f"n{number}", f"t{number}"))
            assert anyio.current_time() == before
            await anyio.sleep(1)

    played(backend, channel, play)
    assert 10 < len(channel.came) < 40


@BACKENDS
def test_the_end_of_a_run_takes_everything_that_waits_along(backend: str) -> None:
    channel = Recorded()

    async def play(courier: Courier) -> None:
        courier.put(note("a"))
        await anyio.sleep(1)
        courier.put(note("b"))
        await courier.flush()

    played(backend, channel, play)
    assert channel.came == [(0.0, "a"), (1.0, "b")]


@BACKENDS
def test_the_end_of_a_run_waits_for_the_message_on_its_way(backend: str) -> None:
    channel = Recorded(lambda: anyio.sleep(2))

    async def play(courier: Courier) -> None:
        courier.put(note("a"))
        await anyio.sleep(1)
        courier.put(note("b", "vega"))
        await courier.flush()

    assert played(backend, channel, play).delivered == 2
    assert channel.came == [(0.0, "a"), (2.0, "b")]
