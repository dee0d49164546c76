"""What a run leaves on disk: its folder, its lock, and the journal of inputs and intents.

Owns `StateDir`, `RunFolder`, `Journal`, `JournalBook`, `Legacy` and `Halts`. Append-only: nothing here changes a row that was written,
and damage is named, never skipped.
"""

from __future__ import annotations

from strikeloop.journal.book import JournalBook, RunRecord, memory_of
from strikeloop.journal.folder import RunFolder, StateDir, draw_tag, write_atomic
from strikeloop.journal.halts import Asked, HaltNote, Halts, one_line
from strikeloop.journal.legacy import Intent, Legacy, joined, legacy_of
from strikeloop.journal.store import Journal, Row, Stored, is_begun, repair

__all__ = [
    "Asked",
    "HaltNote",
    "Halts",
    "Intent",
    "Journal",
    "JournalBook",
    "Legacy",
    "Row",
    "RunFolder",
    "RunRecord",
    "StateDir",
    "Stored",
    "draw_tag",
    "is_begun",
    "joined",
    "legacy_of",
    "memory_of",
    "one_line",
    "repair",
    "write_atomic",
]
