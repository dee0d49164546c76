"""The specification of strikeloop_notify.account_digest: what a summary says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    ContractId,
    Filled,
    OrderRefused,
    PluginFaulted,
    PortfolioRiskUpdated,
    PositionUpdated,
    StreamLost,
    SubmitOrder,
)
from strikeloop_notify.account_digest import AccountDigest

D = Decimal
CALL = ContractId.of("gate", "BTC-70000-C")
TIMES: dict[str, Any] = {"time": 1, "received": 1}


def balance(total: str, option_value: str = "0") -> BalanceUpdated:
    figures: dict[str, Any] = {"total": D(total), "available": D(total), "option_value": D(option_value)}
    return BalanceUpdated(**TIMES, adapter="gate", currency="USDT", **figures)


def fill(number: int) -> Filled:
    return Filled(**TIMES, contract=CALL, trade_id=f"{number}", order_id="1", size=D(-2), price=D(100), fee=D("0.5"))


def held(size: int, contract: ContractId = CALL) -> PositionUpdated:
    return PositionUpdated(**TIMES, contract=contract, size=D(size), entry_price=D(100), realized_pnl=D(0))


def test_a_summary_tells_money_fills_positions_risk_and_trouble() -> None:
    digest, order = AccountDigest(), SubmitOrder(client_id="c", contract=CALL, size=D(1), price=D(1))
    for event in (
        balance("1000"),
        fill(1),
        fill(2),
        held(-4),
        balance("1200", "-150"),
        PortfolioRiskUpdated(
            **TIMES,
            adapter="gate",
            total_delta=-0.5,
            total_gamma=0.001,
            total_vega=-20.0,
            total_theta=10.0,
            margin_occupied=D(600),
            margin_required=D(400),
            effective_leverage=2.5,
        ),
        OrderRefused(
            **TIMES, instance="a", contract=CALL, client_id="c", command=order, reasons=(("margin-guard", "x"), ("order-limits", "y"))
        ),
        AlertRaised(**TIMES, source="a", topic="total_delta", text="x"),
        PluginFaulted(**TIMES, instance="quoter", hook="on_fill", error="x", halted=True),
        StreamLost(**TIMES, adapter="gate", reason="x"),
    ):
        digest.see(event)
    assert digest.text().splitlines() == [
        "gate: equity 1050.00 USDT, +50.00",
        "2 fills of 4 contracts, fees 1.00",
        "1 positions: -4 BTC-70000-C",
        "gate: delta -0.5, gamma +0.001, vega -20, theta +10, leverage 2.50, margin required 400.00",
        "refused by: margin-guard 1, order-limits 1",
        "alerts: warning total_delta 1",
        "plugin faults: quoter 1",
        "connections lost: gate account 1",
    ]


def test_the_next_summary_counts_anew_and_remembers_what_is_held() -> None:
    digest = AccountDigest()
    for event in (balance("1000"), fill(1), held(-2), balance("900")):
        digest.see(event)
    digest.restart()
    digest.see(balance("950"))
    assert digest.text().splitlines() == [
        "gate: equity 950.00 USDT, +50.00",
        "0 fills of 0 contracts, fees 0.00",
        "1 positions: -2 BTC-70000-C",
    ]


def test_a_position_that_was_closed_is_not_listed_and_many_are_cut() -> None:
    digest = AccountDigest()
    digest.see(held(1))
    digest.see(held(0))
    for number in range(12):
        digest.see(held(1, ContractId.of("gate", f"C{number}")))
    assert digest.text().endswith("+1 C9 and 2 more")
