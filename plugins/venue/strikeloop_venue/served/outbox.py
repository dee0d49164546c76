"""What waits for one WebSocket client, and what that client wants to hear.

Owns the bounded queue of frames between those who push and the one task that writes, and the connection's interests.
Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
import attrs

from strikeloop_venue.served.subscriptions import Form, Interest

Topic = tuple[str, int]
"""A channel and the user it is about; user 0 for public channels."""


@attrs.define(eq=False)
class Outbox:
    """Frames on their way to one client. A conflatable frame replaces the one of the same key that still waits.

    More than `limit` waiting frames mean a client that does not read: `is_overflown`, and it has to go.
    """

    limit: int
    is_overflown: bool = False
    _waiting: dict[object, bytes] = attrs.field(factory=dict)
    _count: int = 0
    _filled: anyio.Event = attrs.field(factory=anyio.Event)

    def put(self, frame: bytes, key: object = None) -> None:
        if key is None:
            self._count += 1
            key = self._count
        self._waiting[key] = frame
        self.is_overflown |= len(self._waiting) > self.limit
        self._filled.set()

    async def take(self) -> list[bytes]:
        """Every waiting frame, at least one."""
        while not self._waiting:
            self._filled = anyio.Event()
            await self._filled.wait()
        frames = list(self._waiting.values())
        self._waiting.clear()
        return frames

    def __len__(self) -> int:
        return len(self._waiting)


@attrs.define(eq=False)
class Connection:
    """One WebSocket: what it wants, and what waits for it. `drop` ends it: None resets it, a number is a close code.

    While it is frozen nothing is read from it or written to it.
    """

    number: int
    path: str
    outbox: Outbox
    drop: Callable[[int | None], None]
    interests: dict[Topic, dict[Form, Interest]] = attrs.field(factory=dict)
    held: list[tuple[bytes, object]] = attrs.field(factory=list)
    """Frames, with their keys, that the next one is to overtake."""
    _thawed: anyio.Event | None = None

    @property
    def is_private(self) -> bool:
        """Whether it listens to an account."""
        return any(user for _, user in self.interests)

    def wants(self, topic: Topic, name: str, underlying: str) -> bool:
        return any(interest.wants(name, underlying) for interest in self.interests.get(topic, {}).values())

    def change(self, topic: Topic, form: Form, interest: Interest, *, joins: bool) -> bool:
        """Want more, or less, of a channel; whether anything of it is still wanted. Lists and objects are kept apart."""
        forms = self.interests.setdefault(topic, {})
        held = forms.setdefault(form, Interest())
        if joins:
            held.join(interest)
        else:
            held.leave(interest)
        if held.is_empty:
            del forms[form]
        if not forms:
            del self.interests[topic]
        return bool(forms)

    def release(self) -> None:
        """What was held back leaves."""
        for frame, key in self.held:
            self.outbox.put(frame, key)
        self.held.clear()

    def freeze(self) -> None:
        """Hold it still until `thaw`."""
        self._thawed = self._thawed or anyio.Event()

    def thaw(self) -> None:
        if self._thawed is not None:
            self._thawed.set()
            self._thawed = None

    async def thawed(self) -> None:
        """Wait while it is frozen."""
        if self._thawed is not None:
            await self._thawed.wait()
