"""Where the venue says less than the seed document promises: what frames, snapshot and tickers give together."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from strikeloop import (
    BalanceUpdated,
    Contract,
    ContractListed,
    Desk,
    Event,
    LedgerPosted,
    OptionKind,
    Origin,
    PositionUpdated,
    RunStarted,
    hookimpl,
    plugin,
    state,
)
from strikeloop.engine import Engine, Plugin
from strikeloop.margin import Classic
from strikeloop_gate.decode import Dialect, FrameDecoder
from tests.framework.session.stage import Stage
from tests.plugins.gate.frames import AT, CONTRACT, TICKER, C, S, frame, raw

SPECIFICATION = Contract(
    id=CONTRACT,
    underlying="BTC_USDT",
    kind=OptionKind.CALL,
    strike=Decimal(30_000),
    expiry=2**62,
    multiplier=Decimal("0.01"),
    tick=Decimal(1),
    mark_tick=Decimal("0.1"),
)
POSITION = frame("options.positions", [{"contract": C, "size": -3, "entry_price": 400.6, "realised_pnl": -0.2, "time_ms": AT * 1000}])
GREEKS = {"delta": -0.22843, "gamma": 0.000116, "vega": 19.18789, "theta": -168.86772}
ENTRY = {"balance": 998.5, "change": -1.5, "type": "fee", "text": f"{C}:5", "time": AT, "time_ms": AT * 1000}
KNOWN = BalanceUpdated(time=0, received=0, adapter="gate", currency="USDT", total=Decimal(1000), available=Decimal(700))


@plugin
class Watcher:
    """Remembers what it is told of positions."""

    told: list[PositionUpdated] = state(factory=list)
    desk: Any = state(None)

    @hookimpl
    def on_position(self, event: PositionUpdated, desk: Desk) -> None:
        self.told.append(event)
        self.desk = desk


def decoded(document: dict[str, Any]) -> tuple[Event, ...]:
    return FrameDecoder("gate", Dialect.GATE)(raw(document), AT * S).events


def watched(*documents: dict[str, Any]) -> Watcher:
    watcher = Watcher()
    engine = Engine([Plugin(name="watcher", kind="strategy", plugin=watcher)], margin=Classic())
    engine.step(ContractListed(time=0, received=0, contract=CONTRACT, specification=SPECIFICATION))
    engine.step(RunStarted(time=0, received=0))
    for document in documents:
        for event in decoded(document):
            engine.step(event)
    return watcher


def greeks(found: Any) -> dict[str, float]:
    return {name: getattr(found, name) for name in GREEKS}


def test_a_position_is_told_with_mark_greeks_and_what_it_has_not_realized() -> None:
    watcher = watched(frame("options.contract_tickers", TICKER), POSITION)
    (told,) = watcher.told
    assert (told.size, told.mark_price, told.unrealized_pnl) == (Decimal(-3), 350.6, Decimal("1.5"))
    assert greeks(told) == GREEKS


def test_exposure_is_greek_times_size_times_multiplier() -> None:
    (position,) = watched(frame("options.contract_tickers", TICKER), POSITION).desk.positions
    assert position.exposure.vega == pytest.approx(19.18789 * -3 * 0.01)


def test_the_next_ticker_moves_mark_pnl_and_greeks_of_the_position() -> None:
    later = frame("options.contract_tickers", TICKER | {"mark_price": "300.6", "delta": "-0.2"})
    watcher = watched(frame("options.contract_tickers", TICKER), POSITION, later)
    (position,) = watcher.desk.positions
    assert (position.mark_price, position.unrealized_pnl, position.delta) == (300.6, Decimal(3), -0.2)


def test_a_mark_price_alone_moves_the_pnl_and_leaves_the_greeks() -> None:
    mark = frame("options.mark_prices", {"contract": C, "price": 300.6, "time": AT, "time_ms": AT * 1000})
    (position,) = watched(frame("options.contract_tickers", TICKER), POSITION, mark).desk.positions
    assert (position.unrealized_pnl, greeks(position)) == (Decimal(3), GREEKS)


def test_a_ledger_entry_becomes_the_state_of_the_account() -> None:
    stage = Stage().ready(KNOWN)
    stage.say("balances", *decoded(frame("options.balances", [ENTRY])))
    (entry, balance) = stage.events
    assert isinstance(entry, LedgerPosted)
    assert isinstance(balance, BalanceUpdated)
    assert (balance.total, balance.available, balance.origin) == (Decimal("998.5"), Decimal("698.5"), Origin.COMPUTED)


def test_the_entries_of_one_trade_lead_to_one_look_at_the_account() -> None:
    stage = Stage().ready(KNOWN)
    second = ENTRY | {"balance": 998.0, "change": -0.5}
    stage.say("balances", *decoded(frame("options.balances", [ENTRY, second])))
    looks = stage.looks
    stage.alive_until(3)
    assert stage.looks == looks + 1
