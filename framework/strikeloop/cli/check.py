"""`strikeloop check`: load a configuration as a run would, and say what it amounts to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from strikeloop.cli.exits import Exit
from strikeloop.cli.options import REHEARSAL, config_files, examples, note, print_json, print_table, with_config, with_json
from strikeloop.errors import ConfigError
from strikeloop.hooks import hooks_of, warnings
from strikeloop.load import Plan, load


@click.command(epilog=examples("strikeloop check -c hedge.toml", "strikeloop check -c base.toml -c live.toml --live --json"))
@with_config
@click.option("--live", is_flag=True, help="Check what `run --live` would need, secrets included.")
@with_json
def check(files: tuple[Path, ...], sets: tuple[str, ...], disabled: tuple[str, ...], live: bool, as_json: bool) -> int:
    """Tell everything that can be known about a config before a run: files, keys, types, plugins, hooks, versions."""
    try:
        plan = load(config_files(files), sets=sets, live=live, disabled=disabled)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [{"where": one.where, "what": one.what, "fix": one.fix} for one in error.problems]})
        return Exit.CONFIG
    warned = [one for plugin in plan.plugins for one in warnings(plugin.cls)]
    if as_json:
        print_json({"ok": True, **described(plan), "warnings": [attrs.asdict(one) for one in warned]})
        return Exit.OK
    rows = [(section, version) for section, version in plan.versions.items() if "." not in section or section.startswith("adapters.")]
    rows += [(f"{plugin.kind} {plugin.name}", f"{plugin.use}: {', '.join(hooks_of(plugin.cls))}") for plugin in plan.plugins]
    print_table(("part", "is"), [("mode", f"{plan.run.mode.value} on {plan.run.backend.value}"), *rows], empty="")
    if plan.is_rehearsal:
        note(REHEARSAL)
    for one in warned:
        note(f"warning: {one}")
    note("the configuration is sound")
    return Exit.OK


def described(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON types."""
    return {
        "mode": plan.run.mode.value,
        "backend": plan.run.backend.value,
        "state_dir": str(plan.run.state_dir),
        "adapters": list(plan.adapters),
        "versions": dict(plan.versions),
        "plugins": [
            {
                "name": plugin.name,
                "kind": plugin.kind,
                "use": plugin.use,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "hooks": list(hooks_of(plugin.cls)),
            }
            for plugin in plan.plugins
        ],
    }
