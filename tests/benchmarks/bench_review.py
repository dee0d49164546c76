"""What judging an order costs: every default rule on a book of 50 positions and 12 working orders; and grids of scenarios.

Run by hand: `uv run python tests/benchmarks/bench_review.py`. Figures are CPU time, the median of many, in blocks interleaved in one
process; a bare `Classic.account` of the same book stands beside them as a measure of the machine.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from decimal import Decimal as D
from itertools import count

from strikeloop import (
    Contract,
    ContractId,
    Event,
    OptionKind,
    OrderState,
    OrderUpdated,
    PositionUpdated,
    RunStarted,
    SubmitOrder,
    TickerUpdated,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.events import BalanceUpdated, Quoted, UnderlyingPriced
from strikeloop.margin import GATE, Classic, Holding, Leg, drawn, revalue, value_at_risk
from strikeloop.pricing import of_contract
from strikeloop_risk import (
    DataGuard,
    GreekLimits,
    LossLimits,
    MarginGuard,
    OrderFlow,
    OrderLimits,
    PositionLimits,
    StressLimit,
    TradingScope,
    VarLimit,
)

DAY = 86_400_000_000_000
NOW = 1_780_272_000_000_000_000
PRICE = 70_000.0
POSITIONS, WORKING, ROUNDS = 50, 12, 240
BETWEEN = 50_000_000
"""Time between two orders, ns."""


def rules(*more: object) -> tuple[object, ...]:
    """Every rule without scenarios, with limits that nothing reaches."""
    return (
        OrderLimits(max_size=D(100), max_notional=D(10**7), price_collar=0.5, book_collar=0.5, max_open_orders=100, no_naked_short=True),
        PositionLimits(max_per_contract=D(1000), max_per_expiry=D(10**4), max_per_underlying=D(10**5)),
        TradingScope(underlyings=("BTC_USDT",), min_hours_to_expiry=1.0, hours=("00:00-24:00",)),
        OrderFlow(max_orders=10**6, duplicate_s=1e-6, no_self_cross=True),
        DataGuard(max_quote_age_s=1e6, max_ticker_age_s=1e6),
        GreekLimits(max_delta=1e6, max_gamma=1e6, max_vega=1e6, max_theta=1e6, max_delta_cash=1e12),
        MarginGuard(max_share=0.9),
        LossLimits(max_daily_loss=D(10**6), max_drawdown=D(10**6)),
        *more,
    )


def contract(place: int) -> Contract:
    strike, kind = 50_000 + 800 * place, OptionKind.CALL if place % 2 else OptionKind.PUT
    return Contract(
        id=ContractId.of("sim", f"BTC_USDT-{place}-{strike}"),
        underlying="BTC_USDT",
        kind=kind,
        strike=D(strike),
        expiry=NOW + (7 + 7 * (place % 4)) * DAY,
        multiplier=D("0.01"),
        tick=D(1),
        mark_tick=D("0.1"),
        taker_fee_rate=D("0.0003"),
    )


CONTRACTS = [contract(place) for place in range(POSITIONS + 10)]


def ticker(one: Contract, move: float = 0.0) -> TickerUpdated:
    forward, iv = PRICE * (1 + move), 0.55
    valued = of_contract(one, forward, iv, NOW)
    slopes = valued.greeks
    return TickerUpdated(
        time=NOW,
        received=NOW,
        contract=one.id,
        mark_price=max(10.0, round(valued.price, 1)),
        underlying_price=forward,
        mark_iv=iv,
        delta=slopes.delta,
        gamma=slopes.gamma,
        vega=slopes.vega,
        theta=slopes.theta,
    )


def quote(one: Contract) -> Quoted:
    mark = ticker(one).mark_price
    return Quoted(time=NOW, received=NOW, contract=one.id, bid=mark - 1.0, ask=mark + 1.0, bid_size=5.0, ask_size=5.0)


def stage(*judges: object, model: object = None) -> Engine:
    plugins = [Plugin(name=f"rule{place}", kind="risk", plugin=rule) for place, rule in enumerate(judges)]
    engine = Engine(plugins, contracts=CONTRACTS, margin=model or Classic())  # type: ignore[arg-type]  # a model of margin
    events: list[Event] = [UnderlyingPriced(time=NOW, received=NOW, adapter="sim", underlying="BTC_USDT", price=PRICE)]
    events += [ticker(one) for one in CONTRACTS]
    events += [quote(one) for one in CONTRACTS]
    events += [
        PositionUpdated(
            time=NOW, received=NOW, contract=one.id, size=D(place % 7 - 3 or 2), entry_price=D(500), realized_pnl=D(0), mark_price=500.0
        )
        for place, one in enumerate(CONTRACTS[:POSITIONS])
    ]
    events.append(BalanceUpdated(time=NOW, received=NOW, adapter="sim", currency="USDT", total=D(10**7), available=D(10**7)))
    events.append(RunStarted(time=NOW, received=NOW))
    for event in events:
        engine.step(event)
    for place in range(WORKING):
        one = CONTRACTS[place * 5]
        order = SubmitOrder(client_id=f"w{place}", contract=one.id, size=D(1 if place % 2 else -1), price=D(1 if place % 2 else 90_000))
        engine.orders.pending(order, "s", NOW)
    return engine


def judged(engine: Engine, before: Callable[[int], None]) -> tuple[Callable[[], float], Callable[[], float]]:
    """CPU seconds of judging the first order after `before`, and of each of the seven that the same hook asks for after it."""
    ids = count()
    instance = engine.instances[0]

    def judge() -> float:
        place = next(ids)
        one = CONTRACTS[(place * 7) % len(CONTRACTS)]
        command = SubmitOrder(client_id=f"n{place}", contract=one.id, size=D(1), price=D(round(ticker(one).mark_price) + 1))
        start = time.process_time_ns()
        judgment = engine.review.judge(command, instance)
        taken = time.process_time_ns() - start
        assert judgment.approved is not None, judgment.reasons
        return taken * 1e-9

    def first() -> float:
        place = next(ids)
        engine.clock.move(NOW + place * BETWEEN)
        before(place)
        return judge()

    def further() -> float:
        return statistics.fmean([judge() for _ in range(7)])

    return first, further


def traded(engine: Engine) -> Callable[[], float]:
    """CPU seconds of judging an order while things go on: a contract ticks, the order before works, the eighth before is withdrawn."""
    ids = count()
    instance = engine.instances[0]

    def once() -> float:
        place = next(ids)
        engine.clock.move(NOW + place * BETWEEN)
        now, one = engine.clock.now, CONTRACTS[(place * 7) % len(CONTRACTS)]
        engine.step(ticker(CONTRACTS[place % POSITIONS], 1e-6 * (place % 100)))
        command = SubmitOrder(client_id=f"t{place}", contract=one.id, size=D(1), price=D(round(ticker(one).mark_price) + 1))
        start = time.process_time_ns()
        judgment = engine.review.judge(command, instance)
        taken = time.process_time_ns() - start
        assert judgment.approved is not None, judgment.reasons
        engine.orders.pending(command, "s", now)
        if place >= 8:
            gone = CONTRACTS[((place - 8) * 7) % len(CONTRACTS)].id
            state, order = OrderState.CANCELED, f"t{place - 8}"
            engine.step(OrderUpdated(time=now, received=now, contract=gone, state=state, client_id=order, size=D(1), left=D(1)))
        return taken * 1e-9

    return once


def ticks(engine: Engine, each: int) -> Callable[[int], None]:
    """Before an order so many contracts tick."""

    def before(place: int) -> None:
        for at in range(each):
            engine.step(ticker(CONTRACTS[(place + at) % POSITIONS], 1e-6 * (place % 100)))

    return before


def report(rows: dict[str, Callable[[], float]], rounds: int) -> None:
    for _ in range(20):
        for once in rows.values():
            once()
    gc.collect()
    gc.disable()
    taken: dict[str, list[float]] = {name: [] for name in rows}
    names = [*rows]
    pairs = [names[at : at + 2] for at in range(0, len(names), 2)] if len(names) > 3 else [[name] for name in names]
    for _ in range(8):  # blocks, so that what is measured finds the processor's caches as a run would
        for pair in pairs:
            for _ in range(rounds // 8):
                for name in pair:
                    taken[name].append(rows[name]())
    gc.enable()
    for name, times in taken.items():
        times.sort()
        print(f"{name:<66} {statistics.median(times) * 1e6:9.1f} µs   p95 {times[int(len(times) * 0.95)] * 1e6:9.1f} µs")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        start = time.process_time_ns()
        work()
        return (time.process_time_ns() - start) * 1e-9

    return once


def holding(one: Contract, size: int, iv: float) -> Holding:
    return Holding(contract=one, size=D(size), mark=D("500.5"), underlying_price=D("70000.5"), years=0.05, iv=iv)


def main() -> None:
    rows: dict[str, Callable[[], float]] = {}
    scenarios: dict[str, Callable[[], tuple[object, ...]]] = {
        "8 rules": rules,
        "8 rules + stress grid": lambda: rules(StressLimit(max_loss=1e9)),
        "with value at risk too": lambda: rules(StressLimit(max_loss=1e9), VarLimit(max_var=1e9)),
    }
    for name, made in scenarios.items():
        for each, told in ((0, "nothing moved"), (1, "one contract ticked"), (POSITIONS, "every contract ticked")):
            engine = stage(*made())
            rows[f"{name}, first order, {told} since"], rows[f"{name}, each further order of the hook ({each} ticked)"] = judged(
                engine, ticks(engine, each)
            )
    rows["8 rules, while contracts tick and orders come and go"] = traded(stage(*rules()))
    rows["order-limits alone, the same"] = traded(stage(OrderLimits(max_size=D(100), max_notional=D(10**7))))
    engine = stage(*rules(StressLimit(max_loss=1e9)), model=GATE)
    rows["8 rules + stress grid, scenario margin, first order"], rows["… each further order"] = judged(engine, ticks(engine, 1))
    held = [holding(one, 1, 0.55) for one in CONTRACTS[:POSITIONS]]
    rows["(for comparison: Classic.account of 50 positions)"] = timed(lambda: Classic().account(held))
    report(rows, ROUNDS)
    many = [holding(CONTRACTS[at % 60], at % 5 - 2 or 1, 0.5 + at / 5000) for at in range(500)]
    legs, paths = [Leg.of(one) for one in many], drawn(10_000, 1)
    units = [leg.units for leg in legs]
    grids = {
        "33 scenarios × 500 contracts": timed(lambda: revalue(legs, GATE.shocks).profits(units)),
        "228 scenarios × 50 contracts (value at risk)": timed(lambda: value_at_risk(held)),
        "10,000 paths × 100 contracts (value at risk)": timed(lambda: value_at_risk(many[:100], paths)),
    }
    report(grids, 24)


if __name__ == "__main__":
    main()
