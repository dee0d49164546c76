"""`strikeloop status`, `orders`, `positions`, `greeks`: what a run says of itself, read from another process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from strikeloop.cli.options import examples, print_json, print_table, with_json, with_run
from strikeloop.journal import StateDir

GREEKS = ("delta", "gamma", "vega", "theta")


def read_status(state_dir: Path, run: str) -> dict[str, Any]:
    """status.json of a run; a run whose process is gone without a word is stopped, whatever it said last."""
    state = StateDir(state_dir, make=False)
    status = state.run(run, having="status.json").read_status()
    if status.get("state") != "stopped" and state.holder() is None:
        status |= {"state": "stopped", "ending": {"cause": "lost", "reason": "the process is gone; its last word is kept"}}
    return status


@click.command(epilog=examples("strikeloop status", "strikeloop status --run 20260626-080000-a1b2c3 --json"))
@with_run
@with_json
def status(state_dir: Path, run: str, as_json: bool) -> None:
    """Say how a run is: state, connections, channels, orders, balance."""
    found = read_status(state_dir, run)
    if as_json:
        print_json(found)
        return
    age = f"{(time.time_ns() - found['time']) / 1e9:.0f} s ago" if isinstance(found.get("time"), int) else ""
    rows: list[tuple[Any, ...]] = [("run", found.get("run")), ("mode", found.get("mode")), ("state", found.get("state")), ("said", age)]
    rows += [("ending", found["ending"]["reason"] or found["ending"]["cause"])] if "ending" in found else []
    for name, adapter in found.get("adapters", {}).items():
        rows.append((name, f"{adapter['connection']}, {adapter['connections']} connections, {adapter['reconnects']} reconnects"))
        rows += [(f"  {channel}", one["state"]) for channel, one in adapter["channels"].items()]
    rows.append(("orders", ", ".join(f"{count} {state}" for state, count in found.get("orders", {}).items()) or "none"))
    rows.append(("positions", len(found.get("positions", ()))))
    rows += [(name, found[name].get("total")) for name in ("balance",) if found.get(name)]
    rows += [("fault", f"{fault.get('instance')}.{fault.get('hook')}: {fault.get('error')}") for fault in found.get("faults", ())]
    print_table(("what", "is"), rows, empty="")


@click.command(epilog=examples("strikeloop orders", "strikeloop orders --json"))
@with_run
@with_json
def orders(state_dir: Path, run: str, as_json: bool) -> None:
    """List the working orders of a run."""
    found = read_status(state_dir, run).get("working", [])
    columns = ("client_id", "contract", "size", "left", "price", "state")
    _print(found, columns, as_json=as_json, empty="no working order")


@click.command(epilog=examples("strikeloop positions", "strikeloop positions --json"))
@with_run
@with_json
def positions(state_dir: Path, run: str, as_json: bool) -> None:
    """List the positions of a run."""
    found = read_status(state_dir, run).get("positions", [])
    columns = ("contract", "size", "entry_price", "mark_price", "unrealized_pnl", "realized_pnl")
    _print(found, columns, as_json=as_json, empty="no position")


@click.command(epilog=examples("strikeloop greeks", "strikeloop greeks --json"))
@with_run
@with_json
def greeks(state_dir: Path, run: str, as_json: bool) -> None:
    """List the greeks of a run, by position (times size and multiplier) and in sum."""
    found = read_status(state_dir, run)
    rows = [
        {"contract": one.get("contract"), **{name: one.get("exposure", {}).get(name) for name in GREEKS}}
        for one in found.get("positions", [])
    ]
    risk = found.get("risk")
    if as_json:
        print_json({"positions": rows, "risk": risk})
        return
    total = [{"contract": "total", **{name: risk.get(f"total_{name}") for name in GREEKS}}] if risk else []
    _print([*rows, *total], ("contract", *GREEKS), as_json=False, empty="no position")


def _print(found: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(found)
    else:
        print_table(columns, [[one.get(column) for column in columns] for one in found], empty=empty)
