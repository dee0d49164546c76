"""The frames the adapter sends: payloads of both dialects, signatures, keep-alive."""

from __future__ import annotations

import json

import pytest

from strikeloop.wire import Secret
from strikeloop_gate.decode import Dialect
from strikeloop_gate.frames import ping, private_payload, public_payloads, request
from strikeloop_gate.signing import stream_signature

CONTRACTS = ("BTC_USDT-20260516-77500-P", "BTC_USDT-20260516-77500-C")


@pytest.mark.parametrize(
    ("dialect", "channel", "payload"),
    [
        (Dialect.SEED, "options.positions", list(CONTRACTS)),
        (Dialect.SEED, "options.orders", list(CONTRACTS)),
        (Dialect.SEED, "options.balances", []),
        (Dialect.SEED, "options.portfolio", []),
        (Dialect.GATE, "options.orders", ["666", "!all"]),
        (Dialect.GATE, "options.usertrades", ["666", "!all"]),
        (Dialect.GATE, "options.positions", ["666", "!all"]),
        (Dialect.GATE, "options.balances", ["666"]),
        (Dialect.GATE, "options.liquidates", {"underlyings": ["BTC_USDT"]}),
        (Dialect.GATE, "options.user_settlements", {"underlyings": ["BTC_USDT"]}),
        (Dialect.GATE, "options.position_closes", {"underlyings": ["BTC_USDT"]}),
    ],
)
def test_a_private_subscription_lists_what_its_dialect_wants(dialect: Dialect, channel: str, payload: object) -> None:
    assert private_payload(dialect, channel, user="666", underlyings=("BTC_USDT",), contracts=CONTRACTS) == payload


@pytest.mark.parametrize(
    ("dialect", "channel", "payloads"),
    [
        (Dialect.SEED, "options.contract_tickers", [list(CONTRACTS)]),
        (Dialect.SEED, "options.ul_price", [["BTC_USDT"]]),
        (Dialect.SEED, "options.contract_candlesticks", [["1m", CONTRACTS[0]], ["1m", CONTRACTS[1]]]),
        (Dialect.GATE, "options.contract_tickers", [{"underlyings": ["BTC_USDT"]}]),
        (Dialect.GATE, "options.contracts", [{"underlyings": ["BTC_USDT"]}]),
        (Dialect.GATE, "options.ul_price", [["BTC_USDT"]]),
        (Dialect.GATE, "options.contract_candlesticks", [{"interval": "1m", "underlyings": ["BTC_USDT"]}]),
        (Dialect.GATE, "options.ul_candlesticks", [["1m", "BTC_USDT"]]),
        (Dialect.GATE, "options.order_book_update", [[CONTRACTS[0], "100ms", "20"], [CONTRACTS[1], "100ms", "20"]]),
        (Dialect.GATE, "options.order_book", [[CONTRACTS[0], "20", "0"], [CONTRACTS[1], "20", "0"]]),
    ],
)
def test_public_subscriptions_list_what_their_dialect_wants(dialect: Dialect, channel: str, payloads: list[object]) -> None:
    assert list(public_payloads(dialect, channel, underlyings=("BTC_USDT",), contracts=CONTRACTS)) == payloads


@pytest.mark.parametrize("event", ["subscribe", "unsubscribe"])
def test_a_private_request_is_signed_for_its_own_event_and_time(event: str) -> None:
    frame = json.loads(request("options.orders", event, 1541993715, [], key=Secret("key"), secret=Secret("secret")))
    sign = stream_signature(Secret("secret"), channel="options.orders", event=event, time_s=1541993715)
    assert frame == {
        "time": 1541993715,
        "channel": "options.orders",
        "event": event,
        "payload": [],
        "auth": {"method": "api_key", "KEY": "key", "SIGN": sign},
    }


def test_a_public_request_is_not_signed() -> None:
    assert "auth" not in json.loads(request("options.trades", "subscribe", 1, []))


def test_a_ping_is_time_and_channel_alone() -> None:
    assert json.loads(ping(5)) == {"time": 5, "channel": "options.ping"}
