"""A channel on apprise: mail, chat and push services by one address each.

Owns the conversation with the apprise library, which blocks, and follows its logs while it sends: they explain a failure,
and hold addresses with tokens, so none of them goes on as it is.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from strikeloop import Severity
from strikeloop.wire import Secret
from strikeloop_notify.channels import UndeliveredError
from strikeloop_notify.daemon import DaemonCalls
from strikeloop_notify.notes import Message

_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}
_TALKATIVE = ("apprise", "urllib3", "urllib3.connectionpool", "requests", "smtplib", "paho", "slixmpp")
_LONGEST_REASON = 300


def by_apprise(urls: Sequence[Secret]) -> Iterator[tuple[str, AppriseChannel]]:
    """A channel for each address, under the name of its service. Raises ValueError for one that apprise does not take."""
    for place, url in enumerate(urls):
        service = _service(url, place)
        yield str(service.service_name), AppriseChannel(service)


class AppriseChannel:
    """Sends by one service of apprise's."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._calls = DaemonCalls()

    async def send(self, message: Message) -> None:
        if self._calls.is_hanging:
            raise UndeliveredError("the service still hangs in an earlier attempt")
        title, body, kind = message.title, message.body, _TYPES[message.severity]
        problem = await self._calls.run(lambda: self._send(title, body, kind))
        if problem is not None:
            raise UndeliveredError(problem)

    def _send(self, title: str, body: str, kind: str) -> str | None:
        """Why the service did not take it, None where it did."""
        with _overheard() as said:
            if self._service.notify(body=body, title=title, notify_type=kind, body_format="text"):
                return None
            return "; ".join(said)[:_LONGEST_REASON] or "the service did not take it, and does not say why"


def _service(url: Secret, place: int) -> Any:
    with warnings.catch_warnings(), _overheard():
        warnings.simplefilter("ignore", DeprecationWarning)  # what apprise and its services import is their own affair
        import apprise  # noqa: PLC0415  # heavy, and needed by those who configured it

        asset = apprise.AppriseAsset(async_mode=False, app_id="strikeloop", app_desc="strikeloop alerts", app_url="", http_redirects=False)
        service = apprise.Apprise.instantiate(url.reveal(), asset=asset)
    if service is None:
        raise ValueError(f"address {place + 1} is none that apprise takes; write it as apprise documents it for the service")
    return service


class _overheard:  # noqa: N801  # used as a function in a with statement
    """While it is open, what talkative libraries log in this thread is kept here, warnings and worse, and goes nowhere else."""

    def __enter__(self) -> list[str]:
        _FILTER.said.lines = lines = list[str]()
        for name in _TALKATIVE:
            logging.getLogger(name).addFilter(_FILTER)  # a filter that is there already is not added again
        return lines

    def __exit__(self, *_: object) -> None:
        _FILTER.said.lines = None


class _Filter(logging.Filter):
    """Of records logged in a thread that listens none passes; those of other threads do."""

    def __init__(self) -> None:
        super().__init__()
        self.said = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        lines: list[str] | None = getattr(self.said, "lines", None)
        if lines is None:
            return True
        if record.levelno >= logging.WARNING:
            lines.append(record.getMessage())
        return False


_FILTER = _Filter()
