"""`strikeloop mmp`: look at market maker protection at the venue, set it, and let quoting go on after it was triggered.

Owns the commands, for every adapter whose account is a `Protection`. Places and withdraws no order, starts no run, and looks
at the venue alone: a run that goes on notices a reset with its next order under protection.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import attrs
import click

from strikeloop.adapter import UNTIL_RESET, Mmp, Protection
from strikeloop.cli.options import F, config_files, examples, note, print_json, print_table, with_config, with_json
from strikeloop.errors import ConfigError, Problem
from strikeloop.load import ACCOUNTS, Mode, load

Act = Callable[[Protection, Mmp | None], Awaitable[Mmp | None]]


def _amount(text: str) -> Decimal:
    """A figure of the ledger, as it is written."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise click.BadParameter(f"{text} is not a number from 0 up")
    return amount


def _with_account(function: F) -> F:
    """--underlying, --adapter, -c and --json: whose protection it is, and how it is told."""
    for option in (
        with_json,
        with_config,
        click.option("--adapter", "adapter", default="", metavar="NAME", help="The adapter, where the config has several."),
        click.option("--underlying", required=True, metavar="NAME", help="As the venue writes it: BTC_USDT."),
    ):
        function = option(function)
    return function


@click.group(epilog=examples("strikeloop mmp show --underlying BTC_USDT", "strikeloop mmp reset --underlying BTC_USDT --json"))
def mmp() -> None:
    """Show, set and reset market maker protection at the venue.

    Settings are the venue's: they hold for the account, and outlive runs. Exit code 4 when the venue refuses.
    """


@mmp.command(
    "show",
    epilog=examples("strikeloop mmp show --underlying BTC_USDT", "strikeloop mmp show -c live.toml --underlying BTC_USDT --json"),
)
@_with_account
def show(as_json: bool, **account: Any) -> None:
    """Tell what is set for an underlying, and whether quoting in it is frozen."""
    _tell(*_done(_as_it_is, **account), as_json=as_json)


@mmp.command(
    "set",
    epilog=examples(
        "strikeloop mmp set --underlying BTC_USDT --window-ms 5000 --frozen-ms 200 --qty 10 --delta 10",
        "strikeloop mmp set --underlying BTC_USDT --window-ms 0",
    ),
)
@_with_account
@click.option("--window-ms", type=click.IntRange(min=0), help="What trades within this time counts together; 0 turns protection off.")
@click.option("--frozen-ms", type=click.IntRange(min=0), help="How long quoting is frozen; 0 freezes it until a reset.")
@click.option("--qty", "qty_limit", type=_amount, metavar="NUMBER", help="So many coins of the underlying freeze quoting.")
@click.option("--delta", "delta_limit", type=_amount, metavar="NUMBER", help="So much net delta freezes quoting.")
def set_(
    as_json: bool,
    underlying: str,
    window_ms: int | None,
    frozen_ms: int | None,
    qty_limit: Decimal | None,
    delta_limit: Decimal | None,
    **account: Any,
) -> None:
    """Set protection of an underlying; what is not named stays as it is."""
    wanted = {"window_ms": window_ms, "frozen_ms": frozen_ms, "qty_limit": qty_limit, "delta_limit": delta_limit}
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        raise click.UsageError("nothing to set: name --window-ms, --frozen-ms, --qty or --delta")
    act = partial(_set, underlying=underlying, changes=changes)
    _tell(*_done(act, underlying=underlying, **account), as_json=as_json)


@mmp.command(
    "reset",
    epilog=examples("strikeloop mmp reset --underlying BTC_USDT", "strikeloop mmp reset --adapter gate --underlying BTC_USDT --json"),
)
@_with_account
def reset(as_json: bool, **account: Any) -> None:
    """Let quoting in an underlying go on after protection was triggered.

    A run that goes on sends orders under protection again, without a restart.
    """
    _tell(*_done(_reset, **account), as_json=as_json)


# ---- at the venue --------------------------------------------------------------------------------------------------


async def _as_it_is(_: Protection, known: Mmp | None) -> Mmp | None:
    return known


async def _set(account: Protection, known: Mmp | None, *, underlying: str, changes: dict[str, Any]) -> Mmp:
    if known is None and len(changes) < 4:
        raise click.UsageError(f"nothing is set for {underlying} yet: name --window-ms, --frozen-ms, --qty and --delta")
    return await account.set_mmp(Mmp(underlying=underlying, **changes) if known is None else attrs.evolve(known, **changes))


async def _reset(account: Protection, known: Mmp | None) -> Mmp | None:
    return known and await account.reset_mmp(known.underlying)


def _done(
    act: Act, *, files: Sequence[Path], sets: Sequence[str], disabled: Sequence[str], adapter: str, underlying: str
) -> tuple[str, str, Mmp | None]:
    """Ask what is set, then `act`; the adapter is not prepared, which would set what its config says."""
    plan = load(config_files(files), sets=sets, disabled=disabled, environ=os.environ, mode=Mode.LIVE, sections=ACCOUNTS)
    name = adapter or _only(plan.adapters)
    if name not in plan.adapters:
        raise click.UsageError(f"there is no adapter {name}: the config has {', '.join(plan.adapters)}")

    async def main() -> Mmp | None:
        opened = plan.adapters[name].open(name, clock=time.time_ns)
        try:
            account = opened.account
            if not isinstance(account, Protection):
                what = "has no account: its credentials are missing" if account is None else "knows no market maker protection"
                raise ConfigError(Problem(f"adapters.{name}", what, "name another adapter with --adapter"))
            return await act(account, await account.mmp(underlying))
        finally:
            with anyio.CancelScope(shield=True):
                await opened.aclose()

    return name, underlying, anyio.run(main)


def _only(names: Collection[str]) -> str:
    if len(names) != 1:
        raise click.UsageError(f"name one of the config's adapters with --adapter: {', '.join(names) or 'there is none'}")
    return next(iter(names))


# ---- words ---------------------------------------------------------------------------------------------------------


def _tell(adapter: str, underlying: str, found: Mmp | None, *, as_json: bool) -> None:
    if as_json:
        figures = found and attrs.asdict(found, value_serializer=lambda _, __, value: str(value) if isinstance(value, Decimal) else value)
        print_json({"adapter": adapter, "underlying": underlying, "mmp": figures})
    elif found is None:
        note(f"{adapter}: no market maker protection is set for {underlying}")
    else:
        print_table(("what", "is"), _rows(adapter, found), empty="")


def _rows(adapter: str, found: Mmp) -> Iterator[tuple[str, str]]:
    yield "adapter", adapter
    yield "underlying", found.underlying
    yield "window", f"{found.window_ms} ms" if found.window_ms else "off"
    yield "freezes", f"for {found.frozen_ms} ms" if found.frozen_ms else "until a reset"
    yield "quantity", f"{found.qty_limit} coins"
    yield "delta", str(found.delta_limit)
    yield "quoting", _quoting(found.frozen_until)


def _quoting(until: int | None) -> str:
    if until is None:
        return "free"
    return (
        "frozen until a reset" if until == UNTIL_RESET else f"frozen until {datetime.fromtimestamp(until / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    )
