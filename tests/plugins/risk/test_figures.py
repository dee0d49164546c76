"""The figures that rules judge by are those of the venue: greeks, margin and value at risk of one account, told by both."""

from __future__ import annotations

import pytest

from strikeloop import Desk, PortfolioRiskUpdated, hookimpl, plugin, state
from strikeloop.exposure import Exposure
from strikeloop.pricing import of_contract
from strikeloop.testing.sim import Sim

GREEKS = ("delta", "gamma", "vega", "theta")


@plugin
class Holder:
    """Buys and sells some of the chain at the market, and keeps what the venue and the desk say at the same moment."""

    told: list[tuple[PortfolioRiskUpdated, Exposure]] = state(factory=list)
    apart: list[float] = state(factory=list)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        for place, contract in enumerate(desk.chain("BTC_USDT")[::3]):
            (desk.buy if place % 2 else desk.sell)(contract.id, 2)

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        if not desk.positions:
            return
        self.told.append((event, desk.what_if().before))
        for position in desk.positions:
            ticker, contract = desk.ticker(position.contract), desk.portfolio.contracts[position.contract]
            assert ticker is not None
            assert ticker.mark_iv is not None
            assert ticker.underlying_price is not None
            own = of_contract(contract, ticker.underlying_price, ticker.mark_iv, ticker.time).greeks
            for greek in GREEKS:
                scale = max(abs(getattr(own, greek)), {"delta": 1e-3, "gamma": 1e-7, "vega": 1e-2, "theta": 1e-1}[greek])
                self.apart.append(abs(getattr(position, greek) - getattr(own, greek)) / scale)


@pytest.fixture(scope="module")
def holder() -> Holder:
    holder = Holder()
    Sim(venue={"balance": "100000"}).run(holder, seconds=40)
    return holder


def test_greeks_margin_and_value_at_risk_of_the_desk_are_those_of_the_venue(holder: Holder) -> None:
    assert len(holder.told) > 20
    for event, own in holder.told:
        for greek in GREEKS:
            assert getattr(own, greek) == pytest.approx(getattr(event, f"total_{greek}"), rel=1e-6, abs=1e-9)
        assert float(own.maintenance_margin) == pytest.approx(float(event.margin_required), rel=1e-6)
        assert own.value_at_risk == pytest.approx(event.portfolio_var, rel=5e-3), "the venue computes it every few seconds"


def test_the_greeks_of_a_position_are_black_s_within_a_thousandth(holder: Holder) -> None:
    assert len(holder.apart) > 400
    assert max(holder.apart) < 1e-3
