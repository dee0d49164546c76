"""The journal as a running driver uses it: noted at once, written in a worker thread, awaited before an order leaves.

Owns `JournalBook` and what a restart reads back: memories and intents without a known end. The loop never waits for
the disk; only those who await `intents` or `flush` do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import anyio.to_thread
import attrs

from strikeloop.commands import Approved, Command, SubmitOrder
from strikeloop.encoding import described
from strikeloop.events import Event, OrderState
from strikeloop.journal.folder import RunFolder
from strikeloop.journal.store import Journal, Row
from strikeloop.settings import command_from_record

_TERMINAL = {state.value for state in OrderState if state.is_terminal}


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
    """The book of a run that has a folder: its status and whether it was halted from outside are part of the record."""

    def __init__(self, folder: RunFolder, journal: Journal) -> None:
        super().__init__(journal)
        self.folder = folder

    def halted(self) -> str:
        """Why no order may leave, "" where one may."""
        return self.folder.halted()

    def halt_cancels(self) -> bool:
        """Whether the halt also withdraws what works."""
        return self.folder.halt_cancels()

    async def status(self, status: Mapping[str, Any]) -> None:
        """Replace status.json, in a worker thread."""
        await anyio.to_thread.run_sync(self.folder.write_status, status)


@attrs.frozen
class Intent:
    """An order that was meant to leave and whose end the journal does not know: `state` is the last that was heard."""

    instance: str
    approved: int
    order: SubmitOrder
    state: OrderState
    order_id: str | None


def memory_of(journal: Journal) -> dict[str, dict[str, Any]]:
    """What each instance remembered last."""
    return {row.key: row.body for row in journal.rows("memory")}


def unresolved(journal: Journal) -> tuple[Intent, ...]:
    """Every intended order without a terminal state, in the order they were meant to leave."""
    intents = {row.key: row.body for row in journal.rows("intent") if row.body.get("command") == SubmitOrder.__name__}
    heard: dict[str, dict[str, Any]] = {}
    for row in journal.rows("input"):
        if row.body.get("event") == "OrderUpdated" and row.body.get("client_id") in intents:
            heard[row.body["client_id"]] = row.body
    return tuple(_intent(body, heard.get(key, {})) for key, body in intents.items() if heard.get(key, {}).get("state") not in _TERMINAL)


def _intent(body: Mapping[str, Any], update: Mapping[str, Any]) -> Intent:
    order = command_from_record({key: value for key, value in body.items() if key not in ("instance", "approved")})
    if not isinstance(order, SubmitOrder):
        raise TypeError(f"{type(order).__name__} is no order")
    return Intent(body["instance"], body["approved"], order, OrderState(update.get("state", "pending")), update.get("order_id"))
