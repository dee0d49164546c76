"""Frames that could not be read: kept in their beginnings, without secrets, and not many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strikeloop import DecodeError
from strikeloop.journal.quarantine import FIRST, MOST, Quarantine, redacted


def kept(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_frame_is_kept_with_what_is_wrong_where_and_when(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path)
    assert not path.exists()
    quarantine.keep("gate", "account", DecodeError("expected `number`", channel="options.orders", field="result.size", frame="{…}"), 5)
    assert kept(path) == [
        {
            "received": 5,
            "adapter": "gate",
            "port": "account",
            "channel": "options.orders",
            "field": "result.size",
            "reason": "expected `number`",
            "frame": "{…}",
        }
    ]


def test_of_a_frame_the_beginning_is_kept_and_of_a_run_the_first_frames(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    quarantine = Quarantine(path)
    for number in range(MOST + 5):
        quarantine.keep("gate", "feed", DecodeError("bad", frame="x" * 10_000), number)
    lines = kept(path)
    assert [line["received"] for line in lines] == list(range(MOST))
    assert {len(str(line["frame"])) for line in lines} == {FIRST}
    assert quarantine.count == MOST + 5


@pytest.mark.parametrize(
    "text",
    [
        '{"auth":{"method":"api_key","KEY":"s3cr3t","SIGN":"s3cr3t"}}',
        '{"auth":{"KEY": "s3cr3t", "SIGN": "s3c\\"r3t s3cr3t',
        "key=s3cr3t&sign=s3cr3t",
        "{'api_secret': 's3cr3t', 'signature': 's3cr3t'}",
        "Authorization: s3cr3t",
        '{"apiKey":"s3cr3t"}',
    ],
)
def test_what_secrets_are_called_by_is_masked(text: str) -> None:
    assert "s3c" not in redacted(text)
    assert "***" in redacted(text)


def test_what_is_none_stays() -> None:
    text = '{"key_rate": 5, "contract": "BTC_USDT-20260626-70000-C", "design": "x", "asks": [{"p": "1"}]}'
    assert redacted(text) == text


def test_a_disk_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "nowhere" / "quarantine.jsonl")
    quarantine.keep("gate", "feed", DecodeError("bad", frame="x"), 1)
    assert quarantine.count == 1
