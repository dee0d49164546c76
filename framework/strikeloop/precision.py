"""The precision that ledger figures are computed in: 28 digits, half to even, whatever a plugin did to Python's own setting.

Owns `restore_precision`. Theory: setting a fresh decimal context for each event would cost more than folding it, so the one that is
set knows whether somebody changed it. It never rounds.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow, getcontext, setcontext
from typing import Any


class _Watched(Context):
    """A decimal context that notes when an attribute of it was set; what it traps is not one."""

    is_changed = False

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__("is_changed", True)
        super().__setattr__(name, value)


def _made() -> _Watched:
    return _Watched(prec=28, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])


_UNTOUCHED = _made()


def restore_precision() -> None:
    """Set 28 digits, half to even, raising on invalid operations, division by zero and overflow, unless just that is set."""
    context = getcontext()
    if type(context) is not _Watched or context.is_changed or context.traps != _UNTOUCHED.traps:
        setcontext(_made())
