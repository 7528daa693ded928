"""The revisions that ship make exactly the tables that the program uses, or change nothing."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from crmbridge.errors import StorageError
from crmbridge.store import Store, migrate, open_store
from crmbridge.store.database import get_meta, set_meta
from crmbridge.store.schema import metadata

AFTER = f"{int(migrate.HEAD) + 1:04}"
NEXT = '''
"""The next revision, for a test."""

from alembic import op

revision = "{after}"
down_revision = "{head}"


def upgrade() -> None:
    """Add a table{note}."""
    op.execute("CREATE TABLE added (n INTEGER)")
    {more}
'''


def scripts_with_next(folder: Path, more: str = "pass") -> Path:
    scripts = folder / "scripts"
    shutil.copytree(migrate.SCRIPTS, scripts)
    text = NEXT.format(note="", more=more, after=AFTER, head=migrate.HEAD)
    (scripts / "versions" / f"{AFTER}_next.py").write_text(text)
    return scripts


def tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def upgrade(store: Store, scripts: Path) -> None:
    with store.write() as tx:
        migrate.upgrade(tx, store.place, scripts, head=AFTER)


def test_the_program_needs_the_last_revision_that_ships() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))

    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_the_revisions_make_the_tables_that_the_program_uses(store: Store) -> None:
    with store.read() as tx:
        differences = compare_metadata(MigrationContext.configure(tx), metadata)

    assert differences == []


def test_an_upgrade_keeps_a_backup_of_the_older_file(tmp_path: Path) -> None:
    store = open_store("sqlite:///store.db", base=tmp_path)
    with store.write() as tx:
        set_meta(tx, "kept", "1")

    upgrade(store, scripts_with_next(tmp_path))

    backup = tmp_path / f"store.db.{migrate.HEAD}.backup"
    assert "added" in tables(tmp_path / "store.db")
    assert "added" not in tables(backup)
    with sqlite3.connect(backup) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'kept'").fetchall() == [
            ("1",)
        ]


LATER = (
    "identities", "offers", "campaign_people", "campaign_states",
    "feature_states", "feature_blocks", "touched",
)  # fmt: skip


def drop_triggers(tx: Connection) -> None:
    query, drop = "SELECT name FROM sqlite_master WHERE type = 'trigger'", "DROP TRIGGER {}"
    if tx.dialect.name == "postgresql":
        query = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        drop = "DROP FUNCTION {} CASCADE"
    for name in list(tx.exec_driver_sql(query).scalars()):
        tx.exec_driver_sql(drop.format(name))


def test_a_store_of_the_first_release_is_upgraded_with_what_it_holds(url: str) -> None:
    store = open_store(url)
    with store.write() as tx:
        set_meta(tx, "kept", "1")
        drop_triggers(tx)
        for table in LATER:
            tx.exec_driver_sql(f"DROP TABLE {table}")
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    store.close()

    with open_store(url).read() as tx:
        assert migrate.revision_of(tx) == migrate.HEAD
        assert get_meta(tx, "kept") == "1"
        assert tx.dialect.has_table(tx, "identities")


def test_an_upgrade_that_fails_changes_nothing(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    scripts = scripts_with_next(tmp_path, more="raise OSError")

    with pytest.raises(OSError):  # noqa: PT011  the revision's own
        upgrade(store, scripts)

    with store.read() as tx:
        assert migrate.revision_of(tx) == migrate.HEAD
        assert not tx.dialect.has_table(tx, "added")


def test_a_newer_store_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    upgrade(store, scripts_with_next(tmp_path))

    said = rf"revision {migrate.HEAD} or older .* got revision {AFTER}.*Upgrade"
    with pytest.raises(StorageError, match=said):
        open_store(url)


CREATE = "from crmbridge.store import open_store; open_store('sqlite:///store.db')"


def test_a_creation_that_is_killed_leaves_no_store_and_the_next_one_works(tmp_path: Path) -> None:
    environment = {**os.environ, "CRMBRIDGE_FAILPOINT": "migration.step:1"}
    killed = subprocess.run(
        [sys.executable, "-c", CREATE], cwd=tmp_path, env=environment, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "store.db").exists()
    assert open_store("sqlite:///store.db", base=tmp_path).epoch


def test_an_upgrade_that_is_killed_is_undone_by_the_next_open(tmp_path: Path) -> None:
    open_store("sqlite:///store.db", base=tmp_path).close()
    scripts = scripts_with_next(tmp_path)
    program = f"""
from pathlib import Path
from crmbridge.store import migrate, open_store
store = open_store("sqlite:///store.db")
with store.write() as tx:
    migrate.upgrade(tx, store.place, Path({str(scripts)!r}), head={AFTER!r})
"""
    environment = {**os.environ, "CRMBRIDGE_FAILPOINT": "migration.step:1"}
    killed = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    with open_store("sqlite:///store.db", base=tmp_path).read() as tx:
        assert migrate.revision_of(tx) == migrate.HEAD
        assert not tx.dialect.has_table(tx, "added")
