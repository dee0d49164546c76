"""The specification of strikeloop.backtest.heard: who hears of which row, told for many at once."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest

from strikeloop import RunStarted
from strikeloop.backtest.heard import Ears, Heard
from strikeloop.backtest.merge import stretches
from strikeloop.columns import Batch
from tests.framework.backtest.columnar import Market
from tests.framework.stage import CALL, PUT, Stage, made, watching
from tests.framework.test_columns import quotes


def heard(*plugins: Any, times: range, keys: list[int] | None = None) -> Heard:
    stage = Stage(*plugins, start=False)
    stage.step(RunStarted(time=0, received=0))
    rows = quotes(*times, names=(CALL, PUT), keys=keys)
    (stretch,) = stretches([Market([Batch(parts=(rows,))], ())])
    return Heard(stretch, 0, Ears(stage.engine.dispatch))


def listening(*targets: Any, **options: Any) -> Any:
    return made(on_start=watching(*targets, **options), on_quote=lambda _event, _desk: None)


def delivered(heard: Heard, stop: int = 1_000_000) -> list[tuple[int, list[str]]]:
    """After how many rows who heard."""
    found = []
    while (some := heard.until(stop)) is not None:
        rows, routes = some
        for (after, _), calls in zip(rows, repeat(routes) if isinstance(routes, tuple) else routes, strict=False):
            found.append((after, [instance.name for _, _, instance, _ in calls]))
            heard.took(after)
    return found


def test_what_nobody_watches_is_not_built() -> None:
    assert delivered(heard(listening(CALL), times=range(4), keys=[0, 1, 1, 0])) == [(1, ["s"]), (4, ["s"])]


def test_each_nth_row_is_counted_for_each_who_hears() -> None:
    found = delivered(heard(listening(CALL, every=2), listening(CALL, every=3), times=range(6)))
    assert found == [(2, ["s"]), (3, ["s2"]), (4, ["s"]), (6, ["s", "s2"])]


def test_it_is_taken_piece_by_piece() -> None:
    rows = heard(listening(CALL), times=range(10))
    assert [after for after, _ in delivered(rows, 3)] == [1, 2, 3]
    assert rows.until(3) is None
    assert [after for after, _ in delivered(rows, 5)] == [4, 5]


def test_more_rows_than_are_built_at_once_are_all_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikeloop.backtest.heard.CHUNK", 4)
    assert [after for after, _ in delivered(heard(listening(CALL), times=range(10)))] == list(range(1, 11))
