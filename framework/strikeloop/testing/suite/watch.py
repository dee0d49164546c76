"""Who reads a clock or draws random numbers: every call that modules of one package make is looked at while they run.

Owns `Watch`. It sees builtins that were taken at import time too, because it looks at calls and not at names.
"""

from __future__ import annotations

import datetime as dt
import random
import secrets
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_CLOCKS: Final = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime", "sleep")
CLOCK: Final = frozenset(f"time.{name}" for name in _CLOCKS) | {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
RANDOM: Final = frozenset({"posix.urandom", "nt.urandom"})


class Watch:
    """Notes calls to clocks and to sources of random numbers that nobody seeded, from modules whose name begins with `package`."""

    def __init__(self, package: str) -> None:
        self._package = package
        self.found: list[str] = []

    @contextmanager
    def looking(self) -> Iterator[Watch]:
        """Look at every call inside the block."""
        before = sys.getprofile()
        sys.setprofile(self._see)
        try:
            yield self
        finally:
            sys.setprofile(before)

    def _see(self, frame: FrameType, what: str, called: Any) -> None:
        if what == "c_call":
            name = _name(called)
            if (name in CLOCK or name in RANDOM or _is_global_random(called)) and self._is_theirs(frame):
                self.found.append(f"{name} in {frame.f_code.co_filename}:{frame.f_lineno}")
        elif what == "call" and _draws(frame) and frame.f_back is not None and self._is_theirs(frame.f_back):
            self.found.append(f"random: {frame.f_code.co_name} in {frame.f_back.f_code.co_filename}:{frame.f_back.f_lineno}")

    def _is_theirs(self, frame: FrameType) -> bool:
        module = frame.f_globals.get("__name__", "")
        return bool(module == self._package or module.startswith(f"{self._package}."))


def _draws(frame: FrameType) -> bool:
    """Whether a function of the standard library draws from what nobody seeded."""
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    if file == random.__file__:
        return frame.f_locals.get("self") is getattr(random, "_inst", None)
    return (file == uuid.__file__ and name.startswith("uuid")) or (file == secrets.__file__ and name.startswith(("token", "rand")))


def _name(called: Any) -> str:
    owner = getattr(called, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, dt.date):
        return f"{'datetime' if issubclass(owner, dt.datetime) else 'date'}.{called.__name__}"
    return f"{getattr(called, '__module__', '')}.{getattr(called, '__name__', '')}"


def _is_global_random(called: Any) -> bool:
    """Whether it is a method of the one generator that everybody shares."""
    owner = getattr(called, "__self__", None)
    return owner is not None and owner is getattr(random, "_inst", None)


def package_of(cls: type) -> str:
    """What belongs to the author of a class: its package, or its module where it stands alone or in a test."""
    top = cls.__module__.partition(".")[0]
    return cls.__module__ if top in ("tests", "__main__") or top.startswith("test_") else top
