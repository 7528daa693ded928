"""Opening a store: what is made, what is refused, and in which words."""

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from crmbridge.errors import ConfigError, RetryLaterError, StorageError
from crmbridge.store import Store, open_store
from crmbridge.store.database import get_meta, set_meta
from crmbridge.testing.databases import PostgresServer


def sqlite_store(folder: Path, wait_seconds: float = 0.0) -> Store:
    return open_store("sqlite:///store.db", base=folder, wait_seconds=wait_seconds)


def test_new_files_are_private(tmp_path: Path) -> None:
    sqlite_store(tmp_path).close()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"store.db": 0o600, "store.db.seen": 0o600}


def test_a_store_keeps_its_epoch(url: str) -> None:
    first = open_store(url).epoch

    assert len(first) == 32
    assert open_store(url).epoch == first


def test_an_error_rolls_the_whole_transaction_back(store: Store) -> None:
    def half_a_step() -> None:
        with store.write() as tx:
            set_meta(tx, "a", "1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_step()

    with store.read() as tx:
        assert get_meta(tx, "a") == ""


@pytest.mark.parametrize("url", ["mysql://h/d", "nonsense", "sqlite://", "sqlite:///:memory:"])
def test_other_urls_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        open_store(url)


def test_an_empty_file_is_damage_and_not_a_new_store(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()

    with pytest.raises(StorageError, match="an empty file"):
        sqlite_store(tmp_path)


def test_a_foreign_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"name;city\n" * 1000)

    with pytest.raises(StorageError, match="backup"):
        sqlite_store(tmp_path)

    assert (tmp_path / "store.db").read_bytes() == b"name;city\n" * 1000


@pytest.mark.parametrize("size", [100, 16384, 50_000])
def test_a_truncated_file_is_refused_and_left_as_it_is(tmp_path: Path, size: int) -> None:
    sqlite_store(tmp_path).close()
    os.truncate(tmp_path / "store.db", size)

    with pytest.raises(StorageError, match="backup"):
        sqlite_store(tmp_path)

    assert (tmp_path / "store.db").stat().st_size == size


def test_a_damaged_page_is_found_at_open(tmp_path: Path) -> None:
    sqlite_store(tmp_path).close()
    content = bytearray((tmp_path / "store.db").read_bytes())
    content[3 * 16384 : 3 * 16384 + 200] = b"\xff" * 200
    (tmp_path / "store.db").write_bytes(content)

    with pytest.raises(StorageError, match="sound SQLite database"):
        sqlite_store(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        sqlite_store(tmp_path / "nowhere" / "deeper")


def test_the_last_folder_of_the_path_is_made_for_the_store_alone(tmp_path: Path) -> None:
    sqlite_store(tmp_path / ".state").close()

    assert (tmp_path / ".state").stat().st_mode & 0o777 == 0o700


def test_a_full_disk_names_the_file_and_the_room_left(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)

    def fill() -> None:
        with store.write() as tx:
            pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
            tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
            set_meta(tx, "big", "x" * 100_000)

    with pytest.raises(StorageError, match=r"store\.db: .* bytes free"):
        fill()

    with store.read() as tx:
        assert get_meta(tx, "big") == ""


def test_a_second_writer_is_told_to_come_back(tmp_path: Path) -> None:
    one, two = sqlite_store(tmp_path), sqlite_store(tmp_path)

    with one.write(), pytest.raises(RetryLaterError, match="lock"), two.write():
        pass


def test_readers_go_on_while_somebody_writes(tmp_path: Path) -> None:
    one, two = sqlite_store(tmp_path), sqlite_store(tmp_path)

    with one.write() as writing:
        set_meta(writing, "a", "1")
        with two.read() as reading:
            assert get_meta(reading, "a") == ""


def test_many_threads_lose_no_write(url: str) -> None:
    store = open_store(url)

    def count_up() -> None:
        for _ in range(10):
            with store.write() as tx:
                if store.dialect == "postgresql":
                    tx.exec_driver_sql("LOCK TABLE meta IN EXCLUSIVE MODE")
                set_meta(tx, "n", str(int(get_meta(tx, "n") or 0) + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.read() as tx:
        assert get_meta(tx, "n") == "40"


def test_the_journal_is_rolled_back_where_wal_can_corrupt(tmp_path: Path) -> None:
    expected = "wal" if sqlite3.sqlite_version_info >= (3, 51, 3) else "delete"

    with sqlite_store(tmp_path).read() as tx:
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == expected
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_read_only_file_says_so(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path)

    def write_anyway() -> None:
        with store.write() as tx:
            tx.exec_driver_sql("PRAGMA query_only = ON")
            set_meta(tx, "a", "1")

    with pytest.raises(StorageError, match="may write"):
        write_anyway()


def test_a_server_that_is_not_there_is_tried_later_and_keeps_the_password_out() -> None:
    url = "postgresql+psycopg://ann:s3cret-pw@127.0.0.1:1/none"

    with pytest.raises(RetryLaterError) as caught:
        open_store(url, wait_seconds=2)

    assert "127.0.0.1" in str(caught.value)
    assert "s3cret-pw" not in str(caught.value)


def test_a_database_that_is_missing_is_a_settings_error(postgres: PostgresServer) -> None:
    url = postgres.new_database()

    with pytest.raises(ConfigError, match="does not exist"):
        open_store(url.replace("/crmbridge_", "/none_"))


def test_a_dropped_connection_is_tried_later(postgres: PostgresServer) -> None:
    store = open_store(postgres.new_database())

    def write_through_a_break() -> None:
        with store.write() as tx:
            set_meta(tx, "a", "1")
            pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with store.read() as other:
                other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            set_meta(tx, "b", "1")

    with pytest.raises(RetryLaterError):
        write_through_a_break()

    with store.read() as tx:
        assert get_meta(tx, "a") == ""
