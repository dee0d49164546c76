"""Each check of the contract of a strategy can fail: strategies with one fault each fail the checks that are made for it."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from strikeloop import (
    ContractExpired,
    Desk,
    Filled,
    GapOpened,
    OrderRefused,
    OrderState,
    OrderUpdated,
    PortfolioRiskUpdated,
    PositionUpdated,
    Quoted,
    RunStarted,
    RunStopping,
    StreamStale,
    hookimpl,
    plugin,
)
from strikeloop.testing import ContractBrokenError, StrategyContract

Make = Callable[[], Any]
COUNT = itertools.count()


class Suite(StrategyContract):
    """The contract suite on what one of these functions makes."""

    package = __name__

    def __init__(self, make: Make) -> None:
        self.make = make

    def strategy(self) -> Any:
        return self.make()


def buy(desk: Desk, size: int = 1) -> str:
    """A call, at the market."""
    return desk.buy(desk.chain("BTC_USDT")[0].id, size)


def made(**hooks: Any) -> Make:
    """What makes a strategy with these hooks."""
    return plugin(type("Made", (), {name: hookimpl(function) for name, function in hooks.items()}))


def on_start(self: Any, event: RunStarted, desk: Desk) -> None:
    if desk.contracts:
        desk.watch("BTC_USDT", kinds=(Quoted,))
        buy(desk)


def raises(self: Any) -> None:
    raise ValueError("it is not made for that")


def misspelt(self: Any) -> None: ...


def late(self: Any, event: Quoted, desk: Desk) -> None:
    if desk.chain("BTC_USDT")[0].expiry < 0 or next(COUNT) % 7 == 0:
        buy(desk)


def reads_time(self: Any, event: PortfolioRiskUpdated) -> None:
    time.time_ns()


def reads_date(self: Any, event: PortfolioRiskUpdated) -> None:
    dt.datetime.now(dt.UTC)


def draws(self: Any, event: PortfolioRiskUpdated) -> None:
    random.randint(1, 6)


def draws_floats(self: Any, event: PortfolioRiskUpdated) -> None:
    random.random()


def names(self: Any, event: PortfolioRiskUpdated) -> None:
    uuid.uuid4()


def remembers_a_set(self: Any, event: RunStopping, desk: Desk) -> None:
    desk.memory["seen"] = {1, 2}


def remembers_numbers_as_keys(self: Any, event: RunStopping, desk: Desk) -> None:
    desk.memory["by size"] = {1: "one"}


def trusts_risk(self: Any, event: PortfolioRiskUpdated) -> None:
    _ = 1 / (event.total_delta - 0.4)


def trusts_quotes(self: Any, event: PortfolioRiskUpdated, desk: Desk) -> None:
    _ = desk.quote(desk.chain("BTC_USDT")[0].id).bid  # type: ignore[union-attr]  # it is wrong on purpose


def trusts_both_sides(self: Any, event: Quoted) -> None:
    _ = event.bid + event.ask  # type: ignore[operator]  # it is wrong on purpose


def trusts_the_list(self: Any, event: RunStarted, desk: Desk) -> None:
    buy(desk)


def trusts_prices(self: Any, event: Quoted) -> None:
    if event.bid is not None and event.bid > 15_000:
        raise ValueError("such a price there cannot be")


def trusts_the_stream(self: Any, event: Any) -> None:
    _ = 1 / (type(event) not in (GapOpened, StreamStale))


def trusts_its_own_hands(self: Any, event: PositionUpdated, desk: Desk) -> None:
    _ = desk.mine[event.contract]


def trusts_orders(self: Any, event: OrderUpdated) -> None:
    _ = {OrderState.OPEN: 1, OrderState.FILLED: 2, OrderState.CANCELED: 3}[event.state]


def trusts_rules(self: Any, event: OrderRefused) -> None:
    raise ValueError(event.reason)


def counts_fills(self: Any, event: Filled, desk: Desk) -> None:
    seen = desk.memory.setdefault("seen", [])
    if event.trade_id in seen:
        raise ValueError("it has come before")
    seen.append(event.trade_id)


def notes_open_orders(self: Any, event: OrderUpdated, desk: Desk) -> None:
    if event.state is OrderState.OPEN:
        desk.memory.setdefault("open", []).append(event.client_id)


def trusts_the_sequence(self: Any, event: Filled, desk: Desk) -> None:
    desk.memory["open"].remove(event.client_id)


def trusts_eternity(self: Any, event: ContractExpired, desk: Desk) -> None:
    _ = desk.contracts[event.contract]


def asks_again(self: Any, event: OrderRefused, desk: Desk) -> None:
    for _ in range(3):
        buy(desk)


def goes_on(self: Any, event: PortfolioRiskUpdated, desk: Desk) -> None:
    buy(desk)


def rests(self: Any, event: PortfolioRiskUpdated, desk: Desk) -> None:
    if len(desk.working) > 20:
        raise ValueError("nobody answers")
    desk.buy(desk.chain("BTC_USDT")[0].id, 1, 1)


FAULTS: list[tuple[Make, str]] = [
    (made(on_qoute=misspelt), "test_its_hooks_are_without_a_mistake"),
    (made(on_start=on_start, on_quote=late), "test_the_same_events_lead_to_the_same_commands"),
    (made(on_portfolio_risk=reads_time), "test_it_reads_no_clock"),
    (made(on_portfolio_risk=reads_date), "test_it_reads_no_clock"),
    (made(on_portfolio_risk=draws), "test_it_draws_no_random_numbers_of_its_own"),
    (made(on_portfolio_risk=draws_floats), "test_it_draws_no_random_numbers_of_its_own"),
    (made(on_portfolio_risk=names), "test_it_draws_no_random_numbers_of_its_own"),
    (made(on_stop=remembers_a_set), "test_what_it_remembers_survives_a_restart"),
    (made(on_stop=remembers_numbers_as_keys), "test_what_it_remembers_survives_a_restart"),
    (made(on_portfolio_risk=trusts_risk), "test_it_survives_a_market_that_moves"),
    (made(on_start=on_start, on_quote=trusts_prices), "test_it_survives_wild_moves"),
    (made(on_portfolio_risk=trusts_quotes), "test_it_survives_silence"),
    (made(on_start=trusts_the_list), "test_it_survives_an_empty_list_of_contracts"),
    (made(on_start=on_start, on_quote=trusts_both_sides), "test_it_survives_quotes_with_one_side"),
    (made(on_event=trusts_the_stream), "test_it_survives_gaps_and_outages"),
    (made(on_portfolio_risk=rests), "test_it_survives_stale_state"),
    (made(on_position=trusts_its_own_hands), "test_it_survives_orders_of_other_hands"),
    (made(on_start=on_start, on_order=trusts_orders), "test_it_survives_rejections"),
    (made(on_start=on_start, on_order=trusts_orders), "test_it_survives_unknown_outcomes"),
    (made(on_start=on_start, on_refused=trusts_rules), "test_it_survives_refusals"),
    (made(on_start=on_start, on_fill=counts_fills), "test_it_survives_everything_being_told_twice"),
    (made(on_start=on_start, on_order=notes_open_orders, on_fill=trusts_the_sequence), "test_it_survives_executions_before_their_orders"),
    (made(on_contract=trusts_eternity), "test_it_survives_an_expiry"),
    (made(on_start=on_start, on_refused=asks_again), "test_a_refusal_does_not_make_it_ask_again_at_once"),
    (made(on_start=on_start, on_quote=late), "test_it_runs_as_a_backtest"),
]
CHECKS = sorted(name for name in dir(StrategyContract) if name.startswith("test_"))


@pytest.mark.parametrize(("make", "check"), FAULTS, ids=[f"{number}-{check}" for number, (_, check) in enumerate(FAULTS)])
def test_a_wrong_strategy_is_found(make: Make, check: str) -> None:
    with pytest.raises(ContractBrokenError) as found:
        getattr(Suite(make), check)()
    assert all((found.value.happened, found.value.expected, found.value.got, found.value.where))


def test_every_check_finds_something() -> None:
    assert sorted({check for _, check in FAULTS}) == CHECKS
