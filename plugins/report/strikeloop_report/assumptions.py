"""What the result hangs on beside the market: models, seeds, settings, versions and the hashes of the data.

Owns how a configuration is flattened to one row per setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strikeloop_report.markup import Row, Section, empty, table, words


def assumptions(result: Mapping[str, Any]) -> Section:
    """One row per setting, the data and the digest first."""
    found = [{"setting": name, "value": value} for name, value in settings(result)]
    if not found:
        return Section("Assumptions", (empty("The run did not tell what it was configured with."),))
    note = "The same settings, versions and data give the same digest."
    return Section("Assumptions", (table([words("setting"), words("value")], found, name="assumptions", is_long=True),), note)


def settings(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(dotted name, value) of everything that the result says it hangs on."""
    told = result.get("assumptions")
    known: Row = told if isinstance(told, Mapping) else {}
    found = [("digest", str(result["digest"]))] if result.get("digest") else []
    rest = {name: value for name, value in known.items() if name not in ("config", "sources", "versions")}
    sources, config = known.get("sources"), known.get("config")
    for place, content in enumerate(sources if isinstance(sources, list | tuple) else [], 1):
        found.append((f"data {place}, SHA-256", str(content)))
    return [*found, *_flat("", rest), *_flat("version", known.get("versions")), *_flat("", config)]


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), one)
    elif value is not None:
        yield name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
