"""Where the microseconds of an order go, without its venue: desk and review, folds, digest and summary, each by itself.

    python tests/benchmarks/bench_order_path.py [--orders 4000] [--rounds 9]

Half of the orders fill, the others are withdrawn. What is told of each is what the simulated venue tells: an update when it rests; a
fill, the position, two entries of the ledger and an update when it trades; an update when it is withdrawn. CPU time, the best of all
rounds, which take turns; the machine's load shows in it all the same, so that only ratios of one run say something. With
PYTHONPATH=<another tree>/framework it measures that one.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from strikeloop import (
    CancelOrder,
    Contract,
    ContractId,
    Desk,
    Digest,
    Event,
    Filled,
    LedgerPosted,
    OptionKind,
    OrderState,
    OrderUpdated,
    Origin,
    PositionUpdated,
    Quoted,
    Refused,
    RunStarted,
    SubmitOrder,
    Verdict,
    hookimpl,
    plugin,
    state,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.margin import Classic
from strikeloop.summary import Summary

ID = ContractId.of("sim", "BTC_USDT-20230630-28500-P")
CONTRACT = Contract(
    id=ID,
    underlying="BTC_USDT",
    kind=OptionKind.PUT,
    strike=Decimal(28_500),
    expiry=1_688_112_000 * 10**9,
    multiplier=Decimal("0.01"),
    tick=Decimal("0.5"),
    mark_tick=Decimal("0.5"),
)
START = 1_688_000_000 * 10**9
SECOND = 10**9
PRICE, ONE, ZERO = Decimal("1321.5"), Decimal(1), Decimal(0)
SAYS: dict[str, Any] = {"origin": Origin.SIMULATED, "contract": ID}


@plugin
class Making:
    """An order at each quote; the one before it is withdrawn."""

    last: str = state("")
    fills: int = state(0)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.watch("BTC_USDT")

    @hookimpl
    def on_quote(self, event: Quoted, desk: Desk) -> None:
        if self.last:
            desk.cancel(self.last)
        self.last = desk.buy(ID, 1, 1321.5)

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None:
        self.fills += 1


@plugin
class Limit:
    most: Decimal = Decimal(100)

    @hookimpl
    def review_order(self, command: SubmitOrder | Any, desk: Desk) -> Verdict:
        return Refused("too large") if abs(command.size) > self.most else None


def engine() -> Engine:
    plugins = [Plugin(name="s", kind="strategy", plugin=Making()), Plugin(name="limit", kind="risk", plugin=Limit())]
    made = Engine(plugins, contracts=[CONTRACT], margin=Classic(), tag="bench")
    made.step(RunStarted(time=START, received=START))
    return made


def quotes(count: int) -> list[Quoted]:
    return [
        Quoted(time=at, received=at, contract=ID, bid=1321.0, ask=1323.0, bid_size=1.0, ask_size=1.0)
        for at in range(START + SECOND, START + SECOND * (count + 1), SECOND)
    ]


def order(number: int) -> list[Event]:
    """What is told of one order."""
    at = START + SECOND * (number + 1)
    about: dict[str, Any] = {"time": at, "received": at, **SAYS, "client_id": f"t-bench-s-{number + 1}", "order_id": str(number + 1)}
    known: dict[str, Any] = {**about, "size": ONE, "price": PRICE, "created": at}
    rests = OrderUpdated(**known, state=OrderState.OPEN, left=ONE)
    if number % 2:
        return [rests, OrderUpdated(**known, state=OrderState.CANCELED, left=ONE, finished=at, finish_as="cancelled")]
    says: dict[str, Any] = {
        "time": at,
        "received": at,
        "origin": Origin.SIMULATED,
        "adapter": "sim",
        "currency": "USDT",
        "text": f"{ID}:{number}",
    }
    return [
        rests,
        OrderUpdated(**known, state=OrderState.FILLED, left=ZERO, fill_price=PRICE, finished=at, finish_as="filled"),
        Filled(**about, trade_id=str(number), size=ONE, price=PRICE, fee=ZERO, is_maker=True),
        PositionUpdated(
            time=at, received=at, **SAYS, size=ONE, entry_price=PRICE, realized_pnl=ZERO, mark_price=1322.0, unrealized_pnl=Decimal("0.005")
        ),
        LedgerPosted(**says, change=-PRICE, balance=Decimal("99999.5"), kind="prem"),
        LedgerPosted(**says, change=ZERO, balance=Decimal("99999.5"), kind="fee"),
    ]


def each(function: Callable[[Any], object], values: Sequence[Any]) -> None:
    for value in values:
        function(value)


def parts(count: int) -> dict[str, Callable[[], Callable[[], None]]]:
    """What is measured: each gets ready and gives what is timed."""
    told, market = [order(number) for number in range(count)], quotes(count)
    flat = [event for events in told for event in events]
    commands = [SubmitOrder(client_id=f"t-bench-s-{number + 1}", contract=ID, size=ONE, price=PRICE) for number in range(count)]
    commands += [CancelOrder(client_id=one.client_id, contract=ID) for one in commands[: count // 2]]  # type: ignore[misc]  # of both kinds

    def decide() -> Callable[[], None]:
        step = engine().step
        return lambda: each(step, market)

    def fold() -> Callable[[], None]:
        made = engine()
        for command in commands[:count]:
            made.orders.pending(command, "s", START)
        return lambda: each(made.step, flat)

    def hash_all() -> Callable[[], None]:
        add = Digest({}).add
        return lambda: each(add, [*commands, *flat])

    def sum_up() -> Callable[[], None]:
        see = Summary(run="r", mode="backtest", portfolio=engine().portfolio).see
        return lambda: each(see, flat)

    return {
        "desk, review and a step for each order": decide,
        "folding what is told of it": fold,
        "its part of the digest": hash_all,
        "its part of the summary": sum_up,
    }


def best(parts: dict[str, Callable[[], Callable[[], None]]], rounds: int) -> dict[str, float]:
    """The least CPU seconds of each part."""
    found = dict.fromkeys(parts, float("inf"))
    for _ in range(rounds):
        for name, prepare in parts.items():
            run = prepare()
            gc.collect()
            start = time.process_time()
            run()
            found[name] = min(found[name], time.process_time() - start)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Where the microseconds of an order go, without its venue.")
    parser.add_argument("--orders", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(argv)
    gc.set_threshold(100_000, 50, 100)
    found = best(parts(options.orders), options.rounds)
    for name, seconds in found.items():
        print(f"{name:42} {seconds / options.orders * 1e6:7.2f} µs an order")
    print(f"{'together':42} {sum(found.values()) / options.orders * 1e6:7.2f} µs an order, of 4 events and 1.5 commands")


if __name__ == "__main__":
    main()
