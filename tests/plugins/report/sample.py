"""A run as result.json tells it, small and complete, and the hostile text that tests put into it."""

from __future__ import annotations

from typing import Any

SECOND = 1_000_000_000
START = 1_780_272_000 * SECOND
HOSTILE = """</script><script>alert("1")</script><img src=x onerror='alert(2)'>&"""


def result(**changes: Any) -> dict[str, Any]:
    """Ten seconds with one lost connection, two fills, a refusal, an alert and a fault."""
    contract = "BTC_USDT-20260601-70000-C"
    order = {"time": START + SECOND, "instance": "maker", "client_id": "t-a-maker-1", "contract": contract, "size": "2", "price": "463"}
    fill = {"time": START + 2 * SECOND, "instance": "maker", "contract": contract, "size": "2", "price": "463", "fee": "0.42"}
    quote = {"multiplier": "0.01", "bid": 463.0, "ask": 467.0, "mark": 464.5, "underlying": 70_002.0, "is_maker": True}
    causes = {
        "pnl": "-2",
        "delta": "1",
        "gamma": "-0.25",
        "vega": "0.5",
        "theta": "-2.5",
        "trading": "0.03",
        "fees": "-0.84",
        "rest": "0.06",
    }
    expiry = START + 86_400 * SECOND
    position = {"contract": contract, "size": "1", "entry_price": "463", "mark_price": 475.6, "unrealized_pnl": "-0.126"}
    stream = {"adapter": "gate", "port": "account"}
    halt = {
        "cause": "command",
        "by": "anna",
        "reason": "enough",
        "since": START + 8 * SECOND,
        "cancel": False,
        "flatten": False,
        "left": [],
    }
    times = [START + second * SECOND for second in range(11)]
    return {
        "run": "20260601-demo",
        "mode": "live",
        "backend": "trio",
        "started": START,
        "ended": START + 10 * SECOND,
        "duration_s": 10.0,
        "events": {"options.positions": 12, "options.orders": 1234},
        "connections": 2,
        "reconnects": 1,
        "orders": 2,
        "fills": 2,
        "refusals": 1,
        "alerts": 1,
        "schema": 1,
        "figures": {
            "currency": "USDT",
            "equity_start": "100000",
            "equity_end": "99998",
            "paid_in": "0",
            "pnl": "-2",
            "return": -2e-05,
            "annual_return": None,
            "volatility": None,
            "sharpe": None,
            "sortino": None,
            "max_drawdown": -0.0256,
            "calmar": None,
            "return_period_s": None,
            "return_periods": 0,
            "trips": 4,
            "win_rate": 0.75,
            "profit_factor": 1.5,
            "fees": "0.84",
            "fees_computed": 0,
            "traded": "13.89",
            "turnover": 0.1389,
        },
        "assumptions": {
            "seed": 7,
            "sources": ["cd" * 32],
            "versions": {"venue": "strikeloop-venue 0.1.0"},
            "config": {"venue": {"use": "venue", "queue": "risk-averse", "latency": {"entry_ms": 5.0}}},
        },
        "pnl": {
            "total": causes,
            "outside": "0",
            "expiries": [{"expiry": expiry, "contracts": 1, **causes}],
            "contracts": [
                {
                    "contract": contract,
                    "adapter": "gate",
                    "expiry": expiry,
                    "opened": START + 2 * SECOND,
                    "closed": None,
                    "size": "1",
                    "mark_price": 475.6,
                    "settle_price": None,
                    "fills": 2,
                    "traded": "3",
                    **causes,
                }
            ],
        },
        "marks": {contract: {"every_s": 1, "time": times[2:], "mark": [464.5 + place for place in range(9)]}},
        "digest": "ab" * 32,
        "report": "",
        "series": {
            "every_s": 1,
            "time": times,
            "equity": [100_000.0 - place // 4 for place in range(11)],
            "drawdown": [-1e-5 * (place // 4) for place in range(11)],
            "pnl": [-1.0 * (place // 4) for place in range(11)],
            "pnl_delta": [0.1 * place for place in range(11)],
            "pnl_theta": [-0.25 * place for place in range(11)],
            "underlying": [70_000.0 + place for place in range(11)],
            "available": [99_000.0] * 11,
            "delta": [0.01 * place for place in range(11)],
            "vega": [1.0] * 11,
            "margin_occupied": [500.0] * 11,
            "margin_required": [250.0] * 11,
        },
        "order_list": [
            {**order, "state": "filled", "filled": "2", "fill_price": "463", "tif": "poc", "reason": ""},
            {**order, "price": None, "size": "-1", "state": "rejected", "filled": "0", "fill_price": "0", "tif": "ioc", "reason": "no"},
        ],
        "fill_list": [{**fill, **quote}, {**fill, **quote, "time": START + 3 * SECOND, "size": "-1", "instance": "", "is_maker": False}],
        "refusal_list": [
            {
                "time": START + 4 * SECOND,
                "instance": "maker",
                "contract": contract,
                "size": "8",
                "price": None,
                "rule": "limits",
                "reason": "too large",
            }
        ],
        "alert_list": [
            {"time": START + 5 * SECOND, "source": "expiries", "severity": "critical", "topic": "expiry", "text": "expires in 1 h"}
        ],
        "halt_list": [
            {**halt, "time": START + 8 * SECOND, "state": "halted", "cancel": False},
            {**halt, "time": START + 8 * SECOND, "state": "canceling", "cancel": True},
            {**halt, "time": START + 9 * SECOND, "state": "halted", "cancel": True},
        ],
        "stream_list": [
            {**stream, "time": START, "event": "StreamOpened", "text": "connection=1"},
            {**stream, "time": START + 6 * SECOND, "event": "StreamLost", "text": "reason=closed"},
            {**stream, "time": START + 7 * SECOND, "event": "Reconciled", "text": ""},
        ],
        "positions": [{**position, "delta": 0.005, "gamma": 3.4e-06, "vega": 0.08, "theta": -6.9}],
        "faults": [{"time": START + 8 * SECOND, "instance": "broken", "hook": "on_quote", "error": "ZeroDivisionError: division by zero"}],
        "venue": {
            "queue": {
                "back": {"orders": 31, "contracts": "402"},
                "real": {"orders": 44, "contracts": "518"},
                "front": {"orders": 95, "contracts": "1120"},
            }
        },
        **changes,
    }


def poisoned(value: Any) -> Any:
    """The same structure with every text, keys of tables included, replaced by hostile text (numbers written as text, too)."""
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    if isinstance(value, dict):
        return {key: poisoned(one) for key, one in value.items()}
    return value
