"""Accounts that the tests of what-if figures look at: an account of one call, one of two underlyings, working orders.

Nothing happens by itself.
"""

from __future__ import annotations

from typing import Any

from strikeloop import BalanceUpdated, ContractId, Event, SubmitOrder
from strikeloop.exposure import Exposure
from strikeloop.margin import Classic
from strikeloop.orders import Orders
from strikeloop.portfolio import Portfolio
from strikeloop.whatif import WhatIf, what_if
from tests.framework.stage import CALL, PUT, D, contract, ticker

GREEKS: dict[str, Any] = {"delta": 0.5, "gamma": 0.001, "vega": 20.0, "theta": -30.0}
U = 70_000.0
FAR = ContractId.of("other", "BTC_USDT-20260626-70000-C")
MODEL = Classic()


def balance(total: int = 1_000, adapter: str = "sim", **more: Any) -> BalanceUpdated:
    return BalanceUpdated(time=0, received=0, **{"adapter": adapter, "currency": "USDT", "total": D(total), "available": D(total), **more})


def market(*events: Event, taker: str = "0") -> Portfolio:
    """A call at 100 with greeks, an unpriced put, 1,000 in cash."""
    made = Portfolio()
    for one in (CALL, PUT, FAR):
        made.add_contract(contract(one, taker_fee_rate=D(taker)))
    for event in (balance(), ticker(mark=100.0, underlying_price=U, **GREEKS), *events):
        made.apply(event)
    return made


def order(size: int | str, id: ContractId = CALL, client_id: str = "c", **more: Any) -> SubmitOrder:  # noqa: A002  # the name of the field
    return SubmitOrder(client_id=client_id, contract=id, size=D(size), **more)


def resting(*commands: SubmitOrder) -> Orders:
    made = Orders()
    for command in commands:
        made.pending(command, "s", 0)
    return made


def asked(made: Portfolio, *commands: SubmitOrder, orders: Orders | None = None) -> WhatIf:
    return what_if(made, orders or Orders(), MODEL, commands, 0)


def figures(exposure: Exposure) -> dict[str, Any]:
    names = ("cash", "margin", "unpriced", "volatility", "value_at_risk")
    return {name: getattr(exposure, name) for name in names} | {"sums": exposure.sums.total, "reach": [one.total for one in exposure.reach]}


ETH = ContractId.of("sim", "ETH_USDT-20260626-4000-C")
TOLD: dict[str, Any] = {"underlying_price": U, "mark_iv": 0.5, **GREEKS}
ETH_TOLD: dict[str, Any] = {"underlying_price": 4_000.0, "mark_iv": 0.7, "delta": 0.4, "gamma": 0.002, "vega": 3.0, "theta": -2.0}
ALL = (CALL, PUT, ETH)


def two_underlyings(*events: Event) -> Portfolio:
    made = market()
    made.add_contract(contract(ETH, underlying="ETH_USDT", strike=D(4_000), multiplier=D("0.1")))
    tickers = ticker(mark=2_000.0, **TOLD), ticker(PUT, mark=1_900.0, **{**TOLD, "delta": -0.5}), ticker(ETH, mark=150.0, **ETH_TOLD)
    for event in (*tickers, *events):
        made.apply(event)
    return made
