"""The fixtures that come with the core, the factories behind them, and recorded frames."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from strikeloop import ConfigError, Event, Quoted
from strikeloop import events as e
from strikeloop.testing import CALL, Frames, ManualClock, contract, event

KINDS = [kind for kind in vars(e).values() if isinstance(kind, type) and issubclass(kind, Event) and not kind.__subclasses__()]


def test_the_clock_stands_still_until_it_is_moved(clock: ManualClock) -> None:
    before = clock.now()
    assert (clock.now() - before, clock.pass_s(2.5) - before) == (0, 2_500_000_000)


def test_frames_are_read_from_the_folder_beside_the_test(frames: Frames) -> None:
    assert frames.folder == Path(__file__).parent / "frames"


def test_a_file_of_frames_has_one_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(b'{"a": 1}\n\n{"a": 2}\n')
    (tmp_path / "book.json").write_bytes(b'{\n"b": 1}')
    frames = Frames(tmp_path)
    assert (frames("orders"), frames("book")) == ((b'{"a": 1}', b'{"a": 2}'), (b'{\n"b": 1}',))
    assert (frames.names, len(frames.all())) == (("book", "orders"), 3)


def test_a_file_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(b"{}")
    with pytest.raises(ConfigError, match=r"fills.jsonl: there is no such file of frames \(frames recorded here: orders\)"):
        Frames(tmp_path)("fills")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_event_can_be_made_without_saying_anything(kind: type[Any]) -> None:
    made = event(kind, at=7)
    assert (type(made), made.time, made.received) == (kind, 7, 7)
    assert event(kind, at=7) == made


def test_what_is_said_of_an_event_holds() -> None:
    quote = event(Quoted, bid=None, contract=CALL)
    assert (quote.bid, quote.contract) == (None, CALL)
    with pytest.raises(TypeError, match="bd"):
        event(Quoted, bd=1)


def test_only_events_are_made() -> None:
    with pytest.raises(ConfigError, match="makes events"):
        event(int)  # type: ignore[type-var]  # what is refused here


def test_what_is_said_of_a_contract_holds() -> None:
    put = contract("P", is_call=False, strike=D(5))
    assert (put.id.name, put.is_call, put.strike, put.underlying) == ("P", False, D(5), "BTC")


def test_the_fixtures_load_no_engine_until_they_are_used() -> None:
    program = "import sys, strikeloop.testing.fixtures; sys.exit('strikeloop.engine' in sys.modules or 'anyio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
