"""A run with sinks, as a user starts it: what is told arrives, and a service that hangs holds nothing up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.notify.services import LOOPBACK, http_service

CONFIG = """
[run]
mode = "sim"
backend = "{backend}"
[market]
use = "generated"
daily = 1
weekly = 0
monthly = 0
[venue]
use = "venue"
[strategies.bell]
use = "./bell.py:Bell"
[sinks.phone]
use = "apprise"
urls = [{ env = "ALIVE" }, { env = "HANGS" }]
[sinks.hook]
use = "webhook"
url = { env = "HOOK" }
[sinks.log]
use = "log-alerts"
"""
BELL = '''
from strikeloop import Desk, hookimpl, plugin


@plugin
class Bell:
    """Ring twenty times a second."""

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        desk.every(0.05, "ring")

    @hookimpl
    def on_timer(self, desk: Desk) -> None:
        desk.alert("it rings", topic="bell")
'''


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_run_tells_people_and_ends_in_time_although_a_service_hangs(backend: str, tmp_path: Path) -> None:
    (tmp_path / "strikeloop.toml").write_text(CONFIG.replace("{backend}", backend))
    (tmp_path / "bell.py").write_text(BELL)
    with http_service() as alive, http_service() as hangs:
        hangs.gate.clear()
        urls = {
            "ALIVE": f"json://{LOOPBACK}:{alive.port}/token-17",
            "HANGS": f"json://{LOOPBACK}:{hangs.port}/token-18?rto=60",
            "HOOK": f"http://{LOOPBACK}:{alive.port}/token-19",
        }
        done = subprocess.run(
            [sys.executable, "-m", "strikeloop", "run", "--duration", "2", "--json"],
            cwd=tmp_path,
            env={"PATH": "", "HOME": str(tmp_path), **urls},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        paths = [path for path, _, _ in alive.requests]
        assert len(hangs.requests) == 1
    assert done.returncode == 0, done.stderr
    assert {"/token-17", "/token-19"} <= set(paths)
    assert len(paths) <= 6
    lines = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert sum(line["topic"] == "bell" for line in lines) == json.loads(done.stdout)["alerts"]
    assert lines[-1]["topic"] == "stopping"
    kept = "".join(path.read_text(errors="replace") for path in (tmp_path / "runs").rglob("*") if path.is_file())
    for token in ("token-17", "token-18", "token-19"):
        assert token not in done.stdout + done.stderr + kept
