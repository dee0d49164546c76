"""Layers of configuration, merged: defaults < files in order < environment < `--set`, and who set each key.

Owns reading and merging of untyped data. Paths that belong to a config file (`use = "./x.py:Class"`, `file = "x.csv"`)
become absolute here, so that the merged config means the same elsewhere. Knows nothing of plugins and types.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from strikeloop.errors import ConfigError, Problem
from strikeloop.load.toml import Key, line_index, split_key
from strikeloop.settings import WrittenFloat, is_reference

PREFIX = "STRIKELOOP__"
_MAX_BYTES = 1_000_000


@attrs.frozen
class Setter:
    """One layer's say about one key: `label` is "file.toml:12", "environment STRIKELOOP__…", "--set …" or a name for defaults."""

    label: str
    value: Any


@attrs.define
class Layers:
    """The merged data, and for each key every layer that set it, the winner last."""

    data: dict[str, Any] = attrs.field(factory=dict)
    setters: dict[Key, list[Setter]] = attrs.field(factory=dict)
    order: dict[Key, tuple[int, int]] = attrs.field(factory=dict)
    """(layer, line) where each key was first mentioned: sorting by it gives the config order."""
    _count: int = 0

    def place(self, key: Key) -> str:
        """Who set `key`, or the nearest table above it; "" where nobody did."""
        while key:
            if key in self.setters:
                return self.setters[key][-1].label
            key = key[:-1]
        return ""

    def add(self, data: Mapping[str, Any], label: str, lines: Mapping[Key, int] | None = None) -> None:
        """Lay `data` on top."""
        self._count += 1
        self._merge(self.data, data, (), label, lines or {})

    def _merge(self, below: dict[str, Any], above: Mapping[str, Any], path: Key, label: str, lines: Mapping[Key, int]) -> None:
        for name, value in above.items():
            key = (*path, name)
            line = _line(lines, key)
            self.setters.setdefault(key, []).append(Setter(f"{label}:{line}" if line else label, value))
            self.order.setdefault(key, (self._count, line))
            if isinstance(value, Mapping):
                under = below.get(name)
                # A reference takes the place of a reference; any other table that names a `file` is a table like all.
                if not isinstance(under, dict) or (is_reference(under) and is_reference(value)):
                    below[name] = under = {}
                self._merge(under, value, key, label, lines)
            else:
                below[name] = value


def _line(lines: Mapping[Key, int], key: Key) -> int:
    while key not in lines and len(key) > 1:
        key = key[:-1]
    return lines.get(key, 0)


def read_layers(
    files: Sequence[Path] = (),
    *,
    environ: Mapping[str, str] | None = None,
    sets: Sequence[str] = (),
    defaults: Mapping[str, Any] | None = None,
    label: str = "built in",
) -> Layers:
    """All layers on top of one another. Raises ConfigError naming every file, variable and option that cannot be read."""
    layers, problems = Layers(), list[Problem]()
    layers.add(defaults or {}, label)
    for path in files:
        try:
            layers.add(*_file(path))
        except ConfigError as error:
            problems.extend(error.problems)
    for key, value, origin in (*_environment(environ or {}, layers, problems), *_options(sets, problems)):
        layers.add(_nested(key, value), origin)
    if problems:
        raise ConfigError(problems)
    return layers


def _file(path: Path) -> tuple[dict[str, Any], str, dict[Key, int]]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {error.strerror}", "name a TOML file with -c")) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError(Problem(str(path), "is larger than a config file can be", f"at most {_MAX_BYTES} bytes"))
    try:
        text = raw.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(path), f"is not UTF-8 text: byte {error.start} is not", "save it as UTF-8")) from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, at = str(error).rpartition(" (at ")
        line = at.removeprefix("line ").split(",")[0].rstrip(")")
        place = f"{path}:{line}" if line.isdigit() else f"{path}:{text.count(chr(10)) + 1}"
        raise ConfigError(Problem(place, f"is not TOML: {what or error}")) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(Problem(str(path), "holds a number or a nesting beyond reason")) from error
    _anchor(data, path.resolve().parent)
    return data, str(path), line_index(text)


def _anchor(data: dict[str, Any], folder: Path) -> None:
    """Make what is relative to the config file absolute, in place."""
    for name, value in data.items():
        if isinstance(value, dict):
            _anchor(value, folder)
        elif isinstance(value, str) and (_is_local_code(name, value) or _is_local_file(name, value)):
            data[name] = str((folder / value).absolute())


def _is_local_code(name: str, value: str) -> bool:
    return name == "use" and value.startswith(("./", "../"))


def _is_local_file(name: str, value: str) -> bool:
    """Secrets, recordings, tables of latency: whatever is read from a `file`."""
    return name == "file" and value != "" and not value.startswith("~")


def _environment(environ: Mapping[str, str], layers: Layers, problems: list[Problem]) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        parts = name.removeprefix(PREFIX).split("__")
        if not all(parts):
            problems.append(Problem(f"environment {name}", "has an empty part", f"write {PREFIX}SECTION__KEY"))
            continue
        yield _spelled(parts, layers.data), _typed(environ[name]), f"environment {name}"


def _spelled(parts: Sequence[str], level: Any) -> tuple[str, ...]:
    """The key meant by parts of a variable's name, which has neither small letters nor hyphens."""
    found = []
    for part in parts:
        known = level if isinstance(level, dict) else {}
        name = next((key for key in known if key.upper().replace("-", "_") == part.upper()), part.lower())
        level = known.get(name)
        found.append(name)
    return tuple(found)


def _options(sets: Sequence[str], problems: list[Problem]) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for option in sets:
        name, equals, value = option.partition("=")
        try:
            key = split_key(name)
        except ValueError:
            key = ()
        if not equals or not key:
            # What stands behind it may be a secret: only the part before the = is shown.
            problems.append(Problem(f"--set {name.strip()}", "is not of the form a.b=value", "--set strategies.hedge.band=0.5"))
            continue
        yield key, _typed(value.strip()), f"--set {name.strip()}"


def _typed(text: str) -> Any:
    """`text` as TOML reads a value, else as it is. A float keeps its spelling, so that it may still become a Decimal."""
    try:
        data = tomllib.loads(f"value = {text}", parse_float=WrittenFloat)
    except (ValueError, RecursionError):
        return text
    return data["value"] if len(data) == 1 else text


def _nested(key: Sequence[str], value: Any) -> dict[str, Any]:
    for part in reversed(key):
        value = {part: value}
    return dict(value)
