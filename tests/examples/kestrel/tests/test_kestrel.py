"""Kestrel keeps the contract of an adapter; what needs an account is skipped."""

from __future__ import annotations

from kestrel_spelling import KestrelSpelling
from strikeloop_kestrel import Kestrel

from strikeloop.testing import AdapterContract


class TestKestrel(AdapterContract):
    spelling = KestrelSpelling()

    def adapter(self) -> Kestrel:
        return Kestrel()
