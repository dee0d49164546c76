"""The latest of each kind: what of a long batch of market frames is worth telling, when the engine lags behind.

Owns `conflated`. Only channels that are declared conflatable lose anything, and what they lose is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TypeVar

import attrs

from strikeloop.adapter import Decoded
from strikeloop.events import Event

Other = TypeVar("Other")


def conflated(frames: Sequence[Decoded | Other], channels: Collection[str]) -> tuple[list[Decoded | Other], Counter[str]]:
    """`frames` without the events of `channels` that a later one of the same kind and contract replaces; how many, by channel."""
    kept: list[Decoded | Other] = []
    seen: set[tuple[object, ...]] = set()
    dropped: Counter[str] = Counter()
    for frame in reversed(frames):
        if not isinstance(frame, Decoded) or frame.channel not in channels or not frame.events:
            kept.append(frame)
            continue
        latest = {_key(frame.channel, event): event for event in frame.events}
        fresh = tuple(event for key, event in latest.items() if key not in seen)
        seen.update(latest)
        dropped[frame.channel] += len(frame.events) - len(fresh)
        if fresh:
            kept.append(attrs.evolve(frame, events=fresh))
    kept.reverse()
    return kept, +dropped


def _key(channel: str, event: Event) -> tuple[object, ...]:
    return (channel, type(event), getattr(event, "contract", None) or getattr(event, "underlying", None))
