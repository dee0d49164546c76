"""csp: the C++ Parquet reader feeds a Python node; the market maker's orders are matched by a node of ours, csp has no exchange."""

from datetime import UTC, datetime, timedelta

from measure import EVERY, arguments, clock, told

WHAT, DATA, EXPECTED = arguments()
STARTED = clock()

import csp
from csp.adapters.parquet import ParquetReader

IMPORTED = clock()
told_at_end = {}


class Quote(csp.Struct):
    cidx: int
    bid: float
    ask: float


@csp.node
def count(quote: csp.ts[Quote]):
    with csp.state():
        s_n = 0
        s_total = 0.0
    with csp.stop():
        told_at_end["n"], told_at_end["total"] = s_n, s_total
    if csp.ticked(quote):
        s_n += 1
        s_total += (quote.bid + quote.ask) * 0.5


class Order(csp.Struct):
    cidx: int
    buy: float
    sell: float


class Fill(csp.Struct):
    cidx: int
    is_buy: bool
    price: float


@csp.node
def maker(quote: csp.ts[Quote], fill: csp.ts[[Fill]]) -> csp.ts[Order]:
    with csp.state():
        s_seen = {}
        s_orders = 0
        s_fills = 0
        s_net = 0
        s_cash = 0.0
    with csp.stop():
        told_at_end.update(orders=s_orders, fills=s_fills, net=s_net, cash=s_cash)
    if csp.ticked(fill):
        for one in fill:
            s_fills += 1
            s_net += 1 if one.is_buy else -1
            s_cash += -one.price if one.is_buy else one.price
    if csp.ticked(quote):
        n = s_seen.get(quote.cidx, 0) + 1
        s_seen[quote.cidx] = n
        if n % EVERY == 0:
            ticks = int(quote.bid * 2) + int(quote.ask * 2)
            s_orders += 2
            return Order(cidx=quote.cidx, buy=(ticks // 2 - 1) * 0.5, sell=(-(-ticks // 2) + 1) * 0.5)


@csp.node
def exchange(quote: csp.ts[Quote], order: csp.ts[Order]) -> csp.ts[[Fill]]:
    with csp.state():
        s_buys = {}
        s_sells = {}
    if csp.ticked(quote):
        fills = []
        buy = s_buys.get(quote.cidx)
        if buy is not None and quote.ask <= buy:
            fills.append(Fill(cidx=quote.cidx, is_buy=True, price=buy))
            del s_buys[quote.cidx]
        sell = s_sells.get(quote.cidx)
        if sell is not None and quote.bid >= sell:
            fills.append(Fill(cidx=quote.cidx, is_buy=False, price=sell))
            del s_sells[quote.cidx]
        if csp.ticked(order):
            s_buys[order.cidx], s_sells[order.cidx] = order.buy, order.sell
        if fills:
            return fills
    elif csp.ticked(order):
        s_buys[order.cidx], s_sells[order.cidx] = order.buy, order.sell


def read() -> csp.ts[Quote]:
    reader = ParquetReader(f"{DATA}/quotes.parquet", time_column="ts")
    return reader.subscribe_all(Quote, field_map={"cidx": "cidx", "bid": "bid", "ask": "ask"}, push_mode=csp.PushMode.NON_COLLAPSING)


@csp.graph
def a():
    count(read())


@csp.graph
def b():
    quote = read()
    fills = csp.feedback([Fill])
    order = maker(quote, fills.out())
    fills.bind(exchange(quote, order))


begin = datetime.fromtimestamp(EXPECTED["start_ns"] // 10**9, UTC).replace(tzinfo=None)
ready = clock()
csp.run(a if WHAT == "A" else b, starttime=begin, endtime=begin + timedelta(days=2))
told(STARTED, IMPORTED, ready, told_at_end, EXPECTED)
