"""How a command ends: the one table of exit codes, and errors told on stderr.

Owns the codes and the words around an error. Never prints a secret, and prints a traceback only for a bug, into a file.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from enum import IntEnum

import click

from strikeloop.errors import (
    AuthRejectedError,
    ConfigError,
    PluginError,
    StateInUseError,
    StorageError,
    VenueError,
)


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    VENUE = 4
    HALTED = 5
    GATE = 6
    STORAGE = 7
    IN_USE = 8
    REFUSED_INPUT = 9
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "ok, also after SIGTERM",
    Exit.BUG: "a bug of strikeloop",
    Exit.USAGE: "the command line was wrong",
    Exit.CONFIG: "configuration or plugin invalid",
    Exit.VENUE: "the venue refused (credentials)",
    Exit.HALTED: "halted by risk",
    Exit.GATE: "a --fail-if was met, or a replay decided otherwise",
    Exit.STORAGE: "journal or storage damaged",
    Exit.IN_USE: "the state directory is in use",
    Exit.REFUSED_INPUT: "some input was refused",
    Exit.INTERRUPTED: "interrupted, after a clean stop",
}

_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (ConfigError, Exit.CONFIG),
    (PluginError, Exit.CONFIG),
    (AuthRejectedError, Exit.VENUE),
    (VenueError, Exit.VENUE),
    (StateInUseError, Exit.IN_USE),
    (StorageError, Exit.STORAGE),
    (click.Abort, Exit.INTERRUPTED),
    (KeyboardInterrupt, Exit.INTERRUPTED),
)
"""The first that fits counts: subclasses stand before what they are a kind of."""

CAUSES = {"interrupt": Exit.INTERRUPTED, "credentials": Exit.VENUE, "halt": Exit.HALTED, "risk": Exit.HALTED, "storage": Exit.STORAGE}
"""How a run ended, where that is not ok."""


def code_of(error: BaseException) -> Exit:
    """The exit code of an error that reached the top. A group of errors counts as its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.BUG)


def tell(error: BaseException) -> Exit:
    """Say on stderr what happened; returns the exit code."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    code = code_of(error)
    if isinstance(error, ConfigError):
        click.echo(report(error), err=True)
    elif code is Exit.INTERRUPTED:
        click.echo("strikeloop: interrupted", err=True)
    elif code is Exit.BUG:
        click.echo(f"strikeloop: this is a bug: {type(error).__name__}: {error}\n  the traceback is in {_saved(error)}", err=True)
    else:
        click.echo(f"strikeloop: {error}", err=True)
    return code


def report(error: ConfigError) -> str:
    """Every problem: where and what on one line, how to mend it on the next."""
    count = len(error.problems)
    lines = [f"strikeloop: {count} problem{'s' if count != 1 else ''}"]
    for problem in error.problems:
        lines.append(f"  {problem.where}: {problem.what}")
        if problem.fix:
            lines.append(f"      {problem.fix}")
    return "\n".join(lines)


def _saved(error: BaseException) -> str:
    """The file that holds the traceback; stderr gets it where no file can be written."""
    text = "".join(traceback.format_exception(error))
    try:
        descriptor, name = tempfile.mkstemp(prefix="strikeloop-", suffix=".traceback.txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        click.echo(text, err=True)
        return "the lines above"
    return name
