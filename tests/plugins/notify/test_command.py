"""`strikeloop notify test`: the sinks of a config, tried by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.plugins.notify.services import LOOPBACK, http_service, mail_service


def tried(folder: Path, config: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "strikeloop.toml").write_text(config)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "strikeloop", "notify", "test", *words],
        cwd=folder,
        env={"PATH": "", "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


ALL = """
[run]
mode = "paper"
[sinks.mail]
use = "apprise"
urls = [{ env = "MAIL" }, { env = "WEB" }]
[sinks.hook]
use = "webhook"
url = { env = "HOOK" }
[sinks.file]
use = "log-alerts"
[sinks.other]
use = "./mine.py:Sink"
"""


def test_every_sink_of_the_config_is_tried(tmp_path: Path) -> None:
    with http_service() as service, mail_service() as (mailbox, port):
        done = tried(
            tmp_path,
            ALL,
            MAIL=f"mailto://{LOOPBACK}:{port}?from=bot@example.test&to=anna@example.test&mode=insecure",
            WEB=f"json://{LOOPBACK}:{service.port}",
            HOOK=f"http://{LOOPBACK}:{service.port}/x",
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["mail (E-Mail): ok", "mail (JSON): ok", "hook (webhook): ok", "file (file): ok"]
    assert "this is a test; nothing happened" in mailbox.mails[0]
    assert len(service.requests) == 2
    assert "this is a test" in (tmp_path / "alerts.jsonl").read_text()


def test_a_service_that_does_not_take_it_is_exit_code_9_and_named_without_its_secret(tmp_path: Path) -> None:
    with http_service(500) as service:
        done = tried(tmp_path, ALL, "hook", "--json", HOOK=f"http://{LOOPBACK}:{service.port}/token-17", MAIL="", WEB="")
    assert done.returncode == 9
    answer = {"sink": "hook", "channel": "webhook", "problem": "the webhook answered 500 Internal Server Error", "ok": False}
    assert json.loads(done.stdout) == answer
    assert "token-17" not in done.stdout + done.stderr


def test_an_address_in_clear_is_refused_without_being_shown(tmp_path: Path) -> None:
    done = tried(tmp_path, '[sinks.a]\nuse = "webhook"\nurl = "https://example.test/token-17"\n')
    assert done.returncode == 3
    assert "a secret is written in clear" in done.stderr
    assert "token-17" not in done.stdout + done.stderr


def test_a_name_that_is_no_sink_is_told_with_those_that_are(tmp_path: Path) -> None:
    done = tried(tmp_path, ALL, "phone")
    assert done.returncode == 3
    assert "there are mail, hook, file" in done.stderr


def test_a_config_without_sinks_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    assert "there is none of strikeloop-notify" in tried(tmp_path, "").stderr
    assert "cannot be read" in tried(tmp_path, "", "-c", "nowhere.toml").stderr
