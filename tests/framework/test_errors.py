"""The specification of strikeloop.errors."""

from __future__ import annotations

import pytest

from strikeloop import errors as e

ALL = [kind for kind in vars(e).values() if isinstance(kind, type) and issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_a_strikeloop_error(kind: type[Exception]) -> None:
    assert issubclass(kind, e.StrikeloopError)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_says_who_must_act(kind: type[Exception]) -> None:
    first = (e.ConfigError, e.PluginError, e.StorageError, e.InvariantError, e.VenueError)
    assert kind is e.StrikeloopError or issubclass(kind, first)


def test_what_may_be_tried_again_is_said_by_the_class() -> None:
    assert {kind.__name__ for kind in ALL if getattr(kind, "retryable", False)} == {
        "VenueError",
        "LinkLostError",
        "SubscriptionRefusedError",
    }


def test_a_problem_names_place_fault_and_fix() -> None:
    assert str(e.Problem("run.mode", "is wrong", "write sim")) == "run.mode: is wrong (write sim)"


def test_a_problem_without_a_fix_has_no_brackets() -> None:
    assert str(e.Problem("run.mode", "is wrong")) == "run.mode: is wrong"


def test_one_config_error_names_every_problem_on_a_line_of_its_own() -> None:
    assert str(e.ConfigError([e.Problem("a", "x"), e.Problem("b", "y")])) == "a: x\nb: y"


@pytest.mark.parametrize("problem", ["broken", e.Problem("config", "broken")])
def test_a_config_error_takes_a_single_problem_or_a_sentence(problem: str | e.Problem) -> None:
    assert e.ConfigError(problem).problems == (e.Problem("config", "broken"),)


def test_a_plugin_error_names_plugin_and_hook() -> None:
    error = e.PluginError("no", plugin="hedge", hook="on_quote")
    assert (str(error), error.plugin, error.hook) == ("no", "hedge", "on_quote")


def test_a_venue_error_keeps_code_and_channel() -> None:
    error = e.AuthRejectedError("no", code=401, channel="orders")
    assert (error.code, error.channel) == (401, "orders")


def test_a_decode_error_names_channel_field_and_reason() -> None:
    error = e.DecodeError("is not a number", channel="options.orders", field="result[0].size", frame="{}")
    assert (str(error), error.reason) == ("options.orders result[0].size: is not a number", "is not a number")


def test_a_decode_error_without_a_channel_says_so() -> None:
    assert str(e.DecodeError("is no JSON")) == "unknown channel: is no JSON"


def test_a_decode_error_keeps_no_more_than_the_beginning_of_a_frame() -> None:
    assert len(e.DecodeError("too long", frame="x" * 5_000).frame) == 2_048
