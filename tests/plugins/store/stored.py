"""A small market to store: three contracts, quotes with every oddity that is allowed, and a way to import text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from strikeloop import Contract, ContractId, OptionKind, record
from strikeloop_store.importing import Outcome, import_files
from strikeloop_store.library import Library

SECOND = 1_000_000_000
START = 1_780_272_000 * SECOND
"""2026-06-01T00:00:00Z."""
CALL, PUT, LATE = "BTC_USDT-20260626-70000-C", "BTC_USDT-20260626-70000-P", "BTC_USDT-20260603-90000-C"
MAPPING = """
kind = "quotes"
[time]
column = "ts"
unit = "us"
[columns]
contract = "symbol"
bid = "bid"
ask = "ask"
bid_size = "bid_size"
ask_size = "ask_size"
"""
HEADER = "ts,symbol,bid,ask,bid_size,ask_size"


def contract(name: str, *, tick: str = "0.1") -> Contract:
    _, day, strike, kind = name.split("-")
    expiry = {"20260626": START + 25 * 86_400 * SECOND, "20260603": START + 2 * 86_400 * SECOND}[day]
    return Contract(
        id=ContractId.of("gate", name),
        underlying="BTC_USDT",
        kind=OptionKind.CALL if kind == "C" else OptionKind.PUT,
        strike=Decimal(strike),
        expiry=expiry + 8 * 3_600 * SECOND,
        multiplier=Decimal("0.01"),
        tick=Decimal(tick),
        mark_tick=Decimal("0.01"),
        created=START - SECOND,
    )


def specify(store: Path, venue: str = "gate", names: tuple[str, ...] = (CALL, PUT, LATE)) -> None:
    """Make the contracts known to a store."""
    lines = store.parent / f"{store.name}-contracts.jsonl"
    lines.write_text("".join(json.dumps(record(contract(name))) + "\n" for name in names))
    import_files(Library.make(store), venue, [lines], "contracts")


def quote(second: float, name: str, bid: object, ask: object, bid_size: object = 1, ask_size: object = 1) -> str:
    return f"{(START + round(second * SECOND)) // 1000},{name},{bid},{ask},{bid_size},{ask_size}"


def written(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def take(store: Path, *files: Path, mapping: str = MAPPING, venue: str = "gate", format_name: str = "csv", **more: Any) -> Outcome:
    """Import files as the mapping says."""
    declared: Mapping[str, str] = more.pop("declared", {})
    if format_name in ("csv", "parquet"):
        told = store.parent / "mapping.toml"
        told.write_text(mapping)
        declared = {"mapping": str(told)}
    return import_files(Library.make(store), venue, list(files), format_name, declared, **more)
