"""Turns what the databases raise into our errors, in this one place."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from crmbridge.errors import ConfigError, CrmbridgeError, RetryLaterError, StorageError

_RESTORE = "Nothing was written. Put a backup of the file back, or move it away and pull again"

_LATER_STATES = ("08", "40", "55P03", "57P", "53300", "25P03")
_DISK_STATES = ("53100", "58", "XX")
_CONFIG_STATES = ("28", "3D", "42501", "3F")
_CONFIG_TEXTS = ("authentication failed", "does not exist", "pg_hba.conf", "no password supplied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the store is, as messages may show it.

    Args:
        name: the file's path, or host and database; never a password.
        path: the file, None for a server.
        secret: cut out of every foreign text.
    """

    name: str
    path: Path | None = None
    secret: str = ""


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Raise our errors instead of the database's.

    Mistakes in our own SQL or values (integrity, programming) pass unchanged: they are bugs.

    Raises:
        RetryLaterError: locked, deadlocked or not reachable now; the transaction is rolled back.
        StorageError: the disk is full, or the file is damaged or not writable.
        ConfigError: the server refuses the user, the database or a permission.
    """
    try:
        yield
    except DBAPIError as error:
        ours = _decide(place, error.orig)
        if ours is None:
            raise
        raise ours from error.orig
    except sqlite3.Error as error:
        ours = _decide(place, error)
        if ours is None:
            raise
        raise ours from error
    except PoolTimeoutError as error:
        raise RetryLaterError(place.name, "a free connection to the store") from error


def _decide(place: Place, error: BaseException | None) -> CrmbridgeError | None:
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(place, error)
    if error is None or not hasattr(error, "sqlstate"):
        return None
    return _of_postgresql(place, str(error.sqlstate or ""), str(error), type(error).__name__)


def _of_sqlite(place: Place, error: sqlite3.Error) -> CrmbridgeError | None:
    """By primary result code; see https://sqlite.org/rescode.html."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return RetryLaterError(
            place.name, "the store to be free", "a lock held by another process",
            "Wait until the other command has ended",
        )  # fmt: skip
    if code == sqlite3.SQLITE_FULL:
        return StorageError(place.name, "room on the disk", _free(place), "Free some and repeat")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StorageError(place.name, "a sound SQLite database", str(error), _RESTORE)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StorageError(
            place.name, "a file and folder that this user may write", str(error),
            "Mend the permissions, or set store.url to another place",
        )  # fmt: skip
    if code == sqlite3.SQLITE_IOERR:
        got = f"{error}, {_free(place)}"
        return StorageError(place.name, "the disk to read and write", got, "Look at the disk")
    return None


def _free(place: Place) -> str:
    if place.path is None:
        return ""
    try:
        return f"{shutil.disk_usage(place.path.parent).free} bytes free"
    except OSError:
        return "an unknown number of bytes free"


def _of_postgresql(place: Place, state: str, text: str, kind: str) -> CrmbridgeError | None:
    """By SQLSTATE; psycopg gives none when it could not connect, so there the text decides."""
    said = _without_secret(place, text.splitlines()[0] if text else kind)
    if state.startswith(_CONFIG_STATES) or (not state and any(t in text for t in _CONFIG_TEXTS)):
        return ConfigError(place.name, "a user and database that work", said, "See store.url")
    if state.startswith(_DISK_STATES):
        return StorageError(place.name, "a server with room and a sound disk", said)
    if state.startswith(_LATER_STATES) or (
        not state and kind in ("OperationalError", "ConnectionTimeout")
    ):
        return RetryLaterError(place.name, "the store to answer", said, "Run the command again")
    return None


def _without_secret(place: Place, text: str) -> str:
    return text.replace(place.secret, "***") if place.secret else text
