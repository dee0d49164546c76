"""How far the kill switch may go when it closes positions: section [halt] of a configuration.

Owns `HaltSettings`. Limits of price, size, number and time, checked against one another.
"""

from __future__ import annotations

from typing import Any

import attrs

from strikeloop.clock import SECOND_NS


def _not_below_collar(settings: HaltSettings, _: attrs.Attribute[Any], value: float) -> None:
    if value < settings.collar:
        raise ValueError(f"'collar_max' must not be below collar ({settings.collar:g}), got {value:g}")


def _above_cancel(settings: HaltSettings, _: attrs.Attribute[Any], value: float) -> None:
    if value <= settings.cancel_s:
        raise ValueError(f"'give_up_s' must be above cancel_s ({settings.cancel_s:g}), got {value:g}")


@attrs.frozen(kw_only=True)
class HaltSettings:
    """Section [halt]: the limits of a flattening.

    An order may be worse than the mark by `collar` (a fraction of the mark) or `ticks` (of the contract), whichever is more; after an
    order that did not fill whole by `collar_step` and `ticks` more, up to `collar_max`. It is of at most `order_size` contracts, one
    per contract at a time and every `every_s`. A contract is given up after `attempts` orders that did not fill whole. Positions are
    closed once every order is withdrawn, after `cancel_s` at the latest; `give_up_s` after it began the kill switch gives up.
    `end_run` ends the run when the kill switch has done what it was asked for, or has given up.
    """

    collar: float = attrs.field(default=0.1, validator=(attrs.validators.gt(0), attrs.validators.le(1)))
    collar_step: float = attrs.field(default=0.1, validator=(attrs.validators.ge(0), attrs.validators.le(1)))
    collar_max: float = attrs.field(default=0.5, validator=(attrs.validators.le(1), _not_below_collar))
    ticks: int = attrs.field(default=2, validator=attrs.validators.ge(0))
    order_size: int = attrs.field(default=100, validator=attrs.validators.ge(1))
    attempts: int = attrs.field(default=20, validator=attrs.validators.ge(1))
    every_s: float = attrs.field(default=1.0, validator=attrs.validators.gt(0))
    cancel_s: float = attrs.field(default=10.0, validator=attrs.validators.ge(0))
    give_up_s: float = attrs.field(default=300.0, validator=_above_cancel)
    end_run: bool = False

    @property
    def widest(self) -> int:
        """How many times the collar is widened until it is at its widest."""
        return 0 if not self.collar_step else -int(-(self.collar_max - self.collar) // self.collar_step)

    @property
    def every_ns(self) -> int:
        return round(self.every_s * SECOND_NS)

    @property
    def cancel_ns(self) -> int:
        return round(self.cancel_s * SECOND_NS)

    @property
    def give_up_ns(self) -> int:
        return round(self.give_up_s * SECOND_NS)
