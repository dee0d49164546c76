"""Pins: code that is not the code a config trusts is not imported, and a pin that protects nothing is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from strikeloop.errors import ConfigError
from strikeloop.load import Plan, load
from strikeloop.load.pins import source_hash
from tests.framework.plugin_fakes import install

CONFIG = """
[run]
mode = "sim"
[market]
use = "fake-market"
[venue]
use = "fake-venue"
[strategies.band]
use = "fake-band"
[strategies.mine]
use = "./mine.py:Mine"
"""
MINE = """
from strikeloop import hookimpl, plugin

@plugin
class Mine:
    @hookimpl
    def on_stop(self): ...
"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return install(tmp_path, monkeypatch)


def pinned(folder: Path, *lines: str, **options: Any) -> Plan:
    config = folder / "strikeloop.toml"
    config.write_text(CONFIG + "[plugins.pin]\n" + "\n".join(lines))
    return load([config], environ={}, **options)


def refusal(folder: Path, *lines: str) -> str:
    with pytest.raises(ConfigError) as caught:
        pinned(folder, *lines)
    return str(caught.value)


def test_code_that_is_as_pinned_is_loaded_and_the_digest_does_not_know_of_pins(tmp_path: Path) -> None:
    plain = pinned(tmp_path)
    local = source_hash_of(tmp_path / "mine.py")
    plan = pinned(tmp_path, f'strikeloop-fake = "1.2 sha256:{source_hash("fake_plugins")}"', f'"mine.py" = "sha256:{local}"')
    assert [plugin.name for plugin in plan.plugins] == ["band", "mine"]
    assert plan.header() == plain.header()
    (tmp_path / "again.toml").write_text(plan.toml())
    assert load([tmp_path / "again.toml"], environ={}).config["plugins"] == plan.config["plugins"]


def test_code_that_was_changed_is_refused_unread(tmp_path: Path, site: Path) -> None:
    pin = f'strikeloop-fake = "sha256:{source_hash("fake_plugins")}"'
    (site / "fake_plugins.py").write_text("raise SystemExit('imported')")
    assert "the code of strikeloop-fake is not the code it is pinned to: sha256:" in refusal(tmp_path, pin)
    assert "fake_plugins" not in sys.modules


def test_a_local_file_that_was_changed_is_refused_unread(tmp_path: Path) -> None:
    pin = f'"mine.py" = "sha256:{source_hash_of(tmp_path / "mine.py")}"'
    (tmp_path / "mine.py").write_text("raise SystemExit('imported')")
    assert "the code of mine.py is not the code it is pinned to" in refusal(tmp_path, pin)


def test_another_version_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    told = refusal(tmp_path, f'strikeloop-fake = "1.1 sha256:{source_hash("fake_plugins")}"')
    assert "strikeloop-fake is pinned to 1.1, and 1.2 is installed (pip install strikeloop-fake==1.1)" in told


@pytest.mark.parametrize("value", ['"1.2"', '"sha256:abc"', "1", '"sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"'])
def test_what_is_no_pin_is_refused(tmp_path: Path, value: str) -> None:
    assert "plugins.pin.strikeloop-fake" in refusal(tmp_path, f"strikeloop-fake = {value}")


def test_a_pin_that_protects_nothing_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, f'strikeloop-fak = "sha256:{"0" * 64}"', f'strikeloop-fake = "sha256:{source_hash("fake_plugins")}"')
    assert "pins nothing that this config uses (did you mean strikeloop-fake?)" in told


def test_where_a_part_is_left_out_its_pin_is_not_missed(tmp_path: Path) -> None:
    pin = f'"mine.py" = "sha256:{"0" * 64}"'
    assert [plugin.name for plugin in pinned(tmp_path, pin, disabled=["mine"]).plugins] == ["band"]


def test_another_table_of_plugins_is_unknown(tmp_path: Path) -> None:
    config = tmp_path / "strikeloop.toml"
    config.write_text(CONFIG + "[plugins.pins]\na = 1\n")
    with pytest.raises(ConfigError, match=r"plugins.pins .*is not known"):
        load([config], environ={})


def test_the_hash_covers_every_python_file_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "hashed_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    first = source_hash("hashed_package")
    (package / "inner" / "more.py").write_text("a = 1")
    second = source_hash("hashed_package")
    (package / "inner" / "more.py").rename(package / "more.py")
    third = source_hash("hashed_package")
    (package / "notes.txt").write_text("no code")
    assert len({first, second, third, ""}) == 4
    assert source_hash("hashed_package") == third
    assert source_hash("no_such_package") == ""


def source_hash_of(path: Path) -> str:
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()
