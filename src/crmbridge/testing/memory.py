"""An adapter for a CRM in memory, for tests of everything that stands on adapters."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from crmbridge.adapters import (
    Adapter,
    Capabilities,
    Check,
    Connection,
    Context,
    Deletes,
    Link,
    NewField,
    ObjectCapability,
    Operation,
    Outcome,
    Page,
    Quota,
    Reading,
    ReadRequest,
    RemoteField,
    RemoteObject,
    Window,
    WriteItem,
)
from crmbridge.errors import CannotError, UsageError
from crmbridge.records import STREAMS, Finding, to_millis
from crmbridge.testing.faults import Fault
from crmbridge.testing.memory_read import pages_of, row_of
from crmbridge.testing.memory_write import resume_job, start_job, write_batch
from crmbridge.testing.truth import MemoryCrm

OBJECTS = {
    "reps": "User",
    "customers": "Account",
    "contacts": "Contact",
    "activities": "Event",
    "campaigns": "Campaign",
    "campaign_members": "CampaignMember",
    "products": "Product",
    "deals": "Deal",
    "orders": "Order",
    "order_lines": "OrderLine",
    "needs": "Need",
    "market_facts": "MarketFact",
    "feedback": "Feedback",
    "consents": "Consent",
}
"""stream -> the made-up CRM's object; source fields bear the canonical fields' names."""

WRITE_FIELDS = ("Segment__c", "Visit_Score__c", "Visit_Reasons__c")
"""Fields of Account that results are written to; all of them text but the score."""

_RECORDS = frozenset({Operation.CREATE, Operation.UPDATE, Operation.CLEAR, Operation.DELETE})
_MEMBERS = frozenset({Operation.ADD_MEMBER, Operation.SET_MEMBER, Operation.REMOVE_MEMBER})


def object_capability(stream: str, **changes: Any) -> ObjectCapability:
    """All that the in-memory adapter can do with a stream's object, changed as named."""
    full = ObjectCapability(
        stream=stream,
        reading=Reading.WINDOW,
        deletes=Deletes.LISTED,
        counts=True,
        reads_ids=True,
        reads_by_id=True,
        links=("Contact", "Account") if stream == "activities" else (),
        operations=_MEMBERS if stream == "campaign_members" else _RECORDS,
        key_field="visit_key" if stream == "activities" else "",
        key_is_unique=stream == "activities",
        check=Check.COMPARE,
        batch=10,
        clears=True,
    )
    return replace(full, **changes)


def memory_capabilities(**changes: Any) -> Capabilities:
    """Capabilities for all objects, each changed as named: ``reading=Reading.TOKEN``."""
    objects = {object_: object_capability(stream, **changes) for stream, object_ in OBJECTS.items()}
    return Capabilities(
        objects=objects,
        describes=True,
        has_clock=True,
        has_quota=True,
        provisions=True,
        resumes=bool(changes.get("bulk_from")),
        workers=4,
    )


def memory_mappings() -> dict[str, dict[str, dict[str, str]]]:
    """stream -> object -> canonical field -> source field."""
    envelope = {"id": "Id", "modified_at": "ModifiedAt", "version": "Version"}
    return {
        stream: {object_: {**envelope, **{one.name: one.name for one in STREAMS[stream].fields}}}
        for stream, object_ in OBJECTS.items()
    }


class MemorySettings(BaseModel):
    """The in-memory adapter has no settings."""

    model_config = ConfigDict(extra="forbid")


def memory_adapter(
    crm: MemoryCrm, capabilities: Capabilities | None = None, page_size: int = 3
) -> Adapter:
    """An adapter named ``memory`` whose connections all speak to one made-up CRM."""
    declared = capabilities or memory_capabilities()

    def connect(settings: BaseModel, context: Context) -> Connection:
        del settings
        return MemoryConnection(
            crm=crm, declared=declared, page_size=page_size, writable=context.write_fields
        )

    return Adapter(
        name="memory",
        title="A CRM in memory",
        settings=MemorySettings,
        capabilities=declared,
        open=connect,
        mappings=memory_mappings(),
        objects={stream: (object_,) for stream, object_ in OBJECTS.items()},
    )


@dataclass(slots=True, kw_only=True)
class MemoryConnection(Connection):
    """A connection to a made-up CRM; what is not declared raises `CannotError`."""

    crm: MemoryCrm
    declared: Capabilities = field(default_factory=memory_capabilities)
    page_size: int = 3
    writable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def check(self) -> Sequence[Finding]:
        """Findings for allow-listed fields that the CRM lacks."""
        self.crm.reach("check")
        return [
            Finding(code="field.missing", example=f"{object_}.{name}", remedy="Provision it.")
            for object_, names in self.writable.items()
            for name in names
            if name not in self._fields(object_)
        ]

    def organisation(self) -> str:
        """The made-up CRM's id."""
        return self.crm.organisation

    def server_time(self) -> datetime:
        """The made-up CRM's clock."""
        self._need(self.declared.has_clock, "server_time")
        return self.crm.clock.now()

    def describe(self) -> Sequence[RemoteObject]:
        """All objects with their fields; those of the CRM's own cannot be written."""
        self._need(self.declared.describes, "describe")
        lacking = self.crm.lacking
        return [
            RemoteObject(
                name=object_,
                fields=tuple(
                    _remote(name, self.crm.formulas)
                    for name in self._fields(object_)
                    if name not in lacking
                ),
            )
            for object_ in self.declared.objects
        ]

    def count(self, object_: str, window: Window | None) -> int:
        """Records that a reader sees now."""
        self._need(self.declared.of(object_).counts, "count")
        self.crm.reach("count")
        live = [one for one in self.crm.visible(object_) if not one.is_deleted]
        if window is not None:
            live = [one for one in live if _within(window, one.modified)]
        return len(live)

    def quota(self) -> Quota:
        """All calls logged so far of a thousand."""
        self._need(self.declared.has_quota, "quota")
        return Quota(used=len(self.crm.calls), allowed=1000)

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Pages as the object's declared way of reading wants them."""
        ability = self.declared.of(request.object)
        fields = request.fields or self._fields(request.object)
        yield from pages_of(self.crm, request, ability, fields, self.page_size)

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All live ids that a reader sees now."""
        self._need(self.declared.of(object_).reads_ids, "read_ids")
        ids = [one.id for one in self.crm.visible(object_) if not one.is_deleted]
        for start in range(0, len(ids), self.page_size):
            self.crm.reach("read_ids")
            yield ids[start : start + self.page_size]

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        """Live records with these ids; losers of a merge are named."""
        self._need(self.declared.of(object_).reads_by_id, "read_by_ids")
        self.crm.reach("read_by_ids")
        columns = ("Id", "ModifiedAt", "Version", *_own(fields or self._fields(object_)))
        records = self.crm.records.get(object_, {})
        found = [records[id_] for id_ in ids if id_ in records]
        return Page(
            object=object_,
            columns=columns,
            rows=[row_of(one, columns) for one in found if not one.is_deleted],
            deleted=[one.id for one in found if one.is_deleted and not one.merged_into],
            merged=[(one.id, one.merged_into) for one in found if one.merged_into],
            complete=True,
        )

    def read_links(self, object_: str, ids: Sequence[str], to: str) -> Iterator[Sequence[Link]]:
        """All links of these records, in pages."""
        self._need(to in self.declared.of(object_).links, "read_links")
        wanted = set(ids)
        links = [one for one in self.crm.links.get((object_, to), []) if one.from_id in wanted]
        for start in range(0, len(links), self.page_size):
            self.crm.reach("read_links")
            yield links[start : start + self.page_size]

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """key -> ids of the live records that bear it."""
        self._need(bool(self.declared.of(object_).key_field), "find_by_keys")
        self.crm.reach("find_by_keys")
        found: dict[str, list[str]] = {key: [] for key in keys}
        for id_, values in self.crm.held(object_).items():
            if values.get(key_field) in found:
                found[values[key_field]].append(id_)
        return found

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        """One outcome per item; faults as the test planned them."""
        if not items:
            return []
        first, ability = items[0], self.declared.of(items[0].object)
        self._need(first.operation in ability.operations, f"write of {first.operation.value}")
        is_job = 0 < ability.bulk_from <= len(items)
        most = ability.bulk_batch if is_job else ability.batch
        if len(items) > most:
            raise UsageError("memory: write", f"at most {most} items", str(len(items)))
        if any((one.object, one.operation) != (first.object, first.operation) for one in items):
            raise UsageError("memory: write", "items of one object and operation", "a mixture")
        with self.crm.lock:
            fault = self.crm.reach("job" if is_job else "write")
            if fault is Fault.SLOW_JOB:
                return start_job(self.crm, items)
            return write_batch(self.crm, ability, items, fault)

    def resume(self, handle: str) -> Sequence[Outcome]:
        """What became of a long job; nothing where there is none of that handle."""
        self._need(self.declared.resumes, "resume")
        with self.crm.lock:
            fault = self.crm.reach("resume")
            if handle not in self.crm.jobs:
                return []
            ability = self.declared.of(self.crm.jobs[handle][0].object)
            return resume_job(self.crm, ability, handle, fault)

    def provision(self, fields: Sequence[NewField]) -> Sequence[Finding]:
        """Create the fields."""
        self._need(self.declared.provisions, "provision")
        for one in fields:
            self.crm.lacking.discard(one.name)
            if one.name not in self._fields(one.object):
                self.crm.new_fields.setdefault(one.object, []).append(one.name)
        return []

    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        """What the made-up CRM keeps of a value."""
        del object_, field_
        return self.crm.keeps(value)

    def _fields(self, object_: str) -> tuple[str, ...]:
        stream = STREAMS[self.declared.of(object_).stream]
        own = WRITE_FIELDS if object_ == "Account" else ()
        names = ("Id", "ModifiedAt", "Version", *(one.name for one in stream.fields), *own)
        return (*names, *self.crm.new_fields.get(object_, ()))

    def _need(self, is_declared: bool, what: str) -> None:
        if not is_declared:
            raise CannotError("memory", f"{what} to be declared in its capabilities", "nothing")


def _own(fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in fields if name not in {"Id", "ModifiedAt", "Version"})


def _within(window: Window, modified: int) -> bool:
    since = to_millis(window.since) if window.since else modified
    return since <= modified < to_millis(window.until)


def _remote(name: str, formulas: Container[str]) -> RemoteField:
    fixed = name in {"Id", "ModifiedAt", "Version"} or name in formulas
    return RemoteField(
        name=name,
        writable=not fixed,
        formula=name in formulas,
        unique=name in {"Id", "visit_key"},
        length=255,
    )


__all__ = [
    "OBJECTS",
    "WRITE_FIELDS",
    "MemoryConnection",
    "MemoryCrm",
    "MemorySettings",
    "memory_adapter",
    "memory_capabilities",
    "memory_mappings",
    "object_capability",
]
