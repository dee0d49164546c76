"""The replay driver: the inputs of a journalled run through the same engine again, its commands beside those on record.

Owns `replay` and `Divergence`. It sends nothing and asks nobody: what a venue answered is among the inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from strikeloop.encoding import described
from strikeloop.engine import Engine, Plugin
from strikeloop.events import Event, RunStopping
from strikeloop.killswitch import HaltSettings
from strikeloop.margin import Classic, MarginModel


@attrs.frozen(kw_only=True)
class Divergence:
    """The first place where the replay decided otherwise: the input's number (from 1), and both commands (None = none)."""

    input: int
    event: str
    recorded: dict[str, Any] | None
    replayed: dict[str, Any] | None


@attrs.frozen(kw_only=True)
class Replayed:
    """How many inputs and commands were compared, and the first divergence, None where there is none."""

    inputs: int
    commands: int
    divergence: Divergence | None


def replay(
    plugins: Sequence[Plugin],
    inputs: Iterable[Event],
    commands: Iterable[dict[str, Any]],
    *,
    tag: str,
    seed: int,
    tags: Iterable[str] = (),
    margin: MarginModel | None = None,
    halt: HaltSettings | None = None,
) -> Replayed:
    """Feed `inputs` to fresh plugins; `commands` are the records of what left, in order. Stops at the first divergence."""
    engine = Engine(plugins, margin=margin or Classic(), tag=tag, tags=tags, seed=seed, halt=halt)
    recorded = iter(commands)
    number = compared = 0
    for number, event in enumerate(inputs, 1):
        for made in _decisions(engine, event):
            expected = next(recorded, None)
            compared += 1
            if expected != made:
                return Replayed(inputs=number, commands=compared, divergence=_divergence(number, event, expected, made))
    left = next(recorded, None)
    found = None if left is None else Divergence(input=number, event="end of the record", recorded=left, replayed=None)
    return Replayed(inputs=number, commands=compared, divergence=found)


def _decisions(engine: Engine, event: Event) -> Iterator[dict[str, Any]]:
    """The commands one input leads to, as records, in order."""
    approved = engine.step(event).approved
    if isinstance(event, RunStopping):
        approved += engine.wind_down().approved
    for one in approved:
        engine.sent((one.command.client_id,))
        yield described(one.command)


def _divergence(number: int, event: Event, recorded: dict[str, Any] | None, replayed: dict[str, Any]) -> Divergence:
    return Divergence(input=number, event=type(event).__name__, recorded=recorded, replayed=replayed)
