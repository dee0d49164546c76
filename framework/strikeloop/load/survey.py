"""What a config names, and what is wrong with each of it: for who wants to see a config that does not load, too.

Owns `Named` and `survey`. Imports what the config names, as a run would, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from strikeloop.errors import ConfigError, Problem
from strikeloop.load.layers import read_layers
from strikeloop.load.loading import load

_TABLES = {"strategies": "strategies", "risk": "risk", "sinks": "sinks", "adapters": "adapters"}
_SINGLE = {"venue": ("venues", "venue"), "market": ("sources", "generated")}


@attrs.frozen(kw_only=True)
class Named:
    """One instance of a config: its entry-point kind, what it uses, and why it is refused (empty where it is sound)."""

    kind: str
    instance: str
    use: str
    refused: tuple[str, ...] = ()

    @property
    def is_local(self) -> bool:
        return ".py:" in self.use

    @property
    def sha256(self) -> str:
        """Of a local file; "" where it cannot be read or is none."""
        path = Path(self.use.rpartition(":")[0])
        return hashlib.sha256(path.read_bytes()).hexdigest() if self.is_local and path.is_file() else ""


def survey(files: Sequence[Path], *, sets: Sequence[str] = (), disabled: Collection[str] = ()) -> tuple[Named, ...]:
    """Every instance that a config names, sound or not. Raises ConfigError where its files cannot be read."""
    data = read_layers(files, sets=sets).data
    problems: Iterable[Problem] = ()
    try:
        load(files, sets=sets, disabled=disabled, environ={})
    except ConfigError as error:
        problems = error.problems
    return tuple(
        Named(kind=kind, instance=instance, use=use, refused=tuple(one.what for one in problems if _is_of(one, key)))
        for kind, instance, use, key in _uses(data)
        if not {instance, use} & set(disabled)
    )


def _uses(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for section, kind in _TABLES.items():
        for name, raw in _table(data.get(section)).items():
            yield kind, name, str(_table(raw).get("use", "")), f"{section}.{name}"
    for section, (kind, default) in _SINGLE.items():
        if section in data:
            yield kind, section, str(_table(data[section]).get("use", default)), section


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_of(problem: Problem, key: str) -> bool:
    where = problem.where.partition(" (")[0]
    return where == key or where.startswith(f"{key}.")
