"""Corvid keeps the contract of an adapter."""

from __future__ import annotations

from corvid_spelling import CorvidSpelling
from strikeloop_corvid import Corvid

from strikeloop.testing import KEY, SECRET, AdapterContract
from strikeloop.wire import Secret


class TestCorvid(AdapterContract):
    spelling = CorvidSpelling()

    def adapter(self) -> Corvid:
        return Corvid(key=Secret(KEY), secret=Secret(SECRET))
