"""DataGuard: no opening on what is old, or not known.

Owns the ages of quotes, marks and prices of the underlying, the doubts of streams, and the count of unknown outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from strikeloop import (
    AmendOrder,
    Contract,
    Desk,
    Event,
    GapClosed,
    GapOpened,
    Reconciled,
    Refused,
    StreamEvent,
    StreamLost,
    StreamStale,
    SubmitOrder,
    Verdict,
    hookimpl,
    plugin,
    state,
)
from strikeloop_risk.asked import Asked, asked
from strikeloop_risk.limits import positive

SECOND_NS = 1_000_000_000


@plugin
class DataGuard:
    """Refuse an order that opens on stale data, on an account that is not reconciled, or beside orders of unknown outcome.

    max_quote_age_s, max_ticker_age_s, max_underlying_age_s: seconds since the last quote, ticker (mark and greeks) of the
    contract, and index price of its underlying; where one was never told, the order is refused. None does not look.
    max_unknown: how many working orders of the account may have an unknown outcome.
    settle_s: seconds that must have passed since the account was last reconciled after a doubt.

    Streams: from StreamLost, StreamStale or GapOpened on until Reconciled or GapClosed, of the feed and of the account. What only
    closes a position, or only makes a working order smaller, passes always.
    """

    max_quote_age_s: float | None = attrs.field(default=None, validator=positive)
    max_ticker_age_s: float | None = attrs.field(default=30.0, validator=positive)
    max_underlying_age_s: float | None = attrs.field(default=None, validator=positive)
    max_unknown: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    settle_s: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    doubts: dict[tuple[str, str, str], str] = state(factory=dict)
    settled: dict[str, int] = state(factory=dict)

    @hookimpl
    def on_stream(self, event: StreamEvent, desk: Desk) -> None:
        if isinstance(event, StreamLost | StreamStale | GapOpened):
            channel = "" if isinstance(event, StreamLost) else event.channel
            self.doubts[event.adapter, event.port, channel] = _sentence(event)
        elif isinstance(event, Reconciled | GapClosed):
            of_port = [key for key in self.doubts if key[:2] == (event.adapter, event.port)]
            gone = [key for key in of_port if isinstance(event, Reconciled) or event.channel == key[2]]
            for key in gone:
                del self.doubts[key]
            if gone:
                self.settled[event.adapter] = desk.now

    @hookimpl
    def review_order(self, command: SubmitOrder | AmendOrder, desk: Desk) -> Verdict:
        order = asked(command, desk)
        if not order.opens:
            return None
        objections = "; ".join((*self._stale(order.contract, desk), *self._doubtful(order, desk)))
        return Refused(objections) if objections else None

    def _stale(self, contract: Contract, desk: Desk) -> Iterator[str]:
        now, limit = desk.now, self.max_quote_age_s
        last: Event | None
        if limit is not None and _is_old(last := desk.quote(contract.id), now, limit):
            yield _old(f"quote of {contract.id}", last, now, limit)
        limit = self.max_ticker_age_s
        if limit is not None and _is_old(last := desk.ticker(contract.id), now, limit):
            yield _old(f"ticker of {contract.id}", last, now, limit)
        limit = self.max_underlying_age_s
        if limit is not None:
            last = desk.portfolio.underlyings.get((contract.id.adapter, contract.underlying))
            if _is_old(last, now, limit):
                yield _old(f"price of {contract.underlying}", last, now, limit)

    def _doubtful(self, order: Asked, desk: Desk) -> Iterator[str]:
        adapter = order.contract.id.adapter
        if self.doubts:
            yield from (text for (name, _, _), text in self.doubts.items() if name == adapter)
        settled = self.settled.get(adapter)
        if settled is not None and desk.now - settled < self.settle_s * SECOND_NS:
            since = (desk.now - settled) / SECOND_NS
            yield f"the account of {adapter} was reconciled {since:.1f} s ago, and {self.settle_s:g} s must pass"
        if len(order.unknown) > self.max_unknown:
            yield f"{len(order.unknown)} orders have an unknown outcome, and {self.max_unknown} may"


def _is_old(last: Event | None, now: int, limit: float) -> bool:
    return last is None or now - last.received > limit * SECOND_NS


def _old(name: str, last: Event | None, now: int, limit: float) -> str:
    if last is None:
        return f"there is no {name} yet"
    return f"the last {name} is {(now - last.received) / SECOND_NS:.1f} s old, and {limit:g} s may pass"


def _sentence(event: StreamLost | StreamStale | GapOpened) -> str:
    match event:
        case StreamLost():
            return f"the {event.port} line of {event.adapter} is lost: {event.reason}"
        case StreamStale():
            return f"{event.channel} of {event.adapter} was not confirmed for {event.age_s:.0f} s"
        case GapOpened():
            return f"{event.channel} of {event.adapter} missed messages: {event.reason}"
