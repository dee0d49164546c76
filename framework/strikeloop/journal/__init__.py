"""What a run leaves on disk: its folder, its lock, and the journal of inputs and intents.

Owns `StateDir`, `RunFolder`, `Journal` and `JournalBook`. Append-only: nothing here changes a row that was written,
and damage is named, never skipped.
"""

from __future__ import annotations

from strikeloop.journal.book import Intent, JournalBook, RunRecord, memory_of, unresolved
from strikeloop.journal.folder import RunFolder, StateDir, draw_tag, write_atomic
from strikeloop.journal.store import Journal, Row, Stored, repair

__all__ = [
    "Intent",
    "Journal",
    "JournalBook",
    "Row",
    "RunFolder",
    "RunRecord",
    "StateDir",
    "Stored",
    "draw_tag",
    "memory_of",
    "repair",
    "unresolved",
    "write_atomic",
]
