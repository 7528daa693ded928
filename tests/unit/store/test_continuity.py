"""An older backup that was put back is recognised; the store we left is not suspected."""

import shutil
from pathlib import Path

from crmbridge.store import Store, open_store
from crmbridge.store.connections import Account, get_account, mark_pulled, pin
from crmbridge.store.runs import start_run


def reopened(folder: Path) -> Store:
    return open_store("sqlite:///store.db", base=folder)


def run_once(folder: Path) -> str:
    """A process that opens the store, runs and ends."""
    store = reopened(folder)
    with store.write() as tx:
        start_run(tx, job="", command="run", now=1, started_at=1)
        pin(tx, Account(name="sales", adapter="csv"))
        mark_pulled(tx, "sales", 1)
    epoch = store.epoch
    store.close()
    return epoch


def test_the_store_we_left_keeps_its_epoch_and_its_pulls(tmp_path: Path) -> None:
    epoch = run_once(tmp_path)
    store = reopened(tmp_path)

    assert store.epoch == epoch
    with store.read() as tx:
        account = get_account(tx, "sales")
    assert account is not None
    assert account.pulled_at == 1


def test_an_older_backup_gets_a_new_epoch_and_must_be_pulled_again(tmp_path: Path) -> None:
    epoch = run_once(tmp_path)
    shutil.copy(tmp_path / "store.db", tmp_path / "backup.db")
    run_once(tmp_path)
    shutil.copy(tmp_path / "backup.db", tmp_path / "store.db")

    store = reopened(tmp_path)

    assert store.epoch != epoch
    with store.read() as tx:
        account = get_account(tx, "sales")
    assert account is not None
    assert account.pulled_at is None
    anew = store.epoch
    store.close()
    assert reopened(tmp_path).epoch == anew  # it is told once


def test_a_store_left_by_a_killed_process_is_not_suspected(tmp_path: Path) -> None:
    epoch = run_once(tmp_path)
    store = reopened(tmp_path)
    with store.write() as tx:
        start_run(tx, job="", command="run", now=1, started_at=1)  # and never closed

    assert reopened(tmp_path).epoch == epoch


def test_a_damaged_mark_is_replaced(tmp_path: Path) -> None:
    epoch = run_once(tmp_path)
    (tmp_path / "store.db.seen").write_text("{")

    assert reopened(tmp_path).epoch == epoch
    assert epoch in (tmp_path / "store.db.seen").read_text()
