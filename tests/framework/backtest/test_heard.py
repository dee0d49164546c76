"""The specification of strikeloop.backtest.heard: who hears of which row, told for many at once."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import pytest

from strikeloop import ContractId, ContractListed, RunStarted
from strikeloop.backtest.heard import Ears, Heard
from strikeloop.backtest.merge import stretches
from strikeloop.columns import Batch
from strikeloop.passing import Stretch
from tests.framework.backtest.columnar import Market
from tests.framework.stage import CALL, PUT, Stage, contract, made, watching
from tests.framework.test_columns import quotes


def staged(*plugins: Any, times: range, keys: list[int] | None = None, names: tuple[Any, ...] = (CALL, PUT)) -> tuple[Stage, Stretch, Ears]:
    stage = Stage(*plugins, start=False)
    stage.step(RunStarted(time=0, received=0))
    (stretch,) = stretches([Market([Batch(parts=(quotes(*times, names=names, keys=keys),))], ())])
    return stage, stretch, Ears(stage.engine.dispatch)


def heard(*plugins: Any, times: range, keys: list[int] | None = None) -> Heard:
    _, stretch, ears = staged(*plugins, times=times, keys=keys)
    return Heard(stretch, 0, ears)


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


def test_rows_are_looked_at_some_at_a_time_and_counted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    _, stretch, ears = staged(listening(CALL, every=3), listening(PUT), times=range(10), keys=[0, 0, 1, 0, 0, 0, 0, 1, 0, 0])
    monkeypatch.setattr("strikeloop.backtest.heard.MOST", 4)
    ears.span = 1
    assert delivered(Heard(stretch, 0, ears)) == [(3, ["s2"]), (4, ["s"]), (7, ["s"]), (8, ["s2"])]


def test_a_listing_asks_only_about_its_contract_and_looks_at_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    late = ContractId.of("sim", "BTC_USDT-20260626-80000-C")
    stage, stretch, ears = staged(listening("BTC_USDT"), times=range(6), keys=[0, 2, 0, 2, 1, 2], names=(CALL, PUT, late))
    before = Heard(stretch, 0, ears)
    assert [after for after, _ in delivered(before, 3)] == [1, 3]
    asked: list[ContractId] = []
    plain = stage.engine.dispatch.heard

    def noted(kind: Any, key: Any) -> Any:
        asked.append(key)
        return plain(kind, key)

    monkeypatch.setattr(stage.engine.dispatch, "heard", noted)
    stage.step(ContractListed(time=3, received=3, contract=late, specification=contract(late)))
    assert ears.is_old
    before.count(3)
    ears.renew()
    assert not ears.is_old
    assert [after for after, _ in delivered(Heard(stretch, 3, ears), 6)] == [4, 5, 6]
    assert asked == [late]
