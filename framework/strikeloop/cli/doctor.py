"""`strikeloop doctor`: what this machine and this installation can do, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import attrs
import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, print_json, print_table, with_json, with_state_dir
from strikeloop.load.discovery import installed, strikeloop_version
from strikeloop.load.versions import fits, range_for

REQUIRED = ("anyio", "attrs", "cattrs", "click", "httpx", "pluggy", "rich")
EXTRAS = {"live": ("websockets", "h11", "msgspec", "uvloop"), "vector": ("numpy", "scipy"), "trio": ("trio",)}
_LEAST_FREE = 200_000_000
_SLOW_SYNC_S = 0.05


@attrs.frozen
class Finding:
    """One thing looked at. `state` is ok, missing (a choice nobody made) or bad (something will not work)."""

    what: str
    state: str
    detail: str = ""


@click.command(epilog=examples("strikeloop doctor", "strikeloop doctor --state-dir runs --json"))
@with_state_dir
@with_json
def doctor(state_dir: Path, as_json: bool) -> int:
    """Look at this machine and its installation; exit code 3 when something will not work."""
    found = [*_python(), *_extras(), *_plugins(), *_disk(state_dir)]
    if as_json:
        print_json([attrs.asdict(one) for one in found])
    else:
        print_table(("what", "state", "detail"), [(one.what, one.state, one.detail) for one in found], empty="")
    return Exit.CONFIG if any(one.state == "bad" for one in found) else Exit.OK


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "bad", f"{version} on {platform.system()} {platform.machine()}")
    yield Finding("strikeloop", "ok", strikeloop_version() or "a source tree that is not installed")
    for name in REQUIRED:
        have = _version(name)
        yield Finding(name, "ok" if have else "bad", have or f"pip install {name}")


def _extras() -> Iterator[Finding]:
    for extra, names in EXTRAS.items():
        for name in names:
            have = _version(name)
            yield Finding(f"{name} [{extra}]", "ok" if have else "missing", have or f'pip install "strikeloop[{extra}]"')


def _plugins() -> Iterator[Finding]:
    have = strikeloop_version()
    for distribution, version, requires in sorted({(one.distribution, one.version, one.requires) for one in installed()}):
        wants = range_for("strikeloop", requires)
        try:
            sound = have is None or wants is None or fits(have, wants)
        except ValueError:
            sound = False
        yield Finding(distribution, "ok" if sound else "bad", version if sound else f"{version} wants strikeloop {wants}, this is {have}")


def _disk(state_dir: Path) -> Iterator[Finding]:
    """Room, and how long a commit takes: an order waits for one."""
    folder = next((one for one in (state_dir, *state_dir.absolute().parents) if one.is_dir()), Path())
    free = shutil.disk_usage(folder).free
    yield Finding("free disk", "ok" if free > _LEAST_FREE else "bad", f"{free / 1e9:.1f} GB in {folder}")
    if not os.access(folder, os.W_OK):
        yield Finding("state directory", "bad", f"{folder} cannot be written")
        return
    took = _sync_s(folder)
    yield Finding("disk sync", "ok" if took < _SLOW_SYNC_S else "bad", f"{took * 1000:.1f} ms in {folder}")


def _sync_s(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x" * 4096)
        file.flush()
        begin = time.perf_counter()
        os.fsync(file.fileno())
        return time.perf_counter() - begin


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
