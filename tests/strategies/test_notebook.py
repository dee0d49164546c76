"""The tutorial: the notebook is the README's and stands alone, and its files do from the command line what they do in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.strategies.notebook import NOTEBOOK, tutorial, written

IMPORTS = "from strikeloop import Desk, TimerFired, hookimpl, plugin\n"


def test_the_notebook_tells_what_the_readme_tells() -> None:
    assert NOTEBOOK.read_text(encoding="utf-8") == written(), "write it anew: python -m tests.strategies.notebook"


def cells(kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def test_it_holds_no_outputs_and_no_path_of_a_machine() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells("code"))
    assert not re.search(r"/(home|root|tmp|Users|work)/", NOTEBOOK.read_text(encoding="utf-8"))


def test_its_links_lead_somewhere() -> None:
    text = "".join(line for cell in cells("markdown") for line in cell["source"])
    links = re.findall(r"\]\(([^)#]+)", text)
    assert links
    assert all((NOTEBOOK.parent / link).exists() for link in links)


def test_its_code_cells_need_nothing_but_one_another() -> None:
    """That they run, and what they write, is held by tests/test_readmes.py: they are the README's blocks."""
    code = "\n".join("".join(cell["source"]) for cell in cells("code"))
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "-"]
    found = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_its_files_are_a_sound_configuration_that_trades_from_the_command_line(tmp_path: Path) -> None:
    code = re.findall(r"^```python\n(.*?)^```", tutorial(), re.MULTILINE | re.DOTALL)
    classes = [block for block in code if "@plugin" in block]
    assert len(classes) == 2
    assert IMPORTS in classes[0]
    (config,) = re.findall(r"^```toml\n(.*?)^```", tutorial(), re.MULTILINE | re.DOTALL)
    (tmp_path / "strangle.py").write_text("\n".join(classes), encoding="utf-8")
    (tmp_path / "strangle.toml").write_text(config, encoding="utf-8")
    checked = strikeloop(tmp_path, "check", "-c", "strangle.toml")
    assert checked.returncode == 0, checked.stderr
    ran = strikeloop(tmp_path, "backtest", "-c", "strangle.toml", "--set", "market.duration_s=259200", "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["fills"] > 2, found["faults"]) == (True, 0)
    assert Path(found["report"]).exists()


def strikeloop(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "strikeloop", *words], cwd=folder, capture_output=True, text=True, check=False)
