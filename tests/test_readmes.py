"""Every code block of every README does what it says: Python runs, TOML is a valid configuration, commands exist."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from strikeloop.testing import DeskStage, Sim

ROOT = Path(__file__).parent.parent
FIXTURES = {"sim": Sim, "desk": DeskStage}
READMES = sorted(path for path in ROOT.glob("**/README.md") if not {".venv", ".uv", "runs"} & set(path.relative_to(ROOT).parts))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECTIONS = {"run", "adapters", "venue", "market", "halt", "strategies", "risk", "sinks", "plugins"}


@attrs.frozen
class Block:
    readme: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.readme.relative_to(ROOT)}:{self.line}"


def blocks(language: str) -> list[Block]:
    found = []
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        found += [Block(readme, text[: match.start()].count("\n") + 2, match[1], match[2]) for match in FENCE.finditer(text)]
    return [block for block in found if block.language == language]


def commands() -> Iterator[tuple[Block, list[str]]]:
    """Every `strikeloop …` line of a shell block, without its redirections."""
    for block in blocks("sh"):
        for line in block.code.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|", line):
                words = shlex.split(re.split(r"[<>]", part)[0], comments=True)
                if "strikeloop" in words and words[0] not in ("pip", ".uv/bin/pip"):
                    yield block, words[words.index("strikeloop") :]


def help_of(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "strikeloop", *names, "--help"], capture_output=True, text=True, check=False)


def test_every_fence_is_of_a_kind_that_is_tested() -> None:
    known = {"python", "toml", "sh", "json", "text"}
    assert {match[1] for readme in READMES for match in FENCE.finditer(readme.read_text(encoding="utf-8"))} <= known


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_python_of_a_readme_runs_from_top_to_bottom(readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "readme"}
    for block in blocks("python"):
        if block.readme == readme and block.code.startswith(">>>"):
            example = doctest.DocTestParser().get_doctest(block.code, namespace, str(block), str(readme), block.line)
            assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, clear_globs=False).failed == 0
            namespace = example.globs
        elif block.readme == readme:
            exec(compile("\n" * (block.line - 1) + block.code, str(readme), "exec"), namespace)  # noqa: S102  # our own documentation
    tests = [value for name, value in namespace.items() if name.startswith("test_")]
    for test in tests:
        test(**{name: FIXTURES[name]() for name in test.__code__.co_varnames[: test.__code__.co_argcount]})
    assert tests or readme != ROOT / "README.md"


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_the_toml_of_a_readme_is_configuration(block: Block) -> None:
    assert set(tomllib.loads(block.code)) <= SECTIONS | {"project", "build-system"}


@pytest.mark.parametrize(("block", "words"), list(commands()), ids=str)
def test_the_commands_of_a_readme_exist_with_their_options(block: Block, words: list[str]) -> None:
    names = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
    options = [word.split("=")[0] for word in words[1:] if word.startswith("-")]
    deeper = help_of(*names[:2])
    shown = deeper if deeper.returncode == 0 else help_of(*names[:1])
    assert shown.returncode == 0, shown.stderr
    missing = [option for option in options if option not in shown.stdout and option != "--help"]
    assert not missing, f"{block}: {' '.join(words)} has unknown {missing}"


def test_the_readmes_strategy_and_its_configuration_run_as_a_backtest(tmp_path: Path) -> None:
    strategy, _ = (block.code for block in blocks("python") if block.readme == ROOT / "README.md")
    (config,) = (block.code for block in blocks("toml") if block.readme == ROOT / "README.md")
    (tmp_path / "insurance.py").write_text(strategy)
    (tmp_path / "strikeloop.toml").write_text(config.replace('use = "generated"', 'use = "generated"\nduration_s = 600'))
    ran = subprocess.run(
        [sys.executable, "-m", "strikeloop", "backtest", "-c", "strikeloop.toml", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert '"fills": 1' in ran.stdout


def test_the_first_screen_of_the_readme_holds_the_strategy_in_under_twenty_lines_and_its_test_in_under_ten() -> None:
    strategy, test = (block.code for block in blocks("python") if block.readme == ROOT / "README.md")
    assert len([line for line in strategy.splitlines() if line.strip()]) < 20
    assert len([line for line in test.splitlines() if line.strip()]) < 10
