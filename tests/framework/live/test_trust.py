"""After the loop stood still each account is looked at before it is traded on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from strikeloop import GapClosed
from strikeloop.live.trust import Trust


class Account:
    """A port that notes what its session is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []
        self.session = SimpleNamespace(mistrust=lambda channel, reason, now: self.told.append((channel, reason, now)))

    def pump(self) -> None:
        self.told.append(("pump", "", 0))


def order(approved: int, adapter: str = "gate") -> Any:
    return SimpleNamespace(approved=approved, command=SimpleNamespace(contract=SimpleNamespace(adapter=adapter)))


def confirmed(port: str = "account") -> GapClosed:
    return GapClosed(time=6, received=6, adapter="gate", port=port, channel="loop")


def test_nothing_is_sent_before_its_account_was_looked_at_nor_what_was_decided_before() -> None:
    account: Any = Account()
    trust = Trust({"gate": account}, SimpleNamespace(now=lambda: 5))  # type: ignore[arg-type]  # all it needs of a clock
    assert trust.allows(order(1))
    trust.lose("stood still")
    assert account.told == [("loop", "stood still", 5), ("pump", "", 0)]
    assert not trust.allows(order(6))
    trust.see(confirmed("feed"))
    assert not trust.allows(order(6))
    trust.see(confirmed())
    assert trust.allows(order(6))
    assert not trust.allows(order(4))


def test_an_account_of_another_adapter_is_not_concerned() -> None:
    account: Any = Account()
    trust = Trust({"gate": account}, SimpleNamespace(now=lambda: 5))  # type: ignore[arg-type]  # all it needs of a clock
    trust.lose("stood still")
    assert trust.allows(order(1, "other"))
