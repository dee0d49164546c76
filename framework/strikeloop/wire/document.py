"""JSON from a venue, read strictly: every value is what the venue documents, or a DecodeError that names its path.

Owns `Document`. It never coerces (true is no number, "1.9" no whole one), never guesses what is missing, and reads the
same text the same way each time. Numbers keep the digits they were written with.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

from strikeloop.errors import DecodeError

T = TypeVar("T")
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,39})", re.ASCII)
_EXACT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_MISSING: Final = object()


class _Digits(str):
    """A number as it was written."""

    __slots__ = ()


class _RefusedError(ValueError):
    """Something that JSON libraries let pass."""


class Document:
    """One value of a JSON text, with the path that leads to it.

    >>> order = Document.parse('{"id": 7, "price": "4.50", "state": "open", "at": 1780272000000}', channel="orders")
    >>> order["id"].name, order["price"].exact, order["at"].time(1_000_000)
    ('7', Decimal('4.50'), 1780272000000000000)
    >>> order["size"].whole
    Traceback (most recent call last):
    strikeloop.errors.DecodeError: orders size: it is missing
    """

    __slots__ = ("_root", "_value", "path")

    def __init__(self, value: Any, path: str, root: _Root) -> None:
        self._value, self.path, self._root = value, path, root

    @classmethod
    def parse(cls, text: bytes | str, *, channel: str = "") -> Document:
        """The whole text. Raises DecodeError for anything but one JSON value without repeated keys, NaN or Infinity."""
        root = _Root(text, channel)
        try:
            value = _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))
        except (ValueError, RecursionError) as exc:
            reason = "it is nested too deeply" if isinstance(exc, RecursionError) else f"it is no JSON: {exc}"
            raise DecodeError(reason, channel=channel, frame=root.frame) from None
        return cls(value, "", root)

    def on(self, channel: str) -> Document:
        """The same value, whose errors name this channel."""
        return Document(self._value, self.path, _Root(self._root.text, channel))

    # ---- inside it ----

    def __getitem__(self, key: str) -> Document:
        """The member of this name; one that is missing is an error as soon as it is read."""
        return self._member(key, _MISSING)

    def get(self, key: str) -> Document | None:
        """The member of this name, None where it is missing or null."""
        member = self._member(key, None)
        return None if member._value is None else member

    def nullable(self, key: str) -> Document | None:
        """The member of this name, None where it is null; one that is missing is an error."""
        member = self._member(key, _MISSING)
        return member.refuse("a value") if member._value is _MISSING else None if member._value is None else member

    def __contains__(self, key: str) -> bool:
        """Whether it is an object with this member."""
        return isinstance(self._value, dict) and key in self._value

    def __iter__(self) -> Iterator[Document]:
        """The items of a list."""
        if not isinstance(self._value, list):
            self.refuse("a list")
        for index, item in enumerate(self._value):
            yield Document(item, f"{self.path}[{index}]", self._root)

    @property
    def is_list(self) -> bool:
        return isinstance(self._value, list)

    @property
    def is_object(self) -> bool:
        return isinstance(self._value, dict)

    # ---- what it is ----

    @property
    def text(self) -> str:
        """A text."""
        return self._value if type(self._value) is str else self.refuse("a text")

    @property
    def name(self) -> str:
        """An identity that venues write as a text or as a whole number; never empty."""
        value = self._value
        if type(value) is str and value:
            return value
        return str(value) if isinstance(value, _Digits) and _WHOLE.fullmatch(value) else self.refuse("a name")

    @property
    def whole(self) -> int:
        """A whole number, or a text that is one."""
        value = self._value
        return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else self.refuse("a whole number")

    @property
    def exact(self) -> Decimal:
        """A number of the ledger, with the digits it was written with, as a number or as a text."""
        value = self._value
        return Decimal(value) if isinstance(value, str) and _EXACT.fullmatch(value) else self.refuse("a number")

    @property
    def number(self) -> float:
        """A number of the market."""
        value = self._value
        found = float(value) if isinstance(value, str) and _EXACT.fullmatch(value) else math.inf
        return found if math.isfinite(found) else self.refuse("a number")

    @property
    def flag(self) -> bool:
        """True or false."""
        return self._value if type(self._value) is bool else self.refuse("true or false")

    def word(self, words: Mapping[str, T]) -> T:
        """What one of these words means."""
        value = self._value
        return words[value] if type(value) is str and value in words else self.refuse("one of " + ", ".join(words))

    def time(self, unit_ns: int) -> int:
        """A moment, ns UTC, that the venue counts in units of `unit_ns` since 1970."""
        value = self._value
        found = int(value) if isinstance(value, _Digits) and _WHOLE.fullmatch(value) else -1
        return found * unit_ns if 0 <= found * unit_ns < 1 << 63 else self.refuse("a time")

    @property
    def plain(self) -> Any:
        """The value as it stands, numbers as texts: for messages and for `raw`."""
        return self._value

    def refuse(self, expected: str) -> NoReturn:
        """Raise DecodeError: this is not what was expected."""
        what = "it is missing" if self._value is _MISSING else f"expected {expected}, got {_shown(self._value)}"
        raise DecodeError(what, channel=self._root.channel, field=self.path, frame=self._root.frame)

    # ---- inside ----

    def _object(self) -> dict[str, Any]:
        return self._value if isinstance(self._value, dict) else self.refuse("an object")

    def _member(self, key: str, missing: Any) -> Document:
        return Document(self._object().get(key, missing), f"{self.path}.{key}" if self.path else key, self._root)


class _Root:
    """The text all values of a document come from, and the channel it came on."""

    __slots__ = ("channel", "text")

    def __init__(self, text: bytes | str, channel: str) -> None:
        self.text, self.channel = text, channel

    @property
    def frame(self) -> str:
        return self.text if isinstance(self.text, str) else self.text.decode("utf-8", "replace")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("a key is there twice")
    return found


def _constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is no number")


def _shown(value: Any) -> str:
    text = value if isinstance(value, _Digits) else json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "…"


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_float=_Digits, parse_int=_Digits, parse_constant=_constant)
