"""A distribution of plugins that exists only for a test: its metadata, its entry points, its module."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PLUGINS = '''
from __future__ import annotations

from decimal import Decimal

import attrs

import click

from strikeloop import DecodeError, Desk, Filled, UnderlyingPriced, hookimpl, plugin, state
from strikeloop.adapter import Decoded
from strikeloop.wire import Secret


@click.command()
def command():
    """A command of a plugin."""
    click.echo("from the plugin")


@attrs.frozen(kw_only=True)
class Gate:
    url: str = "wss://127.0.0.1"
    key: Secret | None = None

    def open(self, name, *, clock): ...

    @staticmethod
    def decoder(dialect="auto", name="fake"):
        """Frames are `"underlying price time"`."""

        def decode(frame, received):
            words = frame.decode("utf-8", "replace").strip('"').split()
            if len(words) < 2:
                raise DecodeError(f"expected two words in dialect {dialect}", channel="prices", field="words")
            event = UnderlyingPriced(time=1, received=received, adapter=name, underlying=words[0], price=float(words[1]))
            return Decoded(channel="prices", events=(event,))

        return decode


@attrs.frozen(kw_only=True)
class Latency:
    entry_ms: float = 1.0


@attrs.frozen(kw_only=True)
class Venue:
    balance: Decimal = Decimal("100000")
    latency: Latency = attrs.field(factory=Latency)
    seed: int = 1

    def open(self, adapter, contracts): ...


@attrs.frozen(kw_only=True)
class Market:
    days: int = 1
    file: str = ""
    seed: int = 1

    def open(self, adapter): ...


@plugin
class Band:
    band: float = 0.25
    seen: int = state(0)

    @hookimpl
    def on_fill(self, event: Filled, desk: Desk) -> None: ...


@plugin
class Limit:
    most: Decimal

    @hookimpl
    def review_order(self, command, desk): ...


@plugin
class Misspelt:
    @hookimpl
    def on_fil(self, event): ...

    @hookimpl
    async def on_order(self, evnt): ...
'''

ENTRY_POINTS = """
[strikeloop.adapters]
fake-gate = fake_plugins:Gate
[strikeloop.venues]
fake-venue = fake_plugins:Venue
[strikeloop.sources]
fake-market = fake_plugins:Market
[strikeloop.strategies]
fake-band = fake_plugins:Band
fake-broken = fake_broken:Band
fake-misspelt = fake_plugins:Misspelt
fake-nothing = fake_plugins:Nothing
[strikeloop.commands]
fake-command = fake_plugins:command
[strikeloop.risk]
fake-limit = fake_plugins:Limit
"""


def distribution(folder: Path, name: str, entry_points: str, requires: str = "strikeloop<0.2,>=0.1") -> None:
    """Write the metadata of version 1.2 of a distribution, as an installer would."""
    info = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nRequires-Dist: {requires}\n")
    (info / "entry_points.txt").write_text(entry_points)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The distribution strikeloop-fake in a site folder of its own, beside a strikeloop of version 0.1.0."""
    site = folder / "site"
    site.mkdir()
    (site / "fake_plugins.py").write_text(PLUGINS)
    (site / "fake_broken.py").write_text("import nothing_that_exists\n")
    distribution(site, "strikeloop-fake", ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr("strikeloop.load.discovery.strikeloop_version", lambda: "0.1.0")
    for name in ("fake_plugins", "fake_broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return site
