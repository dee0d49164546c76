"""`strikeloop hooks`: the reference of what a plugin may implement, read from the specifications themselves."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

import attrs
import click

from strikeloop import hooks
from strikeloop.cli.options import examples, print_json, print_table, with_json
from strikeloop.errors import ConfigError, Problem
from strikeloop.settings import did_you_mean


@click.command("hooks", epilog=examples("strikeloop hooks", "strikeloop hooks on_fill --json"))
@click.argument("name", default="", metavar="[NAME]")
@with_json
def list_hooks(name: str, as_json: bool) -> None:
    """List the hooks a plugin may implement, with what each is given and when it is called.

    With NAME: that one, with the fields of every event it may be given and a method to begin with.
    """
    if name:
        _tell(name, as_json=as_json)
        return
    found = [described(one) for one in hooks.HOOKS]
    if as_json:
        print_json(found)
    else:
        rows = [(one["name"], ", ".join(one["arguments"]), one["since"], _when(one)) for one in found]
        print_table(("hook", "is given", "since", "when"), rows, empty="")


def described(name: str) -> dict[str, Any]:
    """One hook as plain JSON types: its arguments with their types, and when it is called."""
    hints = _hints(name)
    arguments = [f"{argument}: {hooks._spell(kind)}" for argument, kind in hints.items()]
    doc = (inspect.getdoc(getattr(hooks.Hooks, name)) or "").replace("\n", " ")
    return {"name": name, "arguments": arguments, "since": hooks.since(name), "instead": hooks.instead_of(name), "doc": doc}


def _when(one: Mapping[str, Any]) -> str:
    return f"{one['doc']} Will go: {one['instead']}" if one["instead"] else one["doc"]


def _hints(name: str) -> dict[str, Any]:
    function = getattr(hooks.Hooks, name)
    found = get_type_hints(function)
    return {argument: found[argument] for argument in list(inspect.signature(function).parameters)[1:]}


def _tell(name: str, *, as_json: bool) -> None:
    if name not in hooks.HOOKS:
        raise ConfigError(Problem(name, "there is no hook of this name", did_you_mean(name, hooks.HOOKS)))
    one = described(name)
    begin = f"@hookimpl\ndef {name}(self, {', '.join(one['arguments'])}) -> {'Verdict' if name.startswith('review') else 'None'}: ..."
    given = _given(name)
    if as_json:
        described_kinds = [{"name": kind.__name__, "doc": inspect.getdoc(kind) or "", "fields": _fields(kind)} for kind in given]
        print_json({**one, "given": described_kinds, "begin": begin})
        return
    click.echo(f"{_when(one)} Since {one['since']}.\n\n{begin}")
    for kind in given:
        click.echo(f"\n{kind.__name__}: {inspect.getdoc(kind)}")
        print_table(("field", "type"), _fields(kind).items(), empty="")


def _given(name: str) -> list[type]:
    """The classes a hook may be given: those of its annotation, and where that stands for a family, the family."""
    delivered: list[type] = [kind for kind, hook in hooks.HOOK_OF.items() if hook == name]
    given = next(iter(_hints(name).values()))
    return delivered or list(getattr(given, "__args__", (given,)))


def _fields(kind: type) -> dict[str, str]:
    hints = get_type_hints(kind)
    return {field.name: hooks._spell(hints[field.name]) for field in attrs.fields(kind)}
