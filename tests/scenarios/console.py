"""The command line as a user's shell starts it: a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
from anyio.abc import ByteReceiveStream

from strikeloop_venue import GeneratedMarket, VenueSettings
from strikeloop_venue.served import ServedVenue, serve

KEYS = {"GATE_KEY": "key", "GATE_SECRET": "secret"}


@attrs.frozen
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


def environ(**extra: str) -> dict[str, str]:
    """This environment without settings of strikeloop, where the packages under test are found from any folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRIKELOOP__")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "120", **extra}


async def strikeloop(folder: Path, *words: str, env: Mapping[str, str] | None = None, until: Sequence[str] = ()) -> Done:
    """`strikeloop words` to its end; or, with `until`, terminated as soon as it has said all of that on stderr."""
    command = [sys.executable, "-m", "strikeloop", *words]
    said: dict[str, bytes] = {"out": b"", "err": b""}
    async with await anyio.open_process(command, cwd=folder, env=environ(**(env or {}))) as process:

        async def hear(name: str, stream: ByteReceiveStream) -> None:
            awaited = set(until) if name == "err" else set()
            async for chunk in stream:
                said[name] += chunk
                if awaited and all(text.encode() in said[name] for text in awaited):
                    awaited.clear()
                    process.terminate()

        assert process.stdout is not None
        assert process.stderr is not None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear, "out", process.stdout)
            tasks.start_soon(hear, "err", process.stderr)
        code = await process.wait()
    return Done(code, said["out"].decode(), said["err"].decode())


def python(folder: Path, program: str, *words: str, env: Mapping[str, str] | None = None) -> Done:
    """A Python program to its end; not measured, because coverage imports the packages under test at moments of its own."""
    command = [sys.executable, "-c", program, *words]
    clean = {name: value for name, value in environ(**(env or {})).items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@asynccontextmanager
async def served(dialect: str, **venue: Any) -> AsyncIterator[ServedVenue]:
    """The simulated venue on a loopback port, beginning now."""
    source = GeneratedMarket(seed=5, start=time.time_ns(), duration_s=None, step_ms=250, ticker_every_ms=500).open("venue")
    async with serve(source, VenueSettings(seed=5, **venue).open("venue", source.contracts()), dialect=dialect) as server:
        yield server


def adapter(server: ServedVenue) -> str:
    """The configuration of a Gate adapter for `server`; keys come from the environment."""
    return f"""
[adapters.gate]
use = "gate"
dialect = "{server.dialect.value}"
rest_url = "{server.rest_url}"
ws_url = "{server.ws_url}"
key = {{ env = "GATE_KEY" }}
secret = {{ env = "GATE_SECRET" }}
"""
