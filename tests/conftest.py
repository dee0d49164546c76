"""What every test may ask for: both event loops, the reference data beside the repository, repeatable properties."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite runs on every core, and one process more, for many tests wait; a part of it runs in this process."""
    is_whole = config.args == config.getini("testpaths")
    return (os.cpu_count() or 1) + 1 if is_whole else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole stories take longest, file by file: they begin first, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/scenarios/"))


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Async tests run twice: once on asyncio, once on trio."""
    return str(request.param)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference specifications, fixtures and data; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("STRIKELOOP_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(f"no reference data: {folder} is not a folder (set STRIKELOOP_SHARED to where it is)")
    return folder
