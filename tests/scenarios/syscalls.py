"""A live run under strace: which order left when, and which intent was on disk by then.

Reads the trace of one run. An intent is on disk once a sync of the journal has returned that began after the journal's log was
written with its client id; an order leaves with the write of its POST to the socket.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.scenarios.console import environ

STRACE = shutil.which("strace")
CALLS = "pwrite64,write,fdatasync,fsync,sendto,sendmsg"
_LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<at>\d+\.\d+) (?P<rest>.*)$")
_ID = re.compile(r"t-[0-9a-z]{6}-[0-9A-Za-z_.]{1,12}-[0-9]+")


@attrs.frozen(kw_only=True)
class Order:
    """One order as the trace has it; `synced` is whether a sync of its intent had returned when its bytes left."""

    client_id: str
    synced: bool


def traced(folder: Path, trace: Path, *words: str) -> subprocess.Popen[bytes]:
    """`strikeloop run --live` under strace, writing `trace`."""
    if STRACE is None:
        raise FileNotFoundError("strace is not installed: apt-get install strace")
    command = [STRACE, "-f", "-y", "-ttt", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(trace)]
    run = [sys.executable, "-m", "strikeloop", "run", "--live", "--json", "--quiet", *words]
    return subprocess.Popen([*command, *run], cwd=folder, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def orders(trace: Path) -> list[Order]:
    """Every order that left, in the order of leaving."""
    return list(_orders(trace.read_text(errors="replace").splitlines()))


def _orders(lines: list[str]) -> Iterator[Order]:
    written: dict[str, None] = {}
    syncing: dict[str, set[str]] = {}
    synced: set[str] = set()
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        pid, rest = match["pid"], match["rest"]
        if "journal.sqlite-wal>" in rest and rest.startswith(("pwrite64(", "write(")):
            written.update(dict.fromkeys(_ID.findall(rest)))
        elif "journal.sqlite-wal>" in rest and rest.startswith(("fdatasync(", "fsync(")):
            syncing[pid] = set(written)
            if rest.endswith("= 0"):
                synced |= syncing.pop(pid)
        elif rest.startswith(("<... fdatasync resumed>", "<... fsync resumed>")) and rest.endswith("= 0"):
            synced |= syncing.pop(pid, set())
        elif _leaves(rest) and '"text"' in rest.replace("\\", ""):
            yield from (Order(client_id=client_id, synced=client_id in synced) for client_id in _ID.findall(rest))


def _leaves(call: str) -> bool:
    """Whether it is a write to a socket."""
    return call.startswith(("sendto(", "sendmsg(")) or (call.startswith("write(") and "<socket:" in call.partition(",")[0])
