"""The loop that delivers rows to the calls of one route, written out for each number of calls.

Owns `loop_of`. Theory: going through a route costs a row about as much for each call as the call of an empty function; written one
below the other the calls cost only themselves. It knows nothing of plugins but that they may raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from strikeloop.clock import Clock
from strikeloop.dispatch import Route

if TYPE_CHECKING:
    from strikeloop.passing import Passing

End = tuple[int, Any, Exception | None] | None
"""The number of the last call that was made, for which row, and what it raised; None when no row is left."""
Loop = Callable[["Passing", Iterable[tuple[int, Any]], Clock, list[str], Route], End]


@cache
def loop_of(count: int) -> Loop:
    """A function of (passing, rows, clock, asked, route) for a route of `count` calls.

    Of each row it says at `passing.at` how many have passed with it, and moves the clock to it; then it makes the calls, in order. It
    stops behind the row for which something was `asked`, and at the call that raises.
    """
    taken = "".join(f"(f{number}, d{number}, _, _), " for number in range(count))
    calls = [f"   number = {number}; f{number}(event, d{number})" for number in range(count)]
    lines = [
        "def deliver(passing, rows, clock, asked, route):",
        f" ({taken}) = route",
        " number, event = -1, None",
        " try:",
        "  for passing.at, event in rows:",
        "   clock.now = event.received",
        *calls,
        "   if asked:",
        "    return number, event, None",
        " except Exception as error:",
        "  if number < 0:",
        "   raise",
        "  return number, event, error",
    ]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)  # noqa: S102  # nothing but numbers goes into the text
    deliver: Loop = scope["deliver"]
    return deliver


__all__ = ["End", "Loop", "loop_of"]
