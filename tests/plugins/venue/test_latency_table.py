"""Recorded latencies on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from strikeloop_venue import LatencySettings
from strikeloop_venue.latency_table import read_table

ROWS = ((0, 10, 30), (100, 130, 190))


def test_a_csv_file_is_read_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "latency.csv"
    file.write_text("exch_ts,req_ts,resp_ts,note\n10,0,30,a\n130,100,190,b\n")
    assert read_table(str(file)) == ROWS
    assert LatencySettings(kind="table", file=str(file)).open(1).entry(50) == 20


def test_an_npz_file_is_read_as_hftbacktest_writes_it(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    file = tmp_path / "latency.npz"
    fields = [("req_ts", "i8"), ("exch_ts", "i8"), ("resp_ts", "i8"), ("_padding", "i8")]
    numpy.savez(file, data=numpy.array([(*row, 0) for row in ROWS], dtype=fields))
    assert read_table(str(file)) == ROWS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("req_ts,resp_ts\n1,2\n", "the header must name"),
        ("req_ts,exch_ts,resp_ts\n1,2,3\n1,x,3\n", "line 3"),
        ("req_ts,exch_ts,resp_ts\n1,2\n", "line 2"),
    ],
)
def test_a_csv_file_that_is_no_table_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "latency.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=told):
        read_table(str(file))


def test_an_npz_file_without_the_fields_is_refused(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    file = tmp_path / "latency.npz"
    numpy.savez(file, data=numpy.zeros(3))
    with pytest.raises(ValueError, match="must have the fields"):
        read_table(str(file))


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.csv: No such file"):
        read_table(str(tmp_path / "nowhere.csv"))
