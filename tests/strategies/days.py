"""A light market of half a day, in which the nearest expiry ends at 08:00, and what a strategy's fills added up to."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from strikeloop import ContractId
from strikeloop.testing import Played, Sim

LIGHT = {"step_ms": 600_000, "ticker_every_ms": 600_000, "strikes": 7, "daily": 2, "weekly": 1, "monthly": 0, "trades_per_hour": 30}


def played(strategy: Any, hours: float = 12, **market: Any) -> Played:
    return Sim(market={**LIGHT, **market}).run(strategy, seconds=round(hours * 3600))


def holdings(run: Played) -> Iterator[dict[ContractId, Decimal]]:
    """What was held after each fill, without what expired."""
    held: dict[ContractId, Decimal] = {}
    for fill in run.fills:
        held[fill.contract] = held.get(fill.contract, Decimal(0)) + fill.size
        yield {contract: size for contract, size in held.items() if size}


def tags(run: Played) -> list[str]:
    """The tags of the orders that left, in order."""
    return [command.tag for command in run.commands if hasattr(command, "tag")]
