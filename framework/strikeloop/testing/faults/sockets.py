"""Sockets that do at once what they are told: nothing is read ahead, a segment is a segment, a reset is a reset.

Owns `Socket`, a byte stream over a raw socket, and `listen`. It works on asyncio, uvloop and trio.
"""

from __future__ import annotations

import socket
import struct

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream

READ_SIZE = 65_536
FAILURES = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port`, or on a free one for 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class Socket(ByteStream):
    """A connected socket. What is sent leaves in segments of `size` bytes, if that is not 0, with `pause_s` after each."""

    def __init__(self, raw: socket.socket) -> None:
        raw.setblocking(False)
        if raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._raw = raw
        self.size, self.pause_s = 0, 0.0

    async def receive(self, max_bytes: int = READ_SIZE) -> bytes:
        await anyio.lowlevel.checkpoint()
        while True:
            try:
                data = self._raw.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._raw)
            else:
                if not data:
                    raise anyio.EndOfStream
                return data

    async def send(self, item: bytes) -> None:
        step = self.size or len(item)
        for at in range(0, len(item), step or 1):
            await self._send(item[at : at + step])
            await anyio.sleep(self.pause_s if self.size else 0)

    async def _send(self, segment: bytes) -> None:
        left = memoryview(segment)
        while left:
            try:
                left = left[self._raw.send(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._raw)

    async def send_eof(self) -> None:
        self._raw.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self._raw.close()

    def reset(self) -> None:
        """Make closing abortive: the other side sees a reset, whatever was in flight."""
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
