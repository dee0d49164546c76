"""The tutorial of strategies/README.md as a notebook: `python -m tests.strategies.notebook` writes it anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "strategies" / "README.md"
NOTEBOOK = ROOT / "strategies" / "notebooks" / "short_strangle.ipynb"
TITLE = "## Tutorial: a short strangle, hedged and tuned"
_CODE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(\.\./")


def tutorial() -> str:
    """The tutorial, from its heading to the next of its rank."""
    found = README.read_text(encoding="utf-8").split(f"\n{TITLE}\n")[1]
    return f"{TITLE}\n{re.split(r'^## ', found, flags=re.MULTILINE)[0]}"


def notebook() -> dict[str, Any]:
    """Python blocks are its code cells, what stands between them is told in Markdown; it holds no outputs."""
    cells: list[dict[str, Any]] = []
    for place, piece in enumerate(_CODE.split(tutorial())):
        source = _LINK.sub("](../../", piece).strip("\n").splitlines(keepends=True)
        if source:
            cells.append(_cell(len(cells), "code" if place % 2 else "markdown", source))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(number: int, kind: str, source: list[str]) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def written() -> str:
    return json.dumps(notebook(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    NOTEBOOK.parent.mkdir(exist_ok=True)
    NOTEBOOK.write_text(written(), encoding="utf-8")
