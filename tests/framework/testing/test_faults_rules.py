"""Which pieces a rule strikes: conditions, counting, chance, and the order of rules."""

from __future__ import annotations

from typing import Any

import pytest

from strikeloop.errors import ConfigError
from strikeloop.testing.faults import (
    PING,
    Connections,
    Drop,
    Frame,
    Frames,
    Opened,
    Pass,
    Passing,
    Request,
    Requests,
    Response,
    Responses,
    Rule,
    Upgrades,
)
from strikeloop.testing.faults.rules import Book

UPDATE = Passing(Frame(b'{"channel": "orders", "event": "update", "result": []}'), "client", 1)
PLACE = Request(method="POST", target="/api/orders?x=1")
UPGRADE = Request(method="GET", target="/ws", headers=(("Upgrade", "websocket"),))


def struck(rules: list[Rule], pieces: int, seed: int = 0) -> list[int]:
    """Which of so many equal frames are dropped, counted from 1."""
    book = Book(seed)
    book.add(rules)
    return [number for number in range(1, pieces + 1) if book.decide(UPDATE) == []]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [1]),
        ({"first": 3}, [3]),
        ({"times": 2}, [1, 2]),
        ({"first": 2, "times": None}, [2, 3, 4, 5, 6, 7, 8, 9]),
        ({"first": 2, "every": 3, "times": None}, [2, 5, 8]),
        ({"first": 2, "every": 3, "times": 2}, [2, 5]),
    ],
)
def test_a_rule_strikes_from_the_first_every_so_many_so_often(how: dict[str, Any], expected: list[int]) -> None:
    assert struck([Rule(Frames(), Drop(), **how)], 9) == expected


def test_a_share_is_struck_by_chance_that_the_seed_repeats() -> None:
    rules = [Rule(Frames(), Drop(), times=None, share=0.3)]
    once = struck(rules, 1_000, seed=1)
    assert 240 < len(once) < 360
    assert once == struck(rules, 1_000, seed=1)
    assert once != struck(rules, 1_000, seed=2)


def test_of_two_rules_the_first_given_decides_and_the_second_keeps_its_turn() -> None:
    good = Rule(Frames(), Pass(), first=5, every=5, times=None)
    assert struck([good, Rule(Frames(), Drop(), times=None)], 11) == [1, 2, 3, 4, 6, 7, 8, 9, 11]
    assert struck([good, Rule(Frames(), Drop(), first=5)], 11) == [6]


@pytest.mark.parametrize(
    ("when", "passing"),
    [
        (Connections(), Passing(Opened(), "client", 4)),
        (Connections(4), Passing(Opened(), "client", 4)),
        (Frames(), UPDATE),
        (Frames(to=None, text="orders", has={"event": "update", "result": []}, connection=1), UPDATE),
        (Frames(opcode=PING), Passing(Frame(b"", PING), "client", 1)),
        (Requests(), Passing(PLACE, "server", 1)),
        (Requests("POST", "/orders"), Passing(PLACE, "server", 1)),
        (Responses("POST", "x=1", status=201), Passing(Response(status=201, request=PLACE), "client", 1)),
        (Upgrades(), Passing(UPGRADE, "server", 1)),
        (Upgrades(to="client"), Passing(Response(status=101, request=UPGRADE), "client", 1)),
    ],
)
def test_a_condition_matches_what_it_describes(when: Any, passing: Passing) -> None:
    assert when.matches(passing)


@pytest.mark.parametrize(
    ("when", "passing"),
    [
        (Connections(3), Passing(Opened(), "client", 4)),
        (Connections(), UPDATE),
        (Frames(to="server"), UPDATE),
        (Frames(connection=2), UPDATE),
        (Frames(text="positions"), UPDATE),
        (Frames(has={"event": "subscribe"}), UPDATE),
        (Frames(has={"missing": None}), UPDATE),
        (Frames(has={"a": 1}), Passing(Frame(b"[1"), "client", 1)),
        (Frames(has={"a": 1}), Passing(Frame(b"[" * 100_000), "client", 1)),
        (Frames(), Passing(Frame(b"", PING), "client", 1)),
        (Frames(opcode=PING), UPDATE),
        (Requests("GET"), Passing(PLACE, "server", 1)),
        (Requests(path="/positions"), Passing(PLACE, "server", 1)),
        (Requests(), Passing(UPGRADE, "server", 1)),
        (Requests(), Passing(Response(status=201, request=PLACE), "client", 1)),
        (Responses(status=200), Passing(Response(status=201, request=PLACE), "client", 1)),
        (Responses(), Passing(Response(status=101, request=UPGRADE), "client", 1)),
        (Upgrades(), Passing(PLACE, "server", 1)),
        (Upgrades(), Passing(Response(status=101, request=UPGRADE), "client", 1)),
    ],
)
def test_a_condition_matches_nothing_else(when: Any, passing: Passing) -> None:
    assert not when.matches(passing)


@pytest.mark.parametrize("how", [{"first": 0}, {"every": 0}, {"times": 0}, {"share": 0.0}, {"share": 1.5}])
def test_a_rule_that_could_never_strike_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="a rule needs"):
        Rule(Frames(), Drop(), **how)
