"""The contract of a strategy as tests: deterministic, without a clock or luck of its own, and alive whatever happens.

Owns `StrategyContract`. Its checks play the strategy through small worlds of `House`, the last one through a backtest on the
simulated venue where that is installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

import pytest

from strikeloop.commands import SubmitOrder
from strikeloop.hooks import problems
from strikeloop.testing.suite.broken import broken, place
from strikeloop.testing.suite.house import House, World
from strikeloop.testing.suite.watch import Watch, package_of

MOST_AT_ONCE = 100


class StrategyContract:
    """Subclass it as `Test…` and write `strategy`, which gives a new object each time.

    ```python
    class TestDeltaBand(StrategyContract):
        def strategy(self):
            return DeltaBand(band=0.1)
    ```

    `underlying` is what the contracts of the test are written on; `package` names the strategy's package where it is not that
    of its class; `sim_market` are settings of the generated market for the backtest.
    """

    underlying: ClassVar[str] = "BTC_USDT"
    package: ClassVar[str] = ""
    sim_market: ClassVar[Mapping[str, Any]] = {}

    def strategy(self) -> Any:
        """A new strategy, as a config file would make it."""
        raise NotImplementedError("give your strategy: def strategy(self): return MyStrategy(…)")

    # ---- what it is ----

    def test_its_hooks_are_without_a_mistake(self) -> None:
        """Names, arguments and annotations are those of the specification."""
        found = problems(type(self.strategy()), "strategy")
        if found:
            self._broken("the strategy is loaded", "no problem", str(found[0]))

    def test_the_same_events_lead_to_the_same_commands(self) -> None:
        """Played twice, by two objects, through the same world."""
        first, second = self._played().commands, self._played().commands
        for number, (one, other) in enumerate(zip(first, second, strict=False)):
            if one != other:
                self._broken("the same events come twice", f"command {number} is again {one}", other)
        if len(first) != len(second):
            self._broken("the same events come twice", f"{len(first)} commands again", len(second))

    def test_it_reads_no_clock(self) -> None:
        """The time is `desk.now`: another one would make a backtest something else than the run."""
        found = [one for one in self._watched() if "random" not in one and "uuid" not in one]
        if found:
            self._broken("the strategy runs", "desk.now, and no other clock", found[0])

    def test_it_draws_no_random_numbers_of_its_own(self) -> None:
        """`desk.random` is seeded and told apart by instance."""
        found = [one for one in self._watched() if "random" in one or "uuid" in one]
        if found:
            self._broken("the strategy runs", "desk.random, and no other source", found[0])

    def test_what_it_remembers_survives_a_restart(self) -> None:
        """`desk.memory` is JSON; a new object goes on with it."""
        before = self._played()
        try:
            memory = json.loads(json.dumps(before.memory))
        except (TypeError, ValueError) as error:
            self._broken("the run ends", "desk.memory holds JSON", f"{error}: {before.memory}")
        if memory != before.memory:
            self._broken("the run ends", "desk.memory comes back from JSON as it was", memory)
        self._alive(House(self.strategy(), self.underlying, World(has_other_hands=True), memory=memory).play(), "it is restarted")

    # ---- what it survives ----

    def test_it_survives_a_market_that_moves(self) -> None:
        """Orders fill at once, and figures of risk swing from side to side."""
        self._alive(self._played(), "the market moves, orders are filled")

    def test_it_survives_wild_moves(self) -> None:
        """The underlying moves by up to five percent between two ticks."""
        self._alive(self._played(market="wild"), "the underlying jumps")

    def test_it_survives_silence(self) -> None:
        """No quote and no ticker ever comes."""
        self._alive(self._played(market="silent"), "no market data comes")

    def test_it_survives_an_empty_list_of_contracts(self) -> None:
        """Nothing can be traded."""
        self._alive(self._played(is_listed=False), "the venue lists no contract")

    def test_it_survives_quotes_with_one_side(self) -> None:
        """`bid` or `ask` is None."""
        self._alive(self._played(market="one-sided"), "quotes have one side")

    def test_it_survives_gaps_and_outages(self) -> None:
        """Connections are lost, channels go stale, the account is reconciled with adjustments."""
        self._alive(self._played(has_gaps=True), "connections are lost and reconciled")

    def test_it_survives_stale_state(self) -> None:
        """Orders are open that nobody answers any more."""
        self._alive(self._played(answer="rests", has_gaps=True), "orders rest, and nothing more is heard of them")

    def test_it_survives_orders_of_other_hands(self) -> None:
        """Positions change that it has not traded."""
        self._alive(self._played(has_other_hands=True), "positions change by other hands")

    def test_it_survives_rejections(self) -> None:
        """The venue rejects every order."""
        self._alive(self._played(answer="rejects"), "the venue rejects every order")

    def test_it_survives_refusals(self) -> None:
        """A rule refuses every order."""
        self._alive(self._played(refuses=True), "a rule refuses every order")

    def test_it_survives_unknown_outcomes(self) -> None:
        """No order gets an answer, and none is found later."""
        self._alive(self._played(answer="unknown"), "orders are unknown and then absent")

    def test_it_survives_everything_being_told_twice(self) -> None:
        """Updates and executions."""
        self._alive(self._played(answer="twice"), "every update and every execution comes twice")

    def test_it_survives_executions_before_their_orders(self) -> None:
        """The execution is told first, then that the order is open, then that it is filled."""
        self._alive(self._played(answer="early"), "executions come before the answers to their orders")

    def test_it_survives_an_expiry(self) -> None:
        """Contracts that it may hold are settled and gone."""
        self._alive(self._played(has_expiry=True), "contracts expire")

    # ---- what it must not do ----

    def test_a_refusal_does_not_make_it_ask_again_at_once(self) -> None:
        """What is refused now is refused a moment later, too."""
        for world in (World(refuses=True), World(answer="rejects")):
            house = House(self.strategy(), self.underlying, world).play()
            asked = house.refusals + sum(isinstance(command, SubmitOrder) for command in house.commands)
            if asked > 2 * house.inputs or house.busiest > MOST_AT_ONCE:
                happened = "every order is refused" if world.refuses else "every order is rejected"
                self._broken(happened, "no more orders than there are events", f"{asked} orders, {house.busiest} at one event")

    def test_it_runs_as_a_backtest(self) -> None:
        """On the simulated venue, twice with one digest."""
        from strikeloop.testing.sim import Sim  # noqa: PLC0415 - needs strikeloop-venue

        try:
            digests = {Sim(market=self.sim_market).run(self.strategy(), seconds=10).digest for _ in range(2)}
        except Exception as error:
            if "strikeloop-venue" in str(error):
                pytest.skip("pip install strikeloop-venue for a backtest")
            raise
        if len(digests) != 1:
            self._broken("the same backtest runs twice", "one digest", sorted(digests))

    # ---- inside ----

    def _played(self, **world: Any) -> House:
        return House(self.strategy(), self.underlying, World(**world)).play()

    def _watched(self) -> list[str]:
        strategy = self.strategy()
        watch = Watch(self.package or package_of(type(strategy)))
        with watch.looking():
            House(strategy, self.underlying, World(steps=20)).play()
        return watch.found

    def _alive(self, house: House, happened: str) -> None:
        __tracebackhide__ = True
        if house.faults:
            fault = house.faults[0]
            self._broken(happened, "the strategy goes on", fault.error, fault.hook)

    def _broken(self, happened: str, expected: str, got: object, hook: str = "") -> NoReturn:
        __tracebackhide__ = True
        broken(happened, expected, got, place(self.strategy(), hook))
