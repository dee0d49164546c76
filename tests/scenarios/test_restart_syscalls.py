"""The order of system calls: an intent is on disk before the bytes of its order leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.kills import configure, venue_process
from tests.scenarios.syscalls import STRACE, Order, orders, traced

pytest.importorskip("strikeloop_gate")
pytest.importorskip("strikeloop_venue")

WRITTEN = r'7 1.0 pwrite64(5</r/journal.sqlite-wal>, "{\"client_id\":\"t-abcdef-churn-1\"", 9, 0) = 9'
SYNCED = "7 1.1 fdatasync(5</r/journal.sqlite-wal>) = 0"
BEGUN, RESUMED = "7 1.1 fdatasync(5</r/journal.sqlite-wal> <unfinished ...>", "7 1.2 <... fdatasync resumed>) = 0"
SENT = r'8 2.0 write(9<socket:[1]>, "POST /api/v4/options/orders HTTP/1.1\r\n\r\n{\"text\":\"t-abcdef-churn-1\"}", 9) = 9'


@pytest.mark.parametrize(
    ("lines", "synced"),
    [
        ((WRITTEN, SYNCED, SENT), True),
        ((WRITTEN, BEGUN, RESUMED, SENT), True),
        ((WRITTEN, SENT, SYNCED), False),
        ((WRITTEN, BEGUN, SENT, RESUMED), False),
        ((SYNCED, WRITTEN, SENT), False),
        ((BEGUN, WRITTEN, RESUMED, SENT), False),
        ((WRITTEN, SYNCED.replace("= 0", "= -1 EIO"), SENT), False),
    ],
)
def test_a_trace_tells_what_was_on_disk_when_an_order_left(tmp_path: Path, lines: tuple[str, ...], synced: bool) -> None:
    trace = tmp_path / "trace"
    trace.write_text("\n".join(lines))
    assert orders(trace) == [Order(client_id="t-abcdef-churn-1", synced=synced)]


@pytest.mark.skipif(STRACE is None, reason="strace is not installed: apt-get install strace")
def test_the_intent_of_each_order_is_synced_before_the_order_is_sent(tmp_path: Path) -> None:
    with venue_process(tmp_path) as (venue,):
        configure(tmp_path, venue)
        with traced(tmp_path, tmp_path / "trace", "--duration", "2") as run:
            assert run.wait(60) == 0
    left = orders(tmp_path / "trace")
    assert left
    assert [order for order in left if not order.synced] == []
