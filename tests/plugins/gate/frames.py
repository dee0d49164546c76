"""Frames as the two documents have them, one of each kind: what the decoder's tests are made from."""

from __future__ import annotations

import json
from typing import Any

from strikeloop import ContractId, DecodeError
from strikeloop.adapter import Decoded
from strikeloop_gate.decode import Dialect, FrameDecoder

S = 1_000_000_000
C = "BTC_USDT-20230630-30000-C"
CONTRACT = ContractId.of("gate", C)
AT = 1234567890

POSITION: dict[str, Any] = {
    "contract": C,
    "size": "1.0",
    "entry_price": "2000",
    "mark_price": "2100",
    "realised_pnl": "0",
    "unrealised_pnl": "100",
    "delta": "0.65",
    "gamma": "0.0001",
    "vega": "10",
    "theta": "-5",
}
ORDER: dict[str, Any] = {
    "id": "123456789",
    "contract": C,
    "size": "1.0",
    "price": "2000",
    "fill_price": "2000",
    "status": "closed",
    "type": "limit",
    "tif": "gtc",
    "create_time": AT,
    "finish_time": AT,
}
BALANCE: dict[str, Any] = {
    "total": "10000",
    "unrealized_pnl": "500",
    "option_value": "2000",
    "short_positions": "3",
    "long_positions": "2",
    "available": "7500",
    "currency": "USDT",
    "margin_ratio": "0.2",
}
PORTFOLIO: dict[str, Any] = {
    "total_delta": "0.5",
    "total_gamma": "0.001",
    "total_vega": "20",
    "total_theta": "-10",
    "margin_occupied": "2000",
    "margin_required": "1500",
    "effective_leverage": "2.5",
    "portfolio_var": "1000",
}
SEED: dict[str, dict[str, Any]] = {
    "options.positions": POSITION,
    "options.orders": ORDER,
    "options.balances": BALANCE,
    "options.portfolio": PORTFOLIO,
}
GATE_ORDER: dict[str, Any] = {
    "id": 123456789,
    "contract": C,
    "size": 1,
    "left": 0,
    "price": 2000,
    "fill_price": 2000,
    "status": "finished",
    "finish_as": "filled",
    "tif": "gtc",
    "text": "t-r1-a-1",
    "create_time": AT,
    "user": "9",
    "time": AT,
    "time_ms": AT * 1000,
}
GATE: dict[str, dict[str, Any]] = {
    "options.orders": {key: value for key, value in GATE_ORDER.items() if key != "type"},
    "options.balances": {"balance": 60.79009, "change": -0.5, "type": "set", "text": C, "user": "9", "time": AT, "time_ms": AT * 1000},
}


def frame(channel: str, result: Any, event: str = "update", **more: Any) -> dict[str, Any]:
    return {"time": AT, "channel": channel, "event": event, "result": result, **more}


NEARLY = [
    "NaN", "-NaN", "sNaN", "Infinity", "-inf", "1e999", " 1 ", "1 ", "1_000", "_1", "1_", "+1", ".5", "1.", "01", "１２", "٣", "", "-",
    "0x10", "1,5", "9" * 5_000, "1\u00a0",
]  # fmt: skip


_NUMBERED = {"time": AT, "time_ms": AT * 1000}
LEVELS = [{"p": "10", "s": 5}, {"p": "9.5", "s": 1}]
TICKER: dict[str, Any] = {
    "name": C, "last_price": "10", "mark_price": "350.6", "index_price": "", "position_size": 3, "bid1_price": "322", "bid1_size": 2000,
    "ask1_price": "0", "ask1_size": 0, "vega": "19.18789", "theta": "-168.86772", "rho": "-28.5", "gamma": "0.000116",
    "delta": "-0.22843", "mark_iv": "0.4103", "bid_iv": "0", "ask_iv": "0.4063", "leverage": "51.7", "underlying_price": "79371.64",
}  # fmt: skip
TRADE: dict[str, Any] = {"id": 1, "contract": C, "size": -1, "price": 10.5, "create_time": AT, "create_time_ms": AT * 1000}
CANDLE: dict[str, Any] = {"t": AT, "o": "1", "h": "2", "l": "0.5", "c": "1.5", "v": 7, "a": "0", "n": f"1m_{C}"}
DOCUMENTED = [
    *(frame(channel, item) for channel, item in SEED.items()),
    *(frame(channel, [item]) for channel, item in GATE.items()),
    frame("options.positions", [{"contract": C, "size": -2, "entry_price": 5.5, "realised_pnl": -0.1, "user": "9", **_NUMBERED}]),
    frame(
        "options.usertrades",
        [
            {
                "id": "1",
                "order": "5",
                "contract": C,
                "create_time": AT,
                "price": "10",
                "role": "taker",
                "size": -1,
                "fee": "0.1",
                "text": "t-a",
            }
        ],
    ),
    frame("options.liquidates", [{"user": "9", "init_margin": 1190, "maint_margin": 1042.5, "order_margin": 0, **_NUMBERED}]),
    frame(
        "options.user_settlements",
        [
            {
                "contract": C,
                "size": -10,
                "settle_price": 70000,
                "settle_profit": 5,
                "realised_pnl": -13.028,
                "strike_price": 65000,
                **_NUMBERED,
            }
        ],
    ),
    frame("options.position_closes", [{"contract": C, "side": "long", "pnl": -0.0056, "text": "web", "settle_size": 0, **_NUMBERED}]),
    frame("options.contract_tickers", TICKER),
    frame("options.tickers", {key: value for key, value in TICKER.items() if key != "last_price"} | {"last": "10"}),
    frame("options.book_ticker", {"t": AT * 1000, "u": 1, "s": C, "b": "388", "B": 3, "a": "389", "A": -454}),
    frame("options.order_book_update", {"t": AT * 1000, "s": C, "U": 1, "u": 2, "b": LEVELS, "a": []}),
    frame("options.order_book", {"t": AT * 1000, "contract": C, "id": 5, "asks": LEVELS, "bids": LEVELS}, event="all"),
    frame("options.order_book", [{"p": "10", "s": 5, "c": C, "id": 1}]),
    frame("options.trades", [TRADE]),
    frame("options.ul_trades", [TRADE | {"is_call": True, "underlying": "BTC_USDT"}]),
    frame("options.ul_price", {"underlying": "BTC_USDT", "price": 79388.72, **_NUMBERED}),
    frame("options.ul_tickers", {"name": "BTC_USDT", "index_price": "79388.72", "trade_put": 5, "trade_call": 6}),
    frame("options.mark_prices", {"contract": C, "price": 350.6, **_NUMBERED}),
    frame("options.contract_candlesticks", [CANDLE]),
    frame("options.ul_candlesticks", [CANDLE | {"n": "1m_BTC_USDT"}]),
    frame("options.settlements", {"contract": C, "settle_price": 70000, "profit": 1.5, "tag": "day", **_NUMBERED}, time_ms=AT * 1000),
]


def raw(document: dict[str, Any]) -> bytes:
    """The frame on the wire, without a space, as servers write it."""
    return json.dumps(document, separators=(",", ":")).encode()


class Swift(FrameDecoder):
    """Reads what `learned` has learned the swift way, and nothing else."""

    def __init__(self, learned: FrameDecoder) -> None:
        super().__init__(learned.name, learned.dialect)
        object.__setattr__(self, "_shapes", learned._shapes)

    def thoroughly(self, frame: bytes | str, received: int) -> Decoded:
        raise DecodeError("it is left to the thorough way")

    def swiftly(self, frame: bytes | str, received: int) -> Decoded | None:
        """What the swift way gives; None where it is left to the thorough one."""
        (read,) = self.decode_batch((frame,), received)
        return read if isinstance(read, Decoded) else None


def swiftness(document: dict[str, Any]) -> bool:
    """Whether frames like this one are read the swift way."""
    decoder, text = FrameDecoder("gate", Dialect.AUTO), json.dumps(document).encode()
    decoder.thoroughly(text, 7)
    return Swift(decoder).swiftly(text, 7) is not None
