"""The specification of strikeloop.backtest.merge: any sources in any batches are one market in order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.backtest.merge import stretches
from strikeloop.columns import Batch
from tests.framework.backtest.columnar import Market
from tests.framework.test_columns import quotes

batches = st.lists(st.lists(st.integers(0, 2), max_size=4), max_size=4)
"""Of each row how long after the one before it comes."""


def source(steps: list[list[int]]) -> Market:
    times = iter(accumulate(step for batch in steps for step in batch))
    return Market([Batch(parts=(quotes(*(next(times) for _ in batch)),)) for batch in steps], ())


@given(st.lists(batches, min_size=1, max_size=3))
def test_rows_come_by_time_then_by_rank_of_their_source_then_in_sequence(all_steps: list[list[list[int]]]) -> None:
    markets = [source(steps) for steps in all_steps]
    for rank, market in enumerate(markets):  # each row says where it is from
        marked, count = [], 0
        for batch in market._batches:
            (part,) = batch.parts
            part.fields["bid"][:] = rank * 1_000 + count + np.arange(len(part))
            count += len(part)
            marked.append(batch)
    expected = sorted((event.time, event.bid) for market in markets for event in market.events())  # type: ignore[attr-defined]  # quotes all
    merged = [event for stretch in stretches(markets) for event in stretch.events(np.arange(len(stretch)))]
    assert [(event.time, event.bid) for event in merged] == expected


def test_no_more_of_a_source_is_read_than_the_others_have_come_to() -> None:
    read: list[int] = []

    class Counting(Market):
        def batches(self) -> Iterator[Batch]:
            for number, batch in enumerate(self._batches):
                read.append(number)
                yield batch

    near, far = source([[1], [1], [1], [1]]), Counting([Batch(parts=(quotes(time),)) for time in (2, 100, 200, 300)], ())
    next(stretches([near, far]))
    assert read == [0]
