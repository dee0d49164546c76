"""The data of E: a store of quotes on many contracts, imported as a user would, a file a day.

`python streamed_data.py FOLDER CONTRACTS QUOTES` makes it; a folder with a manifest.json is complete.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from strikeloop import Contract, ContractId, OptionKind, record
from strikeloop_store.importing import import_files
from strikeloop_store.library import Library

START_NS, DAY_NS = 1_687_996_800 * 10**9, 86_400 * 10**9
DAYS, TICK = 10, 0.5
MAPPING = """
kind = "quotes"
[time]
column = "ts"
unit = "ns"
[columns]
contract = "contract"
bid = "bid"
ask = "ask"
bid_size = "bid_size"
ask_size = "ask_size"
"""


def names(count: int) -> list[str]:
    return [f"BTC_USDT-20230730-{10_000 + 50 * (at // 2)}-{'CP'[at % 2]}" for at in range(count)]


def specification(name: str) -> dict[str, Any]:
    _, _, strike, side = name.split("-")
    contract = Contract(
        id=ContractId.of("sim", name),
        underlying="BTC_USDT",
        kind=OptionKind.CALL if side == "C" else OptionKind.PUT,
        strike=Decimal(strike),
        expiry=START_NS + 31 * DAY_NS,
        multiplier=Decimal(1),
        tick=Decimal("0.5"),
        mark_tick=Decimal("0.5"),
        created=START_NS - DAY_NS,
    )
    return record(contract)


def day(random: np.random.Generator, number: int, named: list[str], rows: int) -> tuple[pa.Table, float]:
    """The quotes of one day, each price on its tick, and the sum of their middles."""
    time = START_NS + number * DAY_NS + np.sort(random.integers(0, DAY_NS // 1_000 - 1, rows)) * 1_000
    code = random.integers(0, len(named), rows).astype(np.int32)
    bid = (2_000 + code * 3 % 5_000 + random.integers(-40, 40, rows)) * TICK
    ask = bid + random.integers(1, 6, rows) * TICK
    sizes = [random.integers(1, 50, rows).astype(np.float64) for _ in range(2)]
    contract = pa.DictionaryArray.from_arrays(pa.array(code), pa.array(named)).cast(pa.string())
    columns = {"ts": time, "contract": contract, "bid": bid, "ask": ask, "bid_size": sizes[0], "ask_size": sizes[1]}
    return pa.table(columns), float(((bid + ask) * 0.5).sum())


def main() -> None:
    folder, contracts, quotes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True)
    named, random, total = names(contracts), np.random.default_rng(7), 0.0
    library, file, mapping = Library.make(folder / "market"), folder / "day.parquet", folder / "mapping.toml"
    mapping.write_text(MAPPING)
    listed = folder / "contracts.jsonl"
    listed.write_text("".join(json.dumps(specification(name)) + "\n" for name in named))
    import_files(library, "sim", [listed], "contracts")
    for number in range(DAYS):
        table, middles = day(random, number, named, quotes // DAYS)
        pq.write_table(table, file)
        import_files(library, "sim", [file], "parquet", {"mapping": str(mapping)})
        total += middles
    file.unlink()
    count = quotes // DAYS * DAYS
    expected = {"E": {"n": count, "total": total}}
    (folder / "manifest.json").write_text(json.dumps({"start_ns": START_NS, "contracts": named, "expected": expected}))


if __name__ == "__main__":
    main()
