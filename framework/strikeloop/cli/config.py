"""`strikeloop config`: the configuration as a run would see it."""

from __future__ import annotations

from pathlib import Path

import click

from strikeloop.cli.options import config_files, examples, print_json, print_table, with_config, with_json
from strikeloop.load import load


@click.group(epilog=examples("strikeloop config show -c hedge.toml", "strikeloop config explain run.mode -c hedge.toml"))
def config() -> None:
    """Show the merged configuration, and who set each key."""


@config.command("show", epilog=examples("strikeloop config show -c hedge.toml", "strikeloop config show -c base.toml -c desk.toml --json"))
@with_config
@click.option("--live", is_flag=True, help="As `run --live` would see it.")
@with_json
def show(files: tuple[Path, ...], sets: tuple[str, ...], disabled: tuple[str, ...], live: bool, as_json: bool) -> None:
    """Print the merged configuration with every default, as TOML; secrets stay references."""
    plan = load(config_files(files), sets=sets, live=live, disabled=disabled)
    if as_json:
        print_json(plan.config)
    else:
        click.echo(plan.toml(), nl=False)


@config.command(
    "explain",
    epilog=examples("strikeloop config explain venue.balance -c hedge.toml", "strikeloop config explain run.seed --set run.seed=7 --json"),
)
@click.argument("key")
@with_config
@with_json
def explain(key: str, files: tuple[Path, ...], sets: tuple[str, ...], disabled: tuple[str, ...], as_json: bool) -> None:
    """Tell the value of KEY and which layer set it; layers it overruled stand below."""
    value, setters = load(config_files(files), sets=sets, disabled=disabled).explain(key)
    if as_json:
        print_json({"key": key, "value": value, "set_by": [{"label": one.label, "value": one.value} for one in reversed(setters)]})
        return
    click.echo(f"{key} = {value}")
    print_table(("set by", "to"), [(one.label, one.value) for one in reversed(setters)], empty="")
