"""Secrets: references in the configuration file, resolved when they are needed.

The file names where a secret is; the value comes from the environment, from a file that only its
owner can read, or from the keyring. A value is never part of settings, of their digest, or of an
error.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, SecretStr, model_validator

from crmbridge.errors import ConfigError
from crmbridge.settings.table import Table, expected

HOW = 'Use { env = "NAME" }, { file = "path" } or { keyring = "service/name" }'
MAX_BYTES = 65_536
_KINDS = ("env", "file", "keyring")
_SECRET_NAME = re.compile(
    r"(^|_)(secret|password|passwd|passphrase|token|api_?key|private_key|session_id|credentials?)s?$",
    re.IGNORECASE,
)


class SecretRef(Table):
    """Where a secret is: exactly one of the keys."""

    env: str = ""
    "Name of the environment variable that holds it."
    file: str = ""
    "File that holds it: a regular file of your own with mode 0600 or stricter."
    keyring: str = ""
    "Its `service/name` in the keyring."

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len([kind for kind in _KINDS if getattr(self, kind)]) != 1:
            raise expected("exactly one of env, file and keyring")
        if self.keyring and not all(self.keyring.partition("/")):
            raise expected("keyring = 'service/name'")
        return self


def _not_inline(value: Any) -> Any:
    if isinstance(value, Mapping | SecretRef):
        return value
    raise expected("a reference to the secret", HOW)


def _text_as_is(value: Any) -> Any:
    if isinstance(value, str | Mapping | SecretRef):
        return value
    raise expected("a text, or a reference to one", HOW)


def _public_url(value: Any) -> Any:
    if isinstance(value, str) and has_password(value):
        raise expected("a URL without a password in it", HOW)
    return _text_as_is(value)


Secret = Annotated[SecretRef, BeforeValidator(_not_inline)]
"""A reference; a value in the file is refused and not shown."""
Text = Annotated[str | SecretRef, BeforeValidator(_text_as_is)]
"""A value that need not be secret, or a reference to it."""
Url = Annotated[str | SecretRef, BeforeValidator(_public_url)]
"""A URL without a password, or a reference to one."""


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def is_reference(value: Any) -> bool:
    """Whether a raw value is a reference to a secret."""
    return isinstance(value, Mapping) and len(value) == 1 and set(value) <= set(_KINDS)


def has_password(url: str) -> bool:
    """Whether a URL holds a password, before the host or among its parameters."""
    try:
        parts = urlsplit(url)
        return parts.password is not None or any(
            is_secret_name(key) for key, _ in parse_qsl(parts.query)
        )
    except ValueError:
        return True  # nobody can tell


def inline_secrets(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values below that are secrets by their key's name, or URLs with one."""
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if isinstance(value, str):
        if is_secret_name(name) or ("://" in value and has_password(value)):
            yield path
    elif isinstance(value, Mapping):
        if not is_reference(value):
            for key, below in value.items():
                yield from inline_secrets(below, (*path, key))
    elif isinstance(value, Sequence):
        for index, below in enumerate(value):
            yield from inline_secrets(below, (*path, index))


@dataclass(slots=True, kw_only=True)
class Secrets:
    """Resolves references; keeps what it revealed, so that logs can blot it out.

    Args:
        base: folder that files are relative to.
        environ: the environment as it was when the settings were loaded.
    """

    base: Path = field(default_factory=Path)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    _revealed: set[str] = field(default_factory=set, repr=False)

    def resolve(self, reference: SecretRef, where: str) -> SecretStr:
        """The secret itself.

        Args:
            where: the key that holds the reference, for the error.

        Raises:
            ConfigError: it is not there, or others could read it.
        """
        if reference.env:
            value = self._from_environment(reference.env, where)
        elif reference.file:
            value = read_secret_file(self.base / reference.file, where)
        else:
            value = _from_keyring(reference.keyring, where)
        self._revealed.add(value)
        return SecretStr(value)

    def text(self, value: str | SecretRef, where: str) -> str:
        """A text that may be written in the file or referred to."""
        if isinstance(value, str):
            return value
        return self.resolve(value, where).get_secret_value()

    def revealed(self) -> tuple[str, ...]:
        """Every secret resolved so far, longest first, so that overlapping ones go whole."""
        return tuple(sorted(self._revealed, key=lambda value: (-len(value), value)))

    def _from_environment(self, name: str, where: str) -> str:
        value = self.environ.get(name, "")
        if not value:
            raise ConfigError(
                where, f"the environment variable {name}", "none", f"Set {name} for this command"
            )
        return value


def read_secret_file(path: Path, where: str) -> str:
    """Read a secret from a regular file that only its owner can read.

    Returns:
        The text without the line break at its end.

    Raises:
        ConfigError: the file is a link, somebody else's, readable to others, or not there.
    """
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise ConfigError(where, f"{path} to be a file", "a link", "Name the file") from error
        reason = getattr(error, "strerror", None) or "no such name"
        raise ConfigError(where, f"a readable file {path}", reason) from error
    try:
        _check_private(os.fstat(descriptor), path, where)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    return _secret_text(content, path, where)


def _check_private(found: os.stat_result, path: Path, where: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(where, f"{path} to be a file", "something else")
    if found.st_uid != os.getuid():
        raise ConfigError(
            where, f"{path} to be yours", "another user's", f"Run 'chown {os.getuid()} {path}'"
        )
    if found.st_mode & 0o077:
        mode = f"mode {stat.S_IMODE(found.st_mode):04o}"
        raise ConfigError(
            where, f"{path} to be readable by you alone", mode, f"Run 'chmod 600 {path}'"
        )


def _secret_text(content: bytes, path: Path, where: str) -> str:
    try:
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # Not chained: the error holds the bytes.
        raise ConfigError(where, f"UTF-8 in {path}", "other bytes") from None
    if not text or len(content) > MAX_BYTES:
        size = "none" if not text else "more"
        raise ConfigError(where, f"a secret of 1 to {MAX_BYTES} bytes in {path}", size)
    return text


def _from_keyring(place: str, where: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    service, _, name = place.partition("/")
    try:
        value = keyring.get_password(service, name)
    except (KeyringError, RuntimeError) as error:
        kind = type(error).__name__
        raise ConfigError(where, "a keyring that can be read", kind, HOW) from error
    if not value:
        step = f"Run 'keyring set {service} {name}'"
        raise ConfigError(where, f"'{place}' in the keyring", "none", step)
    return str(value)
