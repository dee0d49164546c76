"""How a venue says things: the one thing the author of an adapter writes for the contract suite, beside the adapter.

Owns `Spelling`. It is the venue's side of the translation, written from the venue's documentation and not from the
adapter: the checks play a venue that speaks through it, and compare what the adapter makes of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from strikeloop.contracts import Contract
from strikeloop.events import Event
from strikeloop.testing.factories import contract
from strikeloop.testing.suite.asked import Asked, Heard, No, Ping, Reply, Request, Subscribe

KEY, SECRET = "contract-key-4f1c9a", "contract-secret-77e2d0"
"""The credentials of the checks: make the adapter with them. They must never be seen anywhere."""


class Spelling:
    """A venue's spelling; subclass it. A read-only venue needs no more than `heard`, `acknowledged`, `told`, `understood`, `answered`.

    `calls` and `puts` name the contracts the played venue lists, `underlying` what they are written on; `currency` is the
    account's. `page` is how many rows one listing of orders or fills holds, 0 where listings have no pages; `limit` how many
    requests the venue takes in so many seconds; `sends_secret` that it wants the secret itself and not a signature.
    """

    underlying: str = "BTC"
    calls: tuple[str, ...] = ("BTC-20260626-70000-C",)
    puts: tuple[str, ...] = ("BTC-20260626-70000-P",)
    currency: str = "USDT"
    page: int = 0
    limit: tuple[int, float] | None = None
    sends_secret: bool = False

    def contracts(self, adapter: str) -> tuple[Contract, ...]:
        """What the venue lists."""
        names = (*self.calls, *self.puts)
        return tuple(contract(name, adapter=adapter, underlying=self.underlying, is_call=name in self.calls) for name in names)

    # ---- streams; `now` is the venue's time, ns UTC ----

    def heard(self, frame: bytes) -> Heard:
        """What the adapter asks with this frame."""
        raise NotImplementedError("say what a frame of the adapter asks: Subscribe, Unsubscribe or Ping")

    def acknowledged(self, asking: Subscribe, now: int) -> Sequence[bytes]:
        """The frames that acknowledge a subscription; none where the venue does not."""
        return ()

    def refused(self, asking: Subscribe, now: int, *, is_auth: bool) -> bytes:
        """The frame that refuses a subscription, `is_auth` for bad credentials."""
        raise NotImplementedError("say how the venue refuses a subscription")

    def pong(self, asking: Ping, now: int) -> bytes | None:
        """The answer to the venue's own keep-alive."""
        return None

    def told(self, event: Event) -> Sequence[tuple[str, bytes]]:
        """(channel, frame) for every channel on which the venue's stream tells this; nothing where it does not."""
        return ()

    # ---- requests ----

    def understood(self, request: Request) -> Asked:
        """What the adapter asks with this request."""
        raise NotImplementedError(f"say what {request.method} {request.path} asks")

    def answered(self, asking: Asked, answer: Any) -> Reply:
        """The answer that says this: an OrderUpdated for one order (None: not known), a list of events, the contracts, ns for the time."""
        raise NotImplementedError(f"say how the venue answers {asking}")

    def turned_down(self, asking: Asked, no: No) -> Reply:
        """The answer that refuses."""
        raise NotImplementedError(f"say how the venue refuses because {no.value}")

    def is_authentic(self, signed: Request | bytes, now: int) -> bool:
        """Whether a request, or the frame of a subscription, is signed as the venue wants it at `now` (ns UTC, the venue's time)."""
        return True


def plain(number: Decimal | float | None) -> str:
    """A number in plain digits, as most venues write it: "" for None."""
    return "" if number is None else format(Decimal(str(number)), "f")
