"""`strikeloop mmp` with an account of a few lines that keeps its protection in a file: what is asked, told and refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strikeloop.cli import main

ADAPTERS = """
import json
from decimal import Decimal
from pathlib import Path

import attrs

from strikeloop import VenueError
from strikeloop.adapter import UNTIL_RESET, Mmp
from strikeloop.wire import Secret

NAMES = ("underlying", "window_ms", "frozen_ms", "qty_limit", "delta_limit", "frozen_until")


class Account:
    async def prepare(self):
        raise AssertionError("preparing an account sets what its config says")

    async def mmp(self, underlying):
        if underlying == "DOGE_USDT":
            raise VenueError("no such underlying", code="INVALID_PARAM_VALUE")
        if not Path("kept.json").exists():
            return None
        kept = json.loads(Path("kept.json").read_text())
        return Mmp(**kept | {name: Decimal(kept[name]) for name in ("qty_limit", "delta_limit")})

    async def set_mmp(self, mmp):
        Path("kept.json").write_text(json.dumps({name: getattr(mmp, name) for name in NAMES}, default=str))
        return mmp

    async def reset_mmp(self, underlying):
        return await self.set_mmp(attrs.evolve(await self.mmp(underlying), frozen_until=None))


class Opened:
    def __init__(self, account):
        self.account = account

    async def aclose(self):
        with open("closed", "a") as file:
            file.write(".")


@attrs.frozen(kw_only=True)
class Guarded:
    key: Secret | None = None

    def open(self, name, *, clock):
        return Opened(Account())


@attrs.frozen(kw_only=True)
class Plain:
    def open(self, name, *, clock):
        return Opened(object())


@attrs.frozen(kw_only=True)
class ReadOnly:
    def open(self, name, *, clock):
        return Opened(None)
"""
GUARDED = '[adapters.desk]\nuse = "./adapters.py:Guarded"\n'
ALL = "--window-ms 5000 --frozen-ms 0 --qty 10 --delta 10.50"
KEPT = {"underlying": "BTC_USDT", "window_ms": 5000, "frozen_ms": 0, "qty_limit": "10", "delta_limit": "10.50", "frozen_until": None}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adapters.py").write_text(ADAPTERS)
    (tmp_path / "strikeloop.toml").write_text(GUARDED)
    return tmp_path


def mmp(line: str, underlying: str = "BTC_USDT") -> Result:
    return CliRunner().invoke(main, ["mmp", *shlex.split(line), "--underlying", underlying])


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["mmp"]


def keep(**changes: Any) -> None:
    Path("kept.json").write_text(json.dumps(KEPT | changes))


def test_what_was_never_set_is_told_to_be_nothing() -> None:
    assert json.loads(mmp("show --json").stdout) == {"adapter": "desk", "underlying": "BTC_USDT", "mmp": None}
    assert "no market maker protection is set for BTC_USDT" in mmp("show").stderr


def test_protection_is_set_as_it_is_written_and_shown() -> None:
    assert told(mmp(f"set {ALL} --json")) == told(mmp("show --json")) == KEPT


def test_what_is_not_named_stays_as_it_is() -> None:
    keep()
    assert told(mmp("set --qty 3 --json")) == KEPT | {"qty_limit": "3"}


@pytest.mark.parametrize("line", ["set", "set --qty 3", f"set {ALL} --delta -1", f"set {ALL} --qty much", "set --window-ms 0.5"])
def test_what_cannot_be_set_is_a_mistake_of_the_command_line(line: str) -> None:
    assert mmp(line).exit_code == 2
    assert not Path("kept.json").exists()


def test_a_reset_ends_a_freeze_and_changes_nothing_else() -> None:
    keep(frozen_until=2**63 - 1)
    assert told(mmp("reset --json")) == KEPT


def test_a_reset_of_what_was_never_set_does_nothing() -> None:
    assert told(mmp("reset --json")) is None


@pytest.mark.parametrize(
    ("until", "words"),
    [(None, "free"), (2**63 - 1, "frozen until a reset"), (1_800_000_000_000_000_000, "frozen until 2027-01-15 08:00:00 UTC")],
)
def test_people_read_whether_quoting_is_frozen(until: int | None, words: str) -> None:
    keep(frozen_until=until)
    assert mmp("show").stdout.rstrip().splitlines()[-1].split(maxsplit=1) == ["quoting", words]


def test_the_adapter_is_closed_whatever_the_venue_says() -> None:
    result = mmp("show", "DOGE_USDT")
    assert (result.exit_code, Path("closed").read_text()) == (4, ".")
    assert "no such underlying" in result.stderr


def test_of_several_adapters_one_has_to_be_named(here: Path) -> None:
    (here / "strikeloop.toml").write_text(GUARDED + GUARDED.replace("desk", "other"))
    refused = mmp("show")
    assert refused.exit_code == 2
    assert "--adapter: desk, other" in refused.stderr
    assert json.loads(mmp("show --adapter other --json").stdout)["adapter"] == "other"
    assert mmp("show --adapter another").exit_code == 2


@pytest.mark.parametrize(("kind", "words"), [("Plain", "knows no market maker protection"), ("ReadOnly", "has no account")])
def test_an_adapter_that_has_none_is_named(here: Path, kind: str, words: str) -> None:
    (here / "strikeloop.toml").write_text(GUARDED.replace("Guarded", kind))
    result = mmp("show")
    assert result.exit_code == 3
    assert f"adapters.desk: {words}" in result.stderr


def test_a_secret_that_is_not_at_hand_is_missed_whatever_the_mode(here: Path) -> None:
    (here / "strikeloop.toml").write_text('[run]\nmode = "paper"\n' + GUARDED + 'key = { env = "NOT_AT_HAND" }\n')
    result = mmp("show")
    assert result.exit_code == 3
    assert "adapters.desk.key" in result.stderr


def test_a_strategy_that_cannot_be_loaded_is_in_nobodys_way(here: Path) -> None:
    (here / "strikeloop.toml").write_text(GUARDED + '[strategies.broken]\nuse = "./gone.py:Gone"\n')
    assert mmp("show").exit_code == 0


def test_a_section_that_does_not_exist_is_refused(here: Path) -> None:
    (here / "strikeloop.toml").write_text(GUARDED + "[stratgies.x]\n")
    assert mmp("show").exit_code == 3
