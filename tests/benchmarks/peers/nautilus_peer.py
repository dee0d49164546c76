"""nautilus_trader: quotes through its wrangler into a BacktestEngine; orders are limits of its own simulated exchange."""

from __future__ import annotations

from measure import EVERY, arguments, clock, told

WHAT, DATA, MANIFEST = arguments()
STARTED = clock()

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, TimeInForce
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import QuoteTickDataWrangler
from nautilus_trader.trading.strategy import Strategy

IMPORTED = clock()
VENUE = Venue("SIM")
FOUND: dict[str, float] = {}


class Counting(Strategy):
    def on_start(self) -> None:
        self.n, self.total = 0, 0.0
        for instrument in self.cache.instruments():
            self.subscribe_quote_ticks(instrument.id)

    def on_quote_tick(self, tick) -> None:
        self.n += 1
        self.total += (float(tick.bid_price) + float(tick.ask_price)) * 0.5

    def on_stop(self) -> None:
        FOUND.update(n=self.n, total=self.total)


class Making(Strategy):
    def on_start(self) -> None:
        self.seen: dict = {}
        self.live: dict = {}
        self.orders = self.fills = self.net = 0
        self.cash = 0.0
        self.one = Quantity.from_int(1)
        for instrument in self.cache.instruments():
            self.subscribe_quote_ticks(instrument.id)

    def on_quote_tick(self, tick) -> None:
        key = tick.instrument_id
        count = self.seen.get(key, 0) + 1
        self.seen[key] = count
        if count % EVERY:
            return
        for order in self.live.get(key, ()):
            if order.is_open:
                self.cancel_order(order)
        ticks = int(float(tick.bid_price) * 2) + int(float(tick.ask_price) * 2)
        prices = ((OrderSide.BUY, (ticks // 2 - 1) * 0.5), (OrderSide.SELL, (-(-ticks // 2) + 1) * 0.5))
        made = []
        for side, price in prices:
            order = self.order_factory.limit(key, side, self.one, Price(price, 1), time_in_force=TimeInForce.GTC)
            self.submit_order(order)
            made.append(order)
        self.live[key] = made
        self.orders += 2

    def on_order_filled(self, event) -> None:
        self.fills += 1
        sign = 1 if event.order_side == OrderSide.BUY else -1
        self.net += sign
        self.cash -= sign * float(event.last_px)

    def on_stop(self) -> None:
        FOUND.update(orders=self.orders, fills=self.fills, net=self.net, cash=self.cash)


def engine_with_data() -> BacktestEngine:
    engine = BacktestEngine(BacktestEngineConfig(trader_id=TraderId("T-1"), logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000_000, USD)], base_currency=USD)
    frame = pd.read_parquet(f"{DATA}/quotes.parquet", columns=["ts", "cidx", "bid", "ask", "bid_size", "ask_size"])
    frame = frame.rename(columns={"bid": "bid_price", "ask": "ask_price"}).set_index("ts")
    for code, name in enumerate(MANIFEST["contracts"]):
        instrument = Equity(
            instrument_id=InstrumentId(Symbol(name.replace("_", "")), VENUE),
            raw_symbol=Symbol(name.replace("_", "")),
            currency=USD,
            price_precision=1,
            price_increment=Price(0.5, 1),
            lot_size=Quantity.from_int(1),
            ts_event=0,
            ts_init=0,
        )
        engine.add_instrument(instrument)
        engine.add_data(QuoteTickDataWrangler(instrument).process(frame[frame.cidx == code].drop(columns="cidx")))
    return engine


engine = engine_with_data()
engine.add_strategy(Counting() if WHAT == "A" else Making())
ready = clock()
engine.run()
told(STARTED, IMPORTED, ready, FOUND, MANIFEST)
