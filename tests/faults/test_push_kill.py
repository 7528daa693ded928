"""A push killed at any point, and run again, writes each record once and loses none.

The CRM is a file of its own, so that it survives the killed process as a real one would, and it
does not refuse a second record with the same key: only looking before sending prevents doubles.
"""

import json
import os
import signal
import sqlite3
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from crmbridge import failpoint
from crmbridge.adapters import (
    Capabilities,
    Check,
    Connection,
    ObjectCapability,
    Operation,
    Outcome,
    Page,
    ReadRequest,
    Status,
    WriteItem,
)
from crmbridge.clock import FixedClock
from crmbridge.push.apply import Orders, apply
from crmbridge.push.changeset import Change, Changeset, Item, item_name, named
from crmbridge.push.ledger import save_changeset
from crmbridge.push.settle import Target
from crmbridge.store import Store, open_store
from crmbridge.store.schema import audit

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OPERATIONS = frozenset({Operation.CREATE, Operation.UPDATE, Operation.DELETE})
POINTS = (
    "push.intent.committed",
    "push.batch.sent",
    "push.outcome.committed",
    "push.finished",
)
CREATES = [f"K{number}" for number in range(7)]
JOB_FROM = 4


class FileCrm(Connection):
    """A CRM in a SQLite file: id, object, key, values, version."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS held (id INTEGER PRIMARY KEY, key TEXT, held TEXT)"
        )

    def check(self) -> Sequence[object]:  # type: ignore[override]
        return ()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        raise NotImplementedError

    def put(self, key: str, values: Mapping[str, object]) -> str:
        text = json.dumps(dict(values))
        cursor = self._file.execute("INSERT INTO held (key, held) VALUES (?, ?)", (key, text))
        return str(cursor.lastrowid)

    def records(self) -> dict[str, tuple[str, dict[str, object]]]:
        rows = self._file.execute("SELECT id, key, held FROM held ORDER BY id")
        return {str(id_): (key, json.loads(held)) for id_, key, held in rows}

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        found = self.records().items()
        return {wanted: [id_ for id_, (key, _) in found if key == wanted] for wanted in keys}

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        held = self.records()
        rows = [(id_, *map(held[id_][1].get, fields)) for id_ in ids if id_ in held]
        return Page(object=object_, columns=("Id", *fields), rows=rows)

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        return [self._write(item) for item in items]

    def _write(self, item: WriteItem) -> Outcome:
        if item.operation is Operation.CREATE:
            return self._outcome(item, Status.APPLIED, self.put(item.key, item.values))
        held = self.records().get(item.id)
        if held is None:
            return self._outcome(item, Status.REJECTED)
        if any(held[1].get(name) != value for name, value in item.expected.items()):
            return self._outcome(item, Status.CONFLICT)
        if item.operation is Operation.DELETE:
            self._file.execute("DELETE FROM held WHERE id = ?", (item.id,))
        else:
            text = json.dumps({**held[1], **item.values})
            self._file.execute("UPDATE held SET held = ? WHERE id = ?", (text, item.id))
        return self._outcome(item, Status.APPLIED)

    def _outcome(self, item: WriteItem, status: Status, id_: str = "") -> Outcome:
        return Outcome(item=item.item, status=status, id=id_ or item.id)


class JobCrm(FileCrm):
    """A CRM whose larger writes are jobs: they land some time after the call, once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, items TEXT, done TEXT)"
        )
        for id_, text in self._file.execute("SELECT id, items FROM job WHERE done = ''").fetchall():
            done = [(one["item"], self._land(one)) for one in json.loads(text)]
            self._file.execute("UPDATE job SET done = ? WHERE id = ?", (json.dumps(done), id_))

    def _land(self, one: Mapping[str, Any]) -> str:
        item = WriteItem(**{**one, "operation": Operation(one["operation"])})
        outcome = super()._write(item)
        return json.dumps([outcome.status.value, outcome.id])

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        if len(items) < JOB_FROM:
            return super().write(items)
        kept = [{**asdict(item), "operation": item.operation.value} for item in items]
        cursor = self._file.execute(
            "INSERT INTO job (items, done) VALUES (?, '')", (json.dumps(kept),)
        )
        handle = str(cursor.lastrowid)
        return [Outcome(item=one.item, status=Status.UNKNOWN, handle=handle) for one in items]

    def resume(self, handle: str) -> Sequence[Outcome]:
        (text,) = self._file.execute("SELECT done FROM job WHERE id = ?", (handle,)).fetchone()
        return [
            Outcome(item=item, status=Status(json.loads(end)[0]), id=json.loads(end)[1])
            for item, end in json.loads(text)
        ]


def a_job_target(path: Path) -> Target:
    record = replace(a_target(path).capabilities.of("Event"), bulk_from=JOB_FROM, bulk_batch=10)
    capabilities = Capabilities(objects={"Event": record, "Account": record}, resumes=True)
    return Target(name="sales", connection=JobCrm(path), capabilities=capabilities)


def a_target(path: Path) -> Target:
    record = ObjectCapability(
        stream="activities",
        operations=OPERATIONS,
        key_field="key",
        reads_by_id=True,
        check=Check.COMPARE,
        batch=2,
    )
    capabilities = Capabilities(objects={"Event": record, "Account": record})
    return Target(name="sales", connection=FileCrm(path), capabilities=capabilities)


def an_item(operation: Operation, object_: str, identity: str, *changes: Change) -> Item:
    is_new = operation is Operation.CREATE
    return Item(
        item=item_name(operation, "sales", object_, identity),
        connection="sales",
        object=object_,
        id="" if is_new else identity,
        key=identity if is_new else "",
        operation=operation,
        changes=changes,
        parent=identity,
    )


def prepare(folder: Path) -> tuple[Store, str]:
    """A CRM with four records of which two change and two go, and a changeset that says so."""
    crm = FileCrm(folder / "crm.db")
    ids = [crm.put(f"old {number}", {"score": 50}) for number in range(4)]
    update = Change(field="score", before=50, after=70)
    gone = Change(field="score", before=50, after=None)
    visit = Change(field="start_at", before=None, after="2026-03-03T10:00:00Z")
    items = (
        *(an_item(Operation.UPDATE, "Account", id_, update) for id_ in ids[:2]),
        *(an_item(Operation.CREATE, "Event", key, visit) for key in CREATES),
        *(an_item(Operation.DELETE, "Event", id_, gone) for id_ in ids[2:]),
    )
    store = open_store(f"sqlite:///{folder}/store.db")
    changeset = named(
        Changeset(
            id="", created_at=NOW, epoch=store.epoch, organisations={"sales": ""}, items=items
        )
    )
    save_changeset(store, changeset, run_id=1)
    store.close()  # a fork must not share an open database
    return store, changeset.id


def push(
    folder: Path,
    changeset_id: str,
    point: str = "",
    number: int = 1,
    target: Callable[[Path], Target] = a_target,
) -> int:
    """Push in a process of its own, a fork of this one since starting Python takes a second.

    Returns:
        its exit code, or the negative number of the signal that ended it.
    """
    child = os.fork()
    if not child:
        failpoint._armed, failpoint._left[:] = point, [number]
        os._exit(run(folder, changeset_id, target))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(folder: Path, changeset_id: str, target: Callable[[Path], Target] = a_target) -> int:
    """Push, here."""
    try:
        store = open_store(f"sqlite:///{folder}/store.db")
        targets = {"sales": target(folder / "crm.db")}
        report = apply(store, changeset_id, targets, Orders(clock=FixedClock(NOW), threads=2))
    except BaseException:
        traceback.print_exc()
        return 99
    return int(report.exit_code)


def final_lines(store: Store) -> list[int]:
    """Lines of audit per item."""
    query = select(func.count()).where(audit.c.action == "push").group_by(audit.c.item)
    with store.read() as tx:
        return list(tx.scalars(query))


def assert_whole(folder: Path, store: Store) -> None:
    held = FileCrm(folder / "crm.db").records()
    assert sorted(key for key, _ in held.values()) == [*CREATES, "old 0", "old 1"]
    assert [values["score"] for key, values in held.values() if "old" in key] == [70, 70]
    assert store.damage() == []


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_batch_once_and_run_again(point: str, tmp_path: Path) -> None:
    for number in range(1, 20):
        folder = tmp_path / str(number)
        folder.mkdir()
        store, id_ = prepare(folder)

        killed = push(folder, id_, point, number)
        again = push(folder, id_)

        assert killed in (0, -signal.SIGKILL)
        assert again == 0
        assert_whole(folder, store)
        assert final_lines(store) == [1] * 11
        if killed == 0:
            break
    assert number > 1, "the point was never reached"


@pytest.mark.parametrize("point", POINTS)
def test_killed_around_a_long_job_and_run_again(point: str, tmp_path: Path) -> None:
    for number in range(1, 20):
        folder = tmp_path / str(number)
        folder.mkdir()
        store, id_ = prepare(folder)

        killed = push(folder, id_, point, number, a_job_target)
        ends = [push(folder, id_, target=a_job_target) for _ in range(3)]

        assert killed in (1, -signal.SIGKILL)  # 1: the job's outcome is not known yet
        assert ends[-1] == 0
        assert_whole(folder, store)
        if killed == 1:
            break
    assert number > 1, "the point was never reached"


def test_killed_again_and_again_until_nothing_is_left(tmp_path: Path) -> None:
    store, id_ = prepare(tmp_path)

    kills = 0
    while push(tmp_path, id_, POINTS[kills % 3]) != 0:
        kills += 1
        assert kills < 40

    assert kills > 5
    assert_whole(tmp_path, store)
    assert final_lines(store) == [1] * 11
