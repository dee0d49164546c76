"""A plan: everything a run needs, checked and typed, before anything is opened.

Owns the values `Plan`, `PluginPlan` and `RunSettings`. A plan makes plugin objects anew each time it is asked; it
never reads files or the environment.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import attrs

from strikeloop.errors import ConfigError, Problem
from strikeloop.killswitch import HaltSettings
from strikeloop.load.layers import Layers, Setter
from strikeloop.load.toml import to_toml
from strikeloop.recording import Keep
from strikeloop.settings import Vault, did_you_mean


class Mode(StrEnum):
    """sim: the venue's own market. paper: an adapter's market, execution in process. live: orders go to the adapter."""

    SIM = "sim"
    PAPER = "paper"
    LIVE = "live"


class Backend(StrEnum):
    """The event loop of a run."""

    ASYNCIO = "asyncio"
    TRIO = "trio"


class Countdown(StrEnum):
    """The dead man's switch of a live run: on where no orders of other hands work, force also there, or off."""

    ON = "on"
    FORCE = "force"
    OFF = "off"


def _not_below_warning(settings: RunSettings, _: attrs.Attribute[Any], value: float) -> None:
    if value < settings.warn_at:
        raise ValueError(f"'deny_at' must not be below warn_at ({settings.warn_at:g}), got {value:g}")


_DECIDES_NOTHING = [
    "backend",
    "state_dir",
    "duration_s",
    "fail_fast",
    "countdown",
    "countdown_s",
    "warn_at",
    "deny_at",
    "memory_mb",
    "record",
]
"""Settings of a run that change none of its decisions."""


@attrs.frozen(kw_only=True)
class RunSettings:
    """Section [run]. `state_dir` is relative to where the command runs; `duration_s` None runs until it is stopped.

    `seed` feeds every random stream, those of venue and market too unless they set their own. `fail_fast` ends the run
    when the venue refuses the credentials. Orders that open are refused while an account was not confirmed for
    `stale_after_s` (0 = however long); those that only reduce, and cancels, are not. `feed_latency_ms` delays market
    data in backtests and simulations. In a live run the venue withdraws its orders
    `countdown_s` after it last heard of it, where `countdown` and the venue allow that. People are warned when the share `warn_at`
    of its memory or descriptors is used, and nothing opens from `deny_at` on; the limit is the least of `memory_mb`, the process's, its
    control group's and the machine's. `record` says what is kept beside the journal, where strikeloop-store is installed: nothing,
    account, market or frames, each with those before it.
    """

    mode: Mode = Mode.PAPER
    backend: Backend = Backend.ASYNCIO
    state_dir: Path = Path("runs")
    seed: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    duration_s: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.gt(0)))
    fail_fast: bool = False
    stale_after_s: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))
    feed_latency_ms: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    countdown: Countdown = Countdown.ON
    countdown_s: int = attrs.field(default=30, validator=attrs.validators.ge(5))
    warn_at: float = attrs.field(default=0.7, validator=(attrs.validators.gt(0), attrs.validators.le(1)))
    deny_at: float = attrs.field(default=0.85, validator=(attrs.validators.le(1), _not_below_warning))
    memory_mb: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.gt(0)))
    record: Keep = Keep.ACCOUNT


@attrs.frozen(kw_only=True)
class PluginPlan:
    """One plugin instance of a run: `make` builds a fresh object with its settings, and never fails for a checked plan."""

    name: str
    kind: Literal["strategy", "risk", "sink"]
    use: str
    distribution: str
    version: str
    cls: type
    make: Callable[[], Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Plan:
    """A checked configuration.

    `adapters`: settings by instance name, opened with `.open(name, clock=...)`; `venue`: settings opened with `.open(adapter,
    contracts)`, `market` with `.open(adapter)`, None where the mode has no use for them; `plugins` in config order.
    `config` is the merged configuration with every default filled in and secrets as references.
    """

    run: RunSettings
    halt: HaltSettings = attrs.field(factory=HaltSettings)
    """How far the kill switch may go."""
    adapters: Mapping[str, Any] = attrs.field(factory=dict)
    venue: Any = None
    market: Any = None
    plugins: tuple[PluginPlan, ...] = ()
    config: Mapping[str, Any] = attrs.field(factory=dict)
    versions: Mapping[str, str] = attrs.field(factory=dict)
    """The distribution and version of everything loaded, by section: {"strategies.hedge": "strikeloop-strategies 0.1.0"}."""
    _layers: Layers = attrs.field(factory=Layers, repr=False)
    _vault: Vault = attrs.field(factory=Vault, repr=False)

    def toml(self) -> str:
        """The merged configuration as TOML, as a run keeps it."""
        return to_toml(self.config)

    def header(self) -> dict[str, Any]:
        """What leads a run's digest: configuration and versions, without what cannot change a decision (backend, folders, pins)."""
        config: dict[str, Any] = _without_folders(self.config)
        config.pop("plugins", None)
        for name in _DECIDES_NOTHING:
            config.get("run", {}).pop(name, None)
        return {"config": config, "versions": dict(self.versions)}

    def explain(self, key: str) -> tuple[Any, tuple[Setter, ...]]:
        """The value of a dotted key and every layer that set it, the winner last; Setter("default", …) where none did.

        Raises ConfigError where there is no such key.
        """
        value: Any = self.config
        path: tuple[str, ...] = ()
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                hint = did_you_mean(part, value) if isinstance(value, Mapping) else ""
                raise ConfigError(Problem(key, "no such key", hint))
            value, path = value[part], (*path, part)
        return value, tuple(self._layers.setters.get(path, ())) or (Setter("default", value),)

    @property
    def is_rehearsal(self) -> bool:
        """Whether a configuration for live trading is on paper here, because nobody asked for live."""
        _, setters = self.explain("run.mode")
        return self.run.mode is Mode.PAPER and setters[-1].value == Mode.LIVE.value

    def forget_secrets(self) -> None:
        """Remove every secret that was read from the environment from it."""
        self._vault.forget_environment()


def _without_folders(value: Any, name: str = "") -> Any:
    """What names a file names it without its folder: the same inputs elsewhere are the same inputs. Dates become text."""
    if isinstance(value, Mapping):
        return {key: _without_folders(one, key) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(one) for one in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return Path(value).name if name in {"use", "file", "path"} and isinstance(value, str) else value
