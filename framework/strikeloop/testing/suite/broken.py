"""What a check says when a contract is broken: what happened, what was expected, what came instead, and where to look.

Owns `ContractBrokenError` and the finding of the place in the author's code.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn


class ContractBrokenError(AssertionError):
    """A promise of the contract does not hold; `where` is the code that should keep it."""

    def __init__(self, happened: str, expected: str, got: str, where: str) -> None:
        self.happened, self.expected, self.got, self.where = happened, expected, got, where
        super().__init__(f"\n  what happened: {happened}\n  expected:      {expected}\n  got:           {got}\n  look at:       {where}")


def place(owner: Any, name: str = "") -> str:
    """A class, or a method of it, with the file and line where it is written."""
    return _place(owner if isinstance(owner, type) else type(owner), name)


@lru_cache(maxsize=1_024)  # a check names its place a thousand times, and finding it means to read the source
def _place(cls: type, name: str) -> str:
    found = getattr(cls, name, None)
    target = found.fget if isinstance(found, property) else found
    if not callable(target):
        target = cls
    try:
        file, line = inspect.getsourcefile(target), inspect.getsourcelines(target)[1]
    except (OSError, TypeError):  # made at run time: there is no source to point at
        return f"{cls.__module__}.{cls.__qualname__}.{name}".rstrip(".")
    return f"{cls.__qualname__}.{name}".rstrip(".") + f" ({Path(file or '').name}:{line})"


def broken(happened: str, expected: str, got: object, where: str) -> NoReturn:
    """Fail the check."""
    __tracebackhide__ = True
    raise ContractBrokenError(happened, expected, str(got), where)


@contextmanager
def raising(error: type[Exception], happened: str, where: str, *, exactly: bool = True) -> Iterator[list[Exception]]:
    """What is inside must raise this error (with `exactly` no subclass of it); the list then holds it."""
    raised: list[Exception] = []
    try:
        yield raised
    except Exception as exc:
        raised.append(exc)
        if type(exc) is error or (not exactly and isinstance(exc, error)):
            return
        raise ContractBrokenError(happened, f"{error.__name__} is raised", f"{type(exc).__name__}: {exc}", where) from exc
    broken(happened, f"{error.__name__} is raised", "no error", where)
