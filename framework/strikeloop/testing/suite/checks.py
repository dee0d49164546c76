"""How a check is made and run: on virtual time, over a network in memory, on asyncio and trio.

Owns `Checks`, which the groups of checks extend, and `check`, which makes a test of each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

import anyio
import pytest

from strikeloop.errors import ConfigError
from strikeloop.testing.suite.books import Books
from strikeloop.testing.suite.broken import ContractBrokenError, broken, place
from strikeloop.testing.suite.play import Play
from strikeloop.testing.suite.spelling import Spelling
from strikeloop.testing.virtual import VirtualClock, run_virtually
from strikeloop.wire.network import through

S = TypeVar("S", bound="Checks")


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
    async def play_it() -> None:
        play = Play(suite, VirtualClock())
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
    except ConfigError as error:
        if "trio" not in str(error):
            raise
        pytest.skip(str(error))
    except BaseExceptionGroup as group:
        raise _first(group) from None


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    """What a task group has wrapped: a broken contract, a skip, or else the first error."""
    leaves = [*_leaves(group)]
    told = [leaf for leaf in leaves if isinstance(leaf, ContractBrokenError | pytest.skip.Exception)]
    return (told or leaves)[0]


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for one in group.exceptions:
        found += _leaves(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
