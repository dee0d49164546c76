"""strikeloop-gate: Gate.io options for strikeloop, in the venue's dialect and in that of the seed document."""

from strikeloop.wire import require_live

try:
    from strikeloop_gate.adapter import Gate, GateAdapter
    from strikeloop_gate.decode import Dialect
except ModuleNotFoundError:
    require_live("strikeloop-gate", "msgspec")  # every wire form is one of its structs: there is no way without it
    raise

__all__ = ["Dialect", "Gate", "GateAdapter"]
