"""Rules as values, and the book that counts what each has met: which fault a passing piece meets is decided here.

Owns `Rule` and `Book`. Random numbers come from a seed and are drawn per rule, so that one rule's luck does not depend
on what the others meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

import attrs

from strikeloop.errors import ConfigError
from strikeloop.testing.faults.ops import Op
from strikeloop.testing.faults.pieces import Passing
from strikeloop.testing.faults.what import Fault
from strikeloop.testing.faults.when import When


def _as_tuple(what: Fault | Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(what) if isinstance(what, Sequence) else (what,)


@attrs.frozen
class Rule:
    """What `when` matches meets `what`: one fault, or several in their order.

    `first` is the first match that is struck, 1 the very first; then each `every`-th, `times` in all (None: without end).
    `share` is the probability that a match is struck at all, decided by the proxy's seed. Where several rules strike the
    same piece, the one given first decides; the others have counted it and keep their turn.

    >>> from strikeloop.testing.faults import Drop, Frames, Rule
    >>> Rule(Frames(has={"channel": "options.orders"}), Drop(), first=3).times
    1
    """

    when: When
    what: tuple[Fault, ...] = attrs.field(converter=_as_tuple)
    first: int = attrs.field(default=1, kw_only=True)
    every: int = attrs.field(default=1, kw_only=True)
    times: int | None = attrs.field(default=1, kw_only=True)
    share: float = attrs.field(default=1.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.first < 1 or self.every < 1 or (self.times is not None and self.times < 1) or not 0 < self.share <= 1:
            raise ConfigError(f"a rule needs first, every and times of at least 1 and a share in (0, 1]: {self}")


@attrs.define(eq=False)
class Counted:
    """A rule in use: how many pieces it matched and how many it struck."""

    rule: Rule
    random: Random
    matches: int = 0
    strikes: int = 0

    def meets(self, passing: Passing) -> bool:
        """Count the piece where it matches; whether it is to be struck."""
        rule = self.rule
        if not rule.when.matches(passing):
            return False
        self.matches += 1
        is_due = self.matches >= rule.first and (self.matches - rule.first) % rule.every == 0
        is_left = rule.times is None or self.strikes < rule.times
        return is_due and is_left and (rule.share >= 1 or self.random.random() < rule.share)


@attrs.define(eq=False)
class Book:
    """All rules of a proxy, in order."""

    seed: int
    rules: list[Counted] = attrs.field(factory=list, init=False)
    _added: int = attrs.field(default=0, init=False)

    def add(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            self._added += 1
            random = Random(f"{self.seed}/{self._added}")
            self.rules.append(Counted(rule, random))

    def decide(self, passing: Passing) -> list[Op] | None:
        """What is done with the piece; None where no rule strikes it."""
        due = [counted for counted in self.rules if counted.meets(passing)]
        if not due:
            return None
        due[0].strikes += 1
        return [op for fault in due[0].rule.what for op in fault.ops(passing, due[0].random)]
