"""TOML beyond tomllib: where in a file each key stands, and mappings written out.

Owns the line index and the writer. Validates nothing: what it indexes was read by tomllib before, what it writes
reads back as the same data.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

Key = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}(?!")'  # text over several lines, at most two quotes before the closing three
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|(?P<comment>\#[^\n]*)"
    r"|(?P<end>\n)"
    r"|(?P<open>[\[{])"
    r"|(?P<close>[\]}])"
    r"|(?P<equals>=)"
    r"|[^\"'\#\n\[\]{}=]+",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def line_index(text: str) -> dict[Key, int]:
    """The line (from 1) of every table and key of a valid TOML text; items of an array of tables have their index in the key."""
    found: dict[Key, int] = {}
    counts: Counter[Key] = Counter()
    table: Key = ()
    for line, head in _heads(text):
        if not head.startswith("["):
            _note(found, table, split_key(head), line)
        elif head.startswith("[["):
            name = split_key(head.strip("[] \t\r"))
            table = (*name, counts[name])
            counts[name] += 1
            _note(found, (), table, line)
        else:
            table = _current(split_key(head.strip("[] \t\r")), counts)
            _note(found, (), table, line)
    return found


def split_key(text: str) -> tuple[str, ...]:
    """A dotted key, quoted parts included, as its parts. Raises ValueError where it is none."""
    if "\n" in text:
        raise ValueError("a key stands on one line")
    found: list[str] = []
    level: Any = tomllib.loads(f"{text} = 0")
    while isinstance(level, dict):
        if len(level) != 1:
            raise ValueError("this is more than a key")
        ((part, level),) = level.items()
        found.append(part)
    return tuple(found)


def _note(found: dict[Key, int], table: Key, name: Key, line: int) -> None:
    for length in range(1, len(name) + 1):
        found.setdefault(table + name[:length], line)


def _current(name: tuple[str, ...], counts: Counter[Key]) -> Key:
    """`[a.b]` below `[[a]]` belongs to the last item of a."""
    key: Key = ()
    for part in name:
        key = (*key, part)
        if counts[key]:
            key = (*key, counts[key] - 1)
    return key


def _heads(text: str) -> Iterator[tuple[int, str]]:
    """(line, what stands left of the first `=`) of each statement."""
    line, depth, started, head, named = 1, 0, 1, "", False
    for token in _TOKEN.finditer(text):
        kind, part = token.lastgroup, token.group()
        if kind == "end" and depth == 0:
            if head.strip():
                yield started, head.strip()
            head, named = "", False
        elif kind == "equals" and depth == 0:
            named = True
        elif kind != "comment" and not named:
            if not head.strip():
                started = line
            head += part
        depth += (kind == "open") - (kind == "close")
        line += part.count("\n")
    if head.strip():
        yield started, head.strip()


def to_toml(data: Mapping[str, Any]) -> str:
    """`data` as TOML: plain values of a table first, its tables behind. Raises TypeError for what TOML cannot hold."""
    return "\n".join(_table(data, ())).strip() + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in data.items() if isinstance(value, Mapping) and not _is_inline(value)}
    plain = {key: value for key, value in data.items() if key not in tables}
    if path and (plain or not tables):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        yield from _table(value, (*path, key))


def _is_inline(value: Mapping[str, Any]) -> bool:
    """Small tables, references to secrets among them, stay on one line."""
    return 0 < len(value) <= 3 and not any(isinstance(item, Mapping | list | tuple) for item in value.values()) and "use" not in value


def _key(part: str) -> str:
    return part if _BARE.fullmatch(part) else _text(part)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped, and lone surrogates, which neither file can hold.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())} }}" if value else "{}"
    raise TypeError(f"TOML has no form for {type(value).__name__}")
