"""Whatever answers get lost or refused, each key ends up in the CRM once."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmbridge.adapters import Operation, Outcome, Status, WriteItem
from crmbridge.clock import FixedClock
from crmbridge.errors import RecordError
from crmbridge.push import Change, Changeset, Item, Orders, Target, apply, save_changeset
from crmbridge.push.changeset import item_name, named
from crmbridge.push.journal import Journal
from crmbridge.push.ledger import State, reopen_rejected
from crmbridge.store import Store, open_store
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemoryConnection, memory_capabilities
from crmbridge.testing.truth import START, MemoryCrm

WRITE_FAULTS = (
    Fault.TRANSIENT,
    Fault.QUOTA,
    Fault.SIGN_IN,
    Fault.CONFIG,
    Fault.DROP_AFTER_WRITE,
    Fault.DROP_BEFORE_WRITE,
    Fault.HALF_REJECTED,
    Fault.HALF_UNKNOWN,
)
ASK_FAULTS = (Fault.TRANSIENT, Fault.QUOTA, Fault.SIGN_IN)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


def a_target(crm: MemoryCrm) -> Target:
    declared = memory_capabilities(key_is_unique=False, batch=3)
    connection = MemoryConnection(crm=crm, declared=declared)
    return Target(name="sales", connection=connection, capabilities=declared)


def creates(count: int) -> tuple[Item, ...]:
    return tuple(
        Item(
            item=item_name(Operation.CREATE, "sales", "Event", f"K{number}"),
            connection="sales",
            object="Event",
            key=f"K{number}",
            operation=Operation.CREATE,
            changes=(Change(field="subject", before=None, after=f"Visit {number}"),),
        )
        for number in range(count)
    )


def kept(store: Store, items: Sequence[Item], organisation: str = "memory-1") -> str:
    changeset = named(
        Changeset(
            id="",
            created_at=START,
            epoch=store.epoch,
            organisations={"sales": organisation},
            items=tuple(items),
        )
    )
    save_changeset(store, changeset, run_id=1)
    return changeset.id


@settings(max_examples=25, deadline=None)
@given(
    writes=st.lists(st.tuples(st.sampled_from(WRITE_FAULTS), st.integers(0, 3)), max_size=6),
    asks=st.lists(st.tuples(st.sampled_from(ASK_FAULTS), st.integers(0, 2)), max_size=3),
    threads=st.integers(1, 3),
)
def test_any_faults_in_any_order_lead_to_one_record_per_key(
    template: Path,
    writes: list[tuple[Fault, int]],
    asks: list[tuple[Fault, int]],
    threads: int,
) -> None:
    crm = MemoryCrm(clock=FixedClock(START), tick=timedelta(0))
    for fault, after in writes:
        crm.faults.fail("write", fault, after=after)
    for fault, after in asks:
        crm.faults.fail("find_by_keys", fault, after=after)
    with TemporaryDirectory() as folder:
        shutil.copyfile(template, f"{folder}/store.db")
        store = open_store(f"sqlite:///{folder}/store.db")
        id_ = kept(store, creates(10))

        for _ in range(30):
            orders = Orders(clock=FixedClock(START), threads=threads)
            report = apply(store, id_, {"sales": a_target(crm)}, orders)
            if not report.pending and not reopen_rejected(store):
                break

        journal = Journal(store, id_)
        store.close()
    keys = sorted(values["visit_key"] for values in crm.held("Event").values())
    assert keys == sorted(f"K{number}" for number in range(10))
    assert journal.count(State.APPLIED) + journal.count(State.UNCHANGED) == 10


@dataclass(slots=True, kw_only=True)
class JobConnection(MemoryConnection):
    """A connection that takes a batch as a long job, whose outcomes come when it is asked again."""

    jobs: dict[str, list[WriteItem]] = field(default_factory=dict)

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        handle = f"job-{len(self.jobs) + 1}"
        self.jobs[handle] = list(items)
        return [Outcome(item=one.item, status=Status.UNKNOWN, handle=handle) for one in items]

    def resume(self, handle: str) -> Sequence[Outcome]:
        return MemoryConnection.write(self, self.jobs[handle])


def test_a_long_job_is_taken_up_by_the_next_push(tmp_path: Path) -> None:
    crm = MemoryCrm()
    declared = replace(memory_capabilities(batch=3), resumes=True)
    connection = JobConnection(crm=crm, declared=declared)
    target = Target(name="sales", connection=connection, capabilities=declared)
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    id_ = kept(store, creates(5))

    first = apply(store, id_, {"sales": target}, Orders(clock=FixedClock(START), threads=1))
    second = apply(store, id_, {"sales": target}, Orders(clock=FixedClock(START), threads=1))

    assert (first.outcomes["unknown"], second.outcomes["applied"]) == (5, 5)
    assert list(connection.jobs) == ["job-1", "job-2"]
    assert len(crm.held("Event")) == 5


@dataclass(slots=True, kw_only=True)
class PickyConnection(MemoryConnection):
    """A connection that refuses a whole batch for one bad item in it."""

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        if any(one.key in {"K2", "K7"} for one in items):
            raise RecordError("Event", "a shorter subject", "a long one")
        return MemoryConnection.write(self, items)


def test_bad_items_are_found_and_the_others_land(tmp_path: Path) -> None:
    crm = MemoryCrm()
    declared = memory_capabilities(batch=10)
    connection = PickyConnection(crm=crm, declared=declared)
    target = Target(name="sales", connection=connection, capabilities=declared)
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    id_ = kept(store, creates(10))

    report = apply(store, id_, {"sales": target}, Orders(clock=FixedClock(START)))

    assert (report.outcomes["applied"], report.outcomes["rejected"]) == (8, 2)
    assert len(crm.held("Event")) == 8
