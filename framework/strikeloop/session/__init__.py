"""Connection and account truth as a pure machine: see strikeloop.session.machine for the theory of operation."""

from strikeloop.session.actions import Action, Connect, Drop, FetchBook, FetchFills, FetchSnapshot, Find, Phase, SendPing, Subscribe
from strikeloop.session.channels import Channels, ChannelState
from strikeloop.session.machine import Session

__all__ = [
    "Action",
    "ChannelState",
    "Channels",
    "Connect",
    "Drop",
    "FetchBook",
    "FetchFills",
    "FetchSnapshot",
    "Find",
    "Phase",
    "SendPing",
    "Session",
    "Subscribe",
]
