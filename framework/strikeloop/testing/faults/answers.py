"""Answers that an HTTP client must survive, ready to be given: refusals, pages, bombs, lies about lengths.

Owns nothing but these faults; each is a value for a rule on `Requests` (the server is not asked) or `Responses`.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping

from strikeloop.testing.faults.what import Raw, Respond

PAGE = "<!doctype html><html><head><title>Just a moment</title></head><body>Checking your browser</body></html>"


def too_many_requests(retry_after_s: int | None = None, headers: Mapping[str, str] | None = None) -> Respond:
    """429, by itself or with Retry-After and other headers."""
    told = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return Respond(429, '{"label": "TOO_MANY_REQUESTS", "message": "slow down"}', headers={**told, **(headers or {})})


def server_error(status: int = 502) -> Respond:
    """5xx from something in front of the server, so not in the server's form."""
    return Respond(status, f"<html><body><h1>{status}</h1></body></html>", headers={"content-type": "text/html"})


def html_page(status: int = 200) -> Respond:
    """A page for people where data was asked for."""
    return Respond(status, PAGE, headers={"content-type": "text/html; charset=utf-8"})


def redirect(url: str, status: int = 307) -> Respond:
    """The client is sent elsewhere, with its method and body (307, 308) or without."""
    return Respond(status, headers={"location": url})


def gzip_bomb(size: int = 64 * 1024 * 1024) -> Respond:
    """A small body that unpacks to `size` bytes."""
    return Respond(200, gzip.compress(bytes(size)), headers={"content-encoding": "gzip"})


def wrong_length(body: bytes = b"{}", told: int = 1_000_000) -> Respond:
    """A body of another length than the header says."""
    return Respond(200, body, headers={"content-length": str(told)})


def chunked_garbage() -> Raw:
    """A chunked body whose second chunk has no size."""
    return Raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nxyzzy\r\n\r\n")
