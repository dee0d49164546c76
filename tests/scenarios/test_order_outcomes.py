"""Orders, cancels and amendments on a venue that fails in every way: what we know in the end is what its books say.

Each seed is two and a half minutes of trading in virtual time. The full figure, 2,000 seeds, is
tests/benchmarks/bench_order_outcomes.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from strikeloop.live import run
from strikeloop.testing.virtual import run_virtually
from tests.scenarios.doubtful_venue import Play, Verdict

SEEDS = 10
RESOLVED_S = 35.0
CANCELED_S = 10.0


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four ticks a second: the time is virtual, the work is not."""
    monkeypatch.setattr(run, "TICK_S", 0.25)


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def verdicts(request: pytest.FixtureRequest) -> Iterator[list[Verdict]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "TICK_S", 0.25)
        yield [run_virtually(request.param, Play(seed).run) for seed in range(SEEDS)]


def test_no_order_is_sent_twice_none_is_orphaned_and_each_ends_as_it_did_at_the_venue(verdicts: list[Verdict]) -> None:
    assert {seed: verdict.wrong for seed, verdict in enumerate(verdicts) if verdict.wrong} == {}


def test_every_doubt_is_resolved_within_35_seconds(verdicts: list[Verdict]) -> None:
    assert max(took for verdict in verdicts for took in verdict.resolved_s) <= RESOLVED_S


def test_a_canceled_order_is_over_here_within_10_seconds(verdicts: list[Verdict]) -> None:
    assert max(took for verdict in verdicts for took in verdict.canceled_s) <= CANCELED_S


def test_every_kind_of_outcome_was_met(verdicts: list[Verdict]) -> None:
    assert all(sum(getattr(verdict, kind) for verdict in verdicts) for kind in ("orders", "unknown", "absent", "revived"))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_order_that_differs_from_the_books_would_be_seen(backend: str) -> None:
    play = Play(0)

    async def run_and_forge() -> Verdict:
        await play.run()
        client_id = next(iter(play.account.posts))
        play.account.posts[client_id] += 1
        play.account.orders.pop(next(iter(play.account.orders)))
        play.judge()
        return play.verdict

    wrong = run_virtually(backend, run_and_forge).wrong
    assert any("was sent 2 times" in line for line in wrong)
    assert any("never came to the venue" in line for line in wrong)
