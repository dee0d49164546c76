"""`strikeloop init` and `strikeloop new`: a project, or a plugin, whose tests pass before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import click

from strikeloop import scaffold
from strikeloop.cli.options import examples, note, print_json, with_json


@click.command(epilog=examples("strikeloop init desk", "strikeloop init . --json"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@with_json
def init(folder: Path, as_json: bool) -> None:
    """Make a project: a config, a strategy with its test, a notebook.

    Its tests pass and its backtest runs at once. Nothing that exists is touched: where one of the files is there already, none is written.
    """
    _told(scaffold.write(folder, scaffold.project(_named_after(folder))), as_json=as_json)
    go = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    note(f"next: {go}strikeloop backtest; then pytest, for the strategy's tests")


@click.command(epilog=examples("strikeloop new strategy gamma-scalper", "strikeloop new adapter my-venue --package"))
@click.argument("kind", type=click.Choice(scaffold.KINDS))
@click.argument("name")
@click.option("--package", "as_package", is_flag=True, help="A distribution that pip installs, with tests, types, README and CI.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to put it. Default: here.")
@with_json
def new(kind: str, name: str, as_package: bool, directory: Path, as_json: bool) -> None:
    """Write a strategy, rule, adapter or sink: one file, or a package that pip installs.

    What is written works, and so do the tests of a package, before anything is changed.
    """
    which = cast("scaffold.Kind", kind)
    if as_package:
        folder = directory / f"strikeloop-{name}"
        _told(scaffold.write(folder, scaffold.package(which, name)), as_json=as_json)
        note(f'next: cd {folder} && pip install -e ".[dev]" && pytest')
        return
    (path,) = scaffold.write(directory, scaffold.single(which, name))
    _told([path], as_json=as_json)
    names = scaffold.Names.of(name, which).words()
    note(f'next, in the config:\n\n[{names["section"]}.{name}]\nuse = "./{path.as_posix()}:{names["class"]}"\n\nand strikeloop check')


def _told(paths: Iterable[Path], *, as_json: bool) -> None:
    """The files that were written: data, on stdout."""
    written = [str(path) for path in paths]
    if as_json:
        print_json(written)
    else:
        for path in written:
            click.echo(path)


def _named_after(folder: Path) -> str:
    """A project's name from its folder's, as far as that can be one."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-0123456789")[:32].rstrip("-") or "desk"
