"""Connection and account truth as a pure machine: see strikeloop.session.machine for the theory of operation."""

from strikeloop.session.actions import (
    Action,
    Connect,
    Drop,
    FetchBook,
    FetchContracts,
    FetchFills,
    FetchSnapshot,
    Find,
    Phase,
    Prepare,
    SendPing,
    State,
    Subscribe,
    Unsubscribe,
)
from strikeloop.session.channels import Channels, ChannelState
from strikeloop.session.listing import Listing
from strikeloop.session.machine import Session

__all__ = [
    "Action",
    "ChannelState",
    "Channels",
    "Connect",
    "Drop",
    "FetchBook",
    "FetchContracts",
    "FetchFills",
    "FetchSnapshot",
    "Find",
    "Listing",
    "Phase",
    "Prepare",
    "SendPing",
    "Session",
    "State",
    "Subscribe",
    "Unsubscribe",
]
