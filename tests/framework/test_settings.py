"""What the strict converter takes, what it refuses, and how it says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from strikeloop.errors import ConfigError, Problem
from strikeloop.hooks import hookimpl, plugin, state
from strikeloop.settings import Structurer, Vault, WrittenFloat, structure
from strikeloop.wire import Secret


class Mode(StrEnum):
    PAPER = "paper"
    LIVE = "live"


class Level(Enum):
    LOW = 1
    HIGH = 2


@attrs.frozen(kw_only=True)
class Constant:
    kind: Literal["constant"] = "constant"
    entry_ms: float


@attrs.frozen(kw_only=True)
class Drawn:
    kind: Literal["drawn"] = "drawn"
    median_ms: float


@attrs.frozen(kw_only=True)
class Everything:
    text: str = ""
    whole: int = 0
    number: float = 0.0
    flag: bool = False
    exact: Decimal = Decimal(0)
    mode: Mode = Mode.PAPER
    level: Level = Level.LOW
    path: Path = Path()
    day: dt.date = dt.date(2026, 1, 1)
    names: tuple[str, ...] = ()
    pair: tuple[int, float] = (0, 0.0)
    numbers: list[float] = attrs.field(factory=list)
    table: Mapping[str, int] = attrs.field(factory=dict)
    either: int | str = 0
    maybe: float | None = None
    literal: Literal["a", 1] = "a"
    nested: Constant = attrs.field(factory=lambda: Constant(entry_ms=1.0))
    latency: Constant | Drawn = attrs.field(factory=lambda: Constant(entry_ms=1.0))
    lots: tuple[Constant, ...] = ()
    positive: int = attrs.field(default=1, validator=attrs.validators.gt(0))


@attrs.frozen(kw_only=True)
class Keyed:
    key: Secret
    spare: Secret | None = None


def refused(data: Any, cls: type = Everything, where: str = "section") -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        structure(data, cls, where)
    return tuple(map(str, caught.value.problems))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("text", "x", "x"),
        ("whole", -7, -7),
        ("number", 2, 2.0),
        ("number", 2.5, 2.5),
        ("flag", True, True),
        ("exact", "0.10", Decimal("0.10")),
        ("exact", 5, Decimal(5)),
        ("exact", WrittenFloat("0.1"), Decimal("0.1")),
        ("mode", "live", Mode.LIVE),
        ("level", 2, Level.HIGH),
        ("path", "a/b", Path("a/b")),
        ("day", dt.date(2026, 6, 26), dt.date(2026, 6, 26)),
        ("names", ["a", "b"], ("a", "b")),
        ("pair", [1, 2], (1, 2.0)),
        ("numbers", [1, 2.5], [1.0, 2.5]),
        ("table", {"a": 1}, {"a": 1}),
        ("either", "x", "x"),
        ("either", 3, 3),
        ("maybe", 1.5, 1.5),
        ("maybe", None, None),
        ("literal", 1, 1),
        ("nested", {"entry_ms": 5}, Constant(entry_ms=5.0)),
        ("latency", {"kind": "drawn", "median_ms": 5}, Drawn(median_ms=5.0)),
        ("lots", [{"entry_ms": 5}], (Constant(entry_ms=5.0),)),
    ],
)
def test_what_fits_is_taken(key: str, value: Any, expected: Any) -> None:
    taken = getattr(structure({key: value}, Everything), key)
    assert (taken, type(taken)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("text", 5, 'expected text, got 5 (write it in quotes: "…")'),
        ("whole", True, "expected a whole number, got true"),
        ("whole", 1.0, "expected a whole number, got 1.0"),
        ("whole", "5", 'expected a whole number, got "5"'),
        ("whole", 10**40, "expected a whole number, got a number of more than 40 digits"),
        ("number", True, "expected a number, got true"),
        ("number", "1.5", 'expected a number, got "1.5"'),
        ("number", float("nan"), "expected a finite number, got nan"),
        ("number", float("-inf"), "expected a finite number, got -inf"),
        ("number", 2**53 + 1, "9007199254740993 has no exact form as a float"),
        ("flag", 1, "expected true or false, got 1"),
        ("flag", "true", 'expected true or false, got "true"'),
        ("exact", 0.1, 'expected an exact number, got the float 0.1 (write it as a string: "0.1")'),
        ("exact", True, 'expected an exact number, got true (write digits as a string: "0.25")'),
        ("exact", "NaN", 'expected an exact number, got "NaN" (write digits as a string: "0.25")'),
        ("exact", " 1 ", 'expected an exact number, got " 1 " (write digits as a string: "0.25")'),
        ("exact", "1_000", 'expected an exact number, got "1_000" (write digits as a string: "0.25")'),
        ("exact", "\uff11\uff12", 'expected an exact number, got "\uff11\uff12" (write digits as a string: "0.25")'),
        ("mode", "pepar", 'expected one of paper, live, got "pepar" (did you mean paper?)'),
        ("level", True, "expected one of 1, 2, got true (known here: 1, 2)"),
        ("literal", True, "expected one of a, 1, got true (known here: a, 1)"),
        ("path", 5, "expected a path, got 5"),
        ("path", "a\0b", 'expected a path, got "a\0b"'),
        ("day", "2026-06-26", 'expected a date, got "2026-06-26" (write it as TOML does, without quotes: 2026-06-26)'),
        (
            "day",
            dt.datetime(2026, 6, 26, tzinfo=dt.UTC),
            "expected a date, got 2026-06-26 00:00:00+00:00 (write it as TOML does, without quotes: 2026-06-26)",
        ),
        ("names", "ab", 'expected a list, got "ab"'),
        ("pair", [1], "expected a list of 2, got one of 1"),
        ("table", ["a"], "expected a table, got a list"),
        ("either", 1.5, "expected a whole number or text, got 1.5"),
        ("maybe", "x", 'expected a number, got "x"'),
        ("nested", 5, "expected a table, got 5"),
        ("latency", {"kind": "dranw"}, "expected Constant or Drawn, got a table"),
        ("positive", 0, "'positive' must be > 0: 0"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(key: str, value: Any, reason: str) -> None:
    (problem,) = refused({key: value})
    assert problem in (f"section.{key}: {reason}", f"section: {reason}")


@pytest.mark.parametrize("value", [None, 5, "x", [], True])
def test_what_is_no_table_is_no_section(value: Any) -> None:
    (problem,) = refused(value)
    assert problem.startswith("section: expected a table")


def test_an_unknown_key_gets_a_suggestion() -> None:
    assert refused({"numbre": 1}) == ("section.numbre: unknown key (did you mean number?)",)


def test_a_missing_key_is_named() -> None:
    assert refused({}, Constant) == ("section.entry_ms: missing (it has no default)",)


def test_everything_wrong_is_told_at_once_and_in_its_place() -> None:
    data = {"whole": "x", "names": ["a", 1, 2], "table": {"k": True}, "lots": [{"entry_ms": "x"}, {}], "extra": 1}
    places = [problem.split(":")[0] for problem in refused(data, where="venue")]
    assert sorted(places) == [
        "venue.extra",
        "venue.lots[0].entry_ms",
        "venue.lots[1].entry_ms",
        "venue.names[1]",
        "venue.names[2]",
        "venue.table.k",
        "venue.whole",
    ]


def test_the_place_of_a_key_stands_behind_it() -> None:
    with pytest.raises(ConfigError, match=r"^section\.nested\.entry_ms \(a\.toml:nested/entry_ms\): expected a number"):
        structure({"nested": {"entry_ms": "x"}}, Everything, "section", lambda key: "a.toml:" + "/".join(map(str, key)))


def test_what_a_settings_class_finds_wrong_itself_is_told_in_its_place() -> None:
    @attrs.frozen
    class Pair:
        low: int
        high: int

        def __attrs_post_init__(self) -> None:
            if self.low > self.high:
                raise ConfigError([Problem("low", "is above high", "swap them"), Problem("high", "is below low")])

    assert refused({"low": 2, "high": 1}, Pair) == ("section.low: is above high (swap them)", "section.high: is below low")


def test_a_type_that_cannot_be_a_setting_is_named() -> None:
    @attrs.frozen
    class Odd:
        raw: bytes
        other: complex

    assert sorted(refused({"raw": "x", "other": "y"}, Odd)) == [
        "section.other: complex cannot be a setting (use text, numbers, flags, lists, tables or attrs classes of these)",
        "section.raw: bytes cannot be a setting (use text, numbers, flags, lists, tables or attrs classes of these)",
    ]


@plugin
class Counting:
    limit: int = 3
    seen: int = state(0)

    @hookimpl
    def on_start(self) -> None:
        self.seen += 1


def test_settings_of_a_plugin_are_set_and_its_state_is_not() -> None:
    assert structure({"limit": 5}, Counting).limit == 5
    assert refused({"seen": 5}, Counting) == ("section.seen: unknown key (known here: limit)",)


# ---- secrets -------------------------------------------------------------------------------------------------------


@pytest.fixture
def private(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    path = tmp_path / "key"
    path.write_text("from-file\n")
    path.chmod(0o600)
    return path


def revealed(reference: Any, environ: dict[str, str] | None = None) -> str:
    return Structurer(Vault(environ or {})).structure({"key": reference}, Keyed).key.reveal()


def secret_problem(reference: Any, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        Structurer(Vault(environ or {})).structure({"key": reference}, Keyed, "adapters.gate")
    (problem,) = caught.value.problems
    return str(problem)


def test_a_secret_comes_from_the_environment() -> None:
    assert revealed({"env": "GATE_KEY"}, {"GATE_KEY": "from-env"}) == "from-env"


def test_a_secret_comes_from_a_file_that_only_its_owner_reads(private: Path) -> None:
    assert revealed({"file": str(private)}) == "from-file"


def test_a_secret_comes_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ring:
        @staticmethod
        def get_password(service: str, user: str) -> str:
            return f"{service}:{user}"

    monkeypatch.setitem(__import__("sys").modules, "keyring", Ring)
    assert revealed({"keyring": "strikeloop/gate/key"}) == "strikeloop/gate:key"


@pytest.mark.parametrize(
    "clear", ["hunter2", 42, ["hunter2"], {"env": "hunter2"}, {"env": "X", "file": "hunter2"}, {"vault": "hunter2"}, {"env": 5}]
)
def test_a_secret_in_clear_is_refused_and_never_shown(clear: Any) -> None:
    problem = secret_problem(clear)
    assert problem.startswith("adapters.gate.key: ")
    assert "hunter2" not in problem
    assert "42" not in problem


def test_a_variable_that_is_not_set_is_named() -> None:
    assert "environment variable GATE_KEY is not set" in secret_problem({"env": "GATE_KEY"})


@pytest.mark.parametrize(
    "spoil", [lambda p: p.chmod(0o640), lambda p: p.parent.chmod(0o755), lambda p: p.write_text("  "), lambda p: p.unlink()]
)
def test_a_file_that_is_open_to_others_empty_or_absent_is_refused(private: Path, spoil: Callable[[Path], None]) -> None:
    spoil(private)
    assert str(private.parent) in secret_problem({"file": str(private)}) or "is empty" in secret_problem({"file": str(private)})


def test_a_link_to_a_secret_is_not_followed(private: Path) -> None:
    link = private.with_name("link")
    link.symlink_to(private)
    assert "links are not followed" in secret_problem({"file": str(link)})


def test_a_vault_forgets_the_variables_it_has_read_and_still_knows_the_secret() -> None:
    environ = {"GATE_KEY": "x", "OTHER": "y"}
    structurer = Structurer(Vault(environ))
    structurer.structure({"key": {"env": "GATE_KEY"}}, Keyed)
    structurer.vault.forget_environment()
    assert environ == {"OTHER": "y"}
    assert structurer.structure({"key": {"env": "GATE_KEY"}}, Keyed).key.reveal() == "x"


def test_where_no_request_is_signed_an_optional_secret_may_be_absent() -> None:
    environ = {"GATE_KEY": "x"}
    data = {"key": {"env": "GATE_KEY"}, "spare": {"env": "ABSENT"}}
    assert Structurer(Vault(environ, needed=False)).structure(data, Keyed).spare is None
    with pytest.raises(ConfigError, match="ABSENT is not set"):
        Structurer(Vault(environ)).structure(data, Keyed)
    with pytest.raises(ConfigError, match="in clear"):
        Structurer(Vault(environ, needed=False)).structure({**data, "spare": "abc"}, Keyed)
