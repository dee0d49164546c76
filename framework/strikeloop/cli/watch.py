"""`strikeloop status`, `orders`, `positions`, `greeks`: what a run says of itself, read from another process.

Owns `read_status`, which tells a run that is well from one that hangs and one that is gone. Talks to no venue.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from strikeloop.cli.options import examples, folder_of, print_json, print_table, with_json, with_run
from strikeloop.journal import RunFolder, StateDir

GREEKS = ("delta", "gamma", "vega", "theta")
SUMMED = ("cash_delta", "cash_gamma", "vega", "theta")
HANGS_S = 5.0
"""A run says how it is each second; one that is silent for longer hangs."""


def read_status(folder: RunFolder) -> dict[str, Any]:
    """status.json of a run, with `age_s`, and `responding` where it has not ended.

    A run whose process is gone without a word is stopped, whatever it said last.
    """
    status = folder.read_status()
    status["age_s"] = max(0.0, (time.time_ns() - status["time"]) / 1e9) if isinstance(status.get("time"), int) else None
    if status.get("state") == "stopped":
        return status
    holder = StateDir(folder.path.parent, make=False).holder()
    if holder is None or status.get("pid") not in (None, holder):
        return status | {"state": "stopped", "ending": {"cause": "lost", "reason": "the process is gone; its last word is kept"}}
    return status | {"responding": status["age_s"] is not None and status["age_s"] <= HANGS_S}


def _status(run: str, state_dir: Path) -> dict[str, Any]:
    return read_status(folder_of(run, state_dir, having="status.json"))


# ---- status --------------------------------------------------------------------------------------------------------


@click.command(epilog=examples("strikeloop status", "strikeloop status 20260626-080000-a1b2c3 --json"))
@with_run
@with_json
def status(state_dir: Path, run: str, as_json: bool) -> None:
    """Say how a run is: state, connections, channels, orders, balance."""
    found = _status(run, state_dir)
    if as_json:
        print_json(found)
    else:
        print_table(("what", "is"), _told(found), empty="")


def _told(found: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows that people read."""
    age = found.get("age_s")
    yield from ((name, found.get(name)) for name in ("run", "mode", "state"))
    yield "said", "" if age is None else f"{age:.0f} s ago" + ("" if found.get("responding", True) else ": the process is there and hangs")
    if found.get("halt", {}).get("state", "armed") != "armed":
        yield from _halt(found["halt"])
    if "ending" in found:
        yield "ending", found["ending"]["reason"] or found["ending"]["cause"]
    for name, adapter in found.get("adapters", {}).items():
        yield from _adapter(name, adapter)
    yield "orders", ", ".join(f"{count} {state}" for state, count in found.get("orders", {}).items()) or "none"
    if found.get("foreign"):
        yield "foreign", f"{len(found['foreign'])} orders of other hands work: {', '.join(found['foreign'][:5])}"
    yield "positions", len(found.get("positions", ()))
    if found.get("balance"):
        yield "balance", f"{found['balance'].get('total')} {found['balance'].get('currency', '')}".strip()
    for fault in found.get("faults", ()):
        yield "fault", f"{fault.get('instance')}.{fault.get('hook')}: {fault.get('error')}"


def _halt(told: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    yield "kill switch", f"{told['state']}, by {told['by']}: {told['reason']}"
    for text in told.get("left", ()):
        yield "  left", text


def _adapter(name: str, adapter: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    yield name, f"{adapter['connection']}, {adapter['connections']} connections, {adapter['reconnects']} reconnects"
    for text in (*adapter.get("shortcomings", ()), *adapter.get("blocks", ())):
        yield "", text
    for underlying, state in adapter.get("countdown", {}).items():
        yield "  countdown", f"{underlying} {state}"
    for channel, one in adapter["channels"].items():
        yield f"  {channel}", one["state"]


# ---- orders, positions, greeks -----------------------------------------------------------------------------------------


@click.command(epilog=examples("strikeloop orders", "strikeloop orders 20260626-080000-a1b2c3 --json"))
@with_run
@with_json
def orders(state_dir: Path, run: str, as_json: bool) -> None:
    """List the working orders of a run.

    Those of other hands are among them, without an instance.
    """
    found = _status(run, state_dir).get("working", [])
    columns = ("client_id", "instance", "contract", "size", "left", "price", "state")
    _print(found, columns, as_json=as_json, empty="no working order")


@click.command(epilog=examples("strikeloop positions", "strikeloop positions 20260626-080000-a1b2c3 --json"))
@with_run
@with_json
def positions(state_dir: Path, run: str, as_json: bool) -> None:
    """List the positions of a run.

    Sizes are in contracts, prices per unit of the underlying, PnL in the account's currency.
    """
    found = _status(run, state_dir).get("positions", [])
    columns = ("contract", "size", "entry_price", "mark_price", "unrealized_pnl", "realized_pnl")
    _print(found, columns, as_json=as_json, empty="no position")


@click.command(epilog=examples("strikeloop greeks", "strikeloop greeks 20260626-080000-a1b2c3 --json"))
@with_run
@with_json
def greeks(state_dir: Path, run: str, as_json: bool) -> None:
    """List the greeks of a run by position, by underlying and in total.

    delta and gamma are in units of the underlying; cash_delta is delta times its price, cash_gamma what cash_delta changes by when
    that price moves by 1 %; vega is for one volatility point, theta for one day. The last four are in the account's currency.
    """
    found = _status(run, state_dir)
    rows = [_greeks(position) for position in found.get("positions", [])]
    underlyings = [_sum(name, rows, (*GREEKS, *SUMMED)) for name in sorted({row["underlying"] for row in rows})]
    total = _sum("total", rows, SUMMED)
    if as_json:
        print_json({"positions": rows, "underlyings": underlyings, "total": total, "risk": found.get("risk")})
        return
    columns = ("of", "delta", "gamma", "cash_delta", "cash_gamma", "vega", "theta")
    table = [{"of": row["contract"], **row} for row in rows] + [{"of": row["underlying"], **row} for row in (*underlyings, total)]
    _print(table if rows else [], columns, as_json=False, empty="no position")


def _greeks(position: Mapping[str, Any]) -> dict[str, Any]:
    """The greeks of one position as a whole; figures in currency are None where the underlying has no price yet."""
    exposure, price = position.get("exposure", {}), position.get("underlying_price")
    row: dict[str, Any] = {"contract": position.get("contract"), "underlying": position.get("underlying") or ""}
    row |= {name: exposure.get(name) for name in GREEKS}
    delta, gamma = exposure.get("delta"), exposure.get("gamma")
    row["cash_delta"] = None if price is None or delta is None else delta * price
    row["cash_gamma"] = None if price is None or gamma is None else gamma * price * price / 100
    return row


def _sum(name: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> dict[str, Any]:
    """Of the underlying `name`, or of all for "total"; None where a figure of one of them is missing."""
    chosen = [row for row in rows if name in (row["underlying"], "total")]
    sums: dict[str, Any] = {"underlying": name}
    for column in columns:
        values = [row[column] for row in chosen]
        sums[column] = None if None in values else sum(values)
    return sums


def _print(found: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(found)
    else:
        print_table(columns, [[one.get(column) for column in columns] for one in found], empty=empty)
