"""A naive seller of strangles in markets where things happen, with the limits of the README and without them.

Owns `play` and `Outcome`. The limits are read from the README, so that what is told there is what ran.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from strikeloop import AlertRaised, BalanceUpdated, Contract, Event, Liquidated, OrderRefused, SubmitOrder
from strikeloop.hooks import hooks_of
from strikeloop.load.discovery import find
from strikeloop.settings import structure
from strikeloop.testing.sim import Sim, named
from strikeloop_venue import GeneratedMarket
from tests.plugins.risk.strangle import Strangle

README = Path(__file__).parents[3] / "plugins" / "risk" / "README.md"
SCENARIOS = ("crash", "vol-spike", "pin-at-expiry", "illiquid")
BALANCE = 50_000
DAY_S = 43_200
MARKET: Mapping[str, Any] = {
    "duration_s": DAY_S,
    "daily": 2,
    "weekly": 0,
    "monthly": 0,
    "strikes": 5,
    "levels": 1,
    "step_ms": 600_000,
    "ticker_every_ms": 1_200_000,
    "quote_every_ms": 2_400_000,
    "trades_per_hour": 3.0,
}
"""A trading day of twelve hours in steps of ten minutes: enough for a path, little enough for hundreds of days."""
VENUE: Mapping[str, Any] = {"balance": str(BALANCE), "mark_every_s": 300.0, "var_refresh_s": 3_600.0}
SECOND = 1_000_000_000


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of one day. Money in quote currency; `lead_s` from the first critical alert about the distance to the liquidation."""

    scenario: str
    seed: int
    has_limits: bool
    is_liquidated: bool
    equity: float
    lowest: float
    sent: int
    refused: int
    refusals: Mapping[str, int]
    alerts: Mapping[str, int]
    lead_s: float | None = None


class Kept:
    """A market that was generated once, for several runs."""

    def __init__(self, market: GeneratedMarket) -> None:
        source = market.open("sim")
        self._contracts, self._events, self._hash = source.contracts(), tuple(source.events()), source.content_hash()

    def contracts(self) -> tuple[Contract, ...]:
        return self._contracts

    def events(self) -> Iterator[Event]:
        return iter(self._events)

    def content_hash(self) -> str:
        return self._hash


def play(scenario: str, seed: int) -> tuple[Outcome, Outcome]:
    """The same day without the rules and with them; monitors watch both."""
    market = Kept(GeneratedMarket(scenario=scenario, seed=seed, **MARKET))
    return _played(market, scenario, seed, has_limits=False), _played(market, scenario, seed, has_limits=True)


def rules() -> tuple[str, ...]:
    """The names of the rules among the limits, as refusals name them."""
    return tuple(plugin.name for plugin in named((), [structure(settings, cls) for cls, settings in limits() if _is_rule(cls)]))


@cache
def limits() -> tuple[tuple[type[Any], Mapping[str, Any]], ...]:
    """Class and settings of every rule and monitor under the README's heading "Seen to work"."""
    (config,) = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8").split("## Seen to work")[1], re.DOTALL)
    tables = tomllib.loads(config)["risk"].values()
    return tuple((find("risk", table["use"]).value, {key: value for key, value in table.items() if key != "use"}) for table in tables)


def _played(market: Kept, scenario: str, seed: int, *, has_limits: bool) -> Outcome:
    chosen = [(cls, settings) for cls, settings in limits() if has_limits or not _is_rule(cls)]
    plugins = [structure(settings, cls) for cls, settings in chosen]
    played = Sim(venue=VENUE).run(Strangle(), rules=plugins, source=market, seed=seed)
    equities = [float(event.total + (event.option_value or 0)) for event in played.of(BalanceUpdated)]
    liquidations = played.of(Liquidated)
    return Outcome(
        scenario=scenario,
        seed=seed,
        has_limits=has_limits,
        is_liquidated=bool(liquidations),
        equity=equities[-1],
        lowest=min(equities),
        sent=sum(isinstance(command, SubmitOrder) for command in played.commands),
        refused=len(played.refusals),
        refusals=_objections(played.refusals),
        alerts=Counter(f"{alert.severity.value} {alert.topic}" for alert in played.alerts),
        lead_s=_lead(played.alerts, liquidations),
    )


def _is_rule(cls: type[Any]) -> bool:
    return "review_order" in hooks_of(cls)


def _objections(refusals: tuple[OrderRefused, ...]) -> Mapping[str, int]:
    """How many orders each rule objected to; all rules are asked about each."""
    return Counter(rule for refusal in refusals for rule in {rule for rule, _ in refusal.reasons})


def _lead(alerts: tuple[AlertRaised, ...], liquidations: tuple[Liquidated, ...]) -> float | None:
    warned = [one.received for one in alerts if one.topic == "distance_to_liquidation" and one.severity == "critical"]
    return (liquidations[0].received - warned[0]) / SECOND if liquidations and warned else None
