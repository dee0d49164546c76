"""What `strikeloop init` and `strikeloop new` write: templates filled with a name, put on disk all or none.

Owns names, filling and writing. The templates are the files beside this one, named as what they become with `.txt`
behind; `{{word}}` in a text and `WORD` in a path stand for one of `Names`. Knows nothing of what a template says.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Literal, Self

import attrs

from strikeloop.errors import ConfigError, Problem

Kind = Literal["strategy", "risk", "adapter", "sink"]
KINDS: tuple[Kind, ...] = ("strategy", "risk", "adapter", "sink")
SECTIONS: Mapping[Kind, str] = {"strategy": "strategies", "risk": "risk", "adapter": "adapters", "sink": "sinks"}
"""The table of a config, and the entry-point group, that a plugin of this kind belongs to."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORD = re.compile(r"\{\{(\w+)\}\}")
_SUFFIX = ".txt"
_LONGEST = 32
Files = Mapping[PurePosixPath, str]


@attrs.frozen
class Names:
    """One name in every spelling a template may ask for: `delta-band`, `delta_band`, `DeltaBand`, `Delta band`."""

    name: str
    kind: Kind | Literal[""] = ""

    @classmethod
    def of(cls, name: str, kind: Kind | Literal[""] = "") -> Self:
        """Raises ConfigError for a name that is not one of small letters, digits and single hyphens."""
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            fix = f"small letters, digits and single hyphens, at most {_LONGEST}: delta-band"
            raise ConfigError(Problem(name, "cannot be the name of a plugin", fix))
        return cls(name, kind)

    def words(self) -> dict[str, str]:
        return {
            "name": self.name,
            "module": self.name.replace("-", "_"),
            "class": "".join(part.capitalize() for part in self.name.split("-")),
            "title": self.name.replace("-", " ").capitalize(),
            "kind": self.kind,
            "section": SECTIONS[self.kind] if self.kind else "",
            "core": "strikeloop[live]" if self.kind == "adapter" else "strikeloop",
        }


def project(name: str) -> Files:
    """The files of a new project: a config, a strategy, its test, a notebook."""
    return _filled("project", Names.of(name))


def single(kind: Kind, name: str) -> Files:
    """One file that holds a plugin, to be named in a config as `use = "./file.py:Class"`."""
    return _filled(f"single/{kind}", Names.of(name, kind))


def package(kind: Kind, name: str) -> Files:
    """A distribution with one plugin: the same file as `single` as its module, and all that is around it."""
    names = Names.of(name, kind)
    ((_, text),) = _filled(f"single/{kind}", names).items()
    module = PurePosixPath(f"strikeloop_{names.words()['module']}/__init__.py")
    return {**_filled("package", names), **_filled(f"packages/{kind}", names), module: text}


def write(folder: Path, made: Files) -> tuple[Path, ...]:
    """Put files into `folder`, which is made where it is missing; returns their paths, sorted.

    Raises ConfigError where one of them exists already, or where they cannot be written: then none of them is there.
    """
    targets = {folder / path: text for path, text in sorted(made.items())}
    taken = [Problem(str(path), "exists already", "choose another name or folder, or move it away") for path in targets if path.exists()]
    if taken:
        raise ConfigError(taken)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _move_in(folder, made)
    except OSError as error:
        fix = "choose a folder that can be written"
        raise ConfigError(Problem(str(error.filename or folder), f"cannot be written: {error.strerror}", fix)) from error
    return tuple(targets)


def _move_in(folder: Path, made: Files) -> None:
    """Write everything beside its place first, so that a full disk leaves nothing half done."""
    begun: list[Path] = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as aside:
        for path, text in made.items():
            (Path(aside) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(aside) / path).write_text(text, encoding="utf-8")
        try:
            for path in made:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                begun.append(folder / path)
                shutil.move(Path(aside) / path, folder / path)
        except OSError:
            for one in begun:
                one.unlink(missing_ok=True)
            raise


def _filled(template: str, names: Names) -> Files:
    words = names.words()
    found = {}
    for path, text in _texts(files(__name__).joinpath("templates", template), PurePosixPath()):
        place = str(path).removesuffix(_SUFFIX)
        for word in ("module", "name"):
            place = place.replace(word.upper(), words[word])
        found[PurePosixPath(place)] = _WORD.sub(lambda match: words[match[1]], text)
    return found


def _texts(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _texts(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield path / entry.name, entry.read_text(encoding="utf-8")
