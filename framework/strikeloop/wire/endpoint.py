"""Where a connection goes and how it is made safe: URL rules, TLS, name resolution, the byte stream.

Owns two rules: plain text goes to this machine only, and certificates are always verified. It never sends a byte of
the application's, never retries, and every attempt resolves the name anew.
"""

from __future__ import annotations

import math
import socket
import ssl
from functools import lru_cache
from ipaddress import ip_address
from threading import Thread
from urllib.parse import SplitResult, urlsplit

import anyio
import anyio.abc
import attrs
from anyio.streams.tls import TLSStream

from strikeloop.errors import ConfigError, Problem

RESOLVE_WITHIN_S = 5.0

# What a byte stream raises when the connection cannot be made, breaks or ends; ssl.SSLError and TimeoutError are OSErrors.
FAILURES = (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


@attrs.frozen
class Endpoint:
    """A host and port that may be spoken to, with TLS or (on this machine) without."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_endpoint(url: str, *, plain: str, secure: str) -> Endpoint:
    """The endpoint of `url`, whose scheme must be `secure`, or `plain` for a loopback host (127.0.0.0/8, ::1, localhost).

    Raises ConfigError; the message names scheme and host but never the rest of the URL, which may hold a key.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError as exc:
        raise ConfigError(Problem("url", "it cannot be read as a URL", f"write {secure}://host/path")) from exc
    _check_form(parts, host, plain, secure)
    tls = parts.scheme == secure
    if not tls and not is_loopback(host):
        what = f"{plain}:// to {host} would send keys and orders unencrypted"
        raise ConfigError(Problem("url", what, f"use {secure}://; plain text is for loopback hosts only"))
    return Endpoint(host, port or (443 if tls else 80), tls)


def _check_form(parts: SplitResult, host: str, plain: str, secure: str) -> None:
    where = f"{parts.scheme}://{host}"
    if parts.scheme not in (plain, secure) or not host:
        raise ConfigError(Problem("url", f"{where} is not a {secure} URL", f"write {secure}://host/path"))
    if "@" in parts.netloc or parts.fragment:
        raise ConfigError(Problem("url", f"a user name, password or fragment stands in the URL of {where}", "leave it out"))


def is_loopback(host: str) -> bool:
    """Whether `host`, as written, is this machine: localhost, 127.0.0.0/8 or ::1."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=8)
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """A verifying client context, TLS 1.2 or later, trusting the system's authorities or only those in `ca_file`.

    Shared by all connections, because reading the system's authorities takes about 30 ms. Raises ConfigError when the
    file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as exc:
        raise ConfigError(Problem("ca_file", f"{ca_file} holds no usable certificates", "give a PEM file")) from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def open_stream(endpoint: Endpoint, *, ca_file: str | None = None, timeout_s: float = math.inf) -> anyio.abc.ByteStream:
    """Connect, and finish the TLS handshake where the endpoint wants one, within `timeout_s`.

    Raises what FAILURES lists, and ConfigError where the name of a plain-text endpoint leads away from this machine.
    """
    context = tls_context(ca_file) if endpoint.tls else None
    with anyio.fail_after(timeout_s):
        stream = await _connect(endpoint, timeout_s)
        if context is None:
            return stream
        try:
            # An end without TLS's own closing message is normal on the web; both protocols above tell a cut message themselves.
            return await TLSStream.wrap(stream, server_side=False, hostname=endpoint.host, ssl_context=context, standard_compatible=False)
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise


async def _connect(endpoint: Endpoint, timeout_s: float) -> anyio.abc.ByteStream:
    addresses = await _resolve(endpoint)
    share_s = timeout_s / len(addresses)
    for address in addresses[:-1]:
        try:
            with anyio.fail_after(share_s):
                return await anyio.connect_tcp(address, endpoint.port)
        except OSError:
            continue
    return await anyio.connect_tcp(addresses[-1], endpoint.port)


async def _resolve(endpoint: Endpoint) -> list[str]:
    try:
        return [ip_address(endpoint.host).compressed]
    except ValueError:
        pass
    with anyio.fail_after(RESOLVE_WITHIN_S):
        addresses = await _look_up(endpoint)
    if not addresses:
        raise socket.gaierror(f"{endpoint.host} has no address")
    if not endpoint.tls and not all(map(is_loopback, addresses)):
        raise ConfigError(Problem("url", f"{endpoint.host} is not this machine here: it resolves to {addresses}", "use 127.0.0.1"))
    return addresses


async def _look_up(endpoint: Endpoint) -> list[str]:
    """The addresses of a name, asked for in a thread that is left behind when nobody waits for it any more.

    A resolver cannot be interrupted. In a pool of threads one that hangs would take a place from others, and would keep
    the process from ending.
    """
    found: list[str] | OSError = []
    ours, theirs = socket.socketpair()

    def ask() -> None:
        nonlocal found
        with theirs:  # closing it is the sign that the answer is there
            try:
                infos = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
                found = list(dict.fromkeys(str(address[0]) for *_, address in infos))
            except OSError as exc:
                found = exc

    with ours:
        ours.setblocking(False)
        Thread(target=ask, name=f"resolve {endpoint.host}", daemon=True).start()
        await anyio.wait_readable(ours)
    if isinstance(found, OSError):
        raise found
    return found


def describe(exc: BaseException) -> str:
    """What a failure says, in one short line fit for a log: the innermost cause, control characters replaced."""
    while exc.__cause__ is not None:
        exc = exc.__cause__
    if isinstance(exc, anyio.EndOfStream):
        return "the other side closed the connection"
    if isinstance(exc, TimeoutError) and not str(exc):
        return "no answer in time"
    return one_line(str(exc) or type(exc).__name__)


def one_line(text: str, limit: int = 160) -> str:
    """`text` cut to `limit` characters, with everything unprintable replaced: it came from outside."""
    return "".join(char if char.isprintable() else "?" for char in text[:limit])
