"""What a WebSocket update is made of: the dialects, the facts a result needs, and the envelope.

Owns no spelling of any channel: public_frames and private_frames do. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import attrs

from strikeloop import Contract, ContractId
from strikeloop_venue.served.account import AccountBook
from strikeloop_venue.served.market import ContractBoard, MarketBoard
from strikeloop_venue.served.spelling import encoded, millis, seconds

Result = dict[str, Any] | list[dict[str, Any]]


class Dialect(StrEnum):
    SEED = "seed"
    GATE = "gate"


_NOBODY = AccountBook()


@attrs.frozen
class Facts:
    """What a frame may need besides its event; a public one needs no account."""

    market: MarketBoard
    account: AccountBook = _NOBODY
    user_id: int = 0

    def contract(self, contract: ContractId) -> Contract | None:
        return self.market.specification(contract.name)

    def underlying(self, contract: ContractId) -> str:
        found = self.contract(contract)
        return found.underlying if found else ""

    def board(self, contract: ContractId) -> ContractBoard | None:
        return self.market.contracts.get(contract.name)


@attrs.frozen
class Push:
    """One channel an event is pushed on. Where `conflate`, a slow reader needs only the latest of each contract."""

    channel: str
    build: Callable[[Any, Facts], Result | None]
    conflate: bool = False


def update_frame(channel: str, result: Result, time: int, *, event: str = "update", has_millis: bool = True) -> bytes:
    """The text of one update. The seed document's private channels know no milliseconds."""
    stamp = {"time": seconds(time), "time_ms": millis(time)} if has_millis else {"time": seconds(time)}
    return encoded({**stamp, "channel": channel, "event": event, "result": result})
