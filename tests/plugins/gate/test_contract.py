"""The Gate adapter keeps the contract of an adapter, before a played venue that speaks as Gate documents."""

from __future__ import annotations

from strikeloop.testing import KEY, SECRET, AdapterContract
from strikeloop.wire import Secret
from strikeloop_gate import Gate
from tests.plugins.gate.gate_spelling import GateSpelling
from tests.plugins.gate.seed_spelling import SeedSpelling


class TestGate(AdapterContract):
    spelling = GateSpelling()

    def adapter(self) -> Gate:
        return Gate(key=Secret(KEY), secret=Secret(SECRET))


class TestGateOfTheSeedDocument(AdapterContract):
    spelling = SeedSpelling()
    backends = ("asyncio",)

    def adapter(self) -> Gate:
        return Gate(dialect="seed", key=Secret(KEY), secret=Secret(SECRET))
