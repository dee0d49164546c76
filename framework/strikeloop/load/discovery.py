"""Plugins: what is installed, and the class behind a `use`.

Owns the entry-point groups and local plugin files. Listing imports nothing; a class is imported only when the
config names it. Orders by name, never by what the file system says.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from strikeloop.load.pins import Pins, source_hash
from strikeloop.load.versions import fits, range_for
from strikeloop.settings import ValueRefusedError, did_you_mean

KINDS = ("strategies", "risk", "adapters", "venues", "sources", "sinks", "recorders", "commands")
_LOCAL = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)")
_FIRST_PARTY = {
    "adapters": {"gate": "strikeloop-gate"},
    "venues": {"venue": "strikeloop-venue"},
    "sources": {"generated": "strikeloop-venue", "store": "strikeloop-store"},
    "recorders": {"store": "strikeloop-store"},
    "strategies": {"delta-band": "strikeloop-strategies", "quoter": "strikeloop-strategies"},
    "risk": dict.fromkeys(
        (
            *("order-limits", "position-limits", "trading-scope", "order-flow", "data-guard", "greek-limits", "margin-guard"),
            *("stress-limit", "var-limit", "loss-limits"),
            *("position-monitor", "expiry-monitor", "risk-monitor", "margin-monitor", "health-monitor"),
        ),
        "strikeloop-risk",
    ),
    "sinks": dict.fromkeys(("apprise", "desktop", "digest", "log-alerts", "webhook"), "strikeloop-notify"),
    "commands": {"data": "strikeloop-store", "notify": "strikeloop-notify", "venue": "strikeloop-venue", "report": "strikeloop-report"},
}


@attrs.frozen(kw_only=True)
class Installed:
    """One entry point, not imported. `target` is "module:name"."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    requires: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def package(self) -> str:
        """The top-level package or module that holds it."""
        return self.target.partition(":")[0].partition(".")[0]

    @property
    def refusal(self) -> str:
        """Why this strikeloop does not load it; "" where it does."""
        try:
            _refuse_version(self)
        except ValueRefusedError as error:
            return error.what
        return ""


@attrs.frozen(kw_only=True)
class Found:
    """The object behind a `use`, and where it comes from: `version` of a local file is the start of its SHA-256."""

    value: Any
    use: str
    distribution: str
    version: str


def installed(kind: str | None = None) -> tuple[Installed, ...]:
    """What is installed, of one kind or of all, by kind and name. Imports nothing."""
    kinds = KINDS if kind is None else (kind,)
    found = [_described(one, entry) for one in kinds for entry in metadata.entry_points(group=f"strikeloop.{one}")]
    return tuple(sorted(set(found), key=lambda one: (KINDS.index(one.kind), one.name, one.distribution)))


def find(kind: str, use: str, pins: Pins | None = None) -> Found:
    """The object that `use` names: an entry point of this kind, or `path.py:Name`. Raises ValueRefusedError with the fix.

    Where its code is not what it is pinned to, it is not imported.
    """
    local = _LOCAL.fullmatch(use)
    pins = pins or Pins()
    return _from_file(Path(local["path"]), local["name"], pins) if local else _from_entry_point(kind, use, pins)


def advice(kind: str, name: str) -> str:
    """How to get a plugin that is not installed."""
    distribution = _FIRST_PARTY.get(kind, {}).get(name)
    if distribution:
        return f"pip install {distribution}"
    names = [one.name for one in installed(kind)]
    return did_you_mean(name, names) if names else f'no {kind} are installed; pip install one, or write use = "./file.py:Class"'


def backend_advice(backend: str) -> str:
    """How to get the event loop of this name; "" where it is installed."""
    is_here = backend == "asyncio" or importlib.util.find_spec(backend) is not None
    return "" if is_here else f'pip install "strikeloop[{backend}]"'


def strikeloop_version() -> str | None:
    """The version of strikeloop itself; None where it runs from a bare source tree."""
    try:
        return metadata.version("strikeloop")
    except metadata.PackageNotFoundError:
        return None


def _described(kind: str, entry: metadata.EntryPoint) -> Installed:
    dist = entry.dist
    return Installed(
        kind=kind,
        name=entry.name,
        target=entry.value,
        distribution=dist.name if dist else "",
        version=dist.version if dist else "",
        requires=tuple(dist.requires or ()) if dist else (),
    )


def _from_entry_point(kind: str, use: str, pins: Pins) -> Found:
    matching = [one for one in installed(kind) if one.name == use]
    if not matching:
        raise ValueRefusedError(f'there is no "{use}" among the installed {kind}', advice(kind, use))
    if len(matching) > 1:
        raise ValueRefusedError(
            f'"{use}" is offered by {" and ".join(one.distribution for one in matching)}', "uninstall all but one of them"
        )
    (one,) = matching
    _refuse_version(one)
    pins.check(one.distribution, one.version, lambda: source_hash(one.package))
    module, _, name = one.target.partition(":")
    value = _imported(lambda: importlib.import_module(module), name, one.target)
    return Found(value=value, use=use, distribution=one.distribution, version=one.version)


def _refuse_version(one: Installed) -> None:
    have, wants = strikeloop_version(), range_for("strikeloop", one.requires)
    if have is None or wants is None:
        return
    try:
        if fits(have, wants):
            return
    except ValueError as error:
        raise ValueRefusedError(f"{one.distribution} {one.version} wants a strikeloop that cannot be read: {error}") from error
    raise ValueRefusedError(
        f"{one.distribution} {one.version} wants strikeloop {wants}, this is {have}", f"pip install --upgrade {one.distribution} strikeloop"
    )


def _from_file(path: Path, name: str, pins: Pins) -> Found:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ValueRefusedError(
            f"cannot read {path}: {error.strerror}", 'a local plugin is use = "./file.py:Class", beside the config file'
        ) from error
    digest = hashlib.sha256(source).hexdigest()
    pins.check(path.name, "", lambda: digest)
    value = _imported(lambda: _module(path, digest), name, str(path))
    return Found(value=value, use=f"{path.name}:{name}", distribution="", version=digest[:12])


def _module(path: Path, digest: str) -> ModuleType:
    """The module of a local file, executed once for each content."""
    name = f"strikeloop_local_{re.sub(r'[^A-Za-z0-9_]', '_', path.stem)}_{digest[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _imported(load: Any, name: str, target: str) -> Any:
    try:
        module = load()
    except Exception as error:
        raise ValueRefusedError(f"{target} cannot be imported: {type(error).__name__}: {error}", _last_place(error)) from error
    value = module
    for part in name.split("."):
        if not hasattr(value, part):
            raise ValueRefusedError(
                f"{target} has no {name}", did_you_mean(name, [one for one in vars(module) if isinstance(vars(module)[one], type)])
            )
        value = getattr(value, part)
    return value


def _last_place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"at {error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
