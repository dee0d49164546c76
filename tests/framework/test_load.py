"""Loading: a good config becomes a plan, a bad one becomes one report with every place and every fix."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from strikeloop.errors import ConfigError
from strikeloop.load import Backend, Mode, Plan, installed, load, read_layers
from tests.framework.plugin_fakes import PLUGINS, distribution, install

HEAD = """
[venue]
use = "fake-venue"
[market]
use = "fake-market"
"""

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site folder of strikeloop-fake."""
    return install(tmp_path, monkeypatch)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "run.toml") -> Path:
        path = tmp_path / name
        path.write_text(dedent(text))
        return path

    return write


def sim(*files: Path, **options: Any) -> Plan:
    return load(files, environ=options.pop("environ", {}), mode=Mode.SIM, **options)


def problems(*files: Path, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(files, environ=options.pop("environ", {}), mode=options.pop("mode", Mode.SIM), **options)
    return [str(problem) for problem in caught.value.problems]


# ---- a good one ----------------------------------------------------------------------------------------------------


def test_a_config_becomes_a_plan(write: Write) -> None:
    plan = load(
        [
            write("""
            [run]
            backend = "trio"
            [adapters.gate]
            use = "fake-gate"
            [venue]
            use = "fake-venue"
            balance = "5000.5"
            latency = { entry_ms = 5 }
            [strategies.hedge]
            use = "fake-band"
            band = 0.5
            [risk.cap]
            use = "fake-limit"
            most = "10"
            """)
        ],
        environ={},
    )
    assert (plan.run.mode, plan.run.backend) == (Mode.PAPER, Backend.TRIO)
    assert list(plan.adapters) == ["gate"]
    assert (plan.venue.balance, plan.venue.latency.entry_ms, plan.market) == (Decimal("5000.5"), 5.0, None)
    assert [(one.name, one.kind, one.distribution, one.version) for one in plan.plugins] == [
        ("hedge", "strategy", "strikeloop-fake", "1.2"),
        ("cap", "risk", "strikeloop-fake", "1.2"),
    ]


def test_each_make_gives_a_new_object_with_its_settings(write: Write) -> None:
    (one,) = sim(write(HEAD + '[strategies.hedge]\nuse = "fake-band"\nband = 0.5')).plugins
    first, second = one.make(), one.make()
    assert first is not second
    assert (first.band, second.band) == (0.5, 0.5)


def test_one_plugin_runs_twice_under_two_names(write: Write) -> None:
    plan = sim(write(HEAD + '[strategies.a]\nuse = "fake-band"\n[strategies.b]\nuse = "fake-band"\nband = 1'))
    assert [(one.name, one.make().band) for one in plan.plugins] == [("a", 0.25), ("b", 1.0)]


def test_plugins_stand_in_the_order_of_the_files_whatever_their_kind(write: Write) -> None:
    first = write(HEAD + '[strategies.z]\nuse = "fake-band"\n[risk.m]\nuse = "fake-limit"\nmost = 1\n[strategies.a]\nuse = "fake-band"')
    second = write('[strategies.b]\nuse = "fake-band"\n[strategies.z]\nband = 2', "second.toml")
    assert [one.name for one in sim(first, second).plugins] == ["z", "m", "a", "b"]


def test_a_plugin_comes_from_a_file_beside_the_config(write: Write, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "my.py").write_text(PLUGINS)
    (one,) = sim(write(HEAD + '[strategies.mine]\nuse = "./my.py:Band"', "conf/run.toml")).plugins
    assert (one.use, one.distribution, one.make().band) == ("my.py:Band", "", 0.25)


def test_what_the_config_does_not_name_is_not_imported(write: Write) -> None:
    assert any(one.name == "fake-band" for one in installed("strategies"))
    load((), environ={}, defaults={"adapters": {}}, mode=Mode.SIM, sets=["venue.use=fake-venue", "market.use=fake-market"])
    assert "fake_broken" not in sys.modules


def test_listing_imports_nothing() -> None:
    names = [(one.kind, one.name) for one in installed() if one.distribution == "strikeloop-fake"]
    assert ("strategies", "fake-broken") in names
    assert names == sorted(
        names, key=lambda one: (["strategies", "risk", "adapters", "venues", "sources", "sinks", "commands"].index(one[0]), one[1])
    )
    assert "fake_plugins" not in sys.modules


def test_a_live_config_is_paper_until_live_is_asked_for(write: Write) -> None:
    file = write('[run]\nmode = "live"\n[adapters.gate]\nuse = "fake-gate"\n[venue]\nuse = "fake-venue"')
    assert load([file], environ={}).run.mode is Mode.PAPER
    assert load([file], environ={}, live=True).run.mode is Mode.LIVE


def test_live_is_refused_where_the_config_says_something_else(write: Write) -> None:
    (problem,) = problems(write('[run]\nmode = "paper"\n[adapters.gate]\nuse = "fake-gate"\n' + HEAD), live=True, mode=None)
    assert problem.endswith('run.toml:2): is paper, and --live was asked for (set mode = "live", or leave --live out)')


def test_a_secret_is_needed_in_a_live_run_only(write: Write) -> None:
    file = write(HEAD + '[run]\nmode = "live"\n[adapters.gate]\nuse = "fake-gate"\nkey = { env = "GATE_KEY" }')
    assert load([file], environ={}).adapters["gate"].key is None
    (problem,) = problems(file, live=True, mode=None)
    assert "environment variable GATE_KEY is not set" in problem
    environ = {"GATE_KEY": "x"}
    plan = load([file], environ=environ, live=True)
    plan.forget_secrets()
    assert environ == {}
    assert plan.adapters["gate"].key.reveal() == "x"


def test_an_event_loop_that_is_missing_is_told_to_runs_and_means_nothing_to_backtests(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trio", None)
    file = write(HEAD + '[run]\nmode = "sim"\nbackend = "trio"')
    (problem,) = problems(file, mode=None)
    assert problem.endswith('run.toml:8): trio is not installed (pip install "strikeloop[trio]")')
    assert sim(file).run.backend is Backend.TRIO


@pytest.mark.parametrize("wrong", ['mode = "live"\nbackend = "twisted"', 'mode = "lively"', 'mode = "live"\nseed = "one"'])
def test_a_mistake_about_the_run_neither_hides_nor_invents_others(write: Write, wrong: str) -> None:
    file = write(f'[run]\n{wrong}\n[adapters.gate]\nuse = "fake-gate"\nkey = {{ env = "GATE_KEY" }}\n[market]\nuse = "fake-market"')
    of_the_run, of_the_key = problems(file, live=True, mode=None)
    assert of_the_run.startswith("run.")
    assert "environment variable GATE_KEY is not set" in of_the_key


def test_the_seed_of_the_run_is_the_seed_of_its_parts_unless_they_have_one(write: Write) -> None:
    file = write(HEAD + "seed = 3")
    assert (sim(file).venue.seed, sim(file).market.seed) == (1, 3)
    plan = sim(file, sets=["run.seed=7"])
    assert (plan.run.seed, plan.venue.seed, plan.market.seed) == (7, 7, 3)


def test_a_disabled_plugin_is_not_even_imported(write: Write) -> None:
    file = write(HEAD + '[strategies.a]\nuse = "fake-broken"\n[strategies.b]\nuse = "fake-band"')
    assert [one.name for one in sim(file, disabled=["fake-broken"]).plugins] == ["b"]
    assert [one.name for one in sim(file, disabled=["a"]).plugins] == ["b"]


# ---- layers --------------------------------------------------------------------------------------------------------


def test_later_layers_win_and_explain_tells_who_said_what(write: Write) -> None:
    first = write(HEAD + '[strategies.hedge]\nuse = "fake-band"\nband = 1')
    second = write("[strategies.hedge]\nband = 2", "second.toml")
    plan = sim(
        first,
        second,
        environ={"STRIKELOOP__STRATEGIES__HEDGE__BAND": "3"},
        sets=["strategies.hedge.band=4"],
        defaults={"strategies": {"hedge": {"band": 0}}},
    )
    value, setters = plan.explain("strategies.hedge.band")
    assert value == 4
    assert [setter.label for setter in setters] == [
        "built in",
        f"{first}:8",
        f"{second}:2",
        "environment STRIKELOOP__STRATEGIES__HEDGE__BAND",
        "--set strategies.hedge.band",
    ]
    assert plan.plugins[0].make().band == 4.0


def test_a_key_that_nobody_set_is_a_default(write: Write) -> None:
    value, setters = sim(write(HEAD)).explain("venue.latency.entry_ms")
    assert (value, [setter.label for setter in setters]) == (1.0, ["default"])


def test_explaining_a_key_that_is_none_suggests_one(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"venue\.balanse: no such key \(did you mean balance\?\)"):
        sim(write(HEAD)).explain("venue.balanse")


def test_a_number_from_the_command_line_stays_exact(write: Write) -> None:
    assert sim(write(HEAD), sets=["venue.balance=0.1"]).venue.balance == Decimal("0.1")


def test_a_variable_reaches_a_name_with_a_hyphen(write: Write) -> None:
    file = write(HEAD + '[strategies.my-hedge]\nuse = "fake-band"')
    assert sim(file, environ={"STRIKELOOP__STRATEGIES__MY_HEDGE__BAND": "2.5"}).plugins[0].make().band == 2.5


def test_a_reference_is_replaced_whole(write: Write) -> None:
    file = write(HEAD + '[adapters.gate]\nuse = "fake-gate"\nkey = { file = "key" }')
    plan = sim(file, sets=['adapters.gate.key={ env = "K" }'], environ={"K": "x"})
    assert plan.config["adapters"]["gate"]["key"] == {"env": "K"}


@pytest.mark.parametrize(
    "sets", [("kind=table", "file=/x.csv"), ("file=/x.csv", "kind=table"), ("file=/y.csv", "kind=table", "file=/x.csv")]
)
def test_a_table_that_names_a_file_is_no_secret_to_be_replaced(sets: tuple[str, ...]) -> None:
    layers = read_layers(sets=[f"venue.latency.{one}" for one in ("offset_ms=1", *sets)])
    assert layers.data["venue"]["latency"] == {"offset_ms": 1, "kind": "table", "file": "/x.csv"}


@pytest.mark.parametrize("table", ['[venue.latency]\nkind = "table"\nfile = "x.csv"', '[adapters.gate]\nsecret = { file = "x.csv" }'])
def test_a_file_is_looked_for_beside_the_config_that_names_it(write: Write, tmp_path: Path, table: str) -> None:
    data = read_layers([write(table)]).data
    found = data["venue"]["latency"] if "venue" in data else data["adapters"]["gate"]["secret"]
    assert found["file"] == str(tmp_path / "x.csv")


def test_no_file_stays_no_file(write: Write) -> None:
    assert read_layers([write('[venue.latency]\nfile = ""')]).data == {"venue": {"latency": {"file": ""}}}


def test_the_config_of_a_run_reads_back_to_the_same_plan(write: Write) -> None:
    text = HEAD + 'days = 3\n[venue.latency]\nentry_ms = 2\n[adapters.gate]\nuse = "fake-gate"\nkey = { env = "K" }\n'
    plan = sim(write(text + '[strategies.hedge]\nuse = "fake-band"'), environ={"K": "hunter2"})
    again = sim(write(plan.toml(), "config.toml"), environ={"K": "hunter2"})
    assert again.config == plan.config
    assert "hunter2" not in plan.toml()
    assert again.venue == plan.venue


def test_a_local_plugin_is_found_again_from_the_config_of_the_run(write: Write, tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(PLUGINS)
    plan = sim(write(HEAD + '[strategies.mine]\nuse = "./my.py:Band"'))
    (tmp_path / "runs").mkdir()
    assert sim(write(plan.toml(), "runs/config.toml")).plugins[0].name == "mine"


def test_the_header_is_the_same_on_both_backends_and_in_any_folder(write: Write, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "my.py").write_text(PLUGINS)
    text = HEAD + 'file = "prices.csv"\n[strategies.mine]\nuse = "./my.py:Band"\n[run]\nbackend = "{}"'
    first = sim(write(text.format("asyncio"), "a/run.toml"))
    second = sim(write(text.format("trio"), "b/run.toml"), sets=["run.state_dir=elsewhere"])
    assert first.header() == second.header()
    assert first.header() != sim(write(text.format("trio"), "a/run.toml"), sets=["strategies.mine.band=9"]).header()


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_everything_wrong_stands_in_one_report(write: Write) -> None:
    file = write("""
        [run]
        sede = 1
        [venue]
        use = "fake-venue"
        balance = 0.5
        [market]
        use = "fake-marked"
        [strategees.x]
        use = "fake-band"
        [strategies.a]
        use = "fake-band"
        band = "wide"
        [strategies.b]
        band = 1
        [strategies.c]
        use = "fake-broken"
        [strategies.d]
        use = "fake-nothing"
        [risk.e]
        use = "fake-limit"
        [adapters.gate]
        use = "fake-gate"
        key = "hunter2"
        """)
    found = problems(file)
    assert [problem.split(": ")[0] for problem in found] == [
        f"strategees ({file}:9)",
        f"run.sede ({file}:3)",
        f"adapters.gate.key ({file}:24)",
        f"venue.balance ({file}:6)",
        f"market.use ({file}:8)",
        f"strategies.a.band ({file}:13)",
        f"strategies.b.use ({file}:14)",
        f"strategies.c.use ({file}:17)",
        f"strategies.d.use ({file}:19)",
        f"risk.e.most ({file}:20)",
    ]
    assert "hunter2" not in "".join(found)
    assert "did you mean strategies?" in found[0]
    assert "did you mean seed?" in found[1]
    assert "did you mean fake-market?" in found[4]
    assert "No module named 'nothing_that_exists'" in found[7]
    assert "fake_broken.py:1" in found[7]


def test_a_wrong_hook_is_told_with_its_place_in_the_source(write: Write) -> None:
    found = problems(write(HEAD + '[strategies.x]\nuse = "fake-misspelt"'))
    assert len(found) == 3
    assert any(
        "there is no hook on_fil" in problem and "did you mean on_fill?" in problem and "fake_plugins.py:" in problem for problem in found
    )
    assert any("on_order is async" in problem for problem in found)
    assert any("takes an argument evnt" in problem for problem in found)


def test_a_rule_among_the_strategies_is_refused(write: Write) -> None:
    write(PLUGINS, "my.py")
    (problem,) = problems(write(HEAD + '[strategies.x]\nuse = "./my.py:Limit"\nmost = 1'))
    assert "only rules judge orders" in problem


@pytest.mark.parametrize(("name", "command"), [("gate", "pip install strikeloop-gate"), ("gaet", "did you mean")])
def test_a_missing_plugin_comes_with_the_command_that_mends_it(
    write: Write, name: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "strikeloop.load.discovery.installed", lambda kind: [one for one in installed(kind) if one.distribution == "strikeloop-fake"]
    )
    (problem,) = problems(write(HEAD + f'[adapters.x]\nuse = "{name}"'))
    assert command in problem or "known here: fake-gate" in problem


def test_a_plugin_for_another_strikeloop_is_refused_before_its_import(write: Write, fakes: Path) -> None:
    distribution(fakes, "strikeloop-old", "[strikeloop.strategies]\nold = fake_broken:Band\n", "strikeloop>=0.3,<0.4")
    (problem,) = problems(write(HEAD + '[strategies.x]\nuse = "old"'))
    assert "strikeloop-old 1.2 wants strikeloop >=0.3,<0.4, this is 0.1.0" in problem
    assert "fake_broken" not in sys.modules


def test_a_name_that_two_distributions_offer_is_refused(write: Write, fakes: Path) -> None:
    distribution(fakes, "strikeloop-copy", "[strikeloop.strategies]\nfake-band = fake_plugins:Band\n")
    (problem,) = problems(write(HEAD + '[strategies.x]\nuse = "fake-band"'))
    assert '"fake-band" is offered by strikeloop-copy and strikeloop-fake' in problem


def test_two_instances_of_one_name_are_refused(write: Write) -> None:
    (problem,) = problems(write(HEAD + '[strategies.x]\nuse = "fake-band"\n[risk.x]\nuse = "fake-limit"\nmost = 1'))
    assert "the name x is taken by [strategies.x]" in problem


@pytest.mark.parametrize("name", ['"../x"', '"A"', '"a b"', '""', f'"{"a" * 33}"'])
def test_an_instance_name_is_plain(write: Write, name: str) -> None:
    (problem,) = problems(write(HEAD + f'[strategies.{name}]\nuse = "fake-band"'))
    assert "is not a name for an instance" in problem


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
def test_a_run_on_a_market_of_others_needs_an_adapter(write: Write, mode: Mode) -> None:
    (problem,) = problems(write('[venue]\nuse = "fake-venue"'), mode=mode)
    assert problem == f'adapters: mode {mode.value} needs an adapter (add [adapters.gate] with use = "gate")'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[run\n", "run.toml:1: is not TOML"),
        (b"[run]\nseed = 1\nseed = 2\n", "run.toml:3: is not TOML: Cannot overwrite a value"),
        (b"seed = ", "run.toml:1: is not TOML"),
        (b"a = \xff", "is not UTF-8 text: byte 4 is not"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nesting beyond reason"),
        (b"a = " + b"1" * 5000, "a number or a nesting beyond reason"),
        (b"#" * 1_000_001, "larger than a config file can be"),
        (b"run = 5", "run.toml:1): is not a table"),
        (b"strategies = { x = 5 }", "run.toml:1): is not a table"),
    ],
)
def test_a_file_that_is_no_config_is_refused_with_its_line(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(text)
    assert reason in "\n".join(problems(path))


def test_every_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path / "absent.toml", tmp_path)
    assert ["No such file" in found[0], "Is a directory" in found[1]] == [True, True]


@pytest.mark.parametrize("option", ["band", "=1", "a..b=1", "a.b\n=1"])
def test_an_option_that_sets_nothing_is_refused(option: str) -> None:
    (problem,) = problems(sets=[option])
    assert "is not of the form a.b=value" in problem


def test_a_value_cannot_smuggle_a_second_key_in() -> None:
    assert read_layers(sets=["venue.use=1\nother=2"]).data == {"venue": {"use": "1\nother=2"}}


@pytest.mark.parametrize("name", ["STRIKELOOP__", "STRIKELOOP__RUN____SEED"])
def test_a_variable_with_an_empty_part_is_refused(name: str) -> None:
    (problem,) = problems(environ={name: "1"})
    assert problem.startswith(f"environment {name}: has an empty part")


def test_the_limits_of_the_kill_switch_are_checked_before_a_run(write: Write) -> None:
    told = problems(write("[halt]\ncollar = 0.6\nattempts = 0\n"))
    assert told[0].startswith("halt")
    assert any("must not be below collar" in text or "attempts" in text for text in told)
    plan = sim(write("[halt]\ncollar = 0.2\nend_run = true\n"))
    assert (plan.halt.collar, plan.halt.end_run, plan.halt.order_size) == (0.2, True, 100)
    assert plan.config["halt"]["give_up_s"] == 300.0


def test_no_plugin_takes_the_name_of_the_kill_switch(write: Write) -> None:
    (told,) = problems(write('[strategies.killswitch]\nuse = "fake-band"\n'))
    assert "is the name of the kill switch itself" in told
