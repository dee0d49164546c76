"""basana: its backtesting dispatcher over a source of events, one async handler."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from measure import arguments, clock, told

WHAT, DATA, MANIFEST = arguments()
STARTED = clock()

import basana as bs
import numpy as np
import pyarrow.parquet as pq

IMPORTED = clock()
FOUND = {"n": 0, "total": 0.0}


class Quote(bs.Event):
    def __init__(self, when: datetime, contract: str, bid: float, ask: float) -> None:
        super().__init__(when)
        self.contract, self.bid, self.ask = contract, bid, ask


async def on_quote(event: bs.Event) -> None:
    FOUND["n"] += 1
    FOUND["total"] += (event.bid + event.ask) * 0.5


table = pq.ParquetFile(f"{DATA}/quotes.parquet").read(columns=["ts", "cidx", "bid", "ask"])
times = (np.asarray(table["ts"].combine_chunks().cast("int64")) // 1000).tolist()
codes, bids, asks = (table[name].to_pylist() for name in ("cidx", "bid", "ask"))
names = MANIFEST["contracts"]
events = [
    Quote(datetime.fromtimestamp(time // 1_000_000, UTC).replace(microsecond=time % 1_000_000), names[code], bid, ask)
    for time, code, bid, ask in zip(times, codes, bids, asks, strict=True)
]
dispatcher = bs.backtesting_dispatcher()
dispatcher.subscribe(bs.FifoQueueEventSource(events=events), on_quote)
ready = clock()
asyncio.run(dispatcher.run())
told(STARTED, IMPORTED, ready, FOUND, MANIFEST)
