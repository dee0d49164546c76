"""What a run amounted to: counts, lists, curves, PnL and its causes, and the standard figures.

Owns `Summary`, the content of result.json, the demo's last table and `--json`. It only listens, and what it keeps is
bounded: a run of any length gives a result of about the same size.
"""

from __future__ import annotations

from strikeloop.summary.attribution import Attribution
from strikeloop.summary.curve import MOST_POINTS, Curve
from strikeloop.summary.gathering import MOST_ROWS, SCHEMA, Summary

__all__ = ["MOST_POINTS", "MOST_ROWS", "SCHEMA", "Attribution", "Curve", "Summary"]
