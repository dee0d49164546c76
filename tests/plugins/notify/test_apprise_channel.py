"""The specification of strikeloop_notify.apprise_channel, against a real web server and a real mail server."""

from __future__ import annotations

import json
import logging

import anyio
import pytest

from strikeloop.wire import Secret
from strikeloop_notify.apprise_channel import AppriseChannel, by_apprise
from strikeloop_notify.channels import UndeliveredError
from strikeloop_notify.notes import Message
from tests.plugins.notify.services import LOOPBACK, HttpService, http_service, mail_service
from tests.plugins.notify.test_notes import note

pytestmark = pytest.mark.anyio
MESSAGE = Message(notes=(note("<b>80 %</b> of the limit"),), label="desk 7")


def over_http(service: HttpService) -> AppriseChannel:
    ((_, channel),) = by_apprise([Secret(f"json://anna:pass-word@{LOOPBACK}:{service.port}/token-17")])
    return channel


async def test_a_message_reaches_a_web_service() -> None:
    with http_service() as service:
        await over_http(service).send(MESSAGE)
    ((path, _, body),) = service.requests
    assert path == "/token-17"
    told = json.loads(body)
    assert (told["title"], told["message"], told["type"]) == ("desk 7 WARNING: margin (watch)", "<b>80 %</b> of the limit", "warning")


async def test_a_message_reaches_a_mailbox_as_text_and_not_as_markup() -> None:
    with mail_service() as (mailbox, port):
        url = f"mailto://{LOOPBACK}:{port}?from=bot@example.test&to=anna@example.test&mode=insecure"
        ((name, channel),) = by_apprise([Secret(url)])
        await channel.send(MESSAGE)
    assert name == "E-Mail"
    (mail,) = mailbox.mails
    assert "Subject: desk 7 WARNING: margin (watch)" in mail
    assert 'Content-Type: text/plain; charset="utf-8"' in mail
    assert mail.endswith("<b>80 %</b> of the limit\r\n")


async def test_a_mail_server_that_refuses_is_told_of() -> None:
    with mail_service() as (mailbox, port):
        mailbox.answer = "451 later"
        url = f"mailto://{LOOPBACK}:{port}?from=bot@example.test&to=anna@example.test&mode=insecure"
        ((_, channel),) = by_apprise([Secret(url)])
        with pytest.raises(UndeliveredError):
            await channel.send(MESSAGE)


async def test_a_service_that_refuses_is_told_of_and_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with http_service(500) as service, caplog.at_level(0):
        for name in ("apprise", "urllib3"):
            logging.getLogger(name).setLevel(1)
        with pytest.raises(UndeliveredError, match="error=500") as caught:
            await over_http(service).send(MESSAGE)
    assert "pass-word" not in str(caught.value)
    assert [record.message for record in caplog.records if record.name.startswith(("apprise", "urllib3"))] == []


async def test_what_others_log_by_the_same_libraries_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with http_service() as service:
        await over_http(service).send(MESSAGE)
    logging.getLogger("urllib3").warning("somebody else's")
    assert caplog.messages == ["somebody else's"]


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    with http_service(302) as service:
        with pytest.raises(UndeliveredError):
            await over_http(service).send(MESSAGE)
        assert [path for path, _, _ in service.requests] == ["/token-17"]


async def test_a_service_that_nobody_serves_is_told_of() -> None:
    with http_service() as service:
        channel = over_http(service)
    with pytest.raises(UndeliveredError):
        await channel.send(MESSAGE)


async def test_a_service_that_hangs_holds_up_the_next_attempt_for_no_time_at_all() -> None:
    with http_service() as service:
        service.gate.clear()
        channel = over_http(service)
        with anyio.move_on_after(0.1):
            await channel.send(MESSAGE)
        with anyio.fail_after(1), pytest.raises(UndeliveredError, match="still hangs"):
            await channel.send(MESSAGE)


@pytest.mark.parametrize("url", ["nonsense://geheim-1", "geheim-1", "tgram://geheim-1"])
async def test_an_address_that_is_none_is_refused_without_being_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(0), pytest.raises(ValueError, match="address 1 is none that apprise takes") as caught:
        list(by_apprise([Secret(url)]))
    assert "geheim" not in str(caught.value) + caplog.text
