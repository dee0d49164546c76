"""strikeloop-store: market data and recordings in Parquet, imported, verified, and played to backtests."""

from strikeloop_store.source import StoredMarket

__all__ = ["StoredMarket"]
