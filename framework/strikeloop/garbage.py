"""When Python looks for cycles while a run goes on: seldom, and never among what stood before it.

Owns `little_garbage_collection`. Theory: events and orders come and go by the million and have no cycles, yet each of them counts
towards the next search, and what is kept of them is gone through again each time. Only drivers use it, around a whole run.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

BACKTEST = (100_000, 50, 100)
"""Nobody waits for a single event."""
LIVE = (10_000, 50, 100)
"""A search of the youngest takes well below a millisecond: an event may have to wait for it."""


@contextmanager
def little_garbage_collection(thresholds: tuple[int, int, int]) -> Iterator[None]:
    """What stands before is not looked through inside, and what comes is at these thresholds of `gc.set_threshold`."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*thresholds)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
