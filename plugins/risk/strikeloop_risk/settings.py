"""What all settings of this package have in common: limits are positive, shares lie between 0 and 1.

Owns the validators. Their sentences stand in the report that is shown before a run.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs


def positive(_instance: Any, field: attrs.Attribute[Any], value: float | Decimal | None) -> None:
    """Refuse a limit that is not greater than 0; None (no limit) passes."""
    if value is not None and not value > 0:
        raise ValueError(f"{field.name} is {value}; expected more than 0, or leave it out for no limit")


def share(_instance: Any, field: attrs.Attribute[Any], value: float | None) -> None:
    """Refuse a share that is not in (0, 1]; None (not set) passes."""
    if value is not None and not 0 < value <= 1:
        raise ValueError(f"{field.name} is {value}; expected a share above 0 and at most 1")


def at_least_one(plugin: Any, names: tuple[str, ...]) -> None:
    """Refuse a rule without any limit: it would look like protection and be none."""
    if not any(getattr(plugin, name) for name in names):
        raise ValueError(f"{type(plugin).__name__} has no limit; set at least one of {', '.join(names)}")
