"""Settings: plain data from outside becomes typed values here, strictly, or is refused with every reason at once.

Owns the converter (`structure`), secret references (`Vault`) and reading records back (`event_from_record`).
Never coerces, never shows a secret, and knows nothing of files, layers or plugins: that is strikeloop.load's.
"""

from __future__ import annotations

from strikeloop.settings.converter import Structurer, structure
from strikeloop.settings.records import command_from_record, event_from_record
from strikeloop.settings.scalars import ValueRefusedError, WrittenFloat, did_you_mean
from strikeloop.settings.secrets import Vault, is_reference

__all__ = [
    "Structurer",
    "ValueRefusedError",
    "Vault",
    "WrittenFloat",
    "command_from_record",
    "did_you_mean",
    "event_from_record",
    "is_reference",
    "structure",
]
