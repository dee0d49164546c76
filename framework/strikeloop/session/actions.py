"""What a session asks of its driver, and where it stands.

Owns the actions, `Phase` and `State`. They are values: nothing here does what it says. A line is one connection; lines
are numbered from 1, and whatever is reported of one bears its number.
"""

from __future__ import annotations

from enum import StrEnum

import attrs

from strikeloop.contracts import ContractId


class Phase(StrEnum):
    """IDLE waits for its next attempt; SYNCING has a line but no confirmed account yet; READY has both."""

    IDLE = "idle"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    READY = "ready"


class State(StrEnum):
    """What a person is shown: the phase, and DEGRADED where part of a standing line is refused, unconfirmed or in doubt."""

    DOWN = "down"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    DEGRADED = "degraded"
    READY = "ready"
    AUTH_FAILED = "auth-failed"


@attrs.frozen
class Connect:
    """Open this line now, beside any other; report `connected` or `lost`."""

    line: int


@attrs.frozen
class Drop:
    """Close this line, for this reason; then report `lost`."""

    line: int
    reason: str


@attrs.frozen
class Subscribe:
    """Sign and send the subscription of this channel, for these contracts where it names any."""

    line: int
    channel: str
    contracts: tuple[ContractId, ...] = ()


@attrs.frozen
class Unsubscribe:
    """Take these contracts out of the subscription of this channel."""

    line: int
    channel: str
    contracts: tuple[ContractId, ...] = ()


@attrs.frozen
class SendPing:
    """Send a protocol ping and the venue's own keep-alive."""

    line: int


@attrs.frozen
class FetchFills:
    """Ask for the fills since `since` (ns, the venue's time); report `fills` or `snapshot_failed`. The next question replaces it."""

    since: int


@attrs.frozen
class FetchSnapshot:
    """Ask for orders, positions and balances; report `snapshot` or `snapshot_failed`. The next question replaces it."""


@attrs.frozen
class FetchContracts:
    """Ask for the list of contracts; report `listed` or `listing_failed`."""


@attrs.frozen
class Prepare:
    """Let the adapter measure the venue's clock again."""


@attrs.frozen
class Find:
    """Look an order up; report `found` or `find_failed`."""

    contract: ContractId
    client_id: str | None = None
    order_id: str | None = None


@attrs.frozen
class FetchBook:
    """Ask for the whole book of a contract; report `book` or `book_failed`."""

    contract: ContractId


Question = FetchFills | FetchSnapshot
Action = Connect | Drop | Subscribe | Unsubscribe | SendPing | Question | FetchContracts | FetchBook | Prepare | Find
