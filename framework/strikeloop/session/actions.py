"""What a session asks of its driver, and where it stands.

Owns the actions and `Phase`. They are values: nothing here does what it says.
"""

from __future__ import annotations

from enum import StrEnum

import attrs

from strikeloop.contracts import ContractId


class Phase(StrEnum):
    """IDLE waits for its next attempt; SYNCING has a link but no confirmed account yet; READY has both."""

    IDLE = "idle"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    READY = "ready"


@attrs.frozen
class Connect:
    """Open a link now; report `connected` or `lost`."""


@attrs.frozen
class Drop:
    """Close the link, for this reason; then report `lost`."""

    reason: str


@attrs.frozen
class Subscribe:
    """Sign and send the subscription of this channel."""

    channel: str


@attrs.frozen
class SendPing:
    """Send a protocol ping and the venue's own keep-alive."""


@attrs.frozen
class FetchFills:
    """Ask for the fills since `since` (ns, the venue's time); report `fills` or `snapshot_failed`. A lost link ends it."""

    since: int


@attrs.frozen
class FetchSnapshot:
    """Ask for orders, positions and balances; report `snapshot` or `snapshot_failed`. A lost link ends it."""


@attrs.frozen
class Find:
    """Look an order up; report `found` or `find_failed`."""

    contract: ContractId
    client_id: str | None = None
    order_id: str | None = None


@attrs.frozen
class FetchBook:
    """Ask for the whole book of a contract; report `book` or `book_failed`. A lost link ends it."""

    contract: ContractId


Action = Connect | Drop | Subscribe | SendPing | FetchBook | FetchFills | FetchSnapshot | Find
