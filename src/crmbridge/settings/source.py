"""Finds the configuration file and reads it as a TOML document."""

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmbridge.errors import ConfigError

DEFAULT_NAME = "crmbridge.toml"
VARIABLE = "CRMBRIDGE_CONFIG"
MAX_BYTES = 1_000_000


def locate(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to read: the one named, else the environment's, else the one in this folder."""
    if path is not None:
        return path
    return Path(environ.get(VARIABLE) or DEFAULT_NAME)


def read_document(path: Path) -> dict[str, Any]:
    """Read a configuration file.

    Raises:
        ConfigError: the file is missing, empty, too large, not UTF-8 or not TOML.
    """
    text = _decode(path, _read_bytes(path))
    if not text.strip():
        raise ConfigError(str(path), "settings", "an empty file", "Run 'crmbridge init'")
    return parse(path, text)


def parse(path: Path, text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ConfigError: with file, line and column.
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(str(path), "tables and lists nested less deeply") from error
    except ValueError as error:
        raise _syntax_error(path, str(error)) from error


def _syntax_error(path: Path, message: str) -> ConfigError:
    """Put the position in front, as editors expect it."""
    found = re.search(r" \(at (?:line (\d+), column (\d+)|(end of document))\)$", message)
    if found is None:
        return ConfigError(str(path), "TOML", message)
    said = message[: found.start()]
    where = f"{path}:{found[1]}:{found[2]}" if found[1] else f"{path}: at the end of the file"
    return ConfigError(where, "TOML", said.encode("unicode_escape").decode())


def _read_bytes(path: Path) -> bytes:
    descriptor = _open(path)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "something else"
            raise ConfigError(str(path), "a file", kind, "Name the file with --config")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise ConfigError(str(path), f"at most {MAX_BYTES} bytes", "more", "Name another file")
    return content


def _open(path: Path) -> int:
    try:
        # O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        step = "Run 'crmbridge init' to write one, or name it with --config"
        raise ConfigError(str(path), "a configuration file", "none", step) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(str(path), "a readable file", reason) from error


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # editors on Windows put a mark in front
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}", "UTF-8", f"byte 0x{content[error.start]:02x}", "Save it as UTF-8"
        ) from error
