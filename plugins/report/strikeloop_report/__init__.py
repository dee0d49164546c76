"""The report of a run as one HTML page that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

from strikeloop_report.page import render

__all__ = ["render"]
