"""The first line of a file: which columns it has, and where."""

import csv
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from crmbridge.errors import ConfigError

COLUMN_LIMIT = 1_000


def read_header(file: str, reader: Iterator[list[str]], delimiter: str) -> tuple[str, ...]:
    """The column names, without the spaces around them.

    Raises:
        ConfigError: no header, a name twice or missing, or another delimiter than declared.
    """
    where = f"{file}:1"
    try:
        names = tuple(name.strip() for name in next(reader, ()))
    except csv.Error as error:
        raise ConfigError(where, "a header line", str(error)) from error
    if not any(names):
        raise ConfigError(where, "a header line", "none", "Name the columns in the first line")
    if len(names) > COLUMN_LIMIT:
        raise ConfigError(where, f"at most {COLUMN_LIMIT} columns", str(len(names)))
    _check_delimiter(where, names, delimiter)
    for number, name in enumerate(names):
        _check_name(f"{where}:{number + 1}", name, names[:number])
    return names


def key_index(file: str, header: Sequence[str], key: str) -> int:
    """Where the column is that names a record.

    Raises:
        ConfigError: there is none.
    """
    if key in header:
        return header.index(key)
    near = get_close_matches(key, header, n=1)
    step = f'Did you mean key = "{near[0]}"?' if near else "Name the column with key"
    raise ConfigError(f"{file}:1", f"a column {key!r}", ", ".join(header)[:200], step)


def _check_delimiter(where: str, names: tuple[str, ...], delimiter: str) -> None:
    for other in ";\t|,":
        if len(names) == 1 and other != delimiter and other in names[0]:
            shown = "\\t" if other == "\t" else other
            raise ConfigError(
                where,
                f"columns separated by {delimiter!r}",
                f"one column with {other!r} in it",
                f'Set delimiter = "{shown}"',
            )


def _check_name(where: str, name: str, before: Sequence[str]) -> None:
    if "\0" in name:
        step = "NUL characters mean another encoding, often utf-16-le"
        raise ConfigError(where, "a column name", repr(name.replace("\0", "\\0"))[:60], step)
    if not name:
        raise ConfigError(where, "a column name", "none", "Name the column")
    if name in before:
        raise ConfigError(where, "each column name once", f"{name!r} again", "Rename one of them")
