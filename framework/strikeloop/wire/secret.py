"""A value that must not be seen: `Secret`.

Owns the one way a key or a password is carried through the program. It is revealed where a request is signed and
nowhere else; it must never turn into text, bytes or a copy of itself on any other way.
"""

from __future__ import annotations

from typing import Final, NoReturn, final

from strikeloop.errors import ConfigError

MASK: Final = "***"


@final
class Secret:
    """A text that only `reveal` gives away.

    `str`, `repr` and `format` show a mask that does not tell the length. Two secrets are equal only when they are the
    same object, and cannot be hashed. Pickling and copying raise TypeError; `attrs.asdict` and `cattrs.unstructure`
    hand the object through unopened, JSON encoders refuse it. Raises ConfigError when the value is empty, TypeError
    when it is not a str.

    >>> key = Secret("abc")
    >>> f"{key} {key!r}"
    "*** Secret('***')"
    >>> key.reveal()
    'abc'
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"a secret is a str, not {type(value).__name__}")
        if not value:
            raise ConfigError("a secret is empty; give the key's value, or leave the setting out")
        self.__value = value

    def reveal(self) -> str:
        """The text itself. Only signers call this, at the moment of signing."""
        return self.__value

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __format__(self, spec: str) -> str:
        return MASK

    # A hash made from the value would tell whether two secrets are the same; one made from the identity invites use as a key.
    __hash__ = None  # type: ignore[assignment]  # the documented way to make a class unhashable

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to hand out")
