"""hftbacktest: strategies compiled by numba, one contract after another over quotes turned into its own rows of depth.

The last row of a contract ends its data before the strategy is asked, so that A misses one row of each.
"""

from __future__ import annotations

from measure import EVERY, arguments, clock, told

WHAT, DATA, MANIFEST = arguments()
STARTED = clock()

import numpy as np
import pyarrow.parquet as pq
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

IMPORTED = clock()
FEED, FOREVER, TICK, TINY = 2, 10**17, 0.5, 300


@njit
def count(hbt, found):
    depth = hbt.depth(0)
    while hbt.wait_next_feed(False, FOREVER) == FEED:
        found[0] += 1
        found[1] += (depth.best_bid + depth.best_ask) * 0.5


@njit
def make(hbt, found):
    depth, orders = hbt.depth(0), hbt.orders(0)
    seen, last = 0, 0
    while hbt.wait_next_feed(False, FOREVER) == FEED:
        seen += 1
        if seen % EVERY:
            continue
        for number in (last - 1, last):
            if number in orders and orders.get(number).cancellable:
                hbt.cancel(0, number, False)
        hbt.clear_inactive_orders(0)
        ticks = depth.best_bid_tick + depth.best_ask_tick
        hbt.submit_buy_order(0, last + 1, (ticks // 2 - 1) * TICK, 1.0, GTC, LIMIT, False)
        hbt.submit_sell_order(0, last + 2, (-(-ticks // 2) + 1) * TICK, 1.0, GTC, LIMIT, False)
        last += 2
        found[0] += 2
    hbt.elapse(1)
    state = hbt.state_values(0)
    found[1] += state.num_trades
    found[2] += state.position
    found[3] += state.balance


def rows(time, bid, ask, bid_size, ask_size):
    """A quote is up to four rows: the price that a side leaves, then the one it comes to."""
    made = np.zeros(4 * len(time), event_dtype)
    seen_by_both = np.uint64(DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT)
    needed = np.ones(len(made), np.bool_)
    for at, (price, size, side) in enumerate(((bid, bid_size, BUY_EVENT), (ask, ask_size, SELL_EVENT))):
        before = np.concatenate([[np.nan], price[:-1]])
        needed[at::4] = price != before
        needed[at] = False
        for first, prices, sizes in ((at, before, 0.0), (at + 2, price, size)):
            part = made[first::4]
            part["ev"], part["px"], part["qty"] = seen_by_both | np.uint64(side), prices, sizes
            part["exch_ts"] = part["local_ts"] = time
    return made[needed]


def opened(data):
    asset = (
        BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(TICK)
        .lot_size(1.0)
        .last_trades_capacity(0)
    )
    return HashMapMarketDepthBacktest([asset])


def run(strategy, each):
    found = np.zeros(4)
    for data in each:
        hbt = opened(data)
        strategy(hbt, found)
        hbt.close()
    return found


table = pq.ParquetFile(f"{DATA}/quotes.parquet").read(columns=["ts", "cidx", "bid", "ask", "bid_size", "ask_size"])
columns = [np.asarray(table[name].combine_chunks().cast("int64" if name == "ts" else table[name].type)) for name in table.column_names]
mine = [columns[1] == code for code in range(len(MANIFEST["contracts"]))]
contracts = [rows(*(column[chosen] for at, column in enumerate(columns) if at != 1)) for chosen in mine]
strategy = count if WHAT == "A" else make
run(strategy, [contracts[0][:TINY]])  # compiles
ready = clock()
figures = run(strategy, contracts)
names = ("n", "total") if WHAT == "A" else ("orders", "fills", "net", "cash")
told(STARTED, IMPORTED, ready, {name: float(figure) for name, figure in zip(names, figures, strict=False)}, MANIFEST)
