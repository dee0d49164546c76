"""Real services on loopback for the channels: an HTTP server and a mail server, each with what it was sent.

Owns `HttpService` and `MailService`. What they answer, and how late, is the test's to say.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
from aiosmtpd.controller import Controller

LOOPBACK = "127.0.0.1"


@attrs.define
class HttpService:
    """`answers` are status codes, one for each request, the last one for all that follow; a cleared `gate` holds answers back."""

    port: int = 0
    answers: list[int] = attrs.field(factory=lambda: [200])
    gate: threading.Event = attrs.field(factory=threading.Event)
    requests: list[tuple[str, dict[str, str], bytes]] = attrs.field(factory=list)


@contextmanager
def http_service(*answers: int) -> Iterator[HttpService]:
    service = HttpService(answers=list(answers) or [200])
    service.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.requests.append((self.path, dict(self.headers), body))
            code = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
            service.gate.wait(30)
            self.send_response(code)
            self.send_header("Content-Length", "0")
            if 300 <= code < 400:
                self.send_header("Location", f"http://{LOOPBACK}:{service.port}/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the library's
            """Says nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Mailbox:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.answer = "250 taken"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # the name is the library's
        self.mails.append(envelope.content.decode())
        return self.answer


class _AnyPort(Controller):
    """A mail server on whichever port is free."""

    def _trigger_server(self) -> None:
        served: Any = self.server
        self.port = served.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd types its public methods only


@contextmanager
def mail_service() -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    controller = _AnyPort(mailbox, hostname=LOOPBACK, port=0)
    controller.start()
    try:
        yield mailbox, controller.port
    finally:
        controller.stop()
