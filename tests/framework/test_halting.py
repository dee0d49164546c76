"""The specification of strikeloop.halting; what an engine makes of it is in test_engine.py and killswitch/."""

from __future__ import annotations

from strikeloop import HaltRequested, HaltUpdated
from strikeloop.blocks import Blocks
from strikeloop.clock import Clock
from strikeloop.events import HaltReset
from strikeloop.halting import Halting
from strikeloop.killswitch import LOOK_NS, HaltSettings, KillSwitch
from strikeloop.orders import Orders
from strikeloop.outcome import Outcome
from strikeloop.portfolio import Portfolio
from strikeloop.timers import Timers
from tests.framework.stage import CALL, contract, position, ticker

ASKED = HaltRequested(time=5, received=5, cause="command", by="ann", reason="enough", cancel=True, flatten=True)


class Hands:
    """A kill switch beside an account that holds something, and what it is wired to."""

    def __init__(self) -> None:
        portfolio, orders, clock = Portfolio(), Orders(), Clock(5)
        portfolio.add_contract(contract())
        portfolio.apply(ticker())
        portfolio.apply(position(2))
        self.blocks, self.timers, self.outcome = Blocks(), Timers(), Outcome(clock)
        switch = KillSwitch(portfolio, orders, self.blocks, ("run",), lambda: "k-1", HaltSettings())
        self.halting = Halting(switch, clock, self.blocks, self.timers, self.outcome)

    def told(self) -> list[str]:
        return [event.state.value for event, _ in self.outcome.queue if isinstance(event, HaltUpdated)]


def test_a_halt_blocks_the_run_and_is_told_once() -> None:
    hands = Hands()
    assert hands.halting.request(ASKED)
    assert not hands.halting.request(ASKED)
    assert hands.blocks == {("", "killswitch"): "halted by ann: enough"}
    assert hands.told() == ["halted"]


def test_while_something_is_left_to_do_it_looks_again() -> None:
    hands = Hands()
    hands.halting.request(ASKED)
    (order,) = hands.halting.look(is_started=True)
    assert (order.contract, order.client_id) == (CALL, "k-1")
    assert hands.timers.next() == 5 + LOOK_NS
    assert hands.told() == ["halted", "canceling", "reducing"]


def test_a_reset_ends_block_and_looks() -> None:
    hands = Hands()
    hands.halting.request(ASKED)
    list(hands.halting.look(is_started=True))
    hands.halting.reset(HaltReset(time=6, received=6, by="ann"))
    assert (hands.blocks, hands.timers.next()) == ({}, None)
    assert hands.told()[-1] == "armed"
