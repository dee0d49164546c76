"""Templates: every name in every spelling, files all or none, and nothing that exists is touched."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import pytest

from strikeloop import scaffold
from strikeloop.errors import ConfigError
from strikeloop.scaffold import KINDS, Names, package, project, single, write
from tests.architecture.sources import ROOT


def test_a_name_is_spelled_as_each_place_wants_it() -> None:
    words = Names.of("delta-band", "risk").words()
    assert words == {
        "name": "delta-band",
        "module": "delta_band",
        "class": "DeltaBand",
        "title": "Delta band",
        "kind": "risk",
        "section": "risk",
        "core": "strikeloop",
    }


@pytest.mark.parametrize("name", ["", "Delta", "delta_band", "-delta", "delta-", "delta--band", "2fast", "a/b", "..", "a" * 33])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a plugin"):
        Names.of(name)


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_is_left_unfilled_and_a_package_holds_the_file_of_its_kind(kind: scaffold.Kind) -> None:
    ((path, text),) = single(kind, "my-thing").items()
    made = package(kind, "my-thing")
    assert path == PurePosixPath("my_thing.py")
    assert made[PurePosixPath("strikeloop_my_thing/__init__.py")] == text
    assert not [str(path) for path, text in made.items() if scaffold._WORD.search(text) or "MODULE" in str(path)]
    assert {"pyproject.toml", "README.md", ".gitignore", ".github/workflows/ci.yml", "tests/test_my_thing.py"} <= set(map(str, made))


def test_a_folder_is_made_and_filled(tmp_path: Path) -> None:
    written = write(tmp_path / "deep" / "desk", project("desk"))
    assert {"strikeloop.toml", "strategies/first.py", "tests/test_first.py", "data/README.md", ".gitignore"} <= {
        path.relative_to(tmp_path / "deep" / "desk").as_posix() for path in written
    }
    assert all(path.is_file() for path in written)


def test_nothing_is_written_where_one_file_exists(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_first.py").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        write(tmp_path, project("desk"))
    assert [path.name for path in tmp_path.rglob("*")] == ["tests", "test_first.py"]
    assert (tmp_path / "tests" / "test_first.py").read_text() == "mine"


def test_what_cannot_be_finished_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[Path] = []
    move = shutil.move

    def full(source: Path, target: Path) -> None:
        if len(moved) == 3:
            raise OSError(28, "No space left on device", str(target))
        moved.append(target)
        move(source, target)

    monkeypatch.setattr(shutil, "move", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        write(tmp_path, project("desk"))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "desk").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write(tmp_path / "desk", project("desk"))


def code(text: str) -> list[str]:
    """The lines of a module without what it says of itself, in whatever order: imports of a package's own stand last in it."""
    return sorted(line for line in text[text.index('"""', 3) + 3 :].splitlines() if line)


def test_a_new_adapter_is_the_proved_example_under_another_name() -> None:
    example = ROOT / "tests" / "examples" / "kestrel"
    made = package("adapter", "kestrel")
    for path in ("strikeloop_kestrel/__init__.py", "tests/kestrel_spelling.py", "tests/test_kestrel.py"):
        assert code(made[PurePosixPath(path)]) == code((example / path).read_text(encoding="utf-8"))
