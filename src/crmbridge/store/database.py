"""Opens the store, hands out its transactions and knows whether it is the store we left."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import escape as glob_escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from crmbridge.errors import ConfigError, CrmbridgeError, RetryLaterError, StorageError
from crmbridge.store import schema
from crmbridge.store.continuity import begin_anew, mark_of, read_mark, write_mark
from crmbridge.store.failures import Place, translated
from crmbridge.store.migrate import must_upgrade, upgrade

WAL_IS_SAFE_FROM = (3, 51, 3)
"""SQLite before this can corrupt a WAL file with several writers (WAL-reset bug)."""

_CHECKED_WHOLE_PAGES = 2048
"""Up to this many pages (32 MB) the whole file is checked at open; `doctor` checks any size."""

_PAGE_BYTES = 16384
"""Upserts measured a third faster than with SQLite's 4096: flatter trees, fewer journal writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Proof of a lease: its number is checked in each transaction that names it."""

    connection: str
    holder: str
    number: int


class Store:
    """An open store. Transactions are short; one thread never nests one in another."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._writer = engine.execution_options(begin_as="BEGIN IMMEDIATE")
        self._reader = engine.execution_options(**_reading(engine))
        self.place = place

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a server."""
        return self.place.path

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the store; in SQLite it holds up writers' commits.

        Raises:
            RetryLaterError, StorageError, ConfigError: see `crmbridge.store.failures`.
        """
        with translated(self.place), self._reader.begin() as tx:
            yield tx

    @contextmanager
    def write(self, fence: Fence | None = None) -> Iterator[Connection]:
        """A transaction that may write: committed whole at the end, or rolled back.

        Args:
            fence: a lease that must still be ours when the transaction begins; it stays ours
                until the commit.

        Raises:
            RetryLaterError: locked, or the lease has gone to somebody else.
            StorageError, ConfigError: see `crmbridge.store.failures`.
        """
        with translated(self.place), self._writer.begin() as tx:
            if fence is not None:
                check_fence(tx, fence)
            yield tx

    @property
    def epoch(self) -> str:
        """Random id of this store's life; a new one after an older backup was put back."""
        with self.read() as tx:
            return get_meta(tx, "epoch")

    def damage(self) -> list[str]:
        """What is broken inside a SQLite file, whatever its size; [] when it is sound."""
        if self.dialect != "sqlite":
            return []
        with self.read() as tx:
            return _quick_check(tx)

    def rewrite(self) -> None:
        """Write a SQLite file anew, so that nothing deleted stays in it or in kept backups.

        Raises:
            RetryLaterError: somebody else has the store open in a transaction.
        """
        if self.path is None:
            return
        for backup in self.path.parent.glob(f"{glob_escape(self.path.name)}.*.backup"):
            backup.unlink()
        with translated(self.place), self._engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("VACUUM")  # outside a transaction, which SQLAlchemy would begin

    def remember(self) -> None:
        """Note beside a SQLite file how far it has come; see `crmbridge.store.continuity`."""
        if self.path is None:
            return
        seen = read_mark(self.path)
        with self.read() as tx:
            mark = mark_of(tx)
        if mark != seen:
            write_mark(self.path, mark)

    def close(self) -> None:
        """Let go of all connections; the store may be used again afterwards."""
        with suppress(CrmbridgeError):  # a store that cannot be read was reported before
            self.remember()
        self._engine.dispose()


def open_store(url: str, *, base: Path | None = None, wait_seconds: float = 30.0) -> Store:
    """Open a store, creating it or bringing its tables up to date if need be.

    Args:
        url: ``sqlite:///crmbridge.db``, ``sqlite:////absolute/path.db`` or
            ``postgresql+psycopg://user:password@host/database``.
        base: folder that a relative SQLite path is relative to; the working folder if None.
        wait_seconds: how long a transaction waits for a lock; >= 0.

    Raises:
        ConfigError: the URL is not one of these, or the server refuses it.
        StorageError: the file is damaged, empty, not writable or newer than this program.
        RetryLaterError: the server does not answer, or somebody holds the store locked.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, base or Path.cwd(), wait_seconds)
    return _open_postgresql(parsed, wait_seconds)


def get_meta(tx: Connection, key: str) -> str:
    """A fact about the store itself; "" where there is none."""
    found = tx.scalar(select(schema.meta.c.value).where(schema.meta.c.key == key))
    return found or ""


def set_meta(tx: Connection, key: str, value: str) -> None:
    """Keep a fact about the store itself."""
    tx.execute(schema.meta.delete().where(schema.meta.c.key == key))
    tx.execute(schema.meta.insert().values(key=key, value=value))


def check_fence(tx: Connection, fence: Fence) -> None:
    """Make sure that a lease is still ours, and stays so until the transaction ends.

    Raises:
        RetryLaterError: it has expired and somebody else took it, or it was released.
    """
    leases = schema.leases
    row = tx.execute(
        select(leases.c.fence, leases.c.holder)
        .where(leases.c.connection == fence.connection)
        .with_for_update(read=True)
    ).one_or_none()
    if row is None or row.fence != fence.number:
        raise RetryLaterError(
            f"connections.{fence.connection}",
            f"our lease {fence.number}",
            f"lease {row.fence} held by {row.holder}" if row else "no lease",
            "Another run took over; nothing of this step was written",
        )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError(
            "store.url",
            "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
            repr(parsed.drivername) if parsed is not None else "something else",
        )
    return parsed


def _reading(engine: Engine) -> dict[str, Any]:
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ"}
    return {"begin_as": "BEGIN"}


def _open_sqlite(url: URL, base: Path, wait_seconds: float) -> Store:
    if not url.database or url.database == ":memory:":
        raise ConfigError("store.url", "a file", "none", 'Use "sqlite:///crmbridge.db"')
    path = base / url.database
    place = Place(name=str(path), path=path)
    if not path.exists():
        _create(path, wait_seconds)
    engine = _sqlite_engine(path, wait_seconds)
    store = Store(engine, place)
    try:
        _admit_sqlite(store)
        _recognise(store, path)
    except BaseException:
        engine.dispose()
        raise
    return store


def _recognise(store: Store, path: Path) -> None:
    """Begin anew if the file is not the one we left. What was seen is read first: it only grows."""
    seen = read_mark(path)
    with store.read() as tx:
        is_other = seen is not None and mark_of(tx).is_behind(seen)
    if is_other:
        with store.write() as tx:
            begin_anew(tx)
    store.remember()


def _create(path: Path, wait_seconds: float) -> None:
    """Make a new store under another name first, so that no half-made one is ever found."""
    new = path.with_name(f"{path.name}.new-{secrets.token_hex(4)}")
    place = Place(name=str(path), path=path)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)  # one level: a mistyped path is told
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(
            str(path), "a folder that exists and that this user may write", error.strerror or "",
            "Create it, or set store.url to another place",
        ) from error  # fmt: skip
    engine = _sqlite_engine(new, wait_seconds)
    try:
        with translated(place):
            _initialise(Store(engine, place))
        engine.dispose()
        _publish(new, path)
    finally:
        engine.dispose()
        new.unlink(missing_ok=True)


def _publish(new: Path, path: Path) -> None:
    """Give a finished file its name, unless another process was faster."""
    try:
        path.hardlink_to(new)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        new.rename(path)


def _sqlite_engine(path: Path, wait_seconds: float) -> Engine:
    address = f"file:{quote(str(path.absolute()))}?mode=rw"  # rw: never creates by accident

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=wait_seconds, isolation_level=None, check_same_thread=False
        )
        _set_pragmas(connection)
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin_as", "BEGIN"))


def _set_pragmas(connection: sqlite3.Connection) -> None:
    mode = "WAL" if sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM else "DELETE"
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # counts for new files only
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA temp_store = FILE")
    except BaseException:
        connection.close()
        raise


def _admit_sqlite(store: Store) -> None:
    with store.read() as tx:
        if not tx.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
            raise StorageError(
                store.place.name, "a crmbridge store", "an empty file",
                "Put a backup back, or remove the file and pull again",
            )  # fmt: skip
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        broken = _quick_check(tx) if pages <= _CHECKED_WHOLE_PAGES else []
    if broken:
        raise StorageError(
            store.place.name, "a sound SQLite database", broken[0],
            "Nothing was written. Put a backup of the file back, or move it away and pull again",
        )  # fmt: skip
    _bring_up_to_date(store)


def _quick_check(tx: Connection) -> list[str]:
    rows = tx.exec_driver_sql("PRAGMA quick_check(10)").scalars().all()
    return [str(row) for row in rows if row != "ok"]


def _open_postgresql(url: URL, wait_seconds: float) -> Store:
    url = url.set(drivername="postgresql+psycopg")
    shown = f"postgresql://{url.host or 'local'}/{url.database or ''}"
    place = Place(name=shown, secret=str(url.password or ""))
    milliseconds = int(wait_seconds * 1000)
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "options": f"-c lock_timeout={milliseconds} -c timezone=UTC -c jit=off",
                "connect_timeout": max(2, int(wait_seconds)),
                "application_name": "crmbridge",
            },
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            "store.url", "the PostgreSQL driver", "none", "Install crmbridge[postgresql]"
        ) from error
    store = Store(engine, place)
    _bring_up_to_date(store)
    return store


def _bring_up_to_date(store: Store) -> None:
    with store.read() as tx:
        is_old = must_upgrade(tx, store.place)
    if is_old:
        _initialise(store)


def _initialise(store: Store) -> None:
    with store.write() as tx:
        upgrade(tx, store.place)
        if not get_meta(tx, "epoch"):
            set_meta(tx, "epoch", secrets.token_hex(16))
