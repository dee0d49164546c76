"""DataGuard: no opening on what is old, or not known.

Owns the ages of quotes, marks and prices of the underlying, the doubts of streams, and the count of unknown outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from strikeloop import (
    AmendOrder,
    Desk,
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
from strikeloop_risk.asked import Asked, asked, unknown
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
        objections = "; ".join((*self._stale(order, desk), *self._doubtful(order, desk)))
        return Refused(objections) if objections else None

    def _stale(self, order: Asked, desk: Desk) -> Iterator[str]:
        contract = order.contract
        index = desk.portfolio.underlyings.get((contract.id.adapter, contract.underlying))
        looks = (
            (self.max_quote_age_s, desk.quote(contract.id), f"quote of {contract.id}"),
            (self.max_ticker_age_s, desk.ticker(contract.id), f"ticker of {contract.id}"),
            (self.max_underlying_age_s, index, f"price of {contract.underlying}"),
        )
        for limit, last, name in looks:
            if limit is None:
                continue
            if last is None:
                yield f"there is no {name} yet"
            elif desk.now - last.received > limit * SECOND_NS:
                yield f"the last {name} is {(desk.now - last.received) / SECOND_NS:.1f} s old, and {limit:g} s may pass"

    def _doubtful(self, order: Asked, desk: Desk) -> Iterator[str]:
        adapter = order.contract.id.adapter
        yield from (text for (name, _, _), text in self.doubts.items() if name == adapter)
        since = desk.now - self.settled.get(adapter, desk.now - round(self.settle_s * SECOND_NS))
        if since < self.settle_s * SECOND_NS:
            yield f"the account of {adapter} was reconciled {since / SECOND_NS:.1f} s ago, and {self.settle_s:g} s must pass"
        doubtful = len(unknown(desk))
        if doubtful > self.max_unknown:
            yield f"{doubtful} orders have an unknown outcome, and {self.max_unknown} may"


def _sentence(event: StreamLost | StreamStale | GapOpened) -> str:
    match event:
        case StreamLost():
            return f"the {event.port} line of {event.adapter} is lost: {event.reason}"
        case StreamStale():
            return f"{event.channel} of {event.adapter} was not confirmed for {event.age_s:.0f} s"
        case GapOpened():
            return f"{event.channel} of {event.adapter} missed messages: {event.reason}"
