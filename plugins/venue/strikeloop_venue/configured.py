"""What a config file says about the venue that is served: its [venue] and its [market].

Owns which tables are read, and what is served where they are silent. The rest of the file is for runs and is left alone.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from strikeloop import ConfigError, Problem
from strikeloop.venue import Source, structure
from strikeloop_venue.market import GeneratedMarket
from strikeloop_venue.recorded import RecordedMarket
from strikeloop_venue.settings import VenueSettings

_SERVED: Mapping[str, Any] = {"duration_s": None, "step_ms": 500, "ticker_every_ms": 1_000, "trades_per_hour": 1_800.0}
"""A generated market that is served goes on, and moves while one looks."""


@attrs.frozen
class Configured:
    """The tables [venue] and [market], untyped, with paths that mean the same from anywhere."""

    venue: Mapping[str, Any] = attrs.field(factory=dict)
    market: Mapping[str, Any] = attrs.field(factory=dict)

    def venue_settings(self, **above: Any) -> VenueSettings:
        """Settings of one account; what is not None in `above` wins. Raises ConfigError."""
        table = {**self.venue, **_given(above)}
        if table.pop("use", "venue") != "venue":
            raise ConfigError(Problem("venue.use", f"{self.venue['use']!r} is not served here", 'write use = "venue"'))
        return structure(table, VenueSettings, "venue")

    def source(self, adapter: str, **above: Any) -> Source:
        """The market; what is not None in `above` wins. A generated one starts now unless told otherwise. Raises ConfigError."""
        table = dict(self.market)
        use = table.pop("use", "generated")
        if use == "recorded":
            return structure(table, RecordedMarket, "market").open(adapter)
        if use != "generated":
            raise ConfigError(Problem("market.use", f"{use!r} is not served", "generated or recorded"))
        table |= _given(above)
        beneath = {"start": time.time_ns(), **_SERVED}
        silent = {name: figure for name, figure in beneath.items() if name not in table}
        return attrs.evolve(structure(table, GeneratedMarket, "market"), **silent).open(adapter)


def configured(file: Path) -> Configured:
    """The tables of a TOML file. Raises ConfigError for what cannot be read, with the file's name."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(Problem(str(file), f"cannot be read: {error.strerror}", "name a TOML file with -c")) from error
    except ValueError as error:
        raise ConfigError(Problem(str(file), f"is not TOML: {error}")) from error
    tables = {name: data.get(name, {}) for name in ("venue", "market")}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(Problem(f"{file}: {name}", "is not a table", f"write [{name}]"))
        for holder in (table, table.get("latency")):
            if isinstance(holder, dict) and isinstance(holder.get("file"), str) and holder["file"]:
                holder["file"] = str(file.absolute().parent / holder["file"])
    return Configured(**tables)


def _given(above: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in above.items() if value is not None}
