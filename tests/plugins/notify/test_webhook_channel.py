"""The specification of strikeloop_notify.webhook_channel, against a real web server."""

from __future__ import annotations

import json

import pytest

from strikeloop.wire import Secret
from strikeloop_notify.channels import UndeliveredError
from strikeloop_notify.notes import Message
from strikeloop_notify.webhook_channel import WebhookChannel
from tests.plugins.notify.services import LOOPBACK, HttpService, http_service
from tests.plugins.notify.test_notes import note

pytestmark = pytest.mark.anyio
MESSAGE = Message(notes=(note("80 % of the limit", count=2),), undelivered=1)


def channel(service: HttpService, token: str | None = None) -> WebhookChannel:
    bearer = None if token is None else Secret(token)
    return WebhookChannel(Secret(f"http://{LOOPBACK}:{service.port}/hooks/token-17"), bearer, timeout_s=5.0)


async def test_a_message_is_posted_as_json() -> None:
    with http_service(204) as service:
        await channel(service, "bearer-1").send(MESSAGE)
    ((path, headers, body),) = service.requests
    assert path == "/hooks/token-17"
    assert headers["Authorization"] == "Bearer bearer-1"
    assert json.loads(body) == {
        "text": f"WARNING: margin (watch)\n{MESSAGE.body}",
        "title": "WARNING: margin (watch)",
        "severity": "warning",
        "undelivered": 1,
        "alerts": [
            {
                "source": "watch",
                "topic": "margin",
                "severity": "warning",
                "text": "80 % of the limit",
                "time": 1_780_272_000_000_000_000,
                "count": 2,
            }
        ],
    }


@pytest.mark.parametrize("answer", [302, 400, 429, 500])
async def test_any_other_answer_is_no_delivery(answer: int, caplog: pytest.LogCaptureFixture) -> None:
    with http_service(answer) as service, caplog.at_level(0):
        with pytest.raises(UndeliveredError, match=f"answered {answer}") as caught:
            await channel(service).send(MESSAGE)
        assert len(service.requests) == 1
    assert "token-17" not in str(caught.value) + caplog.text


async def test_an_address_that_nobody_serves_is_told_of_without_its_path() -> None:
    with http_service() as service:
        lost = channel(service)
    with pytest.raises(UndeliveredError, match="cannot be reached") as caught:
        await lost.send(MESSAGE)
    assert "token-17" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://hooks.example.test/geheim", "geheim", "ftp://127.0.0.1/geheim", "https:///geheim"])
async def test_an_address_that_would_send_in_clear_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="https") as caught:
        WebhookChannel(Secret(url), None, 5.0)
    assert "geheim" not in str(caught.value)
