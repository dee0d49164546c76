"""`strikeloop demo`: everything at once, on this machine, in twenty seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import examples, note, with_json, with_state_dir
from strikeloop.cli.running import Show, conduct_served
from strikeloop.demo import demo_plan, serve_demo
from strikeloop.errors import ConfigError, Problem
from strikeloop.journal import StateDir
from strikeloop.load import Backend, Plan
from strikeloop.load.discovery import backend_advice
from strikeloop.settings import ValueRefusedError


@click.command(epilog=examples("strikeloop demo", "strikeloop demo --dialect gate --backend trio --duration 10 --json"))
@click.option("--dialect", type=click.Choice(["seed", "gate"]), default="seed", show_default=True, help="What the WebSocket speaks.")
@click.option("--backend", type=click.Choice([one.value for one in Backend]), default="asyncio", show_default=True, help="The event loop.")
@click.option("--duration", type=click.FloatRange(min=1), default=20.0, show_default=True, metavar="S", help="How long.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the market.")
@with_state_dir
@with_json
def demo(dialect: str, backend: str, duration: float, seed: int, state_dir: Path, as_json: bool) -> int:
    """Serve a simulated venue on loopback, trade on it over a real WebSocket, and show what happens.

    The venue drops the connection once, on purpose. No network and no keys are needed.
    """

    @asynccontextmanager
    async def served() -> AsyncIterator[Plan]:
        try:
            async with serve_demo(dialect=dialect, seed=seed, duration_s=duration) as venue:
                yield demo_plan(venue, dialect=dialect, backend=backend, seed=seed, state_dir=str(state_dir))
        except ValueRefusedError as error:
            raise ConfigError(Problem("demo", error.what, error.fix)) from error

    if fix := backend_advice(backend):
        raise ConfigError(Problem("--backend", f"{backend} is not installed", fix))
    show = Show(title=f"strikeloop demo, {dialect} dialect on {backend}, {duration:g} s", as_json=as_json)
    done = conduct_served(StateDir(state_dir), Backend(backend), served, show, duration)
    if done.code is Exit.INTERRUPTED:
        note("strikeloop: interrupted")
    return done.code
