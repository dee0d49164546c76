"""The journal as a running driver uses it: noted at once, written in a worker thread, awaited before an order leaves.

Owns `JournalBook`, and reading back what instances remembered. The loop never waits for the disk; only those who await
`intents` or `flush` do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import anyio.to_thread

from strikeloop.commands import Approved, Command
from strikeloop.encoding import described
from strikeloop.errors import DecodeError
from strikeloop.events import Event, HaltUpdated
from strikeloop.journal.folder import RunFolder, StateDir
from strikeloop.journal.halts import Asked, HaltNote, Halts, asked_in
from strikeloop.journal.quarantine import Quarantine
from strikeloop.journal.store import Journal, Row


class JournalBook:
    """What is noted is kept in memory, in order, until the next `intents` or `flush` commits all of it at once.

    When a commit fails both raise StorageError and what was noted stays noted: the next one tries it again.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._noted: list[Row] = []
        self._turn = anyio.Lock()
        self._memories: dict[str, str] = {}

    def inputs(self, events: Sequence[Event]) -> None:
        """Note inputs of the engine."""
        self._noted.extend(Row("input", "", described(event)) for event in events)

    def memory(self, instance: str, memory: Mapping[str, Any]) -> None:
        """Note what an instance remembers, where it changed since it was noted last."""
        text = json.dumps(memory, sort_keys=True)
        if self._memories.get(instance) != text:
            self._memories[instance] = text
            self._noted.append(Row("memory", instance, json.loads(text)))

    def ending(self, **facts: Any) -> None:
        """Note how the run ended."""
        self._noted.append(Row("ending", "", facts))

    async def intents(self, approved: Sequence[Approved[Command]]) -> None:
        """Return when these commands, and everything noted before them, are on disk."""
        self._noted.extend(
            Row("intent", one.command.client_id, {"instance": one.instance, "approved": one.approved, **described(one.command)})
            for one in approved
        )
        await self.flush()

    async def flush(self) -> None:
        """Return when everything noted so far is on disk."""
        async with self._turn:
            batch, self._noted = self._noted, []
            if not batch:
                return
            try:
                await anyio.to_thread.run_sync(self.journal.append, batch)
            except BaseException:
                self._noted[:0] = batch
                raise


class RunRecord(JournalBook):
    """The book of a run of `mode` that has a folder: its status, what others ask of it and its halts are part of the record."""

    def __init__(self, folder: RunFolder, journal: Journal, mode: str) -> None:
        super().__init__(journal)
        self.folder, self._mode = folder, mode
        self._halts = Halts(folder.path.parent)
        self._quarantine = Quarantine(folder.path / "quarantine.jsonl")

    def halted(self) -> str:
        """Why no order may leave, "" where one may."""
        return self.folder.halted()

    def asked(self) -> Asked | None:
        """What another process asks for with a file HALT."""
        return asked_in(self.folder.halt)

    def reset_asked(self) -> Asked | None:
        """What another process asks for with a file RESET."""
        return asked_in(self.folder.reset)

    def tags(self) -> tuple[str, ...]:
        """The tags of this state directory's runs by now."""
        return StateDir(self.folder.path.parent, make=False).tags()

    def keep(self, told: HaltUpdated) -> None:
        """Note how the kill switch stands where the next run finds it. Raises StorageError."""
        self._halts.note(HaltNote.of(told, self._mode, self.folder.id))

    def quarantine(self, adapter: str, port: str, error: DecodeError, now: int) -> None:
        """Keep a frame that could not be read."""
        self._quarantine.keep(adapter, port, error, now)

    async def status(self, status: Mapping[str, Any]) -> None:
        """Replace status.json, in a worker thread."""
        await anyio.to_thread.run_sync(self.folder.write_status, status)


def memory_of(journal: Journal) -> dict[str, dict[str, Any]]:
    """What each instance remembered last."""
    return {row.key: row.body for row in journal.rows("memory")}
