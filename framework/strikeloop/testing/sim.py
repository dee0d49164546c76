"""A market, a simulated venue and the engine in one object, for tests of strategies and rules.

Owns `Sim` and `Played`. The same plugin objects run here, in backtests and live; nothing here knows which. It needs
strikeloop-venue and says so where that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import attrs

from strikeloop.backtest import Backtest, Result
from strikeloop.commands import Command
from strikeloop.dispatch import Kind
from strikeloop.engine import Plugin
from strikeloop.errors import ConfigError
from strikeloop.events import AlertRaised, Event, Filled, OrderRefused, OrderUpdated
from strikeloop.hooks import hooks_of, problems
from strikeloop.load.discovery import find
from strikeloop.portfolio import Position
from strikeloop.settings import ValueRefusedError
from strikeloop.venue import Source, Venue

E = TypeVar("E", bound=Event)


@attrs.frozen
class Played:
    """What came of a simulated run: every account and run event, every command that left, and where it ended."""

    events: tuple[Event, ...]
    commands: tuple[Command, ...]
    result: Result

    def of(self, kind: type[E]) -> tuple[E, ...]:
        """The events of one class, in order."""
        return tuple(event for event in self.events if isinstance(event, kind))

    @property
    def fills(self) -> tuple[Filled, ...]:
        return self.of(Filled)

    @property
    def orders(self) -> tuple[OrderUpdated, ...]:
        return self.of(OrderUpdated)

    @property
    def refusals(self) -> tuple[OrderRefused, ...]:
        return self.of(OrderRefused)

    @property
    def alerts(self) -> tuple[AlertRaised, ...]:
        return self.of(AlertRaised)

    @property
    def positions(self) -> tuple[Position, ...]:
        return self.result.engine.portfolio.positions

    @property
    def digest(self) -> str:
        return self.result.digest


class Sim:
    """Runs plugins against a generated market and the simulated venue, in virtual time.

    `market` and `venue` are settings of `GeneratedMarket` and `VenueSettings`; a `source` of your own replaces the
    generated market. Raises ConfigError for a plugin with a mistake in its hooks, or where strikeloop-venue is missing.
    """

    def __init__(self, *, adapter: str = "sim", market: Mapping[str, Any] | None = None, venue: Mapping[str, Any] | None = None) -> None:
        self._adapter, self._market, self._venue = adapter, dict(market or {}), dict(venue or {})

    def run(self, *plugins: Any, rules: Iterable[Any] = (), seconds: int = 600, seed: int = 1, source: Source | None = None) -> Played:
        """Run `plugins` for `seconds` of market time; those that judge orders, and all of `rules`, run as rules."""
        market = source or self._open_source(seconds, seed)
        events: list[Event] = []
        commands: list[Command] = []
        backtest = Backtest(
            named(plugins, rules),
            sources=[market],
            open_venue=self._open_venue,
            seed=seed,
            run="sim",
            listen=events.append,
            sent=commands.append,
        )
        result = backtest.run()
        return Played(tuple(events), tuple(commands), result)

    def _open_source(self, seconds: int, seed: int) -> Source:
        settings = {"seed": seed, "duration_s": seconds, "step_ms": 1_000, "ticker_every_ms": 2_000, **self._market}
        source: Source = _installed("sources", "generated")(**settings).open(self._adapter)
        return source

    def _open_venue(self, contracts: tuple[Any, ...]) -> Venue:
        venue: Venue = _installed("venues", "venue")(**self._venue).open(self._adapter, contracts)
        return venue


def named(plugins: Iterable[Any], rules: Iterable[Any] = ()) -> list[Plugin]:
    """Plugin objects as the engine takes them, named after their classes (`DeltaBand` → delta-band, a second one delta-band-2)."""
    taken: dict[str, int] = {}
    made: list[Plugin] = []
    for plugin, is_rule in [*((plugin, False) for plugin in plugins), *((rule, True) for rule in rules)]:
        kind: Kind = "risk" if is_rule or "review_order" in hooks_of(type(plugin)) else "strategy"
        found = problems(type(plugin), kind)
        if found:
            raise ConfigError(found)
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(plugin).__name__).lower()
        taken[name] = taken.get(name, 0) + 1
        made.append(Plugin(name=name if taken[name] == 1 else f"{name}-{taken[name]}", kind=kind, plugin=plugin))
    return made


def _installed(kind: str, name: str) -> Any:
    try:
        return find(kind, name).value
    except ValueRefusedError as error:
        raise ConfigError(f"the sim fixture needs the simulated venue: {error}") from error
