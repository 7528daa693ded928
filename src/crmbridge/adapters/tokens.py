"""Keeps each connection's token in a file of its own, refreshed by one process at a time."""

import contextlib
import fcntl
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from crmbridge.errors import ConfigError, RetryLaterError, SignInError, StorageError
from crmbridge.failpoint import reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What signing in gave us.

    Args:
        refresh: exchanged for the next token; "" where there is none.
        expires_at: aware; None where nobody said.
        extra: what else belongs to it, such as the address of the account.
    """

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


class TokenStore:
    """Token files in a folder: mode 0600, ours, no links, replaced in one step.

    They are as safe as the account that runs crmbridge, and not encrypted.

    Args:
        folder: made with mode 0700 where it is missing.
        watch: told every secret that is read or saved, so that it can be blotted out of logs.
        patience_seconds: longest wait for another process that is refreshing.
    """

    def __init__(
        self,
        folder: Path,
        watch: Callable[[str], None] | None = None,
        patience_seconds: float = 300,
    ) -> None:
        self._folder = folder
        self._watch = watch
        self._patience = patience_seconds
        self._held: dict[str, tuple[tuple[int, int], Token]] = {}
        self._lock = threading.Lock()

    def get(self, connection: str) -> Token | None:
        """The token on disk, None where nobody signed in.

        Raises:
            ConfigError: the file is a link, somebody else's, or open to others.
        """
        path = self._path(connection)
        try:
            found = path.lstat()
        except FileNotFoundError:
            return None
        mark = (found.st_ino, found.st_mtime_ns)
        held = self._held.get(connection)
        if held is None or held[0] != mark:
            held = (mark, self._read(path))
            self._held[connection] = held
        return held[1]

    def put(self, connection: str, token: Token) -> None:
        """Save the token of a fresh sign-in."""
        with self._locked(connection):
            self._save(connection, token)

    def update(
        self,
        connection: str,
        refresh: Callable[[Token], Token],
        is_due: Callable[[Token], bool] | None = None,
        sign_in: Callable[[], Token] | None = None,
    ) -> Token:
        """Refresh a token once, whoever else wants to: the lock is held across processes.

        A refresh token may be good for one use only. So the token is read again under the lock,
        another's newer one is taken over, and a new one is on disk before anybody uses it.

        Args:
            is_due: whether the token found under the lock still needs the refresh; by default
                it does if it is the one that this store gave out last.
            sign_in: gives a first token without a person, where that can be done.

        Raises:
            SignInError: there is no token to refresh.
        """
        before = self._held.get(connection)
        with self._locked(connection):
            current = self.get(connection)
            if current is None:
                fresh = _first(connection, sign_in)
            else:
                is_other = before is not None and before[1] != current
                if not is_due(current) if is_due else is_other:
                    return current
                fresh = refresh(current)
            reach("token.refreshed")
            self._save(connection, fresh)
            reach("token.saved")
            return fresh

    def wipe(self, connection: str) -> None:
        """Overwrite the token's file, whatever it holds, and remove it; of a link only the link.

        Does nothing where there is none.
        """
        with self._locked(connection):
            path = self._path(connection)
            self._held.pop(connection, None)
            with contextlib.suppress(FileNotFoundError):
                if not path.is_symlink():
                    with path.open("r+b") as file:
                        file.write(bytes(path.stat().st_size))
                        file.flush()
                        os.fsync(file.fileno())
                path.unlink()

    def _path(self, connection: str) -> Path:
        return self._folder / f"{quote(connection, safe='')}.token"

    @contextmanager
    def _locked(self, connection: str) -> Iterator[None]:
        """Hold the connection's lock: threads by a lock, processes by flock on a file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(connection).with_suffix(".lock")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._lock:
            try:
                lock = os.open(path, flags, 0o600)
            except OSError as error:
                raise _not_ours(path, str(error)) from error
            try:
                _wait_for(lock, connection, self._patience)
                yield
            finally:
                os.close(lock)

    def _read(self, path: Path) -> Token:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _not_ours(path, "a link or a file that cannot be read") from error
        with os.fdopen(file, "rb") as stream:
            _check_owner(path, os.fstat(stream.fileno()))
            token = _decode(path, stream.read())
        self._watch_all(token)
        return token

    def _save(self, connection: str, token: Token) -> None:
        self._watch_all(token)
        path = self._path(connection)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(fresh, flags, 0o600), "wb") as stream:
                stream.write(_encode(token))
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(path)
            _sync_folder(self._folder)
        except OSError as error:
            raise StorageError(str(path), "room for a token", str(error)) from error
        self._held.pop(connection, None)

    def _watch_all(self, token: Token) -> None:
        for secret in (token.access, token.refresh):
            if secret and self._watch is not None:
                self._watch(secret)


def _first(connection: str, sign_in: Callable[[], Token] | None) -> Token:
    if sign_in is None:
        next_step = f"Sign in: crmbridge connect {connection}"
        raise SignInError(f"connections.{connection}", "a token", "none", next_step)
    return sign_in()


def _wait_for(lock: int, connection: str, seconds: float) -> None:
    """Take the lock; not for ever, since the process that holds it may have been stopped."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                where, got = f"token of {connection}", f"one held for {seconds:g} s"
                raise RetryLaterError(where, "a free lock", got, "Run again later") from None
            time.sleep(0.02)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise _not_ours(path, f"a file of user {found.st_uid}")
    if found.st_mode & 0o077:
        raise ConfigError(
            str(path), "mode 0600", f"{stat.S_IMODE(found.st_mode):04o}", f"Run: chmod 600 {path}"
        )


def _not_ours(path: Path, got: str) -> ConfigError:
    return ConfigError(str(path), "a plain file of our own", got, "Remove it, then sign in again")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _encode(token: Token) -> bytes:
    expires_at = token.expires_at.astimezone(UTC).isoformat() if token.expires_at else None
    return orjson.dumps(
        {
            "access": token.access,
            "refresh": token.refresh,
            "expires_at": expires_at,
            "extra": dict(token.extra),
        }
    )


def _decode(path: Path, content: bytes) -> Token:
    try:
        found: dict[str, Any] = orjson.loads(content)
        expires_at = found["expires_at"]
        return Token(
            access=found["access"],
            refresh=found["refresh"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            extra=found["extra"],
        )
    except (ValueError, KeyError, TypeError):
        raise SignInError(
            str(path), "a token", "text that is none", "Sign in again: crmbridge connect"
        ) from None
