"""A recorded perpetual as a market: Binance's BTCUSDT depth and trades, replayed the way hftbacktest reads them.

Sizes are told in lots of 0.001, so that a contract is one lot. The client's clock is shifted so that nothing is seen
before it happened. What happens at one time keeps the order of the file.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from strikeloop import BookUpdated, Contract, ContractId, Event, OptionKind, Quoted, Traded

MS, SECOND = 1_000_000, 1_000_000_000
PERPETUAL = ContractId.of("venue", "BTCUSDT")
LOTS = 1000


def contract() -> Contract:
    """What the venue must know of it; strike and expiry are far away."""
    return Contract(
        id=PERPETUAL,
        underlying="BTC_USDT",
        kind=OptionKind.CALL,
        strike=Decimal(1),
        expiry=2**62,
        multiplier=Decimal(1) / LOTS,
        tick=Decimal("0.1"),
        mark_tick=Decimal("0.1"),
    )


class Recorded:
    """The source. `quotes`: with the best bid and ask stream too, which hftbacktest leaves out."""

    def __init__(self, path: Path, *, quotes: bool = False) -> None:
        told = list(_read(path, quotes=quotes))
        shift = -min(seen - time for time, seen, row in told if "e" not in row or row["e"] != "bookTicker")
        told.sort(key=lambda item: item[0])
        self.start = told[0][0]
        self.told = [_event(time, max(seen + shift, time), row) for time, seen, row in told]

    def contracts(self) -> tuple[Contract, ...]:
        return (contract(),)

    def events(self) -> Iterator[Event]:
        return iter(self.told)

    def content_hash(self) -> str:
        return "btcusdt_20240808"


def _read(path: Path, *, quotes: bool) -> Iterator[tuple[int, int, dict[str, Any]]]:
    wanted = {"depthUpdate", "trade", "bookTicker"} if quotes else {"depthUpdate", "trade"}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            seen, text = line.split(" ", 1)
            message = json.loads(text)
            row = message.get("data", message)
            if row.get("e") in wanted or "bids" in row:
                yield row["T"] * MS, int(seen), row


def _event(time: int, seen: int, row: dict[str, Any]) -> Event:
    at: dict[str, Any] = {"time": time, "received": seen, "contract": PERPETUAL}
    match row.get("e"):
        case "trade":
            return Traded(**at, price=float(row["p"]), size=_lots(row["q"]) * (-1 if row["m"] else 1))
        case "depthUpdate":
            return BookUpdated(**at, bids=_levels(row["b"]), asks=_levels(row["a"]))
        case "bookTicker":
            return Quoted(**at, bid=float(row["b"]), ask=float(row["a"]), bid_size=_lots(row["B"]), ask_size=_lots(row["A"]))
        case _:
            return BookUpdated(**at, bids=_levels(row["bids"]), asks=_levels(row["asks"]), snapshot=True)


def _lots(size: str) -> float:
    return float(round(float(size) * LOTS))


def _levels(rows: list[list[str]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(price), _lots(size)) for price, size in rows)
