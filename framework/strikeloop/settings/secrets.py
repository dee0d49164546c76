"""Where secrets come from: references in settings, resolved to a `Secret`.

Owns the three references `{ env = … }`, `{ file = … }`, `{ keyring = … }` and their checks. Never puts what it
read, or what was written in place of a reference, into a message.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import attrs

from strikeloop.settings.scalars import ValueRefusedError
from strikeloop.wire.secret import Secret

SOURCES = ("env", "file", "keyring")
_FORMS = 'write { env = "NAME" }, { file = "PATH" } or { keyring = "SERVICE/NAME" }'
_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_MAX_BYTES = 16_384


def is_reference(value: object) -> bool:
    """Whether `value` has the form of a secret reference: one key, env, file or keyring, with text."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return False
    (source, name), *_ = value.items()
    return source in SOURCES and isinstance(name, str)


@attrs.define
class Vault:
    """Resolves references, once each: what it read from the environment can be removed there afterwards.

    `needed=False` (no signed request will be made) makes an optional secret that cannot be found None instead of an error.
    """

    environ: MutableMapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    needed: bool = True
    _found: dict[tuple[str, str], Secret] = attrs.field(factory=dict, init=False, repr=False)

    def resolve(self, value: Any) -> Secret:
        """The secret that `value` refers to. Raises ValueRefusedError, without a word of what `value` holds, unless it is a reference."""
        if isinstance(value, str):
            raise ValueRefusedError("a secret is written in clear", _FORMS)
        if not is_reference(value):
            raise ValueRefusedError("expected a reference to a secret", _FORMS)
        (source, name), *_ = value.items()
        if (source, name) not in self._found:
            self._found[source, name] = Secret(self._read(source, name))
        return self._found[source, name]

    def forget_environment(self) -> None:
        """Remove every variable a secret was read from, so that no child process and no crash report sees it."""
        for source, name in self._found:
            if source == "env":
                self.environ.pop(name, None)

    def _read(self, source: str, name: str) -> str:
        text = {"env": self._from_environment, "file": _from_file, "keyring": _from_keyring}[source](name).strip()
        if not text:
            raise ValueRefusedError(f"the secret behind this {source} reference is empty")
        return text

    def _from_environment(self, name: str) -> str:
        if not _ENV_NAME.fullmatch(name):
            raise ValueRefusedError(
                "this is not the name of an environment variable", 'write { env = "NAME" } in capitals, and put the secret into NAME'
            )
        text = self.environ.get(name)
        if text is None:
            raise ValueRefusedError(f"environment variable {name} is not set", f"export {name}, or refer to a file or the keyring")
        return text


def _from_file(name: str) -> str:
    path = Path(name).expanduser()
    _refuse_open_folder(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ValueRefusedError(f"cannot read {path}: {error.strerror}", "a plain file that you own; links are not followed") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueRefusedError(f"{path} is not a plain file")
        if status.st_mode & 0o077 or status.st_uid != os.getuid():
            raise ValueRefusedError(f"others may read {path}", f"chmod 600 {path}, and own it yourself")
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueRefusedError(f"{path} is too large for a secret", f"at most {_MAX_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueRefusedError(f"{path} is not UTF-8 text") from error


def _refuse_open_folder(path: Path) -> None:
    folder = path.parent
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise ValueRefusedError(f"cannot read {path}: {error.strerror}") from error
    if mode & 0o077:
        raise ValueRefusedError(f"others may enter {folder}", f"keep secrets in a folder of their own: chmod 700 {folder}")


def _from_keyring(name: str) -> str:
    service, _, user = name.rpartition("/")
    if not service:
        raise ValueRefusedError("a keyring reference is SERVICE/NAME")
    try:
        import keyring  # type: ignore[import-not-found]  # noqa: PLC0415 - optional: only who refers to a keyring has it
    except ImportError as error:
        raise ValueRefusedError("the keyring package is not installed", "pip install keyring") from error
    try:
        text = keyring.get_password(service, user)
    except Exception as error:
        raise ValueRefusedError(
            f"the keyring failed: {type(error).__name__}", f"unlock it, or store the secret: keyring set {service} {user}"
        ) from error
    if text is None:
        raise ValueRefusedError(f"the keyring has no entry {name}", f"keyring set {service} {user}")
    return str(text)
