"""What happened to an account between two digests, as a fold of events.

Owns `AccountDigest` and its words. It reads no clock and sends nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import attrs

from strikeloop import (
    AlertRaised,
    BalanceUpdated,
    ContractId,
    Event,
    Filled,
    OrderRefused,
    PluginFaulted,
    PortfolioRiskUpdated,
    PositionUpdated,
    StreamLost,
)
from strikeloop_notify.notes import printable

ZERO = Decimal(0)
_MOST = 10


@attrs.define
class _Money:
    """One currency of one account: equity (cash + value of the options) at the last digest and now."""

    before: Decimal
    now: Decimal


@attrs.define
class AccountDigest:
    """Feed it every event; `text` tells what came since the last `restart`. Positions, risk and equity stay known across it."""

    _money: dict[tuple[str, str], _Money] = attrs.field(factory=dict)
    _positions: dict[ContractId, Decimal] = attrs.field(factory=dict)
    _risks: dict[str, PortfolioRiskUpdated] = attrs.field(factory=dict)
    _fills: int = 0
    _traded: Decimal = ZERO
    _fees: Decimal = ZERO
    _refusals: Counter[str] = attrs.field(factory=Counter)
    _alerts: Counter[str] = attrs.field(factory=Counter)
    _faults: Counter[str] = attrs.field(factory=Counter)
    _losses: Counter[str] = attrs.field(factory=Counter)

    def see(self, event: Event) -> None:
        match event:
            case BalanceUpdated():
                self._see_balance(event)
            case PositionUpdated():
                self._positions[event.contract] = event.size
            case PortfolioRiskUpdated():
                self._risks[event.adapter] = event
            case Filled():
                self._fills, self._traded = self._fills + 1, self._traded + abs(event.size)
                self._fees += event.fee or ZERO
            case OrderRefused():
                self._refusals.update(rule for rule, _ in event.reasons)
            case AlertRaised():
                self._alerts[f"{event.severity.value} {event.topic}"] += 1
            case PluginFaulted():
                self._faults[event.instance] += 1
            case StreamLost():
                self._losses[f"{event.adapter} {event.port}"] += 1
            case _:
                pass

    def text(self) -> str:
        """A line for each thing there is to tell."""
        return "\n".join(printable(line) for line in self._lines())

    def restart(self) -> None:
        """Count anew from here."""
        for money in self._money.values():
            money.before = money.now
        self._fills, self._traded, self._fees = 0, ZERO, ZERO
        for counter in (self._refusals, self._alerts, self._faults, self._losses):
            counter.clear()

    # ---- inside ----

    def _see_balance(self, event: BalanceUpdated) -> None:
        equity, key = event.total + (event.option_value or ZERO), (event.adapter, event.currency)
        known = self._money.get(key)
        if known is None:
            self._money[key] = _Money(equity, equity)
        else:
            known.now = equity

    def _lines(self) -> Iterator[str]:
        for (adapter, currency), money in self._money.items():
            yield f"{adapter}: equity {money.now:.2f} {currency}, {money.now - money.before:+.2f}"
        yield f"{self._fills} fills of {self._traded} contracts, fees {self._fees:.2f}"
        held = {contract: size for contract, size in self._positions.items() if size}
        yield f"{len(held)} positions" + (f": {_listed(f'{size:+} {contract.name}' for contract, size in held.items())}" if held else "")
        for adapter, risk in self._risks.items():
            yield (
                f"{adapter}: delta {risk.total_delta:+.4g}, gamma {risk.total_gamma:+.4g}, vega {risk.total_vega:+.4g}, "
                f"theta {risk.total_theta:+.4g}, leverage {risk.effective_leverage:.2f}, margin required {risk.margin_required:.2f}"
            )
        for name, counter in (
            ("refused by", self._refusals),
            ("alerts", self._alerts),
            ("plugin faults", self._faults),
            ("connections lost", self._losses),
        ):
            if counter:
                yield f"{name}: {_listed(f'{what} {count}' for what, count in counter.most_common())}"


def _listed(items: Iterator[str]) -> str:
    """The first few, and how many more."""
    every = list(items)
    more = f" and {len(every) - _MOST} more" if len(every) > _MOST else ""
    return ", ".join(every[:_MOST]) + more
