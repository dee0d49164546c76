"""The recorder of a run: account and run events, the market, raw frames, in a thread of its own.

Theory: the loop appends to one queue and goes on. The thread takes a few at a time and lets go of the interpreter between them, so that the
loop never waits for more than one small piece of its work. What the account says always finds room; of the market, and of the frames of
feeds, what finds none is counted. Where the disk refuses, `trouble` says so, at once, and nothing more is kept.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from strikeloop import Event, StorageError
from strikeloop_store.frames import Segments
from strikeloop_store.ledger import is_kept
from strikeloop_store.results import EventsFile
from strikeloop_store.tape import Tape

ROOM: Final = 200_000
"""Market events and reads of feeds that may wait."""
_SOME: Final = 64
_MANY: Final = 4_096
_NAP_S: Final = 0.05

Frames = tuple[str, str, tuple[bytes, ...], int]


class StoreRecorder:
    """A `strikeloop.recording.Recorder`. Not for use before `open_recorder` has started it."""

    def __init__(self, folder: Path, *, market: bool, frames: bool, store: Path | None, room: int = ROOM) -> None:
        self._market, self._frames, self._room = market, frames, room
        self._queue: deque[Event | Frames] = deque()
        self._ended = threading.Event()
        self.dropped = 0
        self.trouble = ""
        self._events = EventsFile(folder)
        self._folder = folder
        self._tape = Tape(store or folder / "market") if market else None
        self._segments: dict[str, Segments] = {}
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def start(self) -> StoreRecorder:
        self._thread.start()
        return self

    # ---- on the loop ----

    def event(self, event: Event) -> None:
        """Take an event in."""
        if is_kept(event):
            self._queue.append(event)
        elif self._market:
            if len(self._queue) < self._room:
                self._queue.append(event)
            else:
                self.dropped += 1

    def frames(self, adapter: str, port: str, frames: Sequence[bytes], received: int) -> None:
        """Take the frames of one read in."""
        if not self._frames:
            return
        if port == "feed" and len(self._queue) >= self._room:
            self.dropped += len(frames)
        else:
            self._queue.append((adapter, port, tuple(frames), received))

    def close(self) -> Mapping[str, Any]:
        """Wait for the thread to finish; see `Recorder.close`."""
        self._ended.set()
        self._thread.join()
        if self.trouble:
            self._events.abandon()
            raise StorageError(self.trouble)
        return {
            "events": self._events.count,
            "market": {} if self._tape is None else dict(self._tape.counts),
            "frames": {name: one.count for name, one in sorted(self._segments.items())},
            "dropped": self.dropped,
        }

    # ---- in the thread ----

    def _work(self) -> None:
        try:
            while not self._ended.is_set() or self._queue:
                if not self._queue:
                    self._idle()
                    self._ended.wait(_NAP_S)
                some = _SOME if len(self._queue) < _MANY else _MANY  # few at a time, unless nobody but us is waiting for them
                self._take([self._queue.popleft() for _ in range(min(some, len(self._queue)))])
                time.sleep(0)  # the loop may have waited for the interpreter
            self._finish()
        except (OSError, ValueError, pa.ArrowException, StorageError) as error:
            self.trouble = f"the recording of {self._folder} ended: {getattr(error, 'strerror', None) or error}"
            self._queue = deque(maxlen=0)  # nothing is kept from now on, and nothing piles up

    def _take(self, some: Sequence[Event | Frames]) -> None:
        kept = [one for one in some if isinstance(one, Event) and is_kept(one)]
        if kept:
            self._events.add(kept)
        if self._tape is not None:
            self._tape.add([one for one in some if isinstance(one, Event)])
        for one in some:
            if not isinstance(one, Event):
                adapter, port, frames, received = one
                self._of(f"{adapter}-{port}").add(frames, received)

    def _of(self, name: str) -> Segments:
        if name not in self._segments:
            folder = self._folder / "frames"
            folder.mkdir(exist_ok=True)
            self._segments[name] = Segments(folder, name)
        return self._segments[name]

    def _idle(self) -> None:
        for one in self._segments.values():
            one.flush()
        if self._tape is not None:
            self._tape.tick(time.monotonic())

    def _finish(self) -> None:
        for one in self._segments.values():
            one.close()
        if self._tape is not None:
            self._tape.close()
        self._events.close()


def open_recorder(folder: Path, *, market: bool, frames: bool, store: Path | None = None) -> StoreRecorder:
    """The entry point. `folder` is the run's, which exists."""
    return StoreRecorder(folder, market=market, frames=frames, store=store).start()
