"""Pins: which code a config trusts, and the hash of the code that is there.

Owns `Pins`, the settings of `[plugins.pin]`, and `source_hash`. A pin is compared before the plugin is imported: what was
changed is refused unread.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from strikeloop.errors import Problem
from strikeloop.settings import ValueRefusedError, did_you_mean

SHOWN = 12
"""How many digits of a hash tell one from another in a table."""
_PIN = re.compile(r"(?:(?P<version>[0-9][\w.+!-]*) )?sha256:(?P<digest>[0-9a-f]{64})")
_FORM = '"0.1.0 sha256:…", or "sha256:…" for a local file; strikeloop plugins list --json tells the hashes'


@attrs.frozen
class Pin:
    """The code that is trusted: the SHA-256 of its sources, and its version where one was named."""

    digest: str
    version: str = ""


@attrs.define
class Pins:
    """Pins by distribution, or by the file name of a local plugin; `met` are those that something was compared with."""

    pins: Mapping[str, Pin] = attrs.field(factory=dict)
    met: set[str] = attrs.field(factory=set)

    @classmethod
    def of(cls, raw: Mapping[str, Any], wrong: Callable[[str, str, str], None]) -> Pins:
        """From the table of a config; `wrong` is told (name, what, fix) of each that is no pin."""
        found = {}
        for name, value in raw.items():
            match = _PIN.fullmatch(value) if isinstance(value, str) else None
            if match is None:
                wrong(name, "is not a pin", f"write {_FORM}")
            else:
                found[name] = Pin(match["digest"], match["version"] or "")
        return cls(found)

    def check(self, name: str, version: str, digest: Callable[[], str]) -> None:
        """Raises ValueRefusedError where `name` is pinned and this is another version or other code; `digest` computes its hash."""
        pin = self.pins.get(name)
        if pin is None:
            return
        self.met.add(name)
        if pin.version and pin.version != version:
            raise ValueRefusedError(f"{name} is pinned to {pin.version}, and {version} is installed", f"pip install {name}=={pin.version}")
        if (found := digest()) != pin.digest:
            raise ValueRefusedError(
                f"the code of {name} is not the code it is pinned to: sha256:{found}",
                f"look at what changed; if it is meant, write this hash in place of sha256:{pin.digest[:SHOWN]}…",
            )

    def unmet(self) -> list[tuple[str, Problem]]:
        """Pins that protect nothing, because no plugin of the config comes from there: each with what to tell of it."""
        fix = "pins are named after distributions, or after local files"
        return [
            (name, Problem(name, "pins nothing that this config uses", did_you_mean(name, self.met) or fix))
            for name in self.pins
            if name not in self.met
        ]


def source_hash(package: str) -> str:
    """SHA-256 over every Python file of an importable package or module, by path and content; "" where it has none. Imports nothing."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return ""
    roots = [Path(place) for place in spec.submodule_search_locations or ()]
    files = [(path.relative_to(root).as_posix(), path) for root in roots for path in root.rglob("*.py")]
    if not roots and spec.origin:
        files = [(Path(spec.origin).name, Path(spec.origin))]
    whole = hashlib.sha256()
    for name, path in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest() if files else ""
