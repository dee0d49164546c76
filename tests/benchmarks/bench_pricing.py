"""Options per second through the array kernel, and what the margin and value at risk of a book take.

Run by hand: `python -m tests.benchmarks.bench_pricing [--options 1000000]`. Each figure is the best of several rounds in processor
time on one core, beside the figure it is meant to reach.
"""

from __future__ import annotations

import argparse
import gc
import math
import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from strikeloop import Contract, ContractId, OptionKind
from strikeloop.margin import GATE, Holding, Leg, drawn, revalue, value_at_risk
from strikeloop.pricing import implied_volatility, value, vector

ROUNDS = 7


def best(run: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest processor time in seconds: what else the machine does counts little."""
    shortest = math.inf
    for _ in range(rounds):
        start = time.process_time()
        run()
        shortest = min(shortest, time.process_time() - start)
    return shortest


def book(count: int) -> list[Holding]:
    """Contracts around 80,000 over five expiries, long and short."""
    draw = np.random.default_rng(2)
    found = []
    for at in range(count):
        strike, days, iv = float(round(80_000 + 500 * (at % 100 - 50))), float((1, 7, 30, 60, 180)[at % 5]), float(draw.uniform(0.3, 0.9))
        is_call = bool(at % 2)
        contract = Contract(
            id=ContractId.of("sim", f"BTC_USDT-{at}"),
            underlying="BTC_USDT",
            kind=OptionKind.CALL if is_call else OptionKind.PUT,
            strike=Decimal(repr(strike)),
            expiry=round(days * 86_400_000_000_000),
            multiplier=Decimal("0.01"),
            tick=Decimal(1),
            mark_tick=Decimal("0.1"),
        )
        mark = Decimal(repr(value(80_000.0, strike, days / 365, iv, is_call=is_call).price))
        size = Decimal(int(draw.integers(-50, 50)))
        found.append(Holding(contract=contract, size=size, mark=mark, underlying_price=Decimal(80_000), years=days / 365, iv=iv))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--options", type=int, default=1_000_000, help="options in the large arrays (default 1,000,000)")
    count: int = parser.parse_args().options
    draw = np.random.default_rng(1)
    forward, strike = np.full(count, 80_000.0), 80_000.0 * np.exp(draw.uniform(-0.5, 0.5, count))
    years, iv = draw.uniform(0.003, 1.0, count), draw.uniform(0.3, 1.0, count)
    is_call = strike > forward
    worth = vector.price(forward, strike, years, iv, is_call=is_call)
    million = count / 1e6
    gc.collect()
    gc.freeze()

    def line(what: str, figure: float, unit: str, goal: str) -> None:
        print(f"{what:<52} {figure:>9.2f} {unit:<10} {goal}")

    def per_second(run: Callable[[], object]) -> float:
        return million / best(run)

    line("price", per_second(lambda: vector.price(forward, strike, years, iv, is_call=is_call)), "M/s", "")
    line("price and four greeks", per_second(lambda: vector.value(forward, strike, years, iv, is_call=is_call)), "M/s", ">= 5")
    line("further greeks", per_second(lambda: vector.further_greeks(forward, strike, years, iv, is_call=is_call)), "M/s", "")
    volatilities = per_second(lambda: vector.implied_volatility(worth, forward, strike, years, is_call=is_call))
    line("implied volatility", volatilities, "M/s", ">= 1")
    chain = slice(0, min(500, count))
    of_chain = (forward[chain], strike[chain], years[chain], iv[chain])
    line("chain of 500, price", 1e6 * best(lambda: vector.price(*of_chain, is_call=is_call[chain]), 50), "us", "")
    line("chain of 500, price and four greeks", 1e6 * best(lambda: vector.value(*of_chain, is_call=is_call[chain]), 50), "us", "")
    legs = [Leg.of(holding) for holding in book(500)]
    units = [leg.units for leg in legs]
    line("33 scenarios x 500 contracts", 1e3 * best(lambda: revalue(legs, GATE.shocks).profits(units), 50), "ms", "<= 2")
    hundred, paths = book(100), drawn(10_000, seed=1)
    line("value at risk, 10,000 paths x 100 contracts", 1e3 * best(lambda: value_at_risk(hundred, paths)), "ms", "<= 60")
    line("value at risk, the fixed grid x 100 contracts", 1e3 * best(lambda: value_at_risk(hundred)), "ms", "")
    line("portfolio margin of 100 positions", 1e3 * best(lambda: GATE.account(hundred)), "ms", "")
    one = (80_000.0, 82_000.0, 0.02, 0.5)
    scalar = value(*one, is_call=True).price
    line("one option, price and greeks, standard library", 1e6 * best(lambda: value(*one, is_call=True), 2_000), "us", "")
    line(
        "one implied volatility, standard library", 1e6 * best(lambda: implied_volatility(scalar, *one[:3], is_call=True), 2_000), "us", ""
    )


if __name__ == "__main__":
    main()
