"""The command `strikeloop venue`: run the simulated venue as a server until it is told to stop.

Owns the options and what is printed. Everything that is served is made in strikeloop_venue.served.
"""

from __future__ import annotations

import json
import signal
import time

import anyio
import click

from strikeloop_venue.market import GeneratedMarket
from strikeloop_venue.served import ServedVenue, serve
from strikeloop_venue.settings import VenueSettings

_EXAMPLES = """
\b
Examples:
  strikeloop venue serve
  strikeloop venue serve --dialect gate --port 8080 --speed 60 --json
"""


@click.group()
def venue() -> None:
    """The simulated venue."""


@venue.command("serve", epilog=_EXAMPLES)
@click.option("--dialect", type=click.Choice(["gate", "seed"]), default="seed", show_default=True, help="What the WebSocket speaks.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the market and of everything random at the venue.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="Venue seconds per second.")
@click.option("--balance", type=click.FloatRange(min=0), default=100_000, show_default=True, help="Cash at the start, USDT.")
@click.option("--key", default="key", show_default=True, help="API key that clients must use.")
@click.option("--secret", default="secret", show_default=True, help="API secret that clients must use.")
@click.option("--json", "as_json", is_flag=True, help="Print the first line as JSON.")
def serve_command(
    *, dialect: str, host: str, port: int, seed: int, speed: float, balance: float, key: str, secret: str, as_json: bool
) -> None:
    """Serve a generated market of options and an account to trade on it, over WebSocket and REST, until Ctrl-C or SIGTERM.

    The first line of the output says where.
    """

    async def run() -> None:
        source = GeneratedMarket(seed=seed, start=time.time_ns(), duration_s=None, step_ms=500, ticker_every_ms=1_000).open("venue")
        machine = VenueSettings(balance=repr(balance), seed=seed).open("venue", source.contracts())
        async with serve(source, machine, host=host, port=port, dialect=dialect, key=key, secret=secret, speed=speed) as server:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                click.echo(_first_line(server, as_json=as_json))
                async for _ in signals:
                    break

    try:
        anyio.run(run)
    except OSError as error:
        raise click.UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another --port or --host") from error


def _first_line(server: ServedVenue, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"dialect": server.dialect.value, "port": server.port, "ws_url": server.ws_url, "rest_url": server.rest_url})
    return f"{server.ws_url} {server.rest_url}"
