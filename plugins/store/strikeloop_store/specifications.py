"""Contract specifications as rows: what was listed, when, exactly.

Owns the way between `Contract` and the kind `contracts`, and how listings of several imports become one list. A
specification that changed its terms is refused; one that is listed twice counts from its first listing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import pyarrow as pa

from strikeloop import ConfigError, Contract, ContractId, ContractListed, Problem, StrikeloopError, record
from strikeloop.venue import event_from_record
from strikeloop_store.kinds import CONTRACTS

_TERMS = ("underlying", "kind", "strike", "expiry", "multiplier", "tick", "mark_tick")
_ANY = "venue"
"""The adapter in stored specifications; whoever reads them names their own."""


@attrs.frozen(order=True)
class Listing:
    """A contract and since when it can be traded, ns UTC."""

    time: int
    contract: Contract = attrs.field(order=False)

    @property
    def name(self) -> str:
        return self.contract.id.name

    def named(self, adapter: str) -> Contract:
        """The contract as the adapter instance `adapter` knows it."""
        return attrs.evolve(self.contract, id=ContractId.of(adapter, self.name))

    def event(self, adapter: str) -> ContractListed:
        contract = self.named(adapter)
        return ContractListed(time=self.time, received=self.time, contract=contract.id, specification=contract)


def table_of(listings: Iterable[Listing]) -> pa.Table:
    """Listings as rows of the kind `contracts`, by time and name."""
    rows = [_row(one) for one in sorted(listings, key=lambda one: (one.time, one.name))]
    return pa.Table.from_pylist(rows, schema=CONTRACTS.schema)


def listings_of(table: pa.Table) -> list[Listing]:
    """The inverse of `table_of`. Raises ConfigError for a specification that cannot be read."""
    times, texts = table.column("time").cast(pa.int64()).to_pylist(), table.column("specification").to_pylist()
    return [Listing(time, specified(json.loads(text))) for time, text in zip(times, texts, strict=True)]


def specified(specification: Mapping[str, Any]) -> Contract:
    """A contract from its record. Raises ConfigError naming the field that is wrong."""
    name = specification.get("id")
    told = {"event": "ContractListed", "time": 0, "received": 0, "adapter": _ANY, "contract": name}
    try:
        event = event_from_record({**told, "specification": {**specification, "adapter": _ANY}})
    except StrikeloopError as error:
        raise ConfigError(Problem(f"contract {name}", f"the specification cannot be read: {error}")) from error
    contract: Contract = event.specification  # type: ignore[attr-defined]  # ContractListed was asked for
    return contract


def effective(listings: Iterable[Listing]) -> dict[str, Listing]:
    """One listing for each contract, the earliest, by time and name. Raises ConfigError where the terms of one differ."""
    found: dict[str, Listing] = {}
    for one in sorted(listings, key=lambda one: (one.time, one.name)):
        known = found.setdefault(one.name, one)
        if changed := changes(known.contract, one.contract):
            raise ConfigError(
                Problem(f"contract {one.name}", f"is specified in two ways: {changed}", "declare the same terms, or use a store of its own")
            )
    return found


def changes(one: Contract, other: Contract) -> str:
    """In which terms two specifications differ, "" where in none."""
    pairs = [(name, getattr(one, name), getattr(other, name)) for name in _TERMS]
    return ", ".join(f"{name} {before} and {after}" for name, before, after in pairs if before != after)


def texts(listings: Sequence[Listing]) -> list[str]:
    """What identifies a list of specifications, whoever imported them."""
    return [_row(one)["specification"] for one in sorted(listings, key=lambda one: one.name)]


def _row(listing: Listing) -> dict[str, Any]:
    contract = listing.contract
    specification = {name: value for name, value in record(contract).items() if name != "adapter"}
    return {
        "time": listing.time,
        "received": listing.time,
        "contract": listing.name,
        "underlying": contract.underlying,
        "kind": contract.kind.value,
        "strike": format(contract.strike, "f"),
        "expiry": contract.expiry,
        "multiplier": format(contract.multiplier, "f"),
        "tick": format(contract.tick, "f"),
        "mark_tick": format(contract.mark_tick, "f"),
        "specification": json.dumps(specification, separators=(",", ":")),
    }
