"""What `strikeloop backtest` shows while it runs: a line that moves on a terminal, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import sys

import pytest

from strikeloop.cli.backtest import _progress

SECOND = 10**9
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch, span: tuple[int, int] | None, *steps: tuple[int, int]) -> str:
    """What a terminal is sent while a backtest goes through these (rows, time)."""
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with monkeypatch.context() as patch, os.fdopen(theirs, "w") as terminal:
        patch.setattr(sys, "stderr", terminal)
        with _progress(span) as progress:
            assert progress is not None
            for rows, now in steps:
                progress(rows, now)
    shown = b""
    with contextlib.suppress(OSError):  # which is how a terminal that nobody writes to any more ends
        while some := os.read(ours, 1 << 16):
            shown += some
    os.close(ours)
    return shown.decode()


def test_a_terminal_is_shown_rows_their_rate_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_on_a_terminal(monkeypatch, (0, 10 * SECOND), (123_456, 5 * SECOND))
    last = [line for line in _CONTROLS.sub("", shown).splitlines() if "backtest" in line][-1]
    assert re.fullmatch(r"backtest (━+)[╸╺](━+) 123,456 rows [0-9,]+ rows/s [0-9:-]+\s*", last)
    bar = re.search(r"backtest (━+)[╸╺]?(━+)", last)
    assert bar is not None
    assert abs(len(bar[1]) - len(bar[2])) <= 2, "half of it is behind"


def test_where_the_end_is_not_known_rows_are_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_on_a_terminal(monkeypatch, None, (1_024, 5 * SECOND))
    assert "1,024 rows" in shown


def test_the_line_is_gone_when_the_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = shown_on_a_terminal(monkeypatch, (0, SECOND), (1, SECOND))
    assert shown.rstrip().endswith("\x1b[2K"), "the line is erased"
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1, "the cursor is back"


def test_no_terminal_is_shown_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    with _progress((0, SECOND)) as progress:
        assert progress is None
    assert stderr.getvalue() == ""
