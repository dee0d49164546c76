"""`strikeloop decode`: good lines become events, bad lines are named, and nothing depends on the clock."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from strikeloop.cli import main
from tests.framework.plugin_fakes import install

GOOD = '"BTC_USDT 70000.5"'


@pytest.fixture(autouse=True)
def _fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)


def decode(text: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["decode", "--adapter", "fake-gate", *options], input=text)


def events(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_frame_becomes_an_event_on_a_line() -> None:
    result = decode(GOOD + "\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (
        result.stdout
        == '{"event":"UnderlyingPriced","time":1,"received":0,"adapter":"fake-gate","underlying":"BTC_USDT","price":70000.5}\n'
    )


def test_good_lines_around_a_bad_one_are_still_translated() -> None:
    result = decode(f'{GOOD}\n"x"\n\n{GOOD}')
    assert result.exit_code == 9
    assert len(events(result)) == 2
    assert result.stderr == "line 2: prices, words: expected two words in dialect auto\nstrikeloop: 1 line was refused\n"


def test_the_events_belong_to_the_instance_that_was_named() -> None:
    assert events(decode(GOOD, "--name", "mine"))[0]["adapter"] == "mine"


def test_the_adapter_is_told_the_dialect() -> None:
    assert "dialect seed" in decode("x", "--dialect", "seed").stderr


def test_a_line_longer_than_a_frame_is_refused() -> None:
    result = decode(f"{'x' * 1_000_001}\n{GOOD}\n")
    assert "line 1: unknown channel: longer than a frame can be: 1000001 bytes" in result.stderr
    assert (result.exit_code, len(events(result))) == (9, 1)


def test_words_of_a_venue_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in decode("x", "--dialect", "\x1b[31mred").stderr


def test_nothing_in_gives_nothing_out() -> None:
    result = decode("")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("fake-gaet", "did you mean fake-gate?"), ("gate-9", "there is no"), ("fake-undecoded", "cannot decode single frames")],
)
def test_an_adapter_that_cannot_be_used_is_a_config_error(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "strikeloop_fake-1.2.dist-info" / "entry_points.txt").write_text(
        "[strikeloop.adapters]\nfake-gate = fake_plugins:Gate\nfake-undecoded = fake_plugins:Venue\n"
    )
    result = CliRunner().invoke(main, ["decode", "--adapter", name], input=GOOD)
    assert result.exit_code == 3
    assert reason in result.stderr


def test_events_leave_while_frames_still_come_and_a_closed_reader_is_no_error(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])}
    command = [sys.executable, "-m", "strikeloop", "decode", "--adapter", "fake-gate"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(GOOD.encode() + b"\n")
        child.stdin.flush()
        assert b"UnderlyingPriced" in child.stdout.readline()
        child.stdout.close()
        child.stdin.write((GOOD.encode() + b"\n") * 2_000)
        child.stdin.close()
        assert child.stderr.read() == b""
    assert child.returncode == 0


# ---- the Gate adapter ----------------------------------------------------------------------------------------------

POSITION = {
    "time": 1234567890,
    "channel": "options.positions",
    "event": "update",
    "result": {
        "contract": "BTC_USDT-20230630-30000-C",
        "size": "1.0",
        "entry_price": "2000",
        "mark_price": "2100",
        "realised_pnl": "0",
        "unrealised_pnl": "100",
        "delta": "0.65",
        "gamma": "0.0001",
        "vega": "10",
        "theta": "-5",
    },
}


def gate(*frames: Any) -> Result:
    pytest.importorskip("strikeloop_gate")
    text = "\n".join(frame if isinstance(frame, str) else json.dumps(frame) for frame in frames)
    return CliRunner().invoke(main, ["decode", "--adapter", "gate"], input=text)


def test_a_position_of_the_seed_document_is_an_event_received_when_the_frame_says() -> None:
    (event,) = events(gate(POSITION))
    assert (event["event"], event["size"], event["delta"], event["received"]) == ("PositionUpdated", "1", 0.65, 1_234_567_890_000_000_000)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"size": True}, "size"), ({"delta": "NaN"}, "delta"), ({"entry_price": None}, "entry_price"), ({"gamma": "1e999"}, "gamma")],
)
def test_a_bad_figure_is_named_with_its_channel_and_field(change: dict[str, Any], field: str) -> None:
    result = gate(POSITION, {**POSITION, "result": {**POSITION["result"], **change}}, POSITION)  # type: ignore[dict-item]  # the result is a mapping
    assert (result.exit_code, len(events(result))) == (9, 2)
    assert result.stderr.startswith("line 2: options.positions, ")
    assert field in result.stderr


@pytest.mark.parametrize("line", ["{", "[", "null", "5", '{"channel": 5}', "\\xff", '{"time": NaN}', "[" * 9_000, '{"a":1,"a":2}'])
def test_what_is_no_frame_is_refused_and_the_next_one_read(line: str) -> None:
    result = gate(line, POSITION)
    assert (result.exit_code, len(events(result))) == (9, 1)


def test_a_recorded_frame_is_decoded_with_the_time_it_was_received(tmp_path: Path) -> None:
    recorded = json.dumps({"received": 17, "frame": GOOD}) + "\n"
    assert [event["received"] for event in events(decode(recorded))] == [17]
    with gzip.open(tmp_path / "frames.jsonl.gz", "wt") as file:
        file.write(recorded * 2)
    (tmp_path / "frames.jsonl").write_text(recorded)
    both = decode("", str(tmp_path / "frames.jsonl.gz"), str(tmp_path / "frames.jsonl"))
    assert [event["received"] for event in events(both)] == [17, 17, 17]


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    frames = "".join(json.dumps({"received": at, "frame": GOOD}) + "\n" for at in range(2_000))
    whole = gzip.compress(frames.encode())
    (tmp_path / "frames.jsonl.gz.part").write_bytes(whole[:-20])
    result = decode("", str(tmp_path / "frames.jsonl.gz.part"))
    assert events(result)
    assert "was cut off" in result.stderr


def test_a_recording_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "frames.jsonl.gz").write_text("no gzip")
    assert decode("", str(tmp_path / "frames.jsonl.gz")).exit_code != 0
