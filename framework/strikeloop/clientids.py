"""The names of orders: `t-<tag>-<instance>-<counter>`, and what such a name tells of who placed the order.

Owns `ClientIds` and `owners`. A tag belongs to one run, so no id is ever used twice; a later run that knows the tag knows
its own orders again. Anything of another form is somebody else's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

from strikeloop.errors import InvariantError

_FORM = re.compile(r"t-([0-9A-Za-z]{1,6})-([0-9A-Za-z_.]{1,12})-[0-9]+", re.ASCII)


class ClientIds:
    """Client ids `t-<tag>-<instance>-<counter>`, at most 30 characters of what venues accept."""

    def __init__(self, tag: str) -> None:
        if not re.fullmatch(r"[0-9A-Za-z]{1,6}", tag):
            raise InvariantError(f"run tag {tag!r} must be 1 to 6 letters or digits")
        self._tag, self._count = tag, 0
        self._short: dict[str, str] = {}

    def next(self, instance: str) -> str:
        self._count += 1
        short = self._short.get(instance)
        if short is None:
            short = self._short[instance] = short_name(instance)
        return f"t-{self._tag}-{short}-{self._count}"


def owners(instances: Iterable[str], tags: Iterable[str]) -> Callable[[str | None], str]:
    """Tells by a client id which of `instances` placed the order in a run with one of `tags`; "" where none did."""
    by_short, known = {short_name(instance): instance for instance in instances}, frozenset(tags)

    def owner(client_id: str | None) -> str:
        if client_id is None:
            return ""
        tag, short = parts_of(client_id)
        return by_short.get(short, "") if tag in known else ""

    return owner


def parts_of(client_id: str | None) -> tuple[str, str]:
    """The run tag and the instance's short name in a client id; two empty ones where it is not of this form."""
    match = _FORM.fullmatch(client_id or "")
    return (match[1], match[2]) if match else ("", "")


def short_name(instance: str) -> str:
    """An instance's name as it stands in client ids: itself when it is short and plain, else cut and made unique by a hash."""
    if re.fullmatch(r"[0-9A-Za-z_.]{1,12}", instance):
        return instance
    plain = re.sub(r"[^0-9A-Za-z_.]", "_", instance)[:7]
    return f"{plain}_{hashlib.sha256(instance.encode()).hexdigest()[:4]}"
