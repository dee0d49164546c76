"""The specification of the digest: when it is sent, and where it may go."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from strikeloop import AlertRaised, RunStopping
from strikeloop.live.sinks import Sinks
from strikeloop.testing.virtual import run_virtually
from strikeloop.wire import Secret
from strikeloop_notify import Digest
from strikeloop_notify.digest import until_next
from strikeloop_notify.notes import Message
from tests.plugins.notify.services import LOOPBACK, http_service

TIMES: dict[str, Any] = {"time": 1, "received": 1}
EIGHT = 1_780_272_000.0 + 8 * 3600


@pytest.mark.anyio
async def test_the_end_of_a_run_is_summed_up() -> None:
    with http_service() as service:
        sinks = Sinks([("daily", Digest(webhook=Secret(f"http://{LOOPBACK}:{service.port}/x")))], lambda: None)
        async with anyio.create_task_group() as tasks:
            sinks.start(tasks)
            sinks.put(AlertRaised(**TIMES, source="a", topic="margin", text="x"))
            sinks.put(RunStopping(**TIMES, reason="enough"))
            with anyio.fail_after(20):
                await sinks.drain()
            tasks.cancel_scope.cancel()
    ((_, _, body),) = service.requests
    assert json.loads(body)["alerts"][0]["text"].splitlines() == [
        "the run ends: enough",
        "0 fills of 0 contracts, fees 0.00",
        "0 positions",
        "alerts: warning margin 1",
    ]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_daily_summary_comes_at_its_hour(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[tuple[float, str]] = []

    class Kept:
        async def send(self, message: Message) -> None:
            came.append((anyio.current_time() - begin[0], message.notes[0].text.splitlines()[0]))

    begin = [0.0]
    sink = Digest(webhook=Secret("https://example.test/x"), every_h=24.0, offset_h=8.0)
    monkeypatch.setattr(sink.couriers[0], "_channel", Kept())
    monkeypatch.setattr("time.time", lambda: EIGHT - 7_200 + anyio.current_time() - begin[0])

    async def main() -> None:
        begin[0] = anyio.current_time()
        with anyio.move_on_after(3 * 86_400):
            await sink.work()

    run_virtually(backend, main)
    assert [(round(at), text) for at, text in came] == [(7_200 + day * 86_400, "the last 24 h") for day in range(3)]


@pytest.mark.parametrize(("now", "wait"), [(EIGHT, 86_400.0), (EIGHT - 1, 1.0), (EIGHT + 3_600, 82_800.0)])
def test_hours_are_counted_from_midnight_utc(now: float, wait: float) -> None:
    assert until_next(now, 86_400.0, 8 * 3_600.0) == wait


def test_a_digest_without_an_address_is_refused() -> None:
    with pytest.raises(ValueError, match="nowhere to go"):
        Digest()


def test_hours_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="every_h is 0"):
        Digest(webhook=Secret("https://example.test/x"), every_h=0)
