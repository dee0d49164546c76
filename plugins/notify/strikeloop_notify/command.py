"""`strikeloop notify`: try the sinks of a config by hand.

Owns the command. It starts no run and reads only the [sinks] of the files it is given.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import attrs
import click

from strikeloop import ConfigError, Problem, Severity
from strikeloop.venue import structure
from strikeloop_notify.alerts import AppriseAlerts, DesktopAlerts, Listener, LogAlerts, Sender, WebhookAlerts
from strikeloop_notify.channels import Mask
from strikeloop_notify.digest import Digest
from strikeloop_notify.notes import Message, Note

SINKS: Mapping[str, type[Listener]] = {
    "apprise": AppriseAlerts,
    "webhook": WebhookAlerts,
    "desktop": DesktopAlerts,
    "log-alerts": LogAlerts,
    "digest": Digest,
}
_REFUSED, _INVALID = 9, 3


@attrs.frozen(kw_only=True)
class Tried:
    """What came of one channel of one sink; `problem` is "" where the service took the message."""

    sink: str
    channel: str
    problem: str = ""


@click.group(
    epilog="""\b
Examples:
  strikeloop notify test -c strikeloop.toml
  strikeloop notify test --json
"""
)
def notify() -> None:
    """Send alerts to people."""


@notify.command(
    epilog="""\b
Examples:
  strikeloop notify test -c strikeloop.toml phone
  strikeloop notify test --json
"""
)
@click.option("-c", "--config", "files", multiple=True, type=click.Path(path_type=Path), help="Config file. Default: strikeloop.toml.")
@click.option("--severity", type=click.Choice([one.value for one in Severity]), default="warning", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each channel on stdout.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def test(*, files: tuple[Path, ...], severity: str, as_json: bool, names: tuple[str, ...]) -> None:
    """Send a test alert through the sinks of the config that are named, or through all.

    Each service is asked once. Exit code 9 when one did not take the message, 3 when the config is wrong.
    """
    try:
        sinks = sinks_in(files or (Path("strikeloop.toml"),), names)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(_INVALID)
    tried = anyio.run(_try_all, sinks, Severity(severity))
    for one in tried:
        if as_json:
            click.echo(json.dumps({**attrs.asdict(one), "ok": not one.problem}))
        else:
            click.echo(f"{one.sink} ({one.channel}): {one.problem or 'ok'}")
    sys.exit(_REFUSED if any(one.problem for one in tried) else 0)


def sinks_in(files: Sequence[Path], names: Sequence[str] = ()) -> dict[str, Listener]:
    """The sinks of this package that stand in the files, later files over earlier ones. Raises ConfigError."""
    tables: dict[str, Any] = {}
    for file in files:
        tables |= _tables(file)
    ours = {name: table for name, table in tables.items() if isinstance(table, Mapping) and table.get("use") in SINKS}
    for name in names:
        if name not in ours:
            raise ConfigError(Problem(f"sinks.{name}", "is no sink of strikeloop-notify", f"there are {', '.join(ours) or 'none'}"))
    if not ours:
        raise ConfigError(Problem("sinks", "there is none of strikeloop-notify", f"write [sinks.NAME] with use = {' or '.join(SINKS)}"))
    return {name: _made(name, table) for name, table in ours.items() if not names or name in names}


def _tables(file: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get("sinks", {})
    except OSError as error:
        raise ConfigError(Problem(str(file), f"cannot be read: {error.strerror}", "name a TOML file with -c")) from error
    except ValueError as error:
        raise ConfigError(Problem(str(file), f"is not TOML: {error}")) from error
    return dict(found) if isinstance(found, Mapping) else {}


def _made(name: str, table: Mapping[str, Any]) -> Listener:
    return structure({key: value for key, value in table.items() if key != "use"}, SINKS[table["use"]], f"sinks.{name}")


async def _try_all(sinks: Mapping[str, Listener], severity: Severity) -> list[Tried]:
    note = Note(source="strikeloop", topic="test", severity=severity, text="this is a test; nothing happened", time=time.time_ns())
    tried = []
    for name, sink in sinks.items():
        if isinstance(sink, Sender):
            tried += [Tried(sink=name, channel=channel, problem=problem) for channel, problem in await _asked(sink, note)]
        else:
            await sink.tell(note)
            tried.append(Tried(sink=name, channel="file"))
    return tried


async def _asked(sink: Sender, note: Note) -> list[tuple[str, str]]:
    """Each channel with why it did not take the message, or ""."""
    mask, message = Mask(sink.secrets()), Message(notes=(note,), label=sink.label)
    results = []
    for name, channel in sink.channels():
        problem = ""
        try:
            with anyio.fail_after(sink.timeout_s):
                await channel.send(message)
        except TimeoutError:
            problem = f"no answer within {sink.timeout_s:g} s"
        except Exception as error:  # noqa: BLE001  # whatever it is, the others are tried too, and it is told
            problem = mask(f"{error}" or type(error).__name__)
        results.append((name, problem))
    return results
