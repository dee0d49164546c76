"""Recordings and market data in Parquet."""
