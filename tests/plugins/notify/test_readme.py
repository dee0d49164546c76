"""The README: its config loads, and names every sink."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strikeloop.load import load

README = (Path(__file__).parents[3] / "plugins" / "notify" / "README.md").read_text(encoding="utf-8")
URLS = {"PHONE_URL": "json://127.0.0.1:1/x", "MAIL_URL": "json://127.0.0.1:1/x", "OPS_URL": "https://ops.example.test/x", "OPS_TOKEN": "t"}


def test_the_config_of_the_readme_loads_and_uses_every_sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "notify-send").touch(0o755)
    (tmp_path / "mail").write_text("json://127.0.0.1:1/x")
    (tmp_path / "mail").chmod(0o600)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "strikeloop.toml"
    head = '[run]\nmode = "sim"\n[market]\nuse = "generated"\n[venue]\nuse = "venue"\n[strategies.a]\nuse = "quoter"\n'
    file.write_text(head + config.replace("/etc/strikeloop/secrets/mail", str(tmp_path / "mail")), encoding="utf-8")
    plan = load([file], environ=dict(URLS))
    sinks = [plugin for plugin in plan.plugins if plugin.kind == "sink"]
    assert sorted(plugin.use for plugin in sinks) == ["apprise", "desktop", "digest", "log-alerts", "webhook"]
    for plugin in sinks:
        plugin.make()
    assert "json://" not in plan.toml()
