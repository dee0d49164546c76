"""`strikeloop plugins` and `strikeloop hooks`: what is installed, what it can be told, what a plugin may implement."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import attrs
import click

from strikeloop import hooks
from strikeloop.cli.options import examples, note, print_json, print_table, with_json
from strikeloop.errors import ConfigError, Problem
from strikeloop.load.discovery import KINDS, Installed, find, installed
from strikeloop.settings import ValueRefusedError, did_you_mean


@click.group(epilog=examples("strikeloop plugins list", "strikeloop plugins show greek-limits"))
def plugins() -> None:
    """List and describe installed plugins."""


@plugins.command("list", epilog=examples("strikeloop plugins list", "strikeloop plugins list --kind strategies --json"))
@click.option("--kind", type=click.Choice(KINDS), default=None, help="Only this kind.")
@with_json
def list_plugins(kind: str | None, as_json: bool) -> None:
    """List what is installed, without importing any of it. Installed is not active: a config names what runs."""
    found = installed(kind)
    if as_json:
        print_json([_described(one) for one in found])
    else:
        print_table(
            ("kind", "name", "distribution", "version"),
            [(o.kind, o.name, o.distribution, o.version) for o in found],
            empty="nothing is installed",
        )


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
        if one["hooks"]:
            note(f"hooks: {', '.join(one['hooks'])}")
        rows = [(field["name"], field["type"], field["default"]) for field in one["settings"]]
        print_table(("setting", "type", "default"), rows, empty="it has no settings")


@click.command("hooks", epilog=examples("strikeloop hooks", "strikeloop hooks --json"))
@with_json
def list_hooks(as_json: bool) -> None:
    """List the hooks a plugin may implement, with what each is given and when it is called."""
    found = [_hook(name) for name in hooks.HOOKS]
    if as_json:
        print_json(found)
    else:
        print_table(("hook", "is given", "when"), [(one["name"], ", ".join(one["arguments"]), one["doc"]) for one in found], empty="")


def _described(one: Installed) -> dict[str, str]:
    return {"kind": one.kind, "name": one.name, "target": one.target, "distribution": one.distribution, "version": one.version}


def _shown(one: Installed) -> dict[str, Any]:
    try:
        value = find(one.kind, one.name).value
    except ValueRefusedError as error:
        raise ConfigError(Problem(one.name, error.what, error.fix)) from error
    is_class = isinstance(value, type) and attrs.has(value)
    doc = value.help if isinstance(value, click.Command) else inspect.getdoc(value)
    return {
        **_described(one),
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


def _hook(name: str) -> dict[str, Any]:
    function = getattr(hooks.Hooks, name)
    hints = get_type_hints(function)
    arguments = [f"{argument}: {hooks._spell(hints[argument])}" for argument in list(inspect.signature(function).parameters)[1:]]
    return {"name": name, "arguments": arguments, "doc": (inspect.getdoc(function) or "").replace("\n", " ")}
