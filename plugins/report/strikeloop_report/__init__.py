"""The report of a run, and the comparison of runs, as one HTML page that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

from strikeloop_report.comparison import compare
from strikeloop_report.page import render

__all__ = ["compare", "render"]
