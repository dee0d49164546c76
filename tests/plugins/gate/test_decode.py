"""Frames in both dialects: what they mean, and that nothing bad ever gets through or breaks out."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import (
    BalanceUpdated,
    BookUpdated,
    CandleClosed,
    ChannelRefused,
    ChannelSubscribed,
    ContractExpired,
    ContractListed,
    ContractSettled,
    DecodeError,
    Event,
    Filled,
    LedgerPosted,
    Liquidated,
    OptionKind,
    OrderState,
    OrderUpdated,
    PortfolioRiskUpdated,
    PositionClosed,
    PositionUpdated,
    Quoted,
    TickerUpdated,
    TimeInForce,
    Traded,
    UnderlyingPriced,
    canonical,
)
from strikeloop.adapter import Decoded
from strikeloop_gate.decode import Dialect, FrameDecoder
from tests.benchmarks.bench_gate_decode import endure
from tests.plugins.gate.frames import AT, BALANCE, CONTRACT, GATE, GATE_ORDER, NEARLY, ORDER, PORTFOLIO, POSITION, SEED, C, S, frame


def decode(document: Any, dialect: Dialect = Dialect.AUTO) -> Decoded:
    text = document if isinstance(document, str | bytes) else json.dumps(document)
    return FrameDecoder("gate", dialect)(text, 7)


def events(channel: str, result: Any, dialect: Dialect = Dialect.AUTO, **more: Any) -> tuple[Any, ...]:
    return decode(frame(channel, result, **more), dialect).events


def said(document: Any, dialect: Dialect = Dialect.AUTO) -> tuple[Any, ...]:
    return decode(document, dialect).events


def refused(document: Any, dialect: Dialect = Dialect.AUTO) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(document, dialect)
    return caught.value


@pytest.mark.parametrize("dialect", [Dialect.SEED, Dialect.AUTO])
def test_a_seed_position_gives_every_field_typed(dialect: Dialect) -> None:
    assert events("options.positions", POSITION, dialect) == (
        PositionUpdated(
            time=AT * S,
            received=7,
            contract=CONTRACT,
            size=Decimal(1),
            entry_price=Decimal(2000),
            realized_pnl=Decimal(0),
            mark_price=2100.0,
            unrealized_pnl=Decimal(100),
            delta=0.65,
            gamma=0.0001,
            vega=10.0,
            theta=-5.0,
        ),
    )


@pytest.mark.parametrize("dialect", [Dialect.SEED, Dialect.AUTO])
def test_a_closed_seed_order_with_a_fill_price_is_filled(dialect: Dialect) -> None:
    (order,) = events("options.orders", ORDER, dialect)
    assert order == OrderUpdated(
        time=AT * S,
        received=7,
        contract=CONTRACT,
        state=OrderState.FILLED,
        size=Decimal(1),
        order_id="123456789",
        left=Decimal(0),
        price=Decimal(2000),
        fill_price=Decimal(2000),
        created=AT * S,
        finished=AT * S,
        finish_as="filled",
    )


def test_a_closed_seed_order_without_a_fill_price_is_canceled() -> None:
    (order,) = events("options.orders", ORDER | {"fill_price": "0"})
    assert (order.state, order.left, order.finish_as, order.filled) == (OrderState.CANCELED, Decimal(1), "cancelled", Decimal(0))


def test_a_closed_seed_order_of_several_contracts_does_not_say_how_many_were_filled() -> None:
    (order,) = events("options.orders", ORDER | {"size": "-3"})
    assert isinstance(order, OrderUpdated)
    assert (order.state, order.left, order.filled) == (OrderState.FILLED, None, Decimal(-3))


@pytest.mark.parametrize(
    ("size", "fill_price", "said"),
    [
        ("-3", "0", (OrderState.CANCELED, Decimal(-3), "cancelled")),
        ("-3", "5", (OrderState.CANCELED, None, "cancelled")),
        ("1", "5", (OrderState.FILLED, Decimal(0), "filled")),
    ],
)
def test_a_cancelled_seed_order_is_over_and_one_contract_with_a_fill_price_is_filled(size: str, fill_price: str, said: Any) -> None:
    (order,) = events("options.orders", ORDER | {"status": "cancelled", "size": size, "fill_price": fill_price})
    assert (order.state, order.left, order.finish_as) == said


def test_an_open_seed_order_needs_no_finish_time() -> None:
    open_order = {key: value for key, value in ORDER.items() if key != "finish_time"} | {"status": "open", "fill_price": "0"}
    (order,) = events("options.orders", open_order)
    assert (order.state, order.left, order.finished) == (OrderState.OPEN, None, None)


def test_a_market_order_has_no_price() -> None:
    (order,) = events("options.orders", ORDER | {"type": "market", "price": "0", "tif": "ioc"})
    assert (order.is_market, order.price, order.tif) == (True, None, TimeInForce.IOC)


@pytest.mark.parametrize("spelling", ["unrealized_pnl", "unrealised_pnl"])
def test_a_seed_balance_is_a_snapshot_in_either_spelling(spelling: str) -> None:
    balance = {key: value for key, value in BALANCE.items() if key != "unrealized_pnl"} | {spelling: "500"}
    assert events("options.balances", balance) == (
        BalanceUpdated(
            time=AT * S,
            received=7,
            adapter="gate",
            currency="USDT",
            total=Decimal(10000),
            available=Decimal(7500),
            unrealized_pnl=Decimal(500),
            option_value=Decimal(2000),
            short_positions=3,
            long_positions=2,
            margin_ratio=0.2,
        ),
    )


def test_seed_portfolio_risk_gives_every_field_typed() -> None:
    assert events("options.portfolio", PORTFOLIO) == (
        PortfolioRiskUpdated(
            time=AT * S,
            received=7,
            adapter="gate",
            total_delta=0.5,
            total_gamma=0.001,
            total_vega=20.0,
            total_theta=-10.0,
            margin_occupied=Decimal(2000),
            margin_required=Decimal(1500),
            effective_leverage=2.5,
            portfolio_var=1000.0,
        ),
    )


@pytest.mark.parametrize("channel", sorted(SEED))
def test_the_same_facts_in_a_list_with_numbers_for_strings_give_equal_events(channel: str) -> None:
    seed = SEED[channel]
    numeric = {
        key: json.loads(value) if isinstance(value, str) and value.lstrip("-").replace(".", "").isdigit() else value
        for key, value in seed.items()
    }
    numeric = {key: int(value) if key == "size" else value for key, value in numeric.items()}
    assert events(channel, [numeric]) == events(channel, seed)


def test_a_gate_order_gives_the_order_of_the_equivalent_seed_frame() -> None:
    (order,) = events("options.orders", [{key: value for key, value in GATE_ORDER.items() if key != "text"}], Dialect.GATE)
    assert order == events("options.orders", ORDER)[0]


def test_a_gate_position_leaves_out_what_the_venue_does_not_say() -> None:
    (position,) = events(
        "options.positions",
        [{"contract": C, "size": -2, "entry_price": 5.5, "realised_pnl": -0.1, "user": "9", "time": AT, "time_ms": AT * 1000 + 5}],
    )
    assert (position.size, position.entry_price, position.mark_price, position.delta) == (Decimal(-2), Decimal("5.5"), None, None)
    assert position.time == AT * S + 5_000_000


def test_our_own_text_is_the_client_id_and_any_other_stays_in_raw() -> None:
    (ours,) = events("options.orders", [GATE_ORDER])
    (other,) = events("options.orders", [GATE_ORDER | {"text": "web"}])
    assert (ours.client_id, dict(ours.raw)) == ("t-r1-a-1", {})
    assert (other.client_id, dict(other.raw)) == (None, {"text": "web"})


@pytest.mark.parametrize(
    ("status", "finish_as", "left", "state"),
    [
        ("open", "", 1, OrderState.OPEN),
        ("open", "_new", 1, OrderState.OPEN),
        ("open", "_update", 1, OrderState.OPEN),
        ("open", None, 1, OrderState.OPEN),
        ("finished", "filled", 0, OrderState.FILLED),
        ("finished", "cancelled", 1, OrderState.CANCELED),
        ("finished", "ioc", 1, OrderState.EXPIRED),
        ("finished", "reduce_only", 1, OrderState.CANCELED),
        ("finished", "reduce_out", 1, OrderState.CANCELED),
        ("finished", "position_closed", 1, OrderState.CANCELED),
        ("finished", "mmp_cancelled", 1, OrderState.CANCELED),
        ("finished", "auto_deleveraged", 1, OrderState.CANCELED),
        ("finished", "liquidated", 0, OrderState.LIQUIDATED),
        ("finished", "", 0, OrderState.FILLED),
        ("finished", "", 1, OrderState.CANCELED),
        ("finished", "new_reason", 1, OrderState.UNKNOWN),
        ("untriggered", "", 1, OrderState.UNKNOWN),
    ],
)
def test_status_and_finish_as_together_say_the_state(status: str, finish_as: str | None, left: int, state: OrderState) -> None:
    order, *_ = events("options.orders", [GATE_ORDER | {"status": status, "finish_as": finish_as, "left": left}])
    assert order.state is state


def test_an_unknown_time_in_force_makes_an_open_order_unknown_and_is_kept() -> None:
    (order,) = events("options.orders", [GATE_ORDER | {"status": "open", "left": 1, "tif": "gtx"}])
    assert (order.state, order.raw["tif"]) == (OrderState.UNKNOWN, "gtx")


def test_left_must_lie_between_zero_and_the_size() -> None:
    assert refused(frame("options.orders", [GATE_ORDER | {"left": -1}])).field == "result[0].left"


def test_large_ids_keep_every_digit() -> None:
    (order,) = events("options.orders", [GATE_ORDER | {"id": 9_223_372_036_854_775_807}])
    assert order.order_id == "9223372036854775807"


def test_one_push_may_hold_several_items_and_none() -> None:
    assert [
        event.contract.name for event in events("options.orders", [GATE_ORDER, GATE_ORDER | {"contract": "ETH_USDT-20230630-3000-P"}])
    ] == [
        C,
        "ETH_USDT-20230630-3000-P",
    ]
    assert decode(frame("options.orders", [])) == Decoded(channel="options.orders")
    assert decode(frame("options.orders", None)) == Decoded(channel="options.orders")


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("channel", sorted(SEED))
def test_an_object_and_a_list_of_it_say_the_same_in_every_dialect(channel: str, dialect: Dialect) -> None:
    item = dict(SEED[channel])
    if dialect is Dialect.GATE and channel in GATE:
        item = GATE[channel]
    assert events(channel, item, dialect) == events(channel, [item], dialect)


@pytest.mark.parametrize(("channel", "field"), [("options.orders", "type"), ("options.balances", "total")])
def test_a_dialect_that_is_set_wants_its_own_fields(channel: str, field: str) -> None:
    assert refused(frame(channel, GATE[channel]), Dialect.SEED).field == f"result.{field}"


def test_the_venues_dialect_wants_its_own_fields() -> None:
    assert refused(frame("options.balances", BALANCE), Dialect.GATE).field == "result.balance"


def test_unknown_fields_are_kept_in_raw_and_are_no_error() -> None:
    document = frame("options.positions", POSITION | {"iv_rank": 1.50, "nested": {"a": [1, "x"]}}, conn_id="62f2")
    (position,) = said(document)
    assert position == events("options.positions", POSITION)[0]
    assert position.raw["iv_rank"] == "1.5"
    assert position.raw["nested"]["a"] == (1, "x")
    assert position.raw["conn_id"] == "62f2"
    assert b'"iv_rank":"1.5"' in canonical(position)


@pytest.mark.parametrize(("channel", "field"), [(channel, field) for channel, item in sorted(SEED.items()) for field in item], ids=str)
def test_a_missing_field_is_named_with_its_channel(channel: str, field: str) -> None:
    error = refused(frame(channel, {key: value for key, value in SEED[channel].items() if key != field}))
    assert (error.channel, error.field) == (channel, f"result.{field}")
    assert "missing" in error.reason


@pytest.mark.parametrize("field", ["id", "contract", "size", "left", "price", "fill_price", "status", "tif"])
def test_a_missing_field_in_a_list_is_named_with_its_place(field: str) -> None:
    broken = {key: value for key, value in GATE_ORDER.items() if key != field}
    assert refused(frame("options.orders", [GATE_ORDER, broken])).field == f"result[1].{field}"


@pytest.mark.parametrize("field", ["time", "channel", "event", "result"])
def test_a_missing_part_of_the_envelope_is_named(field: str) -> None:
    document = frame("options.positions", POSITION)
    del document[field]
    assert refused(document).field == field


NUMBERS = [
    (channel, field)
    for channel, item in sorted(SEED.items())
    for field, value in item.items()
    if isinstance(value, str) and value.lstrip("-").replace(".", "").isdigit() and field != "id"
]


@pytest.mark.parametrize("value", [*NEARLY, True, False, None, [], {}, ["1"], {"a": 1}], ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize(("channel", "field"), NUMBERS)
def test_what_is_only_nearly_a_number_is_refused_in_every_field(channel: str, field: str, value: Any) -> None:
    error = refused(frame(channel, SEED[channel] | {field: value}))
    assert (error.channel, error.field) == (channel, f"result.{field}")


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "01", "+1", ".5", "1.", "0x1", "１"])
@pytest.mark.parametrize(("channel", "field"), NUMBERS)
def test_bare_literals_that_are_no_finite_json_number_are_refused(channel: str, field: str, literal: str) -> None:
    text = json.dumps(frame(channel, SEED[channel] | {field: "@"})).replace('"@"', literal)
    assert refused(text).channel in (channel, "")


@pytest.mark.parametrize("channel", sorted(SEED))
@pytest.mark.parametrize("value", [True, 1.5, "1234567890", None, -1, 10**12, [], {}])
def test_the_time_of_a_frame_is_a_whole_number_of_seconds(channel: str, value: Any) -> None:
    assert refused(frame(channel, SEED[channel]) | {"time": value}).field == "time"


@pytest.mark.parametrize("field", ["create_time", "finish_time"])
@pytest.mark.parametrize("value", [True, 1.5, "1234567890", [], -1, "9" * 50])
def test_the_times_of_an_order_are_whole_numbers_of_seconds(field: str, value: Any) -> None:
    assert refused(frame("options.orders", ORDER | {field: value})).field == f"result.{field}"


@pytest.mark.parametrize(
    ("channel", "field"), [(c, f) for c, i in sorted(SEED.items()) for f in i if f in ("contract", "status", "tif", "type", "currency")]
)
@pytest.mark.parametrize("value", [None, True, 5, [], {}])
def test_a_text_is_a_string(channel: str, field: str, value: Any) -> None:
    assert refused(frame(channel, SEED[channel] | {field: value})).field == f"result.{field}"


@pytest.mark.parametrize("value", ["1.9", 1.9, "0.0001", -0.5])
def test_a_size_is_a_whole_number_of_contracts(value: Any) -> None:
    assert refused(frame("options.positions", POSITION | {"size": value})).field == "result.size"
    assert refused(frame("options.orders", [GATE_ORDER | {"size": value}])).field == "result[0].size"


@pytest.mark.parametrize("value", ["1.0", "1", 1, 1.0, "1.000", "1e0"])
def test_equal_sizes_in_any_notation_give_the_same_decimal(value: Any) -> None:
    (position,) = events("options.positions", POSITION | {"size": value})
    assert str(position.size) == "1"


@pytest.mark.parametrize("value", ["-0", "-0.0", -0.0])
def test_a_negative_zero_is_zero(value: Any) -> None:
    (position,) = events("options.positions", POSITION | {"size": value, "realised_pnl": value, "theta": value})
    assert not position.size.is_signed()
    assert not position.realized_pnl.is_signed()
    assert str(position.theta) == "0.0"


def test_ledger_figures_never_pass_through_float() -> None:
    text = json.dumps(frame("options.positions", POSITION | {"entry_price": "@"})).replace('"@"', "0.10000000000000000001")
    (position,) = said(text)
    assert str(position.entry_price) == "0.10000000000000000001"


def test_more_than_forty_digits_are_refused() -> None:
    assert refused(frame("options.positions", POSITION | {"entry_price": "0." + "1" * 41})).field == "result.entry_price"


@pytest.mark.parametrize("value", ["", "a/b", "../x", "a b", "ＢＴＣ", "x" * 65, "a\nb"])
def test_a_contract_name_that_could_not_be_one_is_refused(value: str) -> None:
    assert refused(frame("options.positions", POSITION | {"contract": value})).field == "result.contract"


@pytest.mark.parametrize(
    "text",
    [
        '{"time":1,"time":1,"channel":"options.portfolio","event":"update","result":{}}',
        json.dumps(frame("options.positions", POSITION)).replace('"size": "1.0"', '"size": "1.0", "size": "1.0"'),
        json.dumps(frame("options.positions", POSITION)).replace('"size": "1.0"', '"size" : "1.0", "size": "1.0"'),
        json.dumps(frame("options.positions", POSITION | {"x": {}})).replace('"x": {}', '"x": {"a": 1, "a": 2}'),
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    assert "twice" in refused(text).reason


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_truncated_frame_is_refused(cut: int) -> None:
    raw = json.dumps(frame("options.positions", POSITION)).encode()
    assert "not JSON" in refused(raw[: len(raw) * cut // 40]).reason


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"\x00\x01\x02",
        b"\xff\xfe",
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"true",
        b"{}",
        b"[" * 200_000,
        b'{"a":' * 50_000,
        b"x" * 2_000_000,
    ],
    ids=lambda raw: repr(raw[:8]),
)
def test_what_is_no_frame_at_all_is_refused(raw: bytes) -> None:
    assert len(refused(raw).frame) <= 2_048


def test_deep_nesting_beside_known_fields_is_refused() -> None:
    text = json.dumps(frame("options.positions", POSITION | {"x": "@"})).replace('"@"', "[" * 3_000 + "]" * 3_000)
    assert "deeply" in refused(text).reason


def test_text_that_is_not_unicode_is_refused() -> None:
    raw = json.dumps(frame("options.balances", BALANCE)).encode().replace(b"USDT", b"US\xffT")
    assert "UTF-8" in refused(raw).reason
    assert "surrogate" in refused(json.dumps(frame("options.balances", BALANCE)).replace("USDT", "\ud800")).reason
    assert "surrogate" in refused(json.dumps(frame("options.balances", BALANCE)).replace("USDT", "\\ud800")).reason


def test_an_unknown_channel_is_refused_by_name() -> None:
    error = refused(frame("options.greeks", {"contract": C}))
    assert (error.channel, error.field) == ("options.greeks", "channel")


def test_an_unknown_event_is_refused_by_name() -> None:
    assert "'replace'" in refused(frame("options.orders", ORDER, event="replace")).reason


def test_the_error_tells_what_was_found() -> None:
    error = refused(frame("options.orders", [GATE_ORDER | {"size": "1_000"}]))
    assert str(error) == "options.orders result[0].size: expected `number`, got `str` ('1_000')"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["NaN", "1e999", "1_0", "-0", 10**60]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ALL_CHANNELS = [
    *SEED, "options.usertrades", "options.liquidates", "options.user_settlements", "options.position_closes", "options.contract_tickers",
    "options.tickers", "options.book_ticker", "options.order_book_update", "options.order_book", "options.trades", "options.ul_trades",
    "options.ul_price", "options.ul_tickers", "options.mark_prices", "options.contract_candlesticks", "options.ul_candlesticks",
    "options.settlements", "options.contracts", "nowhere",
]  # fmt: skip


def decoded_or_refused(document: Any, dialect: Dialect = Dialect.AUTO) -> Decoded | None:
    """What decoding gives; None where it refuses with a reason. Any other exception fails the test."""
    try:
        return decode(document, dialect)
    except DecodeError as exc:
        if not exc.reason:
            raise
        return None


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_decoding_is_total_over_arbitrary_bytes_and_text(junk: bytes | str) -> None:
    for dialect in Dialect:
        decoded = decoded_or_refused(junk, dialect)
        assert decoded is None or not decoded.events


@given(
    st.sampled_from(ALL_CHANNELS),
    st.sampled_from(["update", "all", "subscribe", "unsubscribe", "error", "", "upgrade"]),
    json_values,
    st.dictionaries(st.sampled_from(["error", "code", "message", "time_ms", "payload", "x"]), json_values, max_size=3),
)
def test_decoding_is_total_over_arbitrary_envelopes(channel: str, event: str, result: Any, more: dict[str, Any]) -> None:
    decoded = decoded_or_refused(frame(channel, result, event, **more))
    assert decoded is None or all(canonical(found).startswith(b'{"event"') for found in decoded.events)


@given(st.sampled_from(sorted(SEED)), st.data())
def test_a_mutated_field_is_refused_or_taken_at_its_exact_value(channel: str, data: st.DataObject) -> None:
    item = deepcopy(SEED[channel])
    field = data.draw(st.sampled_from(sorted(item)))
    value = data.draw(json_values)
    decoded = decoded_or_refused(frame(channel, item | {field: value}))
    if decoded is not None:
        assert type(value) in (str, int, float) or (value is None and field == "finish_time")
        assert all(canonical(event).startswith(b'{"event"') for event in decoded.events)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_every_plain_figure_is_taken_exactly_as_string_and_as_number(value: Decimal) -> None:
    text = format(value, "f")
    as_string = json.dumps(frame("options.positions", POSITION | {"entry_price": text}))
    as_number = as_string.replace(f'"{text}"', text, 1)
    (one,), (other,) = said(as_string), said(as_number)
    assert one.entry_price == other.entry_price == value


def test_damaged_frames_cost_no_good_one_no_exception_and_no_memory() -> None:
    good, read, gained = endure(1_500)
    assert (good, read) == (30, 30)
    assert gained < 256 * 1024


def test_decoding_is_pure() -> None:
    text = json.dumps(frame("options.orders", ORDER))
    assert decode(text) == decode(text)
    assert decode(text.encode()) == decode(text)


def test_a_batch_gives_what_each_of_its_frames_gives_alone() -> None:
    good = [json.dumps(frame(channel, result)).encode() for channel, result in SEED.items()]
    frames: list[bytes | str] = [*good, b"{", good[0][:-9], *good, good[0].decode(), "\ud800"]
    whole, single = FrameDecoder("gate").decode_batch(frames, 7), FrameDecoder("gate")
    for text, read in zip(frames, whole, strict=True):
        if isinstance(read, Decoded):
            assert read == single(text, 7)
        else:
            with pytest.raises(DecodeError) as refused:
                single(text, 7)
            assert str(refused.value) == str(read)
    assert sum(isinstance(read, DecodeError) for read in whole) == 3


# Envelopes


def test_an_acknowledgement_confirms_a_channel() -> None:
    decoded = decode({"time": AT, "channel": "options.orders", "event": "subscribe", "error": None, "result": {"status": "success"}})
    assert decoded.events == (ChannelSubscribed(time=AT * S, received=7, adapter="gate", channel="options.orders"),)
    (confirmed,) = said(
        {
            "time": AT,
            "channel": "options.trades",
            "event": "subscribe",
            "result": {"status": "success"},
            "conn_id": "6",
            "time_ms": AT * 1000,
        }
    )
    assert confirmed.port == "feed"


def test_the_end_of_a_subscription_is_no_event() -> None:
    decoded = decode({"time": AT, "channel": "options.orders", "event": "unsubscribe", "error": None, "result": {"status": "success"}})
    assert decoded == Decoded(channel="options.orders")


def test_a_request_is_no_answer() -> None:
    assert "request" in refused({"time": AT, "channel": "options.orders", "event": "subscribe", "payload": [C]}).reason


@pytest.mark.parametrize(
    ("code", "is_auth"), [(401, True), (4, True), (6, True), (11, True), (1, False), (2, False), (3, False), (2003, False)]
)
def test_both_forms_of_an_error_give_the_same_refusal(code: int, is_auth: bool) -> None:  # a parametrized value
    seed = decode({"time": AT, "channel": "options.orders", "event": "error", "message": "no", "code": code}, Dialect.SEED)
    gate = decode(
        {"time": AT, "channel": "options.orders", "event": "subscribe", "error": {"code": code, "message": "no"}, "result": None},
        Dialect.GATE,
    )
    expected = ChannelRefused(
        time=AT * S, received=7, adapter="gate", channel="options.orders", code=str(code), message="no", is_auth=is_auth
    )
    assert seed.events == gate.events == (expected,)


def test_a_label_inside_the_message_is_read() -> None:
    message = '{"label":"INVALID_KEY","message":"Invalid key provided"}\n'
    (refusal,) = said({"time": AT, "channel": "options.orders", "event": "subscribe", "error": {"code": 3, "message": message}})
    assert (refusal.code, refusal.message, refusal.is_auth) == ("3", "INVALID_KEY: Invalid key provided", True)


def test_a_failed_status_is_a_refusal_even_without_an_error() -> None:
    (refusal,) = said({"time": AT, "channel": "options.orders", "event": "subscribe", "result": {"status": "fail"}})
    assert isinstance(refusal, ChannelRefused)


def test_an_error_on_an_update_is_a_refusal() -> None:
    (refusal,) = said(frame("options.orders", None, error={"code": 2, "message": "x"}))
    assert refusal.code == "2"


@pytest.mark.parametrize("missing", ["code", "message", "time"])
def test_an_incomplete_seed_error_is_refused(missing: str) -> None:
    document = {"time": AT, "channel": "options.orders", "event": "error", "message": "no", "code": 401}
    del document[missing]
    assert refused(document).field == missing


@pytest.mark.parametrize("error", [{}, {"error": None}])
def test_a_pong_is_a_heartbeat(error: dict[str, None]) -> None:
    decoded = decode({"time": AT, "channel": "options.pong", "event": "", "result": None, **error})
    assert decoded == Decoded(channel="options.pong", is_heartbeat=True, sent=AT * 1_000_000_000)


def test_an_upgrade_notice_asks_to_reconnect() -> None:
    assert decode({"time": AT, "channel": "options.orders", "event": "upgrade"}).reconnect


# Public channels and the venue's own private ones


def test_a_ticker_gives_the_model_and_the_quote() -> None:
    item = {
        "name": C, "last_price": "0", "mark_price": "350.6", "index_price": "", "position_size": 3, "bid1_price": "322", "bid1_size": 2000,
        "ask1_price": "0", "ask1_size": 0, "vega": "19.18789", "theta": "-168.86772", "rho": "-28.5", "gamma": "0.000116",
        "delta": "-0.22843", "mark_iv": "0.4103", "bid_iv": "0", "ask_iv": "0.4063", "leverage": "51.7", "underlying_price": "79371.64",
    }  # fmt: skip
    ticker, quote = events("options.contract_tickers", item)
    assert ticker == TickerUpdated(
        time=AT * S, received=7, contract=CONTRACT, mark_price=350.6, underlying_price=79371.64, mark_iv=0.4103, ask_iv=0.4063,
        delta=-0.22843, gamma=0.000116, vega=19.18789, theta=-168.86772, rho=-28.5, leverage=51.7,
    )  # fmt: skip
    assert quote == Quoted(time=AT * S, received=7, contract=CONTRACT, bid=322.0, ask=None, bid_size=2000.0, ask_size=0.0)


def test_the_older_negative_ask_size_is_its_magnitude() -> None:
    item = {"t": AT * 1000, "u": 1, "s": C, "b": "", "B": 0, "a": "389", "A": -454}
    (quote,) = events("options.book_ticker", item)
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (None, 0.0, 389.0, 454.0)


@pytest.mark.parametrize("value", ["NaN", "1_0", " 1", True, None, [], "1e999", "９"])
def test_a_price_that_may_be_blank_is_still_a_number_otherwise(value: Any) -> None:
    item = {"t": AT * 1000, "u": 1, "s": C, "b": value, "B": 1, "a": "389", "A": 4}
    assert refused(frame("options.book_ticker", item)).field == "result.b"


@pytest.mark.parametrize(("field", "value"), [("t", "1"), ("t", 1.0), ("u", "5"), ("u", True)])
def test_public_integers_are_not_coerced_either(field: str, value: Any) -> None:
    item = {"t": AT * 1000, "u": 1, "s": C, "b": "1", "B": 1, "a": "389", "A": 4} | {field: value}
    assert refused(frame("options.book_ticker", item)).field == f"result.{field}"


def test_a_row_of_the_older_book_names_its_side_by_its_sign() -> None:
    rows = [{"p": "10", "s": 5, "c": C, "id": 1}, {"p": "11", "s": -4, "c": C, "id": 2}, {"p": "12", "s": 0, "c": C, "id": 3}]
    bid, ask, gone = events("options.order_book", rows)
    assert (bid.bids, bid.asks) == (((10.0, 5.0),), ())
    assert (ask.bids, ask.asks) == ((), ((11.0, 4.0),))
    assert (gone.bids, gone.asks) == (((12.0, 0.0),), ((12.0, 0.0),))


def test_a_book_snapshot_is_best_first_on_both_sides() -> None:
    levels = [{"p": "10", "s": 1}, {"p": "12", "s": 1}, {"p": "11", "s": 1}]
    (book,) = events("options.order_book", {"t": AT * 1000, "contract": C, "id": 5, "asks": levels, "bids": levels}, event="all")
    assert book.snapshot
    assert [price for price, _ in book.bids] == [12.0, 11.0, 10.0]
    assert [price for price, _ in book.asks] == [10.0, 11.0, 12.0]


def test_a_bad_level_is_named_with_its_place() -> None:
    item = {"t": AT * 1000, "s": C, "U": 1, "u": 2, "b": [{"p": "1", "s": 1}], "a": [{"p": "1", "s": 1}, {"p": "-1", "s": 1}]}
    assert refused(frame("options.order_book_update", item)).field == "result.a[1].p"


def test_a_settlement_of_ours_pays_its_profit_per_contract_times_the_size() -> None:
    item = {"contract": C, "size": -10, "settle_price": 70000, "settle_profit": 5, "realised_pnl": -13.028, "time_ms": AT * 1000}
    assert events("options.user_settlements", [item]) == (
        ContractSettled(
            time=AT * S,
            received=7,
            contract=CONTRACT,
            settle_price=Decimal(70000),
            size=Decimal(-10),
            pnl=Decimal(-50),
            realized_pnl=Decimal("-13.028"),
        ),
    )


def test_a_unified_account_is_told_by_currency_and_as_a_whole(shared: Path) -> None:
    folder = shared / "fixtures/gate/unified_docs"
    bitcoin, tether = said((folder / "ws_unified.asset_detail.update.json").read_bytes())
    assert (bitcoin.currency, bitcoin.total, bitcoin.initial_margin) == ("BTC", Decimal("1086390.949548"), None)
    assert (tether.currency, tether.available, tether.maintenance_margin) == ("USDT", Decimal("8724.23263378"), Decimal(0))
    (whole,) = said((folder / "ws_unified.assets.update.json").read_bytes())
    assert (whole.currency, whole.total, whole.margin_ratio) == ("USD", Decimal("-1005719.51"), 20.1)


def test_an_unknown_role_of_a_trade_is_kept_and_not_guessed() -> None:
    item = {"id": "1", "order": "5", "contract": C, "create_time": AT, "price": "10", "role": "auction", "size": -1}
    (fill,) = events("options.usertrades", [item])
    assert (fill.is_maker, fill.fee, fill.raw["role"]) == (None, None, "auction")


def test_a_contract_is_listed_with_its_whole_specification(shared: Path) -> None:
    (listing,) = said((shared / "fixtures/gate/ws_docs/contracts.update.json").read_bytes())
    specification = listing.specification
    assert (specification.id.name, specification.kind, specification.strike) == (
        "BTC_USDT-20211130-50000-P",
        OptionKind.PUT,
        Decimal(50000),
    )
    assert (specification.multiplier, specification.tick, specification.expiry) == (Decimal("0.0001"), Decimal("0.1"), 1638230400 * S)
    assert specification.price_deviation is None


EXPECTED: dict[str, tuple[type[Event], ...]] = {
    "balances.update": (LedgerPosted,),
    "book_ticker.update": (Quoted,),
    "contract_candlesticks.update": (CandleClosed,),
    "contract_tickers.update": (TickerUpdated, Quoted),
    "contracts.update": (ContractListed,),
    "liquidates.update": (Liquidated,),
    "mark_prices.update": (TickerUpdated,),
    "order_book.all": (BookUpdated,),
    "order_book.update": (BookUpdated,),
    "order_book_update.update": (BookUpdated,),
    "orders.update": (OrderUpdated,),
    "pong.none": (),
    "position_closes.update": (PositionClosed,),
    "positions.update": (PositionUpdated,),
    "settlements.update": (ContractExpired,),
    "trades.update": (Traded,),
    "ul_candlesticks.update": (CandleClosed,),
    "ul_price.update": (UnderlyingPriced,),
    "ul_tickers.update": (UnderlyingPriced,),
    "ul_trades.update": (Traded,),
    "user_settlements.update": (ContractSettled,),
    "usertrades.update": (Filled,),
    "ack_documented_unified": (ChannelSubscribed,),
    "ack_spot_with_id": (ChannelSubscribed,),
    "error_bad_payload_futures_2026": (ChannelRefused,),
    "error_invalid_key_futures": (ChannelRefused,),
    "error_unknown_contract_futures": (ChannelRefused,),
    "error_unknown_pair_spot_2025": (ChannelRefused,),
    "pong_options_2025": (),
    "unsubscribe_ack_spot_2024": (),
    "ws_balances.update": (BalanceUpdated,),
    "ws_unified.asset_detail.update": (BalanceUpdated, BalanceUpdated),
    "ws_unified.assets.update": (BalanceUpdated,),
    "ws_orders.error": (ChannelRefused,),
    "ws_orders.update": (OrderUpdated,),
    "ws_portfolio.update": (PortfolioRiskUpdated,),
    "ws_positions.update": (PositionUpdated,),
    "family_ws_tickers.error": (ChannelRefused,),
    "family_ws_tickers.update": (TickerUpdated, Quoted),
    "family_ws_trades.update": (Traded,),
}
REST = ("family_rest", "GET_", "POST_")
# Requests, and two channels of sibling pages that neither document has.
NOT_ANSWERS = {"signature_vectors", "family_ws_greeks.update", "family_ws_order_book.update"}


def test_every_frame_of_the_reference_data_decodes_to_its_events_or_is_a_request(shared: Path) -> None:
    folders = ("gate/ws_docs", "gate/ws_envelopes", "gate/unified_docs", "seed_dialect")
    files = [file for folder in folders for file in sorted((shared / "fixtures" / folder).glob("*.json")) if not file.name.startswith(REST)]
    found = {}
    for file in files:
        name = file.name.removesuffix(".json")
        if ".subscribe" in name or name.startswith("subscribe_") or name in NOT_ANSWERS:
            assert refused(file.read_bytes()).reason
        else:
            found[name] = tuple(type(event) for event in decode(file.read_bytes()).events)
    assert found == EXPECTED


@pytest.mark.parametrize("dialect", [Dialect.GATE, Dialect.AUTO])
def test_the_documented_private_frames_decode_to_these_values(shared: Path, dialect: Dialect) -> None:
    def only(name: str) -> Any:
        (event,) = decode((shared / f"fixtures/gate/ws_docs/{name}.update.json").read_bytes(), dialect).events
        return event

    order = only("orders")
    assert (order.order_id, order.size, order.left, order.price, order.state, order.created) == (
        "106", Decimal(-10), Decimal(-10), Decimal(15000), OrderState.CANCELED, 1637897000 * S,
    )  # fmt: skip
    fill = only("usertrades")
    assert (fill.trade_id, fill.order_id, fill.size, fill.price, fill.fee, fill.is_maker, fill.client_id, fill.synthetic, fill.time) == (
        "1", "557940", Decimal(-1), Decimal(4999), Decimal("0.001"), False, "t-xer01sax4yu", False, 1639144214583 * 1_000_000,
    )  # fmt: skip
    entry = only("balances")
    assert (entry.currency, entry.change, entry.balance, entry.kind, entry.text) == (
        "USDT", Decimal("-0.5"), Decimal("60.79009"), "set", "BTC_USDT-20211130-55000-P",
    )  # fmt: skip
    margin = only("liquidates")
    assert (margin.initial_margin, margin.maintenance_margin, margin.order_margin) == (Decimal(1190), Decimal("1042.5"), Decimal(0))
    closed = only("position_closes")
    assert (closed.side, closed.pnl, closed.reason) == ("long", Decimal("-0.0056"), "web")
