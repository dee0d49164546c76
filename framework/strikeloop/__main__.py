"""The door of the command line: the script `strikeloop`, and `python -m strikeloop`.

Owns what Ctrl-C means while the command line is still loading and after it has ended. Imports nothing before it stands guard.
"""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line of this process and end it with the command's exit code."""
    try:
        from strikeloop.cli import main as command  # noqa: PLC0415 - loading takes long enough to be interrupted

        command(prog_name="strikeloop")
    except KeyboardInterrupt:
        sys.stderr.write("strikeloop: interrupted\n")
        sys.exit(INTERRUPTED)
    finally:
        from signal import SIG_IGN, SIGINT, signal  # noqa: PLC0415 - as above

        signal(SIGINT, SIG_IGN)  # the exit code is decided; Python's own ending is nothing to interrupt


if __name__ == "__main__":
    main()
