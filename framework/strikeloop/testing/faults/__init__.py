"""A server that makes connections go wrong on purpose: `FaultProxy`, and the rules that tell it when and what.

It stands on loopback between any client and any server, or alone with a script of rules, and understands WebSocket
frames and HTTP/1.1 messages. Rules are values: when (`Frames`, `Requests`, …), what (`Drop`, `Close`, …), and how often.
"""

from __future__ import annotations

from strikeloop.testing.faults.answers import chunked_garbage, gzip_bomb, html_page, redirect, server_error, too_many_requests, wrong_length
from strikeloop.testing.faults.garbage import GARBAGE, Mutate, nested, oversized
from strikeloop.testing.faults.pieces import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Opened, Passing, Request, Response
from strikeloop.testing.faults.proxy import FaultProxy
from strikeloop.testing.faults.rules import Rule
from strikeloop.testing.faults.what import (
    Close,
    Coalesce,
    Cut,
    Delay,
    Drop,
    Edit,
    Fault,
    Fragment,
    Freeze,
    HangUp,
    Hold,
    Pass,
    Raw,
    Repeat,
    Replace,
    Reply,
    Reset,
    Respond,
    Send,
    Skew,
    Slice,
)
from strikeloop.testing.faults.when import Connections, Frames, Requests, Responses, Upgrades

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "GARBAGE",
    "PING",
    "PONG",
    "TEXT",
    "Close",
    "Coalesce",
    "Connections",
    "Cut",
    "Delay",
    "Drop",
    "Edit",
    "Fault",
    "FaultProxy",
    "Fragment",
    "Frame",
    "Frames",
    "Freeze",
    "HangUp",
    "Hold",
    "Mutate",
    "Opened",
    "Pass",
    "Passing",
    "Raw",
    "Repeat",
    "Replace",
    "Reply",
    "Request",
    "Requests",
    "Reset",
    "Respond",
    "Response",
    "Responses",
    "Rule",
    "Send",
    "Skew",
    "Slice",
    "Upgrades",
    "chunked_garbage",
    "gzip_bomb",
    "html_page",
    "nested",
    "oversized",
    "redirect",
    "server_error",
    "too_many_requests",
    "wrong_length",
]
