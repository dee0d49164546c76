"""`python -m strikeloop` is the command `strikeloop`."""

from __future__ import annotations

from strikeloop.cli import main

main(prog_name="strikeloop")
