"""strikeloop-gate: Gate.io options for strikeloop, in the venue's dialect and in that of the seed document."""

from strikeloop_gate.adapter import Gate, GateAdapter
from strikeloop_gate.decode import Dialect

__all__ = ["Dialect", "Gate", "GateAdapter"]
