"""Sinks: plugins that only listen, each in its own task behind a bounded queue, so that none can slow the engine.

Owns `Sinks`. A sink may be async. One that raises loses that event; after five times in 60 s it is stopped. When a
queue is full the oldest event makes room, and the loss is counted. A sink with a method `work` (async, no arguments) has it
run in a task of its own until the end: what it does by the clock, and what must not hold up its queue.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import attrs
from anyio.abc import TaskGroup

from strikeloop.events import Event
from strikeloop.hooks import HOOK_OF, hooks_of

QUEUE = 10_000
MOST_FAULTS = 5
FAULT_WINDOW_S = 60.0


@attrs.define(eq=False)
class _Sink:
    name: str
    plugin: Any
    hooks: frozenset[str]
    queue: deque[Event] = attrs.field(factory=lambda: deque(maxlen=QUEUE))
    wake: anyio.Event = attrs.field(factory=anyio.Event)
    dropped: int = 0
    faults: deque[float] = attrs.field(factory=lambda: deque(maxlen=MOST_FAULTS))
    error: str = ""
    is_stopped: bool = False
    is_busy: bool = False


class Sinks:
    """`sinks` are (instance name, plugin object); `desk` gives the read-only desk they may ask for."""

    def __init__(self, sinks: Sequence[tuple[str, Any]], desk: Callable[[], Any]) -> None:
        self._sinks = [_Sink(name, plugin, frozenset(hooks_of(type(plugin)))) for name, plugin in sinks]
        self._desk = desk

    def start(self, tasks: TaskGroup) -> None:
        for sink in self._sinks:
            tasks.start_soon(self._run, sink)
            if hasattr(sink.plugin, "work"):
                tasks.start_soon(self._work, sink)

    def put(self, event: Event) -> None:
        """Hand an event to every sink that has a hook for it."""
        hook = HOOK_OF.get(type(event), "")
        for sink in self._sinks:
            if not sink.is_stopped and (hook in sink.hooks or "on_event" in sink.hooks):
                sink.dropped += len(sink.queue) == QUEUE
                sink.queue.append(event)
                sink.wake.set()

    async def drain(self) -> None:
        """Wait until every queue is empty."""
        while any((sink.queue or sink.is_busy) and not sink.is_stopped for sink in self._sinks):  # noqa: ASYNC110  # short, and of several queues
            await anyio.sleep(0.01)

    def status(self) -> dict[str, dict[str, Any]]:
        """Per sink: what waits, what was dropped, its last error, and whether it was stopped for raising."""
        return {s.name: {"waiting": len(s.queue), "dropped": s.dropped, "error": s.error, "stopped": s.is_stopped} for s in self._sinks}

    async def _run(self, sink: _Sink) -> None:
        while not sink.is_stopped:
            if not sink.queue:
                sink.wake = anyio.Event()
                await sink.wake.wait()
                continue
            sink.is_busy = True
            await self._deliver(sink, sink.queue.popleft())
            sink.is_busy = False
            await anyio.lowlevel.checkpoint()  # a plain function gives nobody else a turn

    async def _work(self, sink: _Sink) -> None:
        try:
            await sink.plugin.work()
        except Exception as error:  # noqa: BLE001  # a sink's failure is its own, whatever it is
            sink.error = f"work: {type(error).__name__}: {error}"
            self._stop(sink)

    async def _deliver(self, sink: _Sink, event: Event) -> None:
        for hook in (HOOK_OF.get(type(event), ""), "on_event"):
            if hook not in sink.hooks:
                continue
            try:
                await self._call(getattr(sink.plugin, hook), event)
            except Exception as error:  # noqa: BLE001  # a sink's failure is its own, whatever it is
                self._fault(sink, f"{hook}: {type(error).__name__}: {error}")

    async def _call(self, method: Callable[..., Any], event: Event) -> None:
        wanted = inspect.signature(method).parameters
        given = {"event": event, "desk": self._desk()}
        result = method(**{name: given[name] for name in wanted})
        if inspect.isawaitable(result):
            await result

    def _fault(self, sink: _Sink, error: str) -> None:
        now = anyio.current_time()
        sink.error = error
        sink.faults.append(now)
        if len(sink.faults) == MOST_FAULTS and now - sink.faults[0] <= FAULT_WINDOW_S:
            self._stop(sink)

    @staticmethod
    def _stop(sink: _Sink) -> None:
        sink.is_stopped = True
        sink.queue.clear()
        sink.wake.set()
