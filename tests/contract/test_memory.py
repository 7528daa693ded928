"""The CRM in memory passes the suite, however it is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from crmbridge.adapters import Capabilities, Check, Deletes, Operation, Reading
from crmbridge.testing.conformance import AdapterConformance, Subject
from crmbridge.testing.context import make_context
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory import MemorySettings, memory_adapter, memory_capabilities
from crmbridge.testing.truth import MemoryCrm


def memory_subject(folder: Path, **changes: Any) -> Subject:
    """A CRM in memory as the suite wants it, its capabilities changed as named."""
    return subject_of(folder, memory_capabilities(**changes))


def subject_of(folder: Path, capabilities: Capabilities) -> Subject:
    """A CRM in memory with an adapter that declares these."""
    crm = MemoryCrm()
    adapter = memory_adapter(crm, capabilities)
    context = make_context(folder)
    return Subject(
        adapter=adapter,
        truth=crm,
        connect=lambda: adapter.open(MemorySettings(), context),
        object="Account",
        field="name",
        sample=lambda number: {"name": f"Customer {number}", "city": "Berlin"},
        created="Event",
        members="CampaignMember",
        member=lambda number: {"campaign_id": "c-1", "contact_id": f"p-{number}"},
        merge=lambda loser, winner: crm.merge("Account", loser, winner),
        faults={
            "lost": lambda: crm.faults.fail("write", Fault.DROP_AFTER_WRITE),
            "slow": lambda: crm.faults.fail("job", Fault.SLOW_JOB),
        },
    )


class TestByWindow(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        yield memory_subject(folder, links=("Contact",), check=Check.CONDITIONAL)


class TestWithLongJobs(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        plain = memory_capabilities()
        accounts = replace(
            plain.of("Account"),
            operations=frozenset({Operation.UPDATE, Operation.CLEAR}),
            bulk_from=12,
            bulk_batch=30,
        )
        objects = {**plain.objects, "Account": accounts}
        yield subject_of(folder, replace(plain, objects=objects, resumes=True))


class TestByToken(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        yield memory_subject(folder, reading=Reading.TOKEN, key_is_unique=False)


class TestBySnapshot(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        subject = memory_subject(folder, reading=Reading.SNAPSHOT, deletes=Deletes.ABSENCE)
        yield replace(subject, merge=None)


class TestReadingOnly(AdapterConformance):
    @contextmanager
    def start(self, folder: Path) -> Iterator[Subject]:
        nothing = memory_subject(
            folder,
            operations=frozenset(),
            reads_ids=False,
            reads_by_id=False,
            counts=False,
            deletes=Deletes.NEVER,
        )
        yield replace(nothing, created="", members="")
