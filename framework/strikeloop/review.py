"""The only door to a venue: every order and amendment passes what the contract allows and then every rule.

Owns `Review`, the one place where `Approved` is made. All rules are asked and all reasons recorded; a rule that
raises refuses whatever could open a position. Cancels are never judged, only checked for an order of the asker's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import attrs

from strikeloop.commands import AmendOrder, Approved, CancelOrder, Command, Refused, Resized, Reviewable, SubmitOrder, TimeInForce
from strikeloop.contracts import Contract
from strikeloop.desk import View
from strikeloop.dispatch import Call, Instance
from strikeloop.orders import Order

Reason = tuple[str, str]
Fault = tuple[Call, Exception]
ZERO = Decimal(0)
_FOK = TimeInForce.FOK
MOST_DIGITS = 15
"""Digits before the point of the largest size or price that is looked at: beyond any market, within exact arithmetic."""


@attrs.frozen
class Judgment:
    """What the review says: an approved command, or why not; which rules made it smaller, and which raised."""

    approved: Approved[Command] | None
    reasons: tuple[Reason, ...] = ()
    resized: tuple[Reason, ...] = ()
    faults: tuple[Fault, ...] = ()


class Review:
    """Judges one command at a time against the account as it stands, earlier approvals included."""

    def __init__(self, rules: Sequence[Call], view: View, blocks: Mapping[tuple[str, str], str]) -> None:
        self._rules, self._blocks, self._account = [(rule.function, rule.desk, rule) for rule in rules], blocks, view.account
        self._portfolio, self._orders, self._clock = view.portfolio, view.orders, view.clock

    def judge(self, command: Command, instance: Instance) -> Judgment:
        """The verdict on `command`, which `instance` asked for."""
        if isinstance(command, CancelOrder):
            objection = self._untouchable(command, instance)
            return Judgment(None, (("order", objection),)) if objection else self._pass(command, instance)
        reasons = self._objections(command, instance)
        if reasons:
            return Judgment(None, tuple(reasons))
        if not self._rules:
            return self._pass(command, instance)
        self._account.hold()  # nothing changes until the verdict: every rule sees the same account
        try:
            judged, reasons, resized, faults = self._ask(command)
        finally:
            self._account.release()
        if not reasons and judged is not command:
            reasons = self._objections(judged, instance)
        if reasons:
            return Judgment(None, tuple(reasons), faults=tuple(faults))
        return Judgment(Approved(judged, instance.name, self._clock.now), (), tuple(resized), tuple(faults))

    def judge_reduction(self, command: SubmitOrder | CancelOrder, name: str, most: int) -> Judgment:
        """The verdict on a command of the kill switch: what the venue takes and a size cap (`most` contracts), no rule and no block.

        It only withdraws and only reduces, so nothing that is wrong with a run, a rule that raises included, keeps a position open.
        """
        objections = self._gone(command) if isinstance(command, CancelOrder) else self._harmful(command, most)
        reasons = tuple(("order", text) for text in objections)
        return Judgment(None, reasons) if reasons else Judgment(Approved(command, name, self._clock.now))

    def _pass(self, command: Command, instance: Instance) -> Judgment:
        return Judgment(Approved(command, instance.name, self._clock.now))

    def _gone(self, command: CancelOrder) -> Iterator[str]:
        order = self._orders.get(command.client_id)
        if order is None or not order.is_working:
            yield _not_working(command.client_id, order)

    def _harmful(self, command: SubmitOrder, most: int) -> Iterator[str]:
        """What makes an order more than a reduction with a limit."""
        position = self._portfolio.position(command.contract)
        held = ZERO if position is None else position.size
        if not command.reduce_only or command.tif is not TimeInForce.IOC or command.price is None:
            yield "it is not reduce-only, at once and with a limit"
        if command.size * held >= 0 or abs(command.size) > abs(held):
            yield f"size {command.size} does not only reduce the {held} contracts held"
        if abs(command.size) > most:
            yield f"size {abs(command.size)} is above the largest of {most}"
        yield from self._unfit(command)

    def _ask(self, command: Reviewable) -> tuple[Reviewable, list[Reason], list[Reason], list[Fault]]:
        """What is left of the command, why it is refused, why it was made smaller, and which rules raised."""
        reasons: list[Reason] = []
        notes: list[Reason] = []
        faults: list[Fault] = []
        for function, desk, call in self._rules:
            try:
                verdict = function(command, desk)
                if verdict is None:
                    continue
                resized = _resize(command, verdict)
            except Exception as error:  # noqa: BLE001  # a rule that raises refuses, whatever it raised
                faults.append((call, error))
                if not _only_reduces(command):
                    reasons.append((call.instance.name, f"the rule failed: {type(error).__name__}: {error}"))
                continue
            if isinstance(verdict, Refused):
                reasons.append((call.instance.name, verdict.reason))
            elif isinstance(verdict, Resized) and resized is not command:
                notes.append((call.instance.name, verdict.reason))
            command = resized
        return command, reasons, notes, faults

    def _objections(self, command: SubmitOrder | AmendOrder, instance: Instance) -> list[Reason]:
        """What the run's state, the order or the contract itself says against the command."""
        reasons: list[Reason] = []
        block = self._block(command) if self._blocks else None
        if block is not None:
            reasons.append(("stream", block))
        if isinstance(command, AmendOrder):
            objection = self._untouchable(command, instance) or _pointless(command, self._orders.get(command.client_id))
            if objection:
                return [*reasons, ("order", objection)]
        unfit = self._unfit(command)
        return [*reasons, *(("contract", text) for text in unfit)] if unfit else reasons

    def _unfit(self, command: SubmitOrder | AmendOrder) -> list[str]:
        """What the contract says against the command."""
        contract = self._portfolio.contracts.get(command.contract)
        if contract is None:
            return [f"{command.contract.name or 'this contract'} is not listed: use one of desk.contracts"]
        if contract.expiry <= self._clock.now:
            return [f"{contract.id} has expired"]
        return _invalid(command, contract)

    def _block(self, command: SubmitOrder | AmendOrder) -> str | None:
        """Why nothing leaves for the run, or (what only reduces excepted, by the venue's own hand) for the account."""
        adapters = ("",) if _only_reduces(command) else ("", command.contract.adapter)
        return next((reason for wanted in adapters for (adapter, _), reason in self._blocks.items() if adapter == wanted), None)

    def _untouchable(self, command: CancelOrder | AmendOrder, instance: Instance) -> str:
        """Why `instance` cannot change this order; other hands' orders are theirs."""
        order = self._orders.get(command.client_id)
        if order is None or not order.is_working:
            return _not_working(command.client_id, order)
        return "" if order.instance == instance.name else f"{command.client_id} is not an order of {instance.name}"


def _only_reduces(command: SubmitOrder | AmendOrder) -> bool:
    """Whether the venue itself lets the order do nothing but reduce: no failing rule may keep a position open."""
    return isinstance(command, SubmitOrder) and command.reduce_only


def _not_working(client_id: str, order: Order | None) -> str:
    return f"there is no order {client_id}" if order is None else f"{client_id} is {order.state.value}: nothing is left to change"


def _pointless(command: AmendOrder, order: Order | None) -> str:
    if command.size is None and command.price is None:
        return "neither price nor size is given: nothing to change"
    if command.size is not None and order is not None and abs(command.size) <= abs(order.filled):
        return f"size {abs(command.size)} is not more than the {abs(order.filled)} already filled: cancel it instead"
    return ""


def _invalid(command: SubmitOrder | AmendOrder, contract: Contract) -> list[str]:
    size, price = command.size, command.price
    found = ["" if size is None else _wrong_size(size, contract), "" if price is None else _wrong_price(price, contract)]
    if isinstance(command, SubmitOrder):
        if command.tif is _FOK:
            found.append("tif fok is not offered: use ioc, or gtc")
        shown = command.iceberg
        if shown and (not shown.is_finite() or shown < 0 or shown != shown.to_integral_value()):
            found.append(f"iceberg {shown} is not a whole number of contracts to show")
    return [text for text in found if text]


def _wrong_size(size: Decimal, contract: Contract) -> str:
    if size == ZERO:
        return "size is 0: nothing to trade"
    if size != size.to_integral_value():
        return f"size {size} is not a whole number of contracts"
    if size.adjusted() >= MOST_DIGITS:
        return f"size {size} is beyond what can be traded"
    if abs(size) < contract.size_min:
        return f"size {abs(size)} is below the contract's minimum of {contract.size_min}"
    if contract.size_max is not None and abs(size) > contract.size_max:
        return f"size {abs(size)} is above the contract's maximum of {contract.size_max}"
    return ""


def _wrong_price(price: Decimal, contract: Contract) -> str:
    if price <= ZERO:
        return f"price {price} must be positive"
    if price.adjusted() >= MOST_DIGITS:
        return f"price {price} is beyond what can be traded"
    if price % contract.tick:
        return f"price {price} is off the tick of {contract.tick}: {_nearest(price, contract.tick)}"
    return ""


def _nearest(price: Decimal, tick: Decimal) -> str:
    below = price // tick * tick
    return f"the nearest are {below} and {below + tick}" if below else f"the nearest is {tick}"


def _resize(command: SubmitOrder | AmendOrder, verdict: object) -> SubmitOrder | AmendOrder:
    """`command` as the verdict leaves it. Raises TypeError or ValueError for a verdict that is none."""
    if verdict is None or isinstance(verdict, Refused):
        return command
    if not isinstance(verdict, Resized):
        raise TypeError(f"review_order must return None, Refused or Resized, got {verdict!r}")
    if type(verdict.size) not in (Decimal, int):
        raise TypeError(f"Resized wants a Decimal, got {verdict.size!r}")
    size = Decimal(verdict.size)
    if size == command.size:
        return command
    if command.size is None or size * command.size <= 0 or abs(size) > abs(command.size):
        raise ValueError(f"Resized({size}) must keep the side of {command.size} and make it smaller, or be Refused")
    return attrs.evolve(command, size=size)
