"""ExpiryMonitor: the expiries of what the account holds, and what each will do to it.

Owns the alerts before a held contract expires (each once, also across restarts: what was said is kept in the run's memory),
about strikes that the underlying is pinned to, and about the delta that an expiry leaves behind. It wakes by timers, so a
quiet market delays nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs

from strikeloop import (
    ConfigError,
    Contract,
    ContractExpired,
    ContractId,
    ContractListed,
    Desk,
    PositionUpdated,
    Problem,
    Severity,
    TimerFired,
    hookimpl,
    plugin,
    state,
)
from strikeloop.margin import settlement_cash, settlement_fee
from strikeloop_risk.asked import unit_greeks
from strikeloop_risk.levels import SECOND_NS, Alarms, span
from strikeloop_risk.limits import positive, share

HOUR_NS = 3_600 * SECOND_NS
_SEPARATOR = " "


def _hours(_instance: Any, field: attrs.Attribute[Any], value: tuple[float, ...]) -> None:
    if not value or min(value) <= 0:
        raise ConfigError(Problem(field.name, f"is {list(value)}; expected hours before expiry, each more than 0"))


@plugin
class ExpiryMonitor(Alarms):
    """Raise an alert as the expiry of a held contract comes near: a week, a day and an hour before by default.

    before_h: hours before expiry, each said once per contract. The last hour is critical, the last day a warning, what
    is further off is for information. A position opened when some of these times have passed is told of once, at once. With
    it comes what settling at the present index would pay, after fees, and the delta of the underlying after the expiry.
    pin_share: fraction of the strike within which the underlying is pinned to it; pin_within_h: hours before expiry in which
    that is looked at, every pin_look_s seconds. Critical at the limit, and the warning begins at 1 / warn_at of it.
    max_delta_after: units of the underlying that may be left as delta once a contract has expired; None does not watch it.
    warn_at: share of a limit from which it warns. clear: share of a threshold below which the alert ends.
    warn_again_s, again_s: seconds after which a standing warning, a standing critical alert is said again; None: never.
    on_critical: "alert", or what the kill switch does beside it: "halt", "cancel" (orders too) or "flatten" (positions too).
    """

    before_h: tuple[float, ...] = attrs.field(default=(168.0, 24.0, 1.0), validator=_hours)
    pin_share: float = attrs.field(default=0.005, validator=share)
    pin_within_h: float = attrs.field(default=1.0, validator=positive)
    pin_look_s: float = attrs.field(default=60.0, validator=positive)
    max_delta_after: float | None = attrs.field(default=None, validator=positive)
    watched: dict[str, ContractId] = state(factory=dict)

    @hookimpl
    def on_start(self, desk: Desk) -> None:
        for position in desk.positions:
            self._look(position.contract, desk)

    @hookimpl
    def on_position(self, event: PositionUpdated, desk: Desk) -> None:
        if event.size and _key(event.contract) not in self.watched:
            self._look(event.contract, desk)

    @hookimpl
    def on_contract(self, event: ContractListed | ContractExpired, desk: Desk) -> None:
        if isinstance(event, ContractExpired):
            self._forget(event.contract, desk)
        elif desk.position(event.contract) is not None:
            self._look(event.contract, desk)

    @hookimpl
    def on_timer(self, event: TimerFired, desk: Desk) -> None:
        contract = self.watched.get(event.name) if event.instance == desk.instance else None
        if contract is not None:
            self._look(contract, desk)

    # ---- inside ----

    def _forget(self, contract: ContractId, desk: Desk) -> None:
        desk.memory.pop(_key(contract), None)
        self.watched.pop(_key(contract), None)
        for topic in ("pin", "delta"):
            self.levels.pop((_key(contract), topic), None)

    def _look(self, contract: ContractId, desk: Desk) -> None:
        """Say what is due of a held contract, and come back at its next time. A flat one is looked at when it is held again."""
        key, specification = _key(contract), desk.portfolio.contracts.get(contract)
        held = desk.position(contract)
        if specification is None or held is None:
            self.watched.pop(key, None)
            return
        self.watched[key] = contract
        left = specification.expiry - desk.now
        if left > 0:
            self._tell(specification, held.size, left, desk)
            if left <= self.pin_within_h * HOUR_NS:
                self._judge_pin(specification, held.size, left, desk)
        next_time = min(self._times(specification.expiry, desk.now), default=None)
        if next_time is not None:
            desk.at(next_time, key)

    def _tell(self, contract: Contract, size: Decimal, left: int, desk: Desk) -> None:
        key, passed = _key(contract.id), [hours for hours in self.before_h if left <= hours * HOUR_NS]
        if not passed or min(passed) >= desk.memory.get(key, float("inf")):
            return
        desk.memory[key] = min(passed)
        after, now = _delta(desk, contract, expired=True), _delta(desk, contract, expired=False)
        parts = [_expires(contract, size, left), *_settles(desk, contract, size)]
        if after is not None and now is not None:
            parts.append(f"the delta in {contract.underlying} is then {after:+.4g} (now {now:+.4g})")
        desk.alert("; ".join(parts), topic="expiry", severity=_severity(min(passed)))
        if after is not None and self.max_delta_after is not None:
            self._judge_delta(contract, after, self.max_delta_after, desk)

    def _judge_delta(self, contract: Contract, after: float, limit: float, desk: Desk) -> None:
        def say(_: Severity) -> str:
            return f"once {contract.id} has expired the delta in {contract.underlying} is {after:+.4g}, unhedged (limit {limit:g})"

        self.judge(desk, (_key(contract.id), "delta"), abs(after) / limit, "delta_after_expiry", say)

    def _judge_pin(self, contract: Contract, size: Decimal, left: int, desk: Desk) -> None:
        index = _index(desk, contract)
        if index is None:
            return
        away = abs(index / float(contract.strike) - 1.0)

        def say(severity: Severity) -> str:
            ends = [settlement_cash(contract, size, _money(index * (1 + sign * self.pin_share))) for sign in (-1, 1)]
            off = "is no longer" if severity is Severity.INFO else "is"
            return (
                f"{contract.id} ({size:+}) expires in {span(left)} and {off} at its strike: the index is {index:.2f}, {away:.2%} away; "
                f"settling within ±{self.pin_share:.2%} pays {min(ends):+z.2f} to {max(ends):+z.2f}"
            )

        self.judge(desk, (_key(contract.id), "pin"), self.pin_share / max(away, 1e-9), "pin_risk", say)

    def _times(self, expiry: int, now: int) -> Iterator[int]:
        """When to look again."""
        for hours in (*self.before_h, self.pin_within_h):
            time = expiry - round(hours * HOUR_NS)
            if time > now:
                yield time
        again = now + round(self.pin_look_s * SECOND_NS)
        if expiry - now <= self.pin_within_h * HOUR_NS and again < expiry:
            yield again


def _key(contract: ContractId) -> str:
    return f"{contract.adapter}{_SEPARATOR}{contract.name}"


def _severity(hours: float) -> Severity:
    return Severity.CRITICAL if hours <= 1 else Severity.WARNING if hours <= 24 else Severity.INFO


def _expires(contract: Contract, size: Decimal, left: int) -> str:
    when = datetime.fromtimestamp(contract.expiry // SECOND_NS, UTC)
    return f"{contract.id} expires in {span(left)}, at {when:%Y-%m-%d %H:%M} UTC; the account holds {size:+}"


def _settles(desk: Desk, contract: Contract, size: Decimal) -> Iterator[str]:
    """What settling at the present index would pay, as one part of a sentence; nothing where no index is known."""
    index = _index(desk, contract)
    if index is None:
        return
    price = _money(index)
    cash, fee = settlement_cash(contract, size, price), settlement_fee(contract, size, price)
    away = abs(index / float(contract.strike) - 1.0)
    where = "in the money" if cash else "out of the money"
    yield f"{away:.1%} {where} at the index of {index:.2f}, where it settles for {cash - fee:+z.2f} (fee {fee:.2f})"


def _delta(desk: Desk, contract: Contract, *, expired: bool) -> float | None:
    """The account's delta in the contract's underlying, `expired` without what expires with it or before; None where one is not known."""
    total = 0.0
    for position in desk.positions:
        known = desk.portfolio.contracts.get(position.contract)
        if position.contract.adapter != contract.id.adapter or (known is not None and known.underlying != contract.underlying):
            continue
        if known is None or unit_greeks(desk, known) is None:
            return None
        if not expired or known.expiry > contract.expiry:
            total += position.exposure.delta
    return total


def _index(desk: Desk, contract: Contract) -> float | None:
    """What the contract settles by, as far as it is known."""
    priced = desk.portfolio.underlyings.get((contract.id.adapter, contract.underlying))
    return desk.portfolio.underlying_price(contract.id) if priced is None else priced.price


def _money(price: float) -> Decimal:
    return Decimal(repr(price))
