"""No margin at all: for studies of matching alone, and venues that lend without limit.

Owns `Free` and `FREE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs

from strikeloop.margin.account import AccountMargin, Holding, OpenOrder

ZERO = Decimal(0)
_NOTHING = AccountMargin(initial=ZERO, maintenance=ZERO, order=ZERO)


@attrs.frozen
class Free:
    """Nothing is held back for positions and orders: every order is affordable, and no account is liquidated while it has cash."""

    def account(self, _holdings: Sequence[Holding], _orders: Sequence[OpenOrder] = (), /) -> AccountMargin:
        """Nothing, whatever is held."""
        return _NOTHING


FREE = Free()
