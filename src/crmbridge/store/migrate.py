"""Decides whether a store's tables are older, current or newer than this program, and upgrades."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, inspect

from crmbridge import __version__
from crmbridge.errors import StorageError
from crmbridge.store.failures import Place

HEAD = "0004"
"""The revision this program needs; a test compares it with the revisions that ship."""

SCRIPTS = Path(__file__).parent / "migrations"


def revision_of(tx: Connection) -> str:
    """The revision of the tables there are; "" where there are none yet."""
    if not inspect(tx).has_table("alembic_version"):
        return ""
    return tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""


def must_upgrade(tx: Connection, place: Place, head: str = HEAD) -> bool:
    """Whether the tables are older than this program needs them.

    Raises:
        StorageError: they are newer; nothing is touched.
    """
    current = revision_of(tx)
    if current > head:
        raise StorageError(
            place.name,
            f"tables of revision {head} or older (crmbridge {__version__})",
            f"revision {current}",
            "Upgrade crmbridge, or put back the backup made before that upgrade",
        )
    return current < head


def upgrade(tx: Connection, place: Place, scripts: Path = SCRIPTS, head: str = HEAD) -> None:
    """Bring the tables up to date inside the caller's transaction: all of it or nothing.

    A SQLite file that holds an older revision is copied to ``FILE.REVISION.backup`` first.
    """
    from alembic import command
    from alembic.config import Config

    _wait_for_others(tx)
    if not must_upgrade(tx, place, head):
        return
    current = revision_of(tx)
    if current and place.path is not None:
        keep_backup(place.path, current)
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = tx
    command.upgrade(config, head)


def _wait_for_others(tx: Connection) -> None:
    """Let one process upgrade at a time; SQLite's writing transaction sees to that itself."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('crmbridge.migrate'))")


def keep_backup(path: Path, revision: str) -> Path:
    """Copy a SQLite file as it stands at the last commit; the copy appears whole or not at all."""
    kept = path.with_name(f"{path.name}.{revision}.backup")
    half = kept.with_name(kept.name + ".half")
    os.close(os.open(half, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600))
    source = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    target = sqlite3.connect(half)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    half.replace(kept)
    return kept
