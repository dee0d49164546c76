"""What earlier runs left on one account: taken over before anything new is opened.

Owns `Takeover`. An order whose end is not known is UNKNOWN from the beginning; the first listing explains most, and what it
does not is looked up like any order without an answer. Until nothing is in doubt, openings are blocked and cancels leave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from strikeloop import events as e
from strikeloop.contracts import ContractId
from strikeloop.engine import Engine
from strikeloop.journal import Intent, Legacy
from strikeloop.journal.legacy import FILLS_NS
from strikeloop.live.clock import WallClock
from strikeloop.live.port import Port
from strikeloop.session import Phase

CHANNEL = "intents"
NAMED = 5


class Takeover:
    """Of the account `port`, the legacy `legacy`. Call `begin` before the port runs, then `tick`."""

    def __init__(
        self, adapter: str, legacy: Legacy, port: Port, engine: Engine, clock: WallClock, deliver: Callable[[Sequence[e.Event]], None]
    ) -> None:
        self._adapter, self._port, self._engine, self._clock, self._deliver = adapter, port, engine, clock, deliver
        self._legacy = legacy
        self._doubtful = [intent for intent in legacy.intents if intent.order.contract.adapter == adapter]
        self._is_asked = False

    @property
    def is_over(self) -> bool:
        """Whether it is known what became of every order of earlier runs."""
        return not self._doubtful

    def begin(self) -> None:
        """Go on from where the last run knew the account, and put its orders on the desk as UNKNOWN."""
        if self._legacy.begun is None:
            return
        if self._legacy.since:
            self._port.session.resume(self._legacy.since - FILLS_NS, self._told(), self._filled())
        if self._doubtful:
            self._deliver([self._unknown(intent) for intent in self._doubtful])
            self._gap(e.GapOpened, reason=self._reason())

    def tick(self) -> None:
        """Look up what the first listing did not explain; open the account when nothing is in doubt any more."""
        if not self._doubtful or self._port.session.phase is not Phase.READY:
            return
        self._doubtful = [intent for intent in self._doubtful if self._is_unknown(intent)]
        if not self._doubtful:
            self._gap(e.GapClosed)
        elif not self._is_asked:
            self._is_asked = True
            for intent in self._doubtful:
                self._port.session.outcome_unknown(intent.order.client_id, intent.order.contract, self._unknown(intent), self._clock.now())
            self._port.pump()

    def _told(self) -> list[tuple[ContractId, str, str]]:
        ours = (key for key in self._legacy.fills if key[0] == self._adapter)
        return [(ContractId.of(adapter, name), trade, order) for adapter, name, trade, order in ours]

    def _filled(self) -> dict[tuple[ContractId, str], tuple[Decimal, Decimal]]:
        known = (intent for intent in self._doubtful if intent.order_id is not None and intent.filled)
        return {(intent.order.contract, intent.order_id or ""): (intent.filled, intent.paid) for intent in known}

    def _is_unknown(self, intent: Intent) -> bool:
        order = self._engine.orders.get(intent.order.client_id)
        return order is not None and order.state is e.OrderState.UNKNOWN

    def _unknown(self, intent: Intent) -> e.OrderUpdated:
        now, order = self._clock.now(), intent.order
        return e.OrderUpdated(
            time=now,
            received=now,
            origin=e.Origin.COMPUTED,
            contract=order.contract,
            client_id=order.client_id,
            order_id=intent.order_id,
            state=e.OrderState.UNKNOWN,
            size=order.size,
            left=intent.left,
            price=order.price,
            tif=order.tif,
            is_market=order.is_market,
            reduce_only=order.reduce_only,
            created=intent.approved,
            reason=f"an earlier run left it {intent.state.value}",
        )

    def _gap(self, kind: type[e.GapOpened | e.GapClosed], **words: str) -> None:
        now = self._clock.now()
        self._deliver([kind(time=now, received=now, adapter=self._adapter, port="driver", channel=CHANNEL, **words)])

    def _reason(self) -> str:
        names = [intent.order.client_id for intent in self._doubtful]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f"it is not known yet what became of {len(names)} orders of earlier runs: {', '.join(names[:NAMED])}{more}"
