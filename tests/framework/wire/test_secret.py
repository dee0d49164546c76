"""A secret gives itself away to `reveal` and to nothing else."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import msgspec
import pytest

from strikeloop.errors import ConfigError
from strikeloop.wire import Secret

VALUE = "s3cr3t-of-the-venue"


@attrs.frozen
class Settings:
    key: Secret


def test_reveal_gives_the_value() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "shown",
    [str, repr, format, "{:>40}".format, "%s".__mod__, lambda secret: repr(Settings(secret)), lambda secret: repr([secret]), dir],
    ids=["str", "repr", "format", "padded", "percent", "in settings", "in a list", "dir"],
)
def test_no_way_to_make_text_shows_it_or_its_length(shown: Callable[[Secret], object]) -> None:
    assert VALUE not in str(shown(Secret(VALUE)))
    assert str(shown(Secret(VALUE))) == str(shown(Secret("x")))


@pytest.mark.parametrize(
    "leak",
    [pickle.dumps, copy.copy, copy.deepcopy, hash, vars, bytes, json.dumps, msgspec.json.encode, Secret.__getstate__, Secret.__reduce__],
    ids=["pickle", "copy", "deepcopy", "hash", "vars", "bytes", "json", "msgspec", "getstate", "reduce"],
)
def test_what_would_carry_it_elsewhere_raises_without_naming_it(leak: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as caught:
        leak(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_unstructuring_hands_the_object_through_unopened() -> None:
    settings = Settings(Secret(VALUE))
    assert attrs.asdict(settings)["key"] is settings.key
    assert VALUE not in str(cattrs.unstructure(settings))


def test_two_secrets_with_one_value_are_not_equal() -> None:
    secret = Secret(VALUE)
    assert secret != Secret(VALUE)
    assert secret == secret  # noqa: PLR0124 - a secret is itself
    assert [secret].count(VALUE) == 0  # type: ignore[arg-type]  # comparing with the text itself is the point


def test_an_empty_value_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="empty"):
        Secret("")


def test_a_value_that_is_no_text_is_refused_without_showing_it() -> None:
    with pytest.raises(TypeError, match="not bytes") as caught:
        Secret(VALUE.encode())  # type: ignore[arg-type]  # the mistake under test
    assert VALUE not in str(caught.value)
