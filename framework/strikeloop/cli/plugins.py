"""`strikeloop plugins`: what is installed, what of it a config names, what it can be told, and who hears what in which order."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import attrs
import click

from strikeloop.cli.options import DEFAULT_CONFIG, examples, note, print_json, print_table, with_config, with_json
from strikeloop.errors import ConfigError, Problem
from strikeloop.load.discovery import KINDS, Installed, find, installed
from strikeloop.load.pins import SHOWN, source_hash
from strikeloop.settings import ValueRefusedError, did_you_mean

if TYPE_CHECKING:
    from strikeloop.load.survey import Named


@click.group(epilog=examples("strikeloop plugins list", "strikeloop plugins show greek-limits"))
def plugins() -> None:
    """List and describe installed plugins, and trace which hears what."""


@plugins.command("list", epilog=examples("strikeloop plugins list", "strikeloop plugins list --kind strategies -c hedge.toml --json"))
@click.option("--kind", type=click.Choice(KINDS), default=None, help="Only this kind.")
@with_config
@with_json
def list_plugins(kind: str | None, files: tuple[Path, ...], sets: tuple[str, ...], disabled: tuple[str, ...], as_json: bool) -> None:
    """List what is installed, and with a config which of it is active, and what is refused and why.

    Installed is not active: only what the config names is ever imported.
    """
    named = _named(files, sets, disabled)
    sources = functools.cache(source_hash)  # many plugins come in one package
    found = [_row(one, sources, [use for use in named if use.kind == one.kind and use.use == one.name]) for one in installed(kind)]
    found += [_local(use) for use in named if use.is_local and kind in (None, use.kind)]
    if as_json:
        print_json(found)
        return
    columns = ("kind", "name", "distribution", "version", "sources", "state")
    rows = [(o["kind"], o["name"], o["distribution"], o["version"], o["sha256"][:SHOWN], _state(o)) for o in found]
    print_table(columns, rows, empty="nothing is installed")


@plugins.command("show", epilog=examples("strikeloop plugins show delta-band", "strikeloop plugins show gate --json"))
@click.argument("name")
@with_json
def show(name: str, as_json: bool) -> None:
    """Describe a plugin: what it is, its hooks, and its settings with types and defaults. Imports it."""
    found = [one for one in installed() if one.name == name]
    if not found:
        raise ConfigError(Problem(name, "no plugin of this name is installed", did_you_mean(name, [one.name for one in installed()])))
    shown = [_shown(one) for one in found]
    if as_json:
        print_json(shown)
        return
    for one in shown:
        note(f"{one['name']} ({one['kind']}) of {one['distribution']} {one['version']}: {one['doc'] or 'says nothing of itself'}")
        note(f"sources: sha256:{one['sha256']}")
        if one["hooks"]:
            note(f"hooks: {', '.join(one['hooks'])}")
        rows = [(field["name"], field["type"], field["default"]) for field in one["settings"]]
        print_table(("setting", "type", "default"), rows, empty="it has no settings")


@plugins.command("trace", epilog=examples("strikeloop plugins trace -c hedge.toml", "strikeloop plugins trace --seconds 600 --json"))
@with_config
@click.option("--seconds", type=click.IntRange(min=1), default=None, help="Play so much of a market first, and tell what each hook took.")
@with_json
def trace(files: tuple[Path, ...], sets: tuple[str, ...], disabled: tuple[str, ...], seconds: int | None, as_json: bool) -> None:
    """Tell who hears what, in the order of the calls, and with --seconds how often and how long.

    The market that is played is that of the config, with the simulated venue, whatever the mode: nothing leaves.
    """
    from strikeloop.cli.trace import traced  # noqa: PLC0415 - only here are plugins made and a market played

    found = traced(files, sets, disabled, seconds)
    if as_json:
        print_json([attrs.asdict(one) for one in found])
        return
    timed = [] if seconds is None else ["calls", "total ms", "mean µs"]
    rows = [(o.hook, o.place, o.instance, *((o.calls, o.total_ms, o.mean_us) if timed else ())) for o in found]
    print_table(("hook", "place", "instance", *timed), rows, empty="no plugin is active")


def _named(files: Sequence[Path], sets: Sequence[str], disabled: Sequence[str]) -> Sequence[Named]:
    """What the config names, where there is one."""
    chosen = tuple(files) or ((DEFAULT_CONFIG,) if DEFAULT_CONFIG.is_file() else ())
    if not chosen and not sets:
        return ()
    from strikeloop.load.survey import survey  # noqa: PLC0415 - it imports what the config names

    return survey(chosen, sets=sets, disabled=disabled)


def _row(one: Installed, sources: Callable[[str], str], uses: Sequence[Named]) -> dict[str, Any]:
    refused = [one.refusal] if one.refusal else [reason for use in uses for reason in use.refused]
    return {
        **_described(one, sources),
        "active": [use.instance for use in uses if not use.refused and not one.refusal],
        "refused": refused,
    }


def _local(use: Named) -> dict[str, Any]:
    """A plugin of a file beside the config."""
    return {
        "kind": use.kind,
        "name": use.use,
        "target": use.use,
        "distribution": "",
        "version": "",
        "sha256": use.sha256,
        "active": [] if use.refused else [use.instance],
        "refused": list(use.refused),
    }


def _state(row: Mapping[str, Any]) -> str:
    if row["refused"]:
        return f"refused: {'; '.join(row['refused'])}"
    return f"active as {', '.join(row['active'])}" if row["active"] else "installed"


def _described(one: Installed, sources: Callable[[str], str]) -> dict[str, str]:
    return {
        "kind": one.kind,
        "name": one.name,
        "target": one.target,
        "distribution": one.distribution,
        "version": one.version,
        "sha256": sources(one.package),
    }


def _shown(one: Installed) -> dict[str, Any]:
    from strikeloop import hooks  # noqa: PLC0415 - listing needs none of it

    try:
        value = find(one.kind, one.name).value
    except ValueRefusedError as error:
        raise ConfigError(Problem(one.name, error.what, error.fix)) from error
    is_class = isinstance(value, type) and attrs.has(value)
    doc = value.help if isinstance(value, click.Command) else inspect.getdoc(value)
    return {
        **_described(one, source_hash),
        "doc": (doc or "").strip().split("\n\n")[0].replace("\n", " "),
        "hooks": list(hooks.hooks_of(value)) if is_class else [],
        "settings": [_setting(value, field) for field in hooks.settings_of(value)] if is_class else [],
    }


def _setting(cls: type, field: attrs.Attribute[Any]) -> dict[str, Any]:
    try:
        kind = get_type_hints(cls).get(field.name, field.type)
    except NameError:
        kind = field.type
    return {"name": field.alias or field.name, "type": _spelled(kind), "default": _default(field)}


def _spelled(kind: Any) -> str:
    if isinstance(kind, type) and not getattr(kind, "__args__", None):
        return kind.__name__
    return str(kind).replace("typing.", "").replace("pathlib.", "").replace("decimal.", "")


def _default(field: attrs.Attribute[Any]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    # attrs has a class for factories, which a type checker takes for a function.
    factory = getattr(field.default, "factory", None)
    return f"{getattr(factory, '__name__', 'made')}()" if factory is not None else str(field.default)
