"""`strikeloop doctor`: what this machine and this installation can do, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import ssl
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import attrs
import click
import httpx

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, print_json, print_table, with_json, with_state_dir
from strikeloop.load.discovery import installed, strikeloop_version
from strikeloop.load.pins import source_hash

REQUIRED = ("anyio", "attrs", "cattrs", "click", "httpx", "pluggy", "rich")
EXTRAS = {"live": ("websockets", "h11", "msgspec", "uvloop"), "vector": ("numpy", "scipy"), "trio": ("trio",)}
_LEAST_FREE = 200_000_000
_SLOW_SYNC_S = 0.05
_COARSE_S = 1e-3
_FEW_DESCRIPTORS = 256
_BUILT = 1_790_000_000
"""A moment of September 2026: a clock before it is wrong."""


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
    found = [*_python(), *_extras(), *_plugins(), *_clock(), *_tls(), *_keyring(), *_descriptors(), *_disk(state_dir)]
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
    """Each distribution of plugins: a version that fits, and sources that are there. Nothing of theirs is imported."""
    for one in {one.distribution: one for one in installed()}.values():
        missing = (
            ""
            if source_hash(one.package)
            else f"the sources of {one.target} are not there: pip install --force-reinstall {one.distribution}"
        )
        wrong = one.refusal or missing
        yield Finding(one.distribution, "bad" if wrong else "ok", wrong or one.version)


def _clock() -> Iterator[Finding]:
    """Requests are signed with the time: one far off is refused. Whether this one is right, only a venue can tell."""
    step = time.get_clock_info("monotonic").resolution
    yield Finding("monotonic clock", "ok" if step < _COARSE_S else "bad", f"{step * 1e9:.0f} ns a step")
    age = time.time() - _BUILT
    yield Finding("wall clock", "ok" if age > 0 else "bad", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")


def _tls() -> Iterator[Finding]:
    """What certificates are checked against: those that httpx brings, or the system's."""
    yield Finding("TLS", "ok" if ssl.HAS_TLSv1_2 or ssl.HAS_TLSv1_3 else "bad", ssl.OPENSSL_VERSION)
    try:
        count = len(httpx.create_ssl_context(trust_env=False).get_ca_certs())
    except (OSError, ssl.SSLError) as error:
        yield Finding("certificates", "bad", f"{error}: pip install --force-reinstall certifi")
    else:
        yield Finding("certificates", "ok" if count else "bad", f"{count} authorities are trusted")


def _keyring() -> Iterator[Finding]:
    """Secrets by { keyring = … } need one that is not the empty one."""
    if not _version("keyring"):
        yield Finding("keyring", "missing", "pip install keyring, or keep secrets in a file or a variable")
        return
    import keyring  # type: ignore[import-not-found]  # noqa: PLC0415 - only where it is installed

    kind = type(keyring.get_keyring())
    if kind.__module__.startswith(("keyring.backends.fail", "keyring.backends.null")):
        yield Finding("keyring", "missing", "no service keeps secrets here: use a file or a variable")
    else:
        yield Finding("keyring", "ok", f"{kind.__module__}.{kind.__name__}")


def _descriptors() -> Iterator[Finding]:
    try:
        import resource  # noqa: PLC0415 - where the system has it
    except ImportError:
        return
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_enough = soft >= _FEW_DESCRIPTORS
    yield Finding(
        "descriptors", "ok" if is_enough else "bad", f"{soft} may be open" + ("" if is_enough else f": ulimit -n {_FEW_DESCRIPTORS}")
    )


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
