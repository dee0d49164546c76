"""The specification of the alert sinks: what they pass on, at a run's pace and not at a service's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from strikeloop import AlertRaised, Event, PluginFaulted, RunStarted, RunStopping, Severity
from strikeloop.hooks import problems, settings_of
from strikeloop.live.sinks import Sinks
from strikeloop.wire import Secret
from strikeloop_notify import AppriseAlerts, DesktopAlerts, Digest, LogAlerts, WebhookAlerts
from strikeloop_notify.alerts import Listener
from tests.plugins.notify.services import LOOPBACK, HttpService, http_service

pytestmark = pytest.mark.anyio
SINKS = (AppriseAlerts, DesktopAlerts, Digest, LogAlerts, WebhookAlerts)
TIMES: dict[str, Any] = {"time": 1, "received": 1}
STOPPING = RunStopping(**TIMES, reason="enough")


def alert(text: str, topic: str = "t", severity: Severity = Severity.WARNING) -> AlertRaised:
    return AlertRaised(**TIMES, source="watch", topic=topic, text=text, severity=severity)


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service() as served:
        yield served


def json_url(service: HttpService, path: str = "") -> Secret:
    return Secret(f"json://{LOOPBACK}:{service.port}/{path}")


def told(service: HttpService) -> list[str]:
    return [json.loads(body)["message"] for _, _, body in service.requests]


@asynccontextmanager
async def running(sink: Any) -> AsyncIterator[Sinks]:
    sinks = Sinks([("phone", sink)], lambda: None)
    async with anyio.create_task_group() as tasks:
        sinks.start(tasks)
        yield sinks
        tasks.cancel_scope.cancel()


async def heard(sink: Any, *events: Event) -> dict[str, Any]:
    """Let the sink hear events and the end of the run; its status then."""
    async with running(sink) as sinks:
        for event in (*events, STOPPING):
            sinks.put(event)
        with anyio.fail_after(20):
            await sinks.drain()
        return sinks.status()["phone"]


async def test_alerts_and_faults_reach_people_and_what_is_for_information_does_not(service: HttpService) -> None:
    fault = PluginFaulted(**TIMES, instance="quoter", hook="on_fill", error="KeyError: 1", halted=True)
    sink = AppriseAlerts(urls=(json_url(service),))
    await heard(sink, RunStarted(**TIMES), alert("a"), alert("b", severity=Severity.INFO), fault)
    text = "\n".join(told(service))
    assert text.splitlines()[0] == "a"
    assert "on_fill raised KeyError: 1, and is halted" in text
    assert "b" not in text.splitlines()
    assert "has begun" not in text


async def test_who_wants_to_know_everything_hears_of_start_and_end(service: HttpService) -> None:
    await heard(AppriseAlerts(urls=(json_url(service),), min_severity=Severity.INFO), RunStarted(**TIMES))
    text = "\n".join(told(service))
    assert "the run has begun" in text
    assert "the run ends: enough" in text


async def test_a_thousand_alerts_of_one_matter_are_two_messages(service: HttpService) -> None:
    await heard(AppriseAlerts(urls=(json_url(service),)), *(alert(f"n{number}") for number in range(1000)))
    counts = [1 if "times" not in text else int(text.split("(")[1].split()[0]) for text in told(service)]
    assert len(counts) <= 2
    assert sum(counts) == 1000


async def test_a_dead_service_holds_up_neither_the_sink_nor_the_other_service(service: HttpService) -> None:
    with http_service() as hanging:
        hanging.gate.clear()
        sink = AppriseAlerts(urls=(json_url(hanging), json_url(service)), timeout_s=60.0)
        async with running(sink) as sinks:
            for number in range(50):
                sinks.put(alert(f"n{number}", f"t{number}"))
            with anyio.fail_after(20):
                await sinks.drain()
                while not service.requests:  # noqa: ASYNC110  # the server is in another thread
                    await anyio.sleep(0.005)
            assert sinks.status()["phone"]["stopped"] is False


async def test_a_webhook_gets_the_alerts_with_its_token(service: HttpService) -> None:
    sink = WebhookAlerts(url=Secret(f"http://{LOOPBACK}:{service.port}/x"), token=Secret("bearer-1"))
    await heard(sink, alert("a"))
    ((_, headers, body),) = service.requests
    assert headers["Authorization"] == "Bearer bearer-1"
    assert json.loads(body)["alerts"][0]["text"] == "a"


async def test_the_log_holds_every_alert_at_once(tmp_path: Path) -> None:
    await heard(LogAlerts(file=tmp_path / "a.jsonl"), *(alert(f"n{number}") for number in range(3)))
    texts = [json.loads(line)["text"] for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert texts == ["n0", "n1", "n2", "the run ends: enough"]


async def test_a_log_that_cannot_be_written_is_a_fault_of_the_sink_and_of_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    status = await heard(LogAlerts(file=tmp_path / "a.jsonl"), alert("a"))
    assert "IsADirectoryError" in status["error"]


@pytest.mark.parametrize("cls", SINKS)
def test_no_sink_has_a_mistake_in_its_hooks(cls: type) -> None:
    assert problems(cls, "sink") == []


@pytest.mark.parametrize("cls", SINKS)
def test_every_setting_is_told_in_the_docstring_of_its_sink(cls: type[Listener]) -> None:
    assert [field.name for field in settings_of(cls) if field.name not in (cls.__doc__ or "")] == []


@pytest.mark.parametrize("setting", ["group_s", "per_minute", "tries", "timeout_s"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_that_is_not_positive_is_refused(setting: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{setting} is {value}"):
        WebhookAlerts(url=Secret("https://example.test/x"), **dict[str, Any]({setting: value}))


def test_an_empty_list_of_addresses_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="urls is empty"):
        AppriseAlerts(urls=())
    with pytest.raises(ValueError, match="there is no folder"):
        LogAlerts(file=tmp_path / "nowhere" / "a.jsonl")
