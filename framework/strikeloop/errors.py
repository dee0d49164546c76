"""Every error strikeloop raises; the first level below the root says who must act.

Owns the error tree and nothing else. A message says what happened, where, what was expected and what to do;
it never holds a secret. Whether a retry can help is a property of the class (`retryable`), not of the message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import attrs


class StrikeloopError(Exception):
    """The root: catch this to catch everything strikeloop raises on purpose."""

    retryable: ClassVar[bool] = False


@attrs.frozen
class Problem:
    """One thing that is wrong before a run: where it stands, what it is, and how to mend it."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.fix})" if self.fix else "")


class ConfigError(StrikeloopError):
    """The user must act: configuration, command line, files, installed plugins.

    `problems` holds everything that was found wrong, so that one report names all of it.
    """

    def __init__(self, problems: Iterable[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = Problem("config", problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class PluginError(StrikeloopError):
    """The author of a plugin must act: a hook that cannot be registered, or one that raised."""

    def __init__(self, message: str, *, plugin: str = "", hook: str = "") -> None:
        self.plugin, self.hook = plugin, hook
        super().__init__(message)


class StorageError(StrikeloopError):
    """The owner of the machine must act: a journal or a file is damaged, full or cannot be written."""


class StateInUseError(StorageError):
    """Another process holds the state directory."""


class InvariantError(StrikeloopError):
    """We must act: strikeloop broke a promise of its own."""


class VenueError(StrikeloopError):
    """The venue did, or said, something that stops us: `code` and `channel` where it named them."""

    retryable = True

    def __init__(self, message: str, *, code: int | str | None = None, channel: str = "") -> None:
        self.code, self.channel = code, channel
        super().__init__(message)


class LinkLostError(VenueError):
    """A connection could not be made, or ended."""


class AuthRejectedError(VenueError):
    """The venue refused our credentials. Trying again at once can only make it worse."""

    retryable = False


class SubscriptionRefusedError(VenueError):
    """The venue refused one channel; the others are not concerned."""


class OrderRejectedError(VenueError):
    """The venue refused an order and said so: the order does not exist there."""

    retryable = False


class OutcomeUnknownError(VenueError):
    """A request was sent and no answer came: the venue may or may not have acted on it."""

    retryable = False


class DecodeError(VenueError):
    """Bytes from the venue that are not what the venue documents: nothing of them was used.

    `field` is the path inside the frame (`result[0].size`), `reason` what is wrong with it, `frame` at most
    the first 2,048 characters of the text.
    """

    retryable = False

    def __init__(self, reason: str, *, channel: str = "", field: str = "", frame: str = "") -> None:
        self.reason, self.field, self.frame = reason, field, frame[:2048]
        where = " ".join(part for part in (channel or "unknown channel", field) if part)
        super().__init__(f"{where}: {reason}", channel=channel)
