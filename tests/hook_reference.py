"""The reference of hooks in plugins/README.md, made from the specifications. `python -m tests.hook_reference` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from strikeloop.cli.hooks import described
from strikeloop.hooks import HOOKS

README = Path(__file__).parents[1] / "plugins" / "README.md"
PLACE = re.compile(r"(<!-- hooks: .*? -->\n)(.*?)(<!-- /hooks -->)", re.DOTALL)


def table() -> str:
    """One row for each hook."""
    rows = ["| hook | is given | since | when |", "|---|---|---|---|"]
    for one in map(described, HOOKS):
        arguments = ", ".join(f"`{argument}`" for argument in one["arguments"]).replace("|", "\\|")
        going = f" Will go: {one['instead']}." if one["instead"] else ""
        rows.append(f"| `{one['name']}` | {arguments} | {one['since']} | {one['doc'].replace('|', chr(92) + '|')}{going} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(PLACE.sub(lambda match: match[1] + table() + match[3], text), encoding="utf-8")


if __name__ == "__main__":
    main()
