"""The server behind a proxy that has none: it accepts every WebSocket, answers pings, and knows no HTTP path.

Owns `serve_nobody`. Whatever else is to be said, rules say.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress

import anyio
from anyio.abc import ByteStream

from strikeloop.testing.faults.pieces import CLOSE, PING, PONG, Frame, Piece, Request, Response, header
from strikeloop.testing.faults.sockets import FAILURES
from strikeloop.testing.faults.splitter import Splitter, Talk

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §1.3."""


async def serve_nobody(stream: ByteStream) -> None:
    """Serve one connection until the other side leaves."""
    talk = Talk()
    splitter = Splitter("server", talk)
    with suppress(anyio.EndOfStream, *FAILURES):
        while True:
            for piece in splitter.feed(await stream.receive()):
                await stream.send(_answer(piece, talk))
                if isinstance(piece, Frame) and piece.opcode == CLOSE:
                    return


def _answer(piece: Piece, talk: Talk) -> bytes:
    if isinstance(piece, Frame):
        return Frame(piece.payload, {PING: PONG}.get(piece.opcode, CLOSE)).write("client") if piece.opcode in (PING, CLOSE) else b""
    if not isinstance(piece, Request):
        return b""
    if not piece.is_upgrade:
        return Response(status=404, reason="Not Found", headers=(("content-length", "0"),), request=piece).write("client")
    talk.is_websocket = True
    key = (header(piece.headers, "sec-websocket-key") or "") + MAGIC
    accept = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
    headers = (("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-accept", accept))
    return Response(status=101, reason="Switching Protocols", headers=headers, request=piece).write("client")
