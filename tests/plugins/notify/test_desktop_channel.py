"""The specification of strikeloop_notify.desktop_channel, with a command that stands in for the desktop's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from strikeloop import Severity
from strikeloop_notify.channels import UndeliveredError
from strikeloop_notify.desktop_channel import DesktopChannel
from strikeloop_notify.notes import Message
from tests.plugins.notify.test_notes import note

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform == "darwin", reason="osascript is macOS's own")]


def desktop(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a notify-send of ours on the PATH."""
    command = folder / "notify-send"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


async def test_a_message_is_shown_with_its_urgency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop(tmp_path, monkeypatch, f'for word in "$@"; do echo "$word"; done > {tmp_path}/shown')
    await DesktopChannel().send(Message(notes=(note("--urgency=low; rm -rf", severity=Severity.CRITICAL),)))
    assert (tmp_path / "shown").read_text().splitlines() == [
        "--app-name=strikeloop",
        "--urgency=critical",
        "--",
        "CRITICAL: margin (watch)",
        "--urgency=low; rm -rf",
    ]


async def test_a_desktop_that_does_not_answer_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop(tmp_path, monkeypatch, "echo no display >&2; exit 1")
    with pytest.raises(UndeliveredError, match="failed with code 1: no display"):
        await DesktopChannel().send(Message(notes=(note(),)))


async def test_without_the_command_it_is_refused_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="notify-send is not on the PATH"):
        DesktopChannel()
