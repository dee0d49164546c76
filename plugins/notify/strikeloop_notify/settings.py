"""What the settings of the sinks have in common: which values are refused.

Owns the validators. Their sentences stand in the report that is shown before a run.
"""

from __future__ import annotations

import math
from typing import Any

import attrs


def positive(_instance: Any, field: attrs.Attribute[Any], value: float) -> None:
    """Refuse what is not a finite number greater than 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{field.name} is {value}; expected a number greater than 0")


def not_empty(_instance: Any, field: attrs.Attribute[Any], value: tuple[Any, ...]) -> None:
    """Refuse a list without an item."""
    if not value:
        raise ValueError(f"{field.name} is empty; expected at least one")
