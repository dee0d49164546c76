"""The guide to writing plugins: its reference of hooks is the one that the specifications give."""

from __future__ import annotations

from tests.hook_reference import PLACE, README, table


def test_the_reference_of_hooks_is_that_of_the_specifications() -> None:
    found = PLACE.search(README.read_text(encoding="utf-8"))
    assert found is not None
    assert found[2] == table(), "the hooks changed: run python -m tests.hook_reference"
