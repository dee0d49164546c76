"""The command line: `strikeloop COMMAND`, each command loaded when it is called.

Owns the list of commands and how they end. Data goes to stdout, everything else to stderr. A command of a plugin is
an entry point of the group strikeloop.commands; listing it does not import it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "Serve a simulated venue on loopback, trade on it over a real WebSocket, and show what happens."),
    "init": ("new:init", "Make a project: a config, a strategy with its test, a notebook."),
    "new": ("new:new", "Write a strategy, rule, adapter or sink: one file, or a package that pip installs."),
    "check": (
        "check:check",
        "Tell everything that can be known about a config before a run: files, keys, types, plugins, hooks, versions.",
    ),
    "run": ("run:run", "Run strategies: simulated, on paper, or live with --live."),
    "backtest": ("backtest:backtest", "Run strategies over a market as fast as the machine allows, and print the run's digest."),
    "replay": ("replay:replay", "Let the plugins of a run, live or backtest, decide again on what it met, and compare the commands."),
    "record": ("record:record", "Record the market of the adapters in a config: raw frames, and events in a store."),
    "decode": ("decode:decode", "Read frames as JSON lines on stdin, print events as JSON lines on stdout."),
    "status": ("watch:status", "Say how a run is: state, connections, channels, orders, balance."),
    "orders": ("watch:orders", "List the working orders of a run."),
    "positions": ("watch:positions", "List the positions of a run."),
    "greeks": ("watch:greeks", "List the greeks of a run by position, by underlying and in total."),
    "halt": ("halt:halt", "Stop a run from sending orders, at once and until somebody lets it trade again."),
    "mmp": ("mmp:mmp", "Show, set and reset market maker protection at the venue."),
    "plugins": ("plugins:plugins", "List and describe installed plugins, and trace which hears what."),
    "hooks": ("hooks:list_hooks", "List the hooks a plugin may implement, with what each is given and when it is called."),
    "config": ("config:config", "Show the merged configuration, and who set each key."),
    "journal": ("journal:journal", "Verify and dump the journal of a run."),
    "doctor": ("doctor:doctor", "Look at this machine and its installation; exit code 3 when something will not work."),
}
"""name → (module:object in this package, the line that `strikeloop --help` shows)."""


class _Commands(click.Group):
    """Loads commands late, and turns every error into its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        return [*COMMANDS, *_foreign()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name][0].partition(":")
            found = getattr(import_module(f"{__name__}.{module}"), name)
        elif cmd_name in _foreign():
            from strikeloop.load.discovery import find  # noqa: PLC0415 - the command line starts without what it may not need

            found = find("commands", cmd_name).value
        else:
            return None
        return found if isinstance(found, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415 - only for a command that does not exist

            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            raise click.UsageError(f"{error.message} {f'Did you mean {close[0]}?' if close else ''}".strip(), ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click calls it so
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        if foreign := _foreign():
            with formatter.section("Commands of plugins"):
                formatter.write_dl([*foreign.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read has seen enough; Python must not try to flush to nobody at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, standalone_mode: bool = True, **extra: Any) -> Any:  # type: ignore[override]  # the same arguments, fewer named
        """Run a command line; in standalone mode the process ends with the command's exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        try:
            result = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except BaseException as error:  # noqa: BLE001 - the top: everything becomes an exit code here
            _end(error)
        sys.exit(result if isinstance(result, int) else 0)


def _end(error: BaseException) -> NoReturn:
    if isinstance(error, SystemExit):
        raise error
    from strikeloop.cli.exits import tell  # noqa: PLC0415 - only when something went wrong

    sys.exit(tell(error))


def _foreign() -> dict[str, str]:
    """Commands of plugins and where they come from, by name; none of ours can be replaced."""
    from importlib import metadata  # noqa: PLC0415 - only for help and for names that are not ours

    entries = sorted(metadata.entry_points(group="strikeloop.commands"), key=lambda entry: entry.name)
    return {entry.name: f"from {entry.dist.name}" if entry.dist else "" for entry in entries if entry.name not in COMMANDS}


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="\b\nExamples:\n  strikeloop demo\n  strikeloop backtest --json",
)
@click.version_option(package_name="strikeloop", prog_name="strikeloop")
def main() -> None:
    """A plugin-based trading framework core for options."""
