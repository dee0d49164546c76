"""The specification of strikeloop.desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    BalanceUpdated,
    ContractExpired,
    ContractId,
    Desk,
    OrderRefused,
    OrderState,
    OrderUpdated,
    PluginError,
    Severity,
    SubmitOrder,
    TimeInForce,
)
from strikeloop.desk import CancelTimer, RaiseAlert, SetTimer, Watch, WriteLog
from strikeloop.engine import Plugin
from strikeloop.pricing import Greeks
from tests.framework.stage import CALL, EXPIRY, PUT, SECOND, D, Stage, contract, fill, made, position, quoted, ticker, update

IDLE: dict[str, Any] = {"on_start": lambda event, desk: None}


def stage(*, rules: int = 0, strategies: int = 1, **more: Any) -> Stage:
    return Stage(*(made(**IDLE) for _ in range(strategies)), rules=[made(**IDLE) for _ in range(rules)], **more)


def put(act: Callable[[Desk], Any]) -> Any:
    """The one request that an act leaves in the outbox."""
    desk = stage().desk()
    act(desk)
    (request,) = desk.outbox
    return request


# ---- orders ----------------------------------------------------------------------------------------------------------


def test_buying_asks_for_a_positive_size_and_selling_for_a_negative_one() -> None:
    assert (put(lambda desk: desk.buy(CALL, 3, 100)).size, put(lambda desk: desk.sell(CALL, 3, 100)).size) == (D(3), D(-3))


def test_the_client_id_comes_back_at_once() -> None:
    desk = stage().desk()
    assert desk.buy(CALL, 1, 100) == desk.outbox[0].client_id  # type: ignore[union-attr]  # the first request is an order


@pytest.mark.parametrize("size", [2, "2", D(2)])
def test_an_amount_may_be_int_decimal_or_text(size: int | str | D) -> None:
    assert put(lambda desk: desk.buy(CALL, size, 100)).size == D(2)


@pytest.mark.parametrize(("price", "exact"), [(0.1, "0.1"), (100.0, "100.0"), ("99.5", "99.5"), (7, "7"), (D("1.25"), "1.25")])
def test_a_price_means_what_is_written(price: Any, exact: str) -> None:
    assert put(lambda desk: desk.buy(CALL, 1, price)).price == D(exact)


def test_an_order_without_a_price_takes_what_is_there() -> None:
    command = put(lambda desk: desk.buy(CALL, 1))
    assert (command.price, command.tif) == (None, TimeInForce.IOC)


def test_the_time_in_force_may_be_text() -> None:
    assert put(lambda desk: desk.buy(CALL, 1, 100, tif="poc")).tif is TimeInForce.POC


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_order_may_show_a_part_of_itself_and_be_under_protection(side: str) -> None:
    command = put(lambda desk: getattr(desk, side)(CALL, 9, 100, iceberg="2", mmp=True))
    assert (command.iceberg, command.mmp) == (D(2), True)


def test_an_order_shows_all_of_itself_and_is_not_protected_unless_asked() -> None:
    command = put(lambda desk: desk.buy(CALL, 9, 100))
    assert (command.iceberg, command.mmp) == (0, False)


@pytest.mark.parametrize(
    "act",
    [
        lambda desk: desk.buy(CALL, 1.0, 100),
        lambda desk: desk.buy(CALL, True, 100),
        lambda desk: desk.buy(CALL, None, 100),
        lambda desk: desk.buy(CALL, "many", 100),
        lambda desk: desk.buy(CALL, D("NaN"), 100),
        lambda desk: desk.buy(CALL, -1, 100),
        lambda desk: desk.sell(CALL, "-1", 100),
        lambda desk: desk.close(CALL, -1),
        lambda desk: desk.buy(CALL, 1, True),
        lambda desk: desk.buy(CALL, 1, float("nan")),
        lambda desk: desk.buy(CALL, 1, "cheap"),
        lambda desk: desk.buy(CALL, 1, [1]),
        lambda desk: desk.buy(contract(), 1, 100),
        lambda desk: desk.buy(CALL.name, 1, 100),
        lambda desk: desk.close(contract()),
        lambda desk: desk.buy(CALL, 1, 100, tif="day"),
        lambda desk: desk.buy(CALL, 1, 100, tag=5),
        lambda desk: desk.buy(CALL, 9, 100, iceberg=1.0),
        lambda desk: desk.buy(CALL, 9, 100, iceberg=-1),
        lambda desk: desk.buy(CALL, 9, 100, mmp=1),
        lambda desk: desk.cancel(5),
        lambda desk: desk.amend(5, price=1),
        lambda desk: desk.amend("x", size=1.5),
        lambda desk: desk.at(1.5, "x"),
        lambda desk: desk.at(True, "x"),
        lambda desk: desk.at(1, 5),
        lambda desk: desk.every("1", "x"),
        lambda desk: desk.every(0, "x"),
        lambda desk: desk.every(-1, "x"),
        lambda desk: desk.every(True, "x"),
        lambda desk: desk.every(float("nan"), "x"),
        lambda desk: desk.every(float("inf"), "x"),
        lambda desk: desk.cancel_timer(1),
        lambda desk: desk.alert(5),
        lambda desk: desk.alert("x", topic=5),
        lambda desk: desk.alert("x", severity="loud"),
        lambda desk: desk.log(5),
        lambda desk: desk.watch(5),
        lambda desk: desk.watch(["BTC_USDT"]),
        lambda desk: desk.watch(CALL, every=0),
        lambda desk: desk.watch(CALL, every=1.5),
        lambda desk: desk.watch(CALL, kinds=(OrderUpdated,)),
    ],
)
def test_a_wrong_type_is_raised_at_once_and_asks_for_nothing(act: Callable[[Desk], Any]) -> None:
    desk = stage().desk()
    with pytest.raises(TypeError):
        act(desk)
    assert desk.outbox == []


@given(size=st.integers(0, 10**6), price=st.floats(0.0001, 1e9))
def test_what_is_only_wrong_about_the_market_is_not_raised(size: int, price: float) -> None:
    assert put(lambda desk: desk.buy(ContractId.of("nobody", "nothing"), size, price)).size == size


# ---- close, cancel, amend --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("held", "size", "asked"), [(5, None, -5), (5, 2, -2), (5, 9, -5), (-5, None, 5), (-5, 9, 5), (-5, "2", 2)])
def test_closing_reduces_and_never_turns_the_position(held: int, size: int | str | None, asked: int) -> None:
    played = stage()
    played.step(position(held))
    played.does(lambda desk: desk.close(CALL, size, 100))
    (command,) = played.sent(SubmitOrder)
    assert (command.size, command.reduce_only) == (D(asked), True)


def test_closing_without_a_price_takes_what_is_there() -> None:
    played = stage()
    played.step(position(5))
    played.does(lambda desk: desk.close(CALL))
    assert [(one.price, one.tif) for one in played.sent(SubmitOrder)] == [(None, TimeInForce.IOC)]


@pytest.mark.parametrize("size", [None, 3])
def test_closing_what_nobody_holds_is_refused(size: int | None) -> None:
    assert stage().reason(lambda desk: desk.close(CALL, size)) == "contract: size is 0: nothing to trade"


def test_an_amendment_keeps_the_side_of_its_order() -> None:
    played = stage()
    order = played.does(lambda desk: desk.sell(CALL, 5, 100))
    played.does(lambda desk: desk.amend(order, size=3))
    assert [one.left for one in played.desk().working] == [D(-3)]


def test_canceling_all_cancels_what_works_in_the_order_in_which_it_was_asked_for() -> None:
    played = stage()
    ids = [played.does(lambda desk: desk.buy(CALL, 2, 100)) for _ in range(3)]
    played.step(update(ids[1], OrderState.CANCELED, 2, 2))
    assert played.does(lambda desk: desk.cancel_all()) == (ids[0], ids[2])


def test_canceling_all_may_be_limited_to_a_contract() -> None:
    played = stage()
    played.does(lambda desk: desk.buy(CALL, 1, 100))
    order = played.does(lambda desk: desk.buy(PUT, 1, 100))
    assert played.does(lambda desk: desk.cancel_all(PUT)) == (order,)


def test_canceling_all_of_an_underlying_or_of_a_side_leaves_the_others() -> None:
    played = stage()
    bid, offer = played.does(lambda desk: (desk.buy(CALL, 1, 100), desk.sell(PUT, 1, 100)))
    assert played.does(lambda desk: desk.cancel_all(side="sell")) == (offer,)
    assert played.does(lambda desk: desk.cancel_all(CALL, side="sell")) == ()
    assert played.does(lambda desk: desk.cancel_all(underlying="BTC_USDT")) == (bid, offer)
    assert played.does(lambda desk: desk.cancel_all(underlying="ETH_USDT")) == ()


def test_a_side_that_is_none_is_a_wrong_type() -> None:
    with pytest.raises(TypeError, match="side must be buy or sell"):
        stage().desk().cancel_all(side="bid")  # type: ignore[arg-type]  # that is the point


# ---- what it sees ----------------------------------------------------------------------------------------------------


def test_a_strategy_sees_its_own_orders_only() -> None:
    played = stage(strategies=2)
    order = played.does(lambda desk: desk.buy(CALL, 1, 100), "s2")
    assert (played.desk().orders, played.desk().working, played.desk().order(order)) == ((), (), None)
    assert [one.key for one in played.desk("s2").orders] == [order]


def test_a_rule_sees_the_orders_of_the_whole_account() -> None:
    played = stage(strategies=2, rules=1)
    ids = [played.does(lambda desk: desk.buy(CALL, 1, 100), name) for name in ("s", "s2")]
    played.step(update(None, OrderState.OPEN, 3, 3, order_id="v7"))
    assert [one.key for one in played.desk("r").working] == [*ids, "sim:v7"]


def test_mine_are_the_own_fills() -> None:
    played = stage(strategies=2)
    order = played.does(lambda desk: desk.buy(CALL, 5, 100))
    played.step(fill(order, 2), fill(order, 1, trade_id="2"))
    assert (played.desk().mine, played.desk("s2").mine) == ({CALL: D(3)}, {})


def test_what_is_flat_again_is_no_longer_mine() -> None:
    played = stage()
    first, second = (played.does(lambda desk: desk.buy(CALL, 5, 100)), played.does(lambda desk: desk.sell(CALL, 5, 100)))
    played.step(fill(first, 5), fill(second, -5, trade_id="2", order_id="v2"))
    assert played.desk().mine == {}


def test_what_is_expired_is_no_longer_mine() -> None:
    played = stage()
    played.step(fill(played.does(lambda desk: desk.buy(CALL, 5, 100)), 5), ContractExpired(time=0, received=0, contract=CALL))
    assert played.desk().mine == {}


def test_positions_are_the_accounts() -> None:
    played = stage(strategies=2)
    played.step(position(5))
    assert [played.desk(name).positions[0].size for name in ("s", "s2")] == [D(5), D(5)]


def test_contracts_are_those_that_have_not_expired() -> None:
    late = contract(ContractId.of("sim", "late-C"), expiry=EXPIRY + 1)
    played = stage(contracts=[contract(), late])
    assert list(played.desk().contracts) == [CALL, late.id]
    played.step(quoted(at=EXPIRY))
    assert list(played.desk().contracts) == [late.id]


def test_a_chain_stands_by_expiry_strike_and_kind() -> None:
    names = [("2-C", 80, 2), ("2-P", 80, 2), ("1-P", 90, 1), ("1-C", 90, 1), ("0-C", 70, 2)]
    listed = [contract(ContractId.of("sim", name), strike=D(strike), expiry=EXPIRY + expiry) for name, strike, expiry in names]
    desk = stage(contracts=[*listed, contract(ContractId.of("sim", "eth"), underlying="ETH_USDT")]).desk()
    assert [one.id.name for one in desk.chain("BTC_USDT")] == ["1-C", "1-P", "0-C", "2-C", "2-P"]
    assert [one.id.name for one in desk.chain("BTC_USDT", EXPIRY + 1)] == ["1-C", "1-P"]


def test_what_was_not_told_yet_is_none() -> None:
    desk = stage().desk()
    assert (desk.quote(CALL), desk.ticker(CALL), desk.greeks(CALL), desk.position(CALL), desk.balance, desk.risk) == (None,) * 6


def test_the_market_is_seen_without_watching_it() -> None:
    played = stage()
    played.step(quoted(), ticker(delta=0.5))
    assert (played.desk().quote(CALL), played.desk().ticker(CALL)) == (quoted(), ticker(delta=0.5))
    assert played.desk().greeks(CALL) == Greeks(delta=0.5, gamma=0.0, vega=0.0, theta=0.0)


def test_now_is_the_engines_time() -> None:
    played = stage()
    played.step(quoted(at=7))
    assert played.desk().now == 7


def test_what_if_shows_the_account_after_orders() -> None:
    played = stage()
    played.step(BalanceUpdated(time=0, received=0, adapter="sim", currency="USDT", total=D(100), available=D(100)))
    played.step(ticker(mark=100.0, underlying_price=70_000.0, delta=0.5))
    order = SubmitOrder(client_id="x", contract=CALL, size=D(2), price=D(100))
    assert played.desk().what_if([order]).after.delta == pytest.approx(0.01)


# ---- timers, watches, alerts, logs -----------------------------------------------------------------------------------


def test_a_timer_is_set_for_a_time_or_for_every_so_many_seconds() -> None:
    played = stage()
    played.step(quoted(at=SECOND))
    desk = played.desk()
    desk.at(5, "once")
    desk.every(0.5, "often")
    desk.cancel_timer("once")
    assert desk.outbox == [SetTimer("once", 5), SetTimer("often", 3 * SECOND // 2, SECOND // 2), CancelTimer("once")]


def test_contracts_chains_and_underlyings_can_be_watched_together() -> None:
    request = put(lambda desk: desk.watch(CALL, contract(PUT), desk.chain("BTC_USDT"), "ETH_USDT", every=3))
    assert request == Watch((CALL, PUT, CALL, PUT), ("ETH_USDT",), (), 3)


def test_an_alert_has_text_topic_and_severity() -> None:
    assert put(lambda desk: desk.alert("look", topic="vega", severity="critical")) == RaiseAlert("vega", "look", Severity.CRITICAL)


def test_a_log_line_carries_its_fields_and_plays_no_part() -> None:
    played = stage()
    played.does(lambda desk: desk.log("seen", size=3))
    assert (played.logs, played.events) == ([("s", WriteLog("seen", {"size": 3}))], [])


# ---- rules, memory, chance -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act", [lambda desk: desk.buy(CALL, 1, 100), lambda desk: desk.close(CALL), lambda desk: desk.cancel("x"), lambda desk: desk.amend("x")]
)
def test_the_desk_of_a_rule_sends_nothing(act: Callable[[Desk], Any]) -> None:
    desk = stage(rules=1).desk("r")
    with pytest.raises(PluginError, match="r is a rule: rules judge commands"):
        act(desk)
    assert desk.outbox == []


def test_the_desk_of_a_rule_sets_timers_watches_and_alerts() -> None:
    desk = stage(rules=1).desk("r")
    desk.at(5, "x")
    desk.watch(CALL)
    desk.alert("x")
    assert len(desk.outbox) == 3


def test_memory_comes_back_as_it_was_left() -> None:
    kept = {"level": 3}
    engine = type(stage().engine)([Plugin(name="s", kind="strategy", plugin=made(**IDLE), memory=kept)], margin=None)  # type: ignore[arg-type]  # nothing asks for margin
    desk = engine.instances[0].desk
    assert desk.memory == kept
    desk.memory["level"] = 4
    assert kept == {"level": 3}


def test_chance_is_the_same_for_the_same_seed_and_name() -> None:
    draws = [[stage(strategies=2, seed=seed).desk(name).random.random() for name in ("s", "s2")] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert draws[0][0] != draws[0][1]


def test_a_refusal_names_the_command_that_was_refused() -> None:
    played = stage()
    order = played.does(lambda desk: desk.buy(CALL, 0, 100))
    (refused,) = played.of(OrderRefused)
    assert (refused.client_id, refused.command.client_id, refused.contract, refused.instance) == (order, order, CALL, "s")
