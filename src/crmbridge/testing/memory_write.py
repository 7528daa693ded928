"""What a made-up CRM does with a batch of writes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from crmbridge.adapters import (
    Check,
    ErrorClass,
    ObjectCapability,
    Operation,
    Outcome,
    Status,
    WriteItem,
)
from crmbridge.errors import UnknownOutcomeError
from crmbridge.testing.faults import Fault
from crmbridge.testing.truth import Held, MemoryCrm


def write_batch(
    crm: MemoryCrm, ability: ObjectCapability, items: Sequence[WriteItem], fault: Fault | None
) -> list[Outcome]:
    """Write items, or fail as the fault says; one outcome per item, in their order."""
    if fault is Fault.DROP_BEFORE_WRITE:
        return [_unknown(item) for item in items]
    outcomes = []
    for index, item in enumerate(items):
        is_second = index % 2 == 1
        if fault is Fault.HALF_REJECTED and is_second:
            outcomes.append(_rejected(item, "refused as the test planned"))
            continue
        outcome = _STEPS[item.operation](crm, ability, item)
        is_lost = fault is Fault.DROP_AFTER_WRITE or (fault is Fault.HALF_UNKNOWN and is_second)
        outcomes.append(_unknown(item) if is_lost else outcome)
    if fault is Fault.RAISE_AFTER_WRITE:
        raise UnknownOutcomeError("memory: write", "an answer", "none")
    return outcomes


def start_job(crm: MemoryCrm, items: Sequence[WriteItem]) -> list[Outcome]:
    """Begin a long job; it lands when it is resumed."""
    handle = f"job-{len(crm.jobs) + 1}-{items[0].item}"
    crm.jobs[handle] = list(items)
    return [replace(_unknown(item), handle=handle) for item in items]


def resume_job(
    crm: MemoryCrm, ability: ObjectCapability, handle: str, fault: Fault | None
) -> list[Outcome]:
    """What became of a long job, which ends now unless the fault says otherwise."""
    if fault is Fault.SLOW_JOB:
        return [replace(_unknown(item), handle=handle) for item in crm.jobs[handle]]
    return write_batch(crm, ability, crm.jobs.pop(handle), fault)


def _create(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem) -> Outcome:
    values = dict(item.values)
    if item.key and ability.key_field:
        values[ability.key_field] = item.key
    if ability.key_is_unique and item.key:
        for id_, held in crm.held(item.object).items():
            if held.get(ability.key_field) == item.key:
                return _put(crm, item, id_, values)
    id_ = crm.put(item.object, values)
    return _applied(crm, item, id_)


def _update(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem) -> Outcome:
    record = crm.records.get(item.object, {}).get(item.id)
    if record is None or record.is_deleted:
        return _gone(item, record)
    if _has_changed(crm, ability, item, record):
        return Outcome(
            item=item.item,
            status=Status.CONFLICT,
            id=item.id,
            version=record.version,
            error_class=ErrorClass.CONFLICT,
            error="the record no longer holds the expected values",
        )
    return _put(crm, item, item.id, dict(item.values))


def _delete(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem) -> Outcome:
    record = crm.records.get(item.object, {}).get(item.id)
    if record is None or record.is_deleted:
        return Outcome(item=item.item, status=Status.UNCHANGED, id=item.id)
    if _has_changed(crm, ability, item, record):
        return _update(crm, ability, item)
    crm.delete(item.object, item.id)
    return Outcome(item=item.item, status=Status.APPLIED, id=item.id)


def _add_member(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem) -> Outcome:
    del ability
    existing = _member(crm, item)
    if existing:
        return Outcome(item=item.item, status=Status.UNCHANGED, id=existing)
    return _applied(crm, item, crm.put(item.object, item.values))


def _set_member(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem) -> Outcome:
    existing = item.id if item.id in crm.held(item.object) else _member(crm, item)
    return _update(crm, ability, replace(item, id=existing or item.id))


def _remove_member(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem) -> Outcome:
    del ability
    existing = item.id if item.id in crm.held(item.object) else _member(crm, item)
    if not existing:
        return Outcome(item=item.item, status=Status.UNCHANGED, id=item.id)
    crm.delete(item.object, existing)
    return Outcome(item=item.item, status=Status.APPLIED, id=existing)


def _member(crm: MemoryCrm, item: WriteItem) -> str:
    """Id of the member that joins the same campaign and person, "" if there is none."""
    names = ("campaign_id", "contact_id", "customer_id")
    wanted = [item.values.get(name) for name in names]
    for id_, held in crm.held(item.object).items():
        if any(wanted) and [held.get(name) for name in names] == wanted:
            return id_
    return ""


def _has_changed(crm: MemoryCrm, ability: ObjectCapability, item: WriteItem, record: Held) -> bool:
    if ability.check is Check.NONE:
        return False
    if ability.check is Check.CONDITIONAL and item.version and item.version != record.version:
        return True
    return any(record.values.get(name) != crm.keeps(value) for name, value in item.expected.items())


def _put(crm: MemoryCrm, item: WriteItem, id_: str, values: dict[str, object]) -> Outcome:
    held = crm.records[item.object][id_]
    if all(held.values.get(name) == crm.keeps(value) for name, value in values.items()):
        return Outcome(item=item.item, status=Status.UNCHANGED, id=id_, version=held.version)
    crm.edit(item.object, id_, values)
    return _applied(crm, item, id_)


def _applied(crm: MemoryCrm, item: WriteItem, id_: str) -> Outcome:
    version = crm.records[item.object][id_].version
    return Outcome(item=item.item, status=Status.APPLIED, id=id_, version=version)


def _unknown(item: WriteItem) -> Outcome:
    return Outcome(
        item=item.item,
        status=Status.UNKNOWN,
        id=item.id,
        error_class=ErrorClass.UNKNOWN,
        error="the answer was lost",
    )


def _rejected(item: WriteItem, error: str) -> Outcome:
    return Outcome(
        item=item.item,
        status=Status.REJECTED,
        id=item.id,
        error_class=ErrorClass.RECORD,
        error=error,
    )


def _gone(item: WriteItem, record: Held | None) -> Outcome:
    survivor = record.merged_into if record else ""
    return Outcome(
        item=item.item,
        status=Status.REJECTED,
        id=item.id,
        error_class=ErrorClass.RECORD,
        error="the record is gone",
        survivor=survivor,
    )


_Step = Callable[[MemoryCrm, ObjectCapability, WriteItem], Outcome]
_STEPS: dict[Operation, _Step] = {
    Operation.CREATE: _create,
    Operation.UPDATE: _update,
    Operation.CLEAR: _update,
    Operation.DELETE: _delete,
    Operation.ADD_MEMBER: _add_member,
    Operation.SET_MEMBER: _set_member,
    Operation.REMOVE_MEMBER: _remove_member,
}
