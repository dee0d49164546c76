"""The command `strikeloop venue`: run the simulated venue as a server until it is told to stop.

Owns the options and what is printed. Everything that is served is made in strikeloop_venue.served.
"""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import attrs
import click

from strikeloop import ConfigError, Contract
from strikeloop.venue import Source
from strikeloop_venue.configured import Configured, configured
from strikeloop_venue.market import GeneratedMarket
from strikeloop_venue.market.process import PROCESSES
from strikeloop_venue.market.scenarios import SCENARIOS
from strikeloop_venue.recorded import RecordedMarket
from strikeloop_venue.served import Limit, Login, ServedVenue, ServerRules, serve
from strikeloop_venue.served.limits import GATE

FIRST_USER = 10_001
_FASTEST = 100_000.0
_EXAMPLES = """
\b
Examples:
  strikeloop venue serve -c strikeloop.toml
  strikeloop venue serve --port 8080 --accounts 3 --speed 60 --control
"""


def _speed(_: click.Context, __: click.Parameter, speed: float) -> float:
    if not 0 < speed <= _FASTEST:
        raise click.BadParameter(f"{speed} is not a number above 0 and at most {_FASTEST:.0f}")
    return speed


@click.group()
def venue() -> None:
    """The simulated venue."""


@venue.command("serve", epilog=_EXAMPLES)
@click.option("--dialect", type=click.Choice(["gate", "seed"]), default="gate", show_default=True, help="What the WebSocket speaks.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("-c", "--config", type=click.Path(dir_okay=False, path_type=Path), help="Take [venue] and [market] from a config file.")
@click.option("--seed", type=int, help="Seed of the market and of everything random at the venue.  [default: 1]")
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), help="What happens in the market, over a day.  [default: plain]")
@click.option("--source", type=click.Path(dir_okay=False), help="A recording, events as JSON lines, in place of the generated market.")
@click.option("--speed", type=float, callback=_speed, default=1.0, show_default=True, help="Venue seconds per second.")
@click.option("--accounts", type=click.IntRange(1, 100), default=1, show_default=True, help="How many accounts, each with its own key.")
@click.option("--balance", type=click.FloatRange(min=0), help="Cash of each at the start, USDT.  [default: 100000]")
@click.option("--key", default="key", show_default=True, help="API key of the first account; the others have a number behind it.")
@click.option("--secret", default="secret", show_default=True, help="API secret of the first account; the others likewise.")
@click.option("--limit", "limits", multiple=True, metavar="GROUP=N/S", help="N requests in S seconds: public, private, orders, cancels.")
@click.option("--control", is_flag=True, help="Serve the control endpoint: look into the state, make things go wrong.")
def serve_command(**options: Any) -> None:
    """Serve a market of options and accounts to trade on it, over WebSocket and REST, until Ctrl-C or SIGTERM.

    The first line of the output is JSON: where, and with which keys. What is told here wins over the config file.
    """
    told = configured(options["config"]) if options["config"] else Configured()
    try:
        rules = ServerRules(rate_limits=dict(_limit(text) for text in options["limits"]))
        source = _source(told, options)
        logins = list(_logins(told, options, source.contracts()))
    except ConfigError as error:
        raise error if options["config"] else click.UsageError(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        anyio.run(_serve, options, rules, source, logins, backend_options={"use_uvloop": find_spec("uvloop") is not None})
    except OSError as error:
        where = f"{options['host']}:{options['port']}"
        raise click.UsageError(f"cannot listen on {where}: {error.strerror or error}; choose another --port or --host") from error


async def _serve(options: dict[str, Any], rules: ServerRules, source: Source, logins: list[Login]) -> None:
    token = secrets.token_urlsafe(16) if options["control"] else ""
    where = {name: options[name] for name in ("host", "port", "dialect", "speed")}
    async with serve(source, logins, rules=rules, control_token=token, **where) as server:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            click.echo(json.dumps(_first_line(server, logins, token, options)))
            async for _ in signals:
                break


def _logins(told: Configured, options: dict[str, Any], contracts: Sequence[Contract]) -> Iterator[Login]:
    balance = None if options["balance"] is None else repr(options["balance"])
    settings = told.venue_settings(seed=options["seed"], balance=balance)
    for number in range(options["accounts"]):
        tail = "" if number == 0 else str(number + 1)
        machine = attrs.evolve(settings, seed=settings.seed + number).open("venue", contracts)
        yield Login(key=options["key"] + tail, secret=options["secret"] + tail, user_id=FIRST_USER + number, machine=machine)


def _source(told: Configured, options: dict[str, Any]) -> Source:
    if options["source"]:
        return RecordedMarket(file=options["source"]).open("venue")
    return told.source("venue", seed=options["seed"], scenario=options["scenario"])


def _first_line(server: ServedVenue, logins: Sequence[Login], token: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "rest": server.rest_url,
        "ws": server.ws_url,
        "accounts": [{"key": one.key, "secret": one.secret, "user_id": one.user_id, "balance": _balance(one)} for one in logins],
        "control": {"url": server.control_url, "token": token} if token else None,
        "dialect": server.dialect.value,
        "speed": options["speed"],
    }


def _balance(login: Login) -> str:
    return f"{login.machine.account().total.normalize():f}"


def _limit(text: str) -> tuple[str, Limit]:
    group, equals, limit = text.partition("=")
    if not equals or group not in GATE:
        raise ValueError(f"--limit {text!r}: expected GROUP=N/S with one of {', '.join(GATE)}")
    return group, Limit.parse(limit)


_PICTURE_EXAMPLES = """
\b
Examples:
  strikeloop venue picture --out market.html
  strikeloop venue picture --scenario crash --seed 7 --hours 24 --out crash.html
"""


@venue.command("picture", epilog=_PICTURE_EXAMPLES)
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), default="market.html", show_default=True)
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), default="plain", show_default=True, help="What happens in the market.")
@click.option("--process", type=click.Choice(list(PROCESSES)), default="heston", show_default=True, help="How the index moves.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the market.")
@click.option("--hours", type=click.FloatRange(min=0, min_open=True), default=24.0, show_default=True, help="Length of the market.")
def picture_command(*, out: Path, scenario: str, process: str, seed: int, hours: float) -> None:
    """Draw a generated market: the path of its index, volatility over time, and the smile of each expiry, as one HTML page."""
    from strikeloop_venue.market.picture import draw  # noqa: PLC0415  # numpy and plotly are for who draws

    market = GeneratedMarket(seed=seed, scenario=scenario, process={"kind": process}, duration_s=round(hours * 3_600))
    try:
        draw(market, out)
    except ImportError as error:
        raise click.UsageError(f"{error}; pip install 'strikeloop-venue[picture]'") from error
    click.echo(str(out))
