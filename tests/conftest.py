"""What every test may ask for: both event loops, the reference data beside the repository, repeatable properties."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


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
