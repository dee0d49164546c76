"""From layers to a plan: every section against its class, every plugin against its hooks, all problems together.

Owns `load`. Stops at nothing: what cannot be loaded is reported and the rest is still checked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar

import attrs

from strikeloop import hooks
from strikeloop.errors import ConfigError, Problem
from strikeloop.killswitch import NAME, HaltSettings
from strikeloop.load.discovery import Found, backend_advice, find, installed
from strikeloop.load.layers import Layers, read_layers
from strikeloop.load.pins import Pins
from strikeloop.load.plan import Mode, Plan, PluginPlan, RunSettings
from strikeloop.settings import Structurer, ValueRefusedError, Vault, did_you_mean

T = TypeVar("T")
Kind = Literal["strategy", "risk", "sink"]

_PLUGIN_KINDS: dict[str, Kind] = {"strategies": "strategy", "risk": "risk", "sinks": "sink"}
_SECTIONS = ("run", "adapters", "venue", "market", "halt", *_PLUGIN_KINDS, "plugins")
ACCOUNTS = ("run", "adapters", "halt", "plugins")
"""What says where an account is and what may be done to it in need: for who needs no strategies, which may be what is wrong."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def load(
    files: Sequence[Path] = (),
    *,
    sets: Sequence[str] = (),
    environ: MutableMapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    live: bool = False,
    mode: Mode | None = None,
    disabled: Collection[str] = (),
    sections: Collection[str] = _SECTIONS,
) -> Plan:
    """Read, merge and check a configuration.

    `defaults` is the lowest layer. Without `live`, mode "live" becomes "paper"; `mode` overrules what is configured.
    Plugins whose instance or entry-point name is in `disabled` are left out before anything of theirs is imported,
    and so is every section that is not among `sections`.
    Raises ConfigError with everything that is wrong.
    """
    environ = os.environ if environ is None else environ
    layers = read_layers(files, environ=environ, sets=sets, defaults=defaults)
    layers.data = {name: value for name, value in layers.data.items() if name in sections or name not in _SECTIONS}
    is_whole = not disabled and set(sections) >= set(_SECTIONS)
    loading = _Loading(layers, environ, frozenset(disabled), is_whole=is_whole, trades="venue" in sections)
    plan = loading.plan(live=live, mode=mode)
    if loading.problems:
        raise ConfigError(loading.problems)
    return plan


class _Loading:
    """The work on one configuration: what is left when `problems` is empty is sound."""

    def __init__(
        self, layers: Layers, environ: MutableMapping[str, str], disabled: Collection[str], *, is_whole: bool, trades: bool
    ) -> None:
        self._layers, self._disabled, self._is_whole, self._trades = layers, disabled, is_whole, trades
        self._structurer = Structurer(Vault(environ))
        self.problems: list[Problem] = []
        self._config: dict[str, Any] = {}
        self._versions: dict[str, str] = {}
        self._seed: int | None = None
        self._underlyings: frozenset[str] | None = None

    def plan(self, *, live: bool, mode: Mode | None) -> Plan:
        data = self._layers.data
        self._refuse_unknown_sections(data)
        self._pins = self._pinned(data)
        run = self._run(data, live=live, mode=mode)
        # Only a live run signs requests: elsewhere a secret that is not at hand is not missed.
        self._structurer.vault.needed = run.mode is Mode.LIVE
        adapters = dict(self._adapters(data))
        if run.mode is not Mode.SIM and not data.get("adapters"):
            self._problem(("adapters",), f"mode {run.mode.value} needs an adapter", 'add [adapters.gate] with use = "gate"')
        venue = self._single("venue", "venues", "venue", wanted=self._trades and run.mode is not Mode.LIVE)
        market = self._single("market", "sources", "generated", wanted=run.mode is Mode.SIM)
        self._underlyings = _underlyings((*adapters.values(),) if market is None else (market,))
        halt, plugins = self._halt(data), tuple(self._plugins(data))
        self._refuse_unmet_pins()
        return Plan(
            run=run,
            halt=halt,
            adapters=adapters,
            venue=venue,
            market=market,
            plugins=plugins,
            config=self._ordered(),
            versions=self._versions,
            layers=self._layers,
            vault=self._structurer.vault,
        )

    # ---- sections ----

    def _refuse_unknown_sections(self, data: Mapping[str, Any]) -> None:
        for name, value in data.items():
            if name not in _SECTIONS:
                self._problem((name,), "unknown section", did_you_mean(name, _SECTIONS))
            elif not isinstance(value, Mapping):
                self._problem((name,), "is not a table", f"write [{name}]")

    def _run(self, data: Mapping[str, Any], *, live: bool, mode: Mode | None) -> RunSettings:
        raw = _table(data, "run")
        # A mistake in this section hides none of the others: they are judged by the mode that is meant.
        run = self._structured(raw, RunSettings, ("run",)) or RunSettings(mode=_mode_meant(raw, live=live))
        self._seed = run.seed if "seed" in raw else None
        if live and run.mode is not Mode.LIVE:
            self._problem(("run", "mode"), f"is {run.mode.value}, and --live was asked for", 'set mode = "live", or leave --live out')
        if mode is None and (fix := backend_advice(run.backend)):  # whoever overrules the mode starts no event loop
            self._problem(("run", "backend"), f"{run.backend.value} is not installed", fix)
        if mode is not None:
            run = attrs.evolve(run, mode=mode)
        elif run.mode is Mode.LIVE and not live:
            run = attrs.evolve(run, mode=Mode.PAPER)
        self._config["run"] = {**_filled(raw, run), "mode": run.mode.value}
        return run

    def _pinned(self, data: Mapping[str, Any]) -> Pins:
        """[plugins.pin], the one table of [plugins]."""
        raw = _table(data, "plugins")
        for name in raw:
            if name != "pin" or not isinstance(raw[name], Mapping):
                self._problem(("plugins", name), "is not known", "[plugins] holds the table [plugins.pin]")
        pins = _table(raw, "pin")
        if pins:
            self._config["plugins"] = {"pin": dict(pins)}
        return Pins.of(pins, lambda name, what, fix: self._problem(("plugins", "pin", name), what, fix))

    def _refuse_unmet_pins(self) -> None:
        """Not where something else is wrong, or left out: what was not looked for was not met either."""
        if self._is_whole and not self.problems:
            for name, problem in self._pins.unmet():
                self._problem(("plugins", "pin", name), problem.what, problem.fix)

    def _halt(self, data: Mapping[str, Any]) -> HaltSettings:
        raw = _table(data, "halt")
        halt = self._structured(raw, HaltSettings, ("halt",)) or HaltSettings()
        self._config["halt"] = _filled(raw, halt)
        return halt

    def _adapters(self, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, raw in self._instances(data, "adapters"):
            settings = self._section(raw, "adapters", ("adapters", name))
            if settings is not None:
                yield name, settings

    def _single(self, section: str, kind: str, default: str, *, wanted: bool) -> Any:
        """[venue] or [market]: one table, with a default `use`. Left alone where the mode has no use for it."""
        raw = _table(self._layers.data, section)
        if not wanted:
            if raw:
                self._config[section] = dict(raw)
            self._pins.met.update(one.distribution for one in installed(kind) if one.name == raw.get("use", default))
            return None
        return self._section({"use": default, **raw}, kind, (section,), self._seed)

    def _plugins(self, data: Mapping[str, Any]) -> Iterator[PluginPlan]:
        """In config order: as their tables first appear, whatever their kind."""
        listed = [(section, name, raw) for section in _PLUGIN_KINDS for name, raw in self._instances(data, section)]
        listed.sort(key=lambda one: self._layers.order.get(one[:2], 0))
        seen: dict[str, str] = {}
        for section, name, raw in listed:
            if name in seen:
                self._problem(
                    (section, name), f"the name {name} is taken by [{seen[name]}.{name}]", "every plugin instance has a name of its own"
                )
            seen.setdefault(name, section)
            plugin = self._plugin(section, name, raw)
            if plugin is not None:
                yield plugin

    def _plugin(self, section: str, name: str, raw: Mapping[str, Any]) -> PluginPlan | None:
        key, kind = (section, name), _PLUGIN_KINDS[section]
        found = self._found(raw, section, key)
        if found is None:
            return None
        wrong = hooks.problems(found.value, kind) if isinstance(found.value, type) else [Problem("", f"{found.use} is not a class")]
        for problem in wrong:
            self._problem(key, problem.what, "; ".join(part for part in (problem.where, problem.fix) if part))
        settings = {field: value for field, value in raw.items() if field != "use"}
        made = self._checked(settings, raw, found.value, key) if attrs.has(found.value) else None
        if made is None:
            return None
        self._refuse_unknown_underlyings(made, key)
        structurer = self._structurer
        return PluginPlan(
            name=name,
            kind=kind,
            use=found.use,
            distribution=found.distribution,
            version=found.version,
            cls=found.value,
            make=lambda: structurer.structure(settings, found.value, ".".join(key)),
        )

    def _refuse_unknown_underlyings(self, made: Any, key: tuple[str, ...]) -> None:
        """Settings that name underlyings (`strikeloop.hooks.UNDERLYINGS`), where those of the run are known."""
        known = self._underlyings
        if known is None:
            return
        for field in hooks.settings_of(type(made)):
            for place, name in hooks.underlyings_in(made, field):
                if name not in known:
                    self._problem((*key, *place), f"{name} is no underlying of this run", did_you_mean(name, sorted(known)))

    # ---- one section ----

    def _instances(self, data: Mapping[str, Any], section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, raw in _table(data, section).items():
            if name == NAME:
                self._problem((section, name), "is the name of the kill switch itself", "give the instance another name")
            elif not isinstance(raw, Mapping):
                self._problem((section, name), "is not a table", f"write [{section}.NAME] with use = …")
            elif not _NAME.fullmatch(name):
                self._problem((section, name), "is not a name for an instance", "small letters, digits, - and _, at most 32")
            elif name not in self._disabled and raw.get("use") not in self._disabled:
                yield name, raw

    def _section(self, raw: Mapping[str, Any], kind: str, key: tuple[str, ...], seed: int | None = None) -> Any:
        """A settings object of [adapters.x], [venue] or [market]; None where something is wrong.

        The run's `seed`, where the user set one, is the default of a field with that name.
        """
        found = self._found(raw, kind, key)
        if found is None:
            return None
        if not (isinstance(found.value, type) and attrs.has(found.value) and hasattr(found.value, "open")):
            self._problem(key, f"{found.use} is no settings class", "an attrs class whose fields are the settings, with a method open")
            return None
        settings = {field: value for field, value in raw.items() if field != "use"}
        if seed is not None and any(field.name == "seed" for field in attrs.fields(found.value)):
            settings.setdefault("seed", seed)
        return self._checked(settings, {"use": raw["use"], **settings}, found.value, key)

    def _found(self, raw: Mapping[str, Any], kind: str, key: tuple[str, ...]) -> Found | None:
        use = raw.get("use")
        if not isinstance(use, str) or not use:
            self._problem((*key, "use"), "missing" if use is None else "expected text", f"name one of the {kind}: strikeloop plugins list")
            return None
        try:
            found = find(kind, use, self._pins)
        except ValueRefusedError as error:
            self._problem((*key, "use"), error.what, error.fix)
            return None
        self._versions[".".join(key)] = f"{found.distribution or found.use} {found.version}"
        return found

    def _checked(self, settings: Mapping[str, Any], raw: Mapping[str, Any], cls: type[T], key: tuple[str, ...]) -> T | None:
        made = self._structured(settings, cls, key)
        if made is not None:
            level = self._config
            for part in key[:-1]:
                level = level.setdefault(part, {})
            level[key[-1]] = _filled(raw, made)
        return made

    def _structured(self, raw: Mapping[str, Any], cls: type[T], key: tuple[str, ...]) -> T | None:
        try:
            return self._structurer.structure(raw, cls, ".".join(key), lambda inner: self._layers.place((*key, *inner)))
        except ConfigError as error:
            self.problems.extend(error.problems)
            return None

    def _problem(self, key: tuple[str, ...], what: str, fix: str = "") -> None:
        place = self._layers.place(key)
        self.problems.append(Problem(".".join(key) + (f" ({place})" if place else ""), what, fix))

    def _ordered(self) -> dict[str, Any]:
        return {section: self._config[section] for section in _SECTIONS if section in self._config}


def _underlyings(markets: Sequence[Any]) -> frozenset[str] | None:
    """What is traded where these markets come from, as their settings say (`underlyings`, or `underlying`); None where one does not."""
    found: set[str] = set()
    for market in markets:
        stated = getattr(market, "underlyings", None) or getattr(market, "underlying", None)
        if not stated:
            return None
        found.update((stated,) if isinstance(stated, str) else stated)
    return frozenset(found) if markets else None


def _mode_meant(raw: Mapping[str, Any], *, live: bool) -> Mode:
    written = raw.get("mode", Mode.PAPER.value)
    return next((mode for mode in Mode if mode.value == written), Mode.LIVE if live else Mode.PAPER)


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _filled(raw: Mapping[str, Any], made: Any) -> dict[str, Any]:
    """What was configured, completed by the defaults that `made` shows and TOML can hold."""
    out = dict(raw)
    for field in hooks.settings_of(type(made)):
        key = field.alias or field.name
        value = getattr(made, field.name)
        if attrs.has(type(value)) and isinstance(raw.get(key, {}), Mapping):
            out[key] = _filled(raw.get(key, {}), value)
        elif key not in raw and (plain := _plain(value)) is not None:
            out[key] = plain
    return out


def _plain(value: Any) -> Any:
    """`value` as TOML can hold it, None where it cannot."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return None if None in items else items
    return None
