"""`strikeloop demo`: the main job from one command, without network and keys."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("strikeloop_gate")
pytest.importorskip("strikeloop_venue")
pytest.importorskip("strikeloop_strategies")
pytest.importorskip("strikeloop_risk")

ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TERM": "xterm", "COLUMNS": "120", "LINES": "60"}


def demo(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "strikeloop", "demo", "--state-dir", str(folder), *options]


@pytest.mark.parametrize(("dialect", "backend"), [("seed", "trio"), ("gate", "asyncio")])
def test_it_trades_survives_a_dropped_connection_and_sums_up(tmp_path: Path, dialect: str, backend: str) -> None:
    done = subprocess.run(
        demo(tmp_path, "--duration", "8", "--json", "--dialect", dialect, "--backend", backend),
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRON,
    )
    assert done.returncode == 0, done.stderr
    short = json.loads(done.stdout)
    assert (short["backend"], short["connections"], short["reconnects"], short["faults"]) == (backend, 2, 1, 0)
    assert {"events", "orders", "fills", "refusals", "alerts", "digest", "report"} <= set(short)
    assert {"options.positions", "options.orders", "options.balances"} <= set(short["events"])
    assert short["orders"] > 0
    assert "connection lost" in done.stderr
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert {"config.toml", "journal.sqlite", "status.json", "result.json"} <= {path.name for path in folder.iterdir()}
    secret = subprocess.run(
        [*demo(tmp_path)[:3], "journal", "dump", str(folder), "--kind", "header"], capture_output=True, text=True, check=True, env=ENVIRON
    )
    assert '"secret":{"env":"STRIKELOOP_DEMO_SECRET"}' in secret.stdout


def test_on_a_terminal_it_draws_what_happens_and_ends_with_130_on_ctrl_c(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(demo(tmp_path), stdout=subprocess.PIPE, stderr=theirs, env=ENVIRON) as child:
        os.close(theirs)
        seen = b""
        while b"options.orders" not in seen or b"portfolio" not in seen:
            seen += os.read(ours, 65_536)
        child.send_signal(signal.SIGINT)
        drain(ours)
        assert child.stdout is not None
        assert b"reconnects" in child.stdout.read()
    os.close(ours)
    assert child.returncode == 130


def drain(descriptor: int) -> None:
    """Read until the other side of the terminal is closed."""
    while True:
        try:
            if not os.read(descriptor, 65_536):
                return
        except OSError:
            return
