"""`strikeloop data`, as somebody at a terminal uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from strikeloop.cli import main
from strikeloop_store.formats import FORMATS
from tests.plugins.store.stored import CALL, MAPPING, PUT, quote, specify, written


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    specify(tmp_path / "market")
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return tmp_path


def data(*words: str) -> Result:
    """A command that ends with an exit code, not with an exception."""
    result = CliRunner().invoke(main, ["data", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


IMPORT = ("import", "quotes.csv", "--format", "csv", "--mapping", "mapping.toml", "--venue", "gate")


def test_import_list_verify_and_export(here: Path) -> None:
    written(here / "quotes.csv", quote(1, CALL, 100.1, 100.3), quote(90_000, PUT, 50, 51))
    assert data(*IMPORT).output == "imported 2 quotes, 0 contracts, in 2 files\n"
    assert json.loads(data(*IMPORT, "--json").output) == {"rows": {}, "contracts": 0, "files": 0, "known": 2, "moved": 0}
    contracts, quotes = json.loads(data("list", "--json").output)
    assert (contracts["kind"], contracts["rows"]) == ("contracts", 3)
    assert {key: quotes[key] for key in ("venue", "kind", "first", "last", "days", "rows", "contracts")} == {
        "venue": "gate",
        "kind": "quotes",
        "first": "2026-06-01",
        "last": "2026-06-02",
        "days": 2,
        "rows": 2,
        "contracts": 2,
    }
    assert "BTC_USDT-20260626-70000-C" in data("list", "--contracts").output
    assert data("verify").output == "5 rows in 3 files are sound\n"
    assert json.loads(data("export", "out.csv", "--kind", "quotes", "--from", "2026-06-02", "--json").output) == {
        "file": "out.csv",
        "rows": 1,
    }
    assert (here / "out.csv").read_text().splitlines()[1].endswith(f',"{PUT}",50,51,1,1')


def test_rows_that_are_refused_end_with_exit_code_9_and_are_listed(here: Path) -> None:
    written(here / "quotes.csv", quote(1, CALL, 3, 2), quote(2, CALL, 3, 2.5))
    refused = data(*IMPORT)
    assert refused.exit_code == 9
    assert refused.stdout.splitlines()[0] == "quotes.csv:2: crossed: bid 3.0 is above ask 2.0"
    assert "2 crossed; nothing was imported" in refused.stderr
    told = json.loads(data(*IMPORT, "--json").stdout)
    assert told["counts"] == {"crossed": 2}
    assert told["defects"][1] == {"file": "quotes.csv", "row": 3, "sort": "crossed", "what": "bid 3.0 is above ask 2.5"}


def test_a_mapping_belongs_to_the_formats_that_have_one(here: Path) -> None:
    written(here / "quotes.csv", quote(1, CALL, 1, 2))
    assert data("import", "quotes.csv", "--format", "csv", "--venue", "gate").exit_code == 2
    assert data("import", "quotes.csv", "--format", "tardis-quotes", "--venue", "gate", "--mapping", "mapping.toml").exit_code == 2
    assert data(*IMPORT, "--set", "tick").exit_code == 2


def test_what_is_missing_or_wrong_is_told_with_the_codes_of_every_command(here: Path) -> None:
    assert data("list", "--store", "nowhere").exit_code == 3
    assert data("verify", "--store", "nowhere").exit_code == 3
    export = ("export", "out.csv", "--kind", "quotes")
    written(here / "quotes.csv", quote(1, CALL, 1, 2))
    data(*IMPORT)
    assert data(*export, "--from", "yesterday").exit_code == 3
    assert data(*export, "--contract", "X").exit_code == 3
    assert data("export", "out.xlsx", "--kind", "quotes").exit_code == 3
    assert data("export", "out.csv", "--kind", "greeks").exit_code == 2


@pytest.mark.parametrize("command", ["list", "import", "verify", "export"])
def test_every_help_ends_in_two_examples(command: str) -> None:
    shown = data(command, "--help").output
    examples = shown[shown.index("Examples:") :]
    assert examples.count("strikeloop data ") == 2


def test_the_help_of_import_names_every_format() -> None:
    shown = data("import", "--help").output
    assert all(name in shown for name in FORMATS)
