"""What the venue does to orders on its own: market maker protection, and the countdown that withdraws them.

Owns the requests that set, read and reset both, and the one rule that follows: while quoting in an underlying is frozen,
an order under protection is refused here. Source: APIv4, section Options, «MMP» and «Countdown cancel orders».
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

import attrs

from strikeloop import AuthRejectedError, LinkLostError, OrderRejectedError, OrderUpdated, VenueError
from strikeloop.adapter import UNTIL_RESET, Mmp
from strikeloop_gate.figures import figure
from strikeloop_gate.orders import TRIGGERED, underlying_of
from strikeloop_gate.rest import Rest
from strikeloop_gate.restforms import Answer, RestCountdown, RestMmp, listed
from strikeloop_gate.sources import MILLISECOND_NS, SECOND_NS
from strikeloop_gate.strictjson import MalformedError

MMP, MMPS, COUNTDOWN = Answer(RestMmp), Answer(list[RestMmp]), Answer(RestCountdown)
SHORTEST_COUNTDOWN_S: Final = 5
ASK_AGAIN_NS: Final = SECOND_NS


@attrs.frozen(kw_only=True)
class MmpSettings:
    """Market maker protection of one underlying, as the venue has it; times in ms.

    When within `window` contracts of `qty_limit` coins, or a net delta of `delta_limit`, have traded, the venue withdraws
    every order under protection and takes no new one for `frozen_period`; 0 of it means until it is reset, 0 of `window` turns it off.
    """

    window: int
    frozen_period: int
    qty_limit: Decimal
    delta_limit: Decimal


@attrs.define(eq=False)
class Guard:
    """Market maker protection and countdown of one account. Everything raises VenueError, AuthRejectedError."""

    rest: Rest
    _frozen: dict[str, int] = attrs.field(factory=dict, init=False)
    """When the venue was last asked about an underlying that may be frozen, ns UTC here."""
    _told: set[str] = attrs.field(factory=set, init=False)
    """Underlyings whose freeze was told, until the venue says that it is over."""

    async def countdown(self, underlying: str, timeout_s: int) -> None:
        """POST /options/countdown_cancel_all: withdraw every order in `underlying` in `timeout_s` (5 or more), 0 disarms."""
        if timeout_s and timeout_s < SHORTEST_COUNTDOWN_S:
            raise VenueError(
                f"a countdown of {timeout_s} s is below the venue's shortest of {SHORTEST_COUNTDOWN_S} s", code="INVALID_PARAM_VALUE"
            )
        what, body = "POST /options/countdown_cancel_all", _encoded({"timeout": timeout_s, "underlying": underlying})
        listed(what, COUNTDOWN, await self.rest.cancel("POST", "/options/countdown_cancel_all", body))

    async def mmp(self, underlying: str) -> Mmp | None:
        """GET /options/mmp; None where nothing is set."""
        rows = listed("GET /options/mmp", MMPS, await self.rest.get("/options/mmp", (("underlying", underlying),)))
        known = next((self._mmp("GET /options/mmp", item) for item, _, _ in rows if item.underlying == underlying), None)
        self._learn(underlying, known)
        return known

    async def set_mmp(self, mmp: Mmp) -> Mmp:
        """POST /options/mmp. In portfolio margin mode the venue then cancels orders of that underlying that are not under protection."""
        body = {
            "underlying": mmp.underlying,
            "window": mmp.window_ms,
            "frozen_period": mmp.frozen_ms,
            "qty_limit": format(mmp.qty_limit, "f"),
            "delta_limit": format(mmp.delta_limit, "f"),
        }
        return await self._post("/options/mmp", body)

    async def reset_mmp(self, underlying: str) -> Mmp:
        """POST /options/mmp/reset: quoting goes on."""
        return await self._post("/options/mmp/reset", {"underlying": underlying})

    async def ensure(self, underlying: str, wanted: MmpSettings) -> None:
        """Set what is configured, where the venue has something else."""
        mmp = Mmp(
            underlying=underlying,
            window_ms=wanted.window,
            frozen_ms=wanted.frozen_period,
            qty_limit=wanted.qty_limit,
            delta_limit=wanted.delta_limit,
        )
        known = await self.mmp(underlying)
        if known is None or attrs.evolve(known, frozen_until=None) != mmp:
            await self.set_mmp(mmp)

    def suspect(self, order: OrderUpdated) -> None:
        """An order that protection withdrew, however long ago, shows that quoting may be frozen still."""
        if order.finish_as == TRIGGERED:
            self._frozen.setdefault(underlying_of(order.contract.name), 0)

    def triggered(self, underlying: str) -> bool:
        """Protection withdrew an order just now. Whether this is the first that is heard of this freeze."""
        self._frozen.setdefault(underlying, 0)
        is_news = underlying not in self._told
        self._told.add(underlying)
        return is_news

    async def check(self, underlying: str) -> None:
        """Raise OrderRejectedError while quoting in `underlying` is frozen. The venue is asked at most once a second."""
        asked = self._frozen.get(underlying)
        if asked is None:
            return
        now = self.rest.clock.local()
        if now - asked >= ASK_AGAIN_NS:
            self._frozen[underlying] = now
            try:
                await self.mmp(underlying)
            except AuthRejectedError:
                raise
            except VenueError as exc:
                raise LinkLostError(
                    f"market maker protection of {underlying} was triggered, and it cannot be seen whether it still holds: {exc}"
                ) from exc
            if underlying not in self._frozen:
                return
        raise OrderRejectedError(
            f"market maker protection froze quoting in {underlying}; reset it, or send orders without mmp", code="MMP_FROZEN"
        )

    async def _post(self, path: str, body: dict[str, Any]) -> Mmp:
        [(item, _, _)] = listed(f"POST {path}", MMP, await self.rest.order("POST", path, _encoded(body)))
        known = self._mmp(f"POST {path}", item)
        self._learn(known.underlying, known)
        return known

    def _learn(self, underlying: str, known: Mmp | None) -> None:
        """The venue said whether quoting is frozen; a freeze that is over is forgotten, whoever ended it."""
        if known is not None and known.frozen_until is not None:
            self._frozen.setdefault(underlying, 0)
        else:
            self._frozen.pop(underlying, None)
            self._told.discard(underlying)

    def _mmp(self, what: str, item: RestMmp) -> Mmp:
        try:
            qty_limit, delta_limit = figure(item.qty_limit, "qty_limit"), figure(item.delta_limit, "delta_limit")
        except MalformedError as exc:
            raise VenueError(f"{what}: {exc}") from None
        return Mmp(
            underlying=item.underlying,
            window_ms=item.window,
            frozen_ms=item.frozen_period,
            qty_limit=qty_limit,
            delta_limit=delta_limit,
            frozen_until=self._frozen_until(item),
        )

    def _frozen_until(self, item: RestMmp) -> int | None:
        """Until when it is frozen; the venue leaves the time of the last trigger standing after it is over."""
        until = item.frozen_until_ms * MILLISECOND_NS
        if until > self.rest.clock.now():
            return until
        return UNTIL_RESET if item.trigger_time_ms and not item.frozen_until_ms and not item.frozen_period else None


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
