"""Adapters as their authors hand them out: built, installed into a fresh environment, discovered, checked, run and proved there."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.sources import ROOT
from tests.architecture.test_distributions import Environment, run, uv

pytestmark = pytest.mark.timeout(600)

EXAMPLES = ROOT / "tests" / "examples"
CONFIG = """
[run]
mode = "{mode}"

[adapters.kestrel]
use = "kestrel"

[adapters.corvid]
use = "corvid"
key = {{ env = "CORVID_KEY" }}
secret = {{ env = "CORVID_SECRET" }}
"""
PLAY = """
import sys
from strikeloop.__main__ import main
from strikeloop.live.clock import WallClock
from strikeloop.testing import KEY, SECRET
from strikeloop.testing.suite.venue import PlayedVenue
from strikeloop.wire.network import through
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from corvid_spelling import CorvidSpelling
from kestrel_spelling import KestrelSpelling


class Both:
    '''Two venues behind one network, told apart by their hosts.'''

    def __init__(self):
        clock = WallClock().now
        spellings = {"corvid": CorvidSpelling(), "kestrel": KestrelSpelling()}
        self.venues = {name: PlayedVenue(spelling, name, clock) for name, spelling in spellings.items()}
        self.venues["corvid"].private = frozenset({"orders", "fills", "positions", "cash"})

    def of(self, url):
        return next(venue for name, venue in self.venues.items() if name in str(url))

    async def connect(self, url, headers):
        return await self.of(url).connect(url, headers)

    async def answer(self, request, content):
        return await self.of(request.url).answer(request, content)


import os
os.environ.update(CORVID_KEY=KEY, CORVID_SECRET=SECRET)
with through(Both()):
    sys.argv = ["strikeloop", *sys.argv[3:]]
    main()
"""


def lines(*packages: str) -> int:
    """The lines of the code of a package."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for name in packages for path in EXAMPLES.glob(f"*/{name}/*.py"))


def test_a_read_only_adapter_has_at_most_120_lines() -> None:
    assert 0 < lines("strikeloop_kestrel") <= 120


def test_a_trading_adapter_has_at_most_350_lines() -> None:
    assert 0 < lines("strikeloop_corvid") <= 350


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One fresh environment with the wheels of the core, of both adapters and of the venue for paper accounts, and pytest."""
    folder = tmp_path_factory.mktemp("examples")
    for source in (ROOT, ROOT / "plugins" / "venue", EXAMPLES / "kestrel", EXAMPLES / "corvid"):
        run([uv(), "build", "--quiet", "--wheel", "--no-sources", "--out-dir", folder / "wheels", source])
    run([uv(), "venv", "--quiet", "--python", sys.executable, folder / "fresh"])
    environment = Environment(folder / "fresh")
    environment.install(*sorted((folder / "wheels").glob("*.whl")), "pytest", "trio")
    return environment


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "strikeloop.toml").write_text(CONFIG.format(mode="live"))
    (tmp_path / "play.py").write_text(PLAY)
    return tmp_path


def ask(installed: Environment, folder: Path, *words: str) -> str:
    """A command of strikeloop in the fresh environment, before played venues; what it printed."""
    spellings = [EXAMPLES / name / "tests" for name in ("corvid", "kestrel")]
    return run([installed.python, "-W", "error", folder / "play.py", *spellings, *words], cwd=folder)


def test_the_adapters_are_discovered(installed: Environment, config: Path) -> None:
    listed = ask(installed, config, "plugins", "list")
    assert "corvid" in listed
    assert "kestrel" in listed


def test_their_configuration_is_checked(installed: Environment, config: Path) -> None:
    ask(installed, config, "check", "-c", "strikeloop.toml")


def test_they_run(installed: Environment, config: Path) -> None:
    ask(installed, config, "run", "-c", "strikeloop.toml", "--live", "--duration", "2")
    status: dict[str, Any] = json.loads(ask(installed, config, "status", "--json"))
    assert status["adapters"]["corvid"]["connection"] == "ready"
    assert {name for name, channel in status["adapters"]["corvid"]["channels"].items() if channel["acknowledged"]} >= {"orders", "fills"}


@pytest.mark.parametrize("name", ["kestrel", "corvid"])
def test_they_are_proved_by_their_own_tests(installed: Environment, tmp_path: Path, name: str) -> None:
    shutil.copytree(EXAMPLES / name / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLES / name / "pyproject.toml", tmp_path)
    told = run([installed.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path)
    assert " passed" in told
    assert "failed" not in told
