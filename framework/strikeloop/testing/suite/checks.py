"""How a check is made and run: on virtual time, over a network in memory, on asyncio and trio.

Owns `Checks`, which the groups of checks extend, and `check`, which makes a test of each.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import anyio
import pytest

from strikeloop.testing.suite.books import Books
from strikeloop.testing.suite.broken import ContractBrokenError, broken, place
from strikeloop.testing.suite.play import Play
from strikeloop.testing.suite.spelling import Spelling
from strikeloop.testing.virtual import NoTrioError, VirtualClock, run_virtually
from strikeloop.wire.network import through

S = TypeVar("S", bound="Checks")
BELOW = frozenset({"strikeloop", "anyio", "trio", "outcome", "httpx", "attr", "attrs", "cattrs", "pluggy"})


class Checks:
    """What a suite is told: the venue's spelling, and a function that gives the adapter's settings anew each time."""

    spelling: ClassVar[Spelling]
    backends: ClassVar[tuple[str, ...]] = ("asyncio", "trio")
    books: ClassVar[Callable[..., Books]] = Books
    recorded: ClassVar[tuple[bytes, ...]] = ()
    """Frames that the venue really sent."""
    package: ClassVar[str] = ""
    """The package of the adapter, where it is not that of its settings."""

    def adapter(self) -> Any:
        """The settings of the adapter, with the credentials KEY and SECRET where it takes any."""
        raise NotImplementedError("give the settings of your adapter: def adapter(self): return MyVenue(key=Secret(KEY), …)")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each check runs on each backend, those that wait for nothing on one."""
        if "backend" in metafunc.fixturenames:
            is_pure = getattr(metafunc.function, "is_pure", False)
            metafunc.parametrize("backend", self.backends[:1] if is_pure else self.backends)


def check(*, is_pure: bool = False) -> Callable[[Callable[[S, Play], Awaitable[None]]], Callable[[S, str], None]]:
    """Make a test of a check, which is played on a stage of its own."""

    def made(played: Callable[[S, Play], Awaitable[None]]) -> Callable[[S, str], None]:
        def test(self: S, backend: str) -> None:
            _run(backend, self, played)

        test.__name__, test.__qualname__, test.__doc__ = played.__name__, played.__qualname__, played.__doc__
        test.__module__ = played.__module__
        test.is_pure = is_pure  # type: ignore[attr-defined]  # read where tests are collected
        return test

    return made


def _run(backend: str, suite: S, played: Callable[[S, Play], Awaitable[None]]) -> None:
    __tracebackhide__ = True  # what a check says is enough; how it came to say so is ours
    plays: list[Play] = []

    async def play_it() -> None:
        play = Play(suite, VirtualClock())
        plays.append(play)
        with through(play.venue):
            try:
                await played(suite, play)
            finally:
                with anyio.CancelScope(shield=True):
                    await play.adapter.aclose()
        if play.venue.confused:
            got = f"the spelling could not read {play.venue.confused[0]}"
            broken(play.story, "every frame and request of the adapter is one that the venue knows", got, place(suite.spelling))

    try:
        run_virtually(backend, play_it)
    except NoTrioError as error:
        pytest.skip(str(error))
    except Exception as error:  # noqa: BLE001 - also the groups of task groups; told by what is in them
        raise _told(error, plays, played.__doc__ or "").with_traceback(None) from None


def _told(error: BaseException, plays: list[Play], expected: str) -> BaseException:
    """A broken contract, or a skip, as it is; an error that the adapter let out as a broken contract; else the first error."""
    leaves = _leaves(error)
    told = [leaf for leaf in leaves if isinstance(leaf, ContractBrokenError | pytest.skip.Exception)]
    if told:
        return told[0]
    where = _place_in(leaves[0])
    if not where:
        return leaves[0]
    happened, got = plays[0].story, f"{type(leaves[0]).__name__}: {leaves[0]}"
    return ContractBrokenError(happened, expected.splitlines()[0] if expected else "no error", got, where)


def _place_in(error: BaseException) -> str:
    """The last line that an error came through which is neither ours nor of a library below us, "" for none."""
    for frame, line in reversed([*traceback.walk_tb(error.__traceback__)]):
        top = frame.f_globals.get("__name__", "").partition(".")[0]
        if top not in BELOW and top not in sys.stdlib_module_names:
            return f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name}:{line})"
    return ""


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for one in error.exceptions for leaf in _leaves(one)]
