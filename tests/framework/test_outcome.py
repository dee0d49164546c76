"""The specification of strikeloop.outcome."""

from __future__ import annotations

from strikeloop import AlertRaised, CancelOrder, OrderRefused, PluginFaulted, Severity
from strikeloop.clock import Clock
from strikeloop.dispatch import Instance
from strikeloop.outcome import NOTHING, Outcome, Step
from tests.framework.stage import CALL

COMMAND = CancelOrder(client_id="c", contract=CALL)


def test_what_was_collected_is_taken_once() -> None:
    outcome = Outcome(Clock(5))
    alert = AlertRaised(time=5, received=5, source="s", topic="t", text="x")
    outcome.events.append(alert)
    assert outcome.taken() == Step(events=(alert,))
    assert outcome.taken() == NOTHING


def test_what_is_told_is_queued_in_order_at_the_engine_s_time_with_who_caused_it() -> None:
    outcome, cause = Outcome(Clock(5)), Instance("s", "strategy", None, None, halted=True)  # type: ignore[arg-type]  # no desk is asked for
    outcome.alert("s", "t", "x", Severity.INFO, cause)
    outcome.refuse(COMMAND, "s", (("rule", "too large"),), None)
    outcome.fault(cause, "on_fill", "ValueError: x")
    assert list(outcome.queue) == [
        (AlertRaised(time=5, received=5, source="s", topic="t", text="x", severity=Severity.INFO), cause),
        (
            OrderRefused(time=5, received=5, instance="s", contract=CALL, client_id="c", command=COMMAND, reasons=(("rule", "too large"),)),
            None,
        ),
        (PluginFaulted(time=5, received=5, instance="s", hook="on_fill", error="ValueError: x", halted=True), cause),
    ]
