"""The settings of a Gate account, what they refuse, and the two ports they open."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from decimal import Decimal
from typing import Any

import pytest

from strikeloop import ConfigError, DecodeError
from strikeloop.settings import structure
from strikeloop.wire import Secret
from strikeloop_gate import Dialect, Gate
from strikeloop_gate.guard import MmpSettings

PONG = '{"time":1,"channel":"options.pong","event":"","result":null}'


@pytest.mark.parametrize("dialect", ["auto", "seed", "gate"])
def test_a_decoder_needs_no_settings(dialect: str) -> None:
    assert Gate.decoder(dialect=dialect, name="gate")(PONG, 1).is_heartbeat


def test_a_decoder_names_its_contracts_after_the_instance() -> None:
    item = {"underlying": "BTC_USDT", "price": 5}
    frame = json.dumps({"time": 1, "channel": "options.ul_price", "event": "update", "result": item})
    event: Any
    (event,) = Gate.decoder(name="main")(frame, 9).events
    assert (event.adapter, event.received) == ("main", 9)


def test_a_decoder_of_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ConfigError, match="auto, gate or seed"):
        Gate.decoder(dialect="klingon")


def test_the_dialect_auto_takes_both_forms_and_a_set_one_only_its_own() -> None:
    frame = json.dumps({"time": 1, "channel": "options.portfolio", "event": "update", "result": {}})
    with pytest.raises(DecodeError):
        Gate.decoder(dialect="gate")(frame, 1)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"dialect": "auto"}, "dialect"),
        ({"underlyings": ()}, "underlyings"),
        ({"key": Secret("k")}, "key, secret"),
        ({"secret": Secret("s")}, "key, secret"),
        ({"request_timeout_s": 0}, "request_timeout_s"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Gate(**settings)
    assert [problem.where for problem in caught.value.problems] == [where]


def test_protection_is_configured_by_underlying() -> None:
    limits = {"window": 5000, "frozen_period": 200, "qty_limit": "10", "delta_limit": "10.5"}
    settings = structure({"mmp": {"BTC_USDT": limits}}, Gate)
    assert settings.mmp == {"BTC_USDT": MmpSettings(window=5000, frozen_period=200, qty_limit=Decimal(10), delta_limit=Decimal("10.5"))}
    with pytest.raises(ConfigError, match=r"mmp\.BTC_USDT\.window"):
        structure({"mmp": {"BTC_USDT": limits | {"window": "soon"}}}, Gate)


def test_plain_http_to_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError):
        Gate(rest_url="http://api.example.com/api/v4").open("gate")


def test_without_keys_there_is_market_data_only() -> None:
    assert Gate().open("gate").account is None
    assert Gate(key=Secret("k"), secret=Secret("s")).open("gate").account is not None


def test_settings_never_show_their_secrets() -> None:
    assert "hidden" not in repr(Gate(key=Secret("hidden-1"), secret=Secret("hidden-2"), dialect=Dialect.SEED))


def test_without_msgspec_the_adapter_says_how_to_get_it() -> None:
    program = textwrap.dedent(
        """
        import sys
        sys.modules["msgspec"] = None
        from strikeloop import ConfigError
        try:
            import strikeloop_gate
        except ConfigError as error:
            print(error)
        """
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "strikeloop-gate" in told
    assert "pip install strikeloop[live]" in told
