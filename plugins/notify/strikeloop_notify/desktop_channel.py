"""A channel to the desktop of this machine.

Owns the commands that show a notification: notify-send (Linux, BSD) and osascript (macOS). What is told is an argument,
never a part of a command.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import anyio

from strikeloop import Severity
from strikeloop_notify.channels import UndeliveredError
from strikeloop_notify.notes import Message

_URGENCY = {Severity.INFO: "low", Severity.WARNING: "normal", Severity.CRITICAL: "critical"}
_APPLESCRIPT = "on run {body, heading}\ndisplay notification body with title heading\nend run"


class DesktopChannel:
    """Shows a message. Raises ValueError where this machine has no command for it."""

    def __init__(self) -> None:
        name = "osascript" if sys.platform == "darwin" else "notify-send"
        found = shutil.which(name)
        if found is None:
            raise ValueError(f"{name} is not on the PATH; install it (libnotify-bin on Debian), or use another sink")
        self._command = found

    async def send(self, message: Message) -> None:
        done = await anyio.run_process(self._arguments(message), stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise UndeliveredError(f"{self._command} failed with code {done.returncode}: {done.stderr.decode(errors='replace').strip()}")

    def _arguments(self, message: Message) -> list[str]:
        if sys.platform == "darwin":
            return [self._command, "-e", _APPLESCRIPT, message.body, message.title]
        urgency = _URGENCY[message.severity]
        return [self._command, "--app-name=strikeloop", f"--urgency={urgency}", "--", message.title, message.body]
