"""Decides what should change in the CRMs: desired values against those last seen. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from crmbridge.adapters import Check, Operation
from crmbridge.push.changeset import Changeset, Item, item_name, named
from crmbridge.push.desired import (
    Barred,
    Desired,
    DesiredFields,
    DesiredRecord,
    Seen,
    SeenRecord,
    SeenValue,
    WritePolicy,
)
from crmbridge.push.fields import FieldDecision, Verdict, decide_fields
from crmbridge.push.guards import judge
from crmbridge.push.members import member_items
from crmbridge.push.notes import Notes
from crmbridge.push.own import Fate, RecordDecision, decide_unwanted, decide_wanted
from crmbridge.push.values import Value
from crmbridge.records import Finding, RecordKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and when a changeset is decided; part of it, so that it fits nowhere else.

    Args:
        now: aware.
        epoch: the store's.
        organisations: connection -> id of the account.
    """

    now: datetime
    epoch: str
    organisations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A record of ours that a person changed or deleted: news for the planner.

    Args:
        fate: `Fate.MOVED` (it holds now), `Fate.DECLINED` or `Fate.KEPT`.
        values: as seen.
    """

    connection: str
    object: str
    key: str
    fate: Fate
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A changeset, and what was left alone on purpose."""

    changeset: Changeset
    findings: tuple[Finding, ...] = ()
    touched: tuple[Touched, ...] = ()


def decide(
    desired: Desired,
    seen: Seen,
    policies: Mapping[str, WritePolicy],
    origin: Origin,
    barred: Barred | None = None,
) -> Decision:
    """Decide every write that makes the CRMs hold what is desired, and none beyond.

    Deciding again after the changeset was applied gives nothing.

    Args:
        policies: connection -> what may be written there; a connection that is absent is not
            written to.

    Returns:
        items in the order in which they are written; what is not written, as findings.
    """
    work = _Work(policies=policies, now=origin.now, barred=barred or Barred())
    items = [
        *_field_items(desired.fields, seen, work),
        *_wanted_items(desired.records, seen, work),
        *_unwanted_items(desired, seen, work),
    ]
    created = {item.item for item in items if item.operation is Operation.CREATE}
    items += member_items(desired, seen, policies, created, barred=work.barred, notes=work.notes)
    ordered = in_order(items)
    limits = {name: policy.limits for name, policy in policies.items()}
    used = {item.connection for item in ordered}
    changeset = Changeset(
        id="",
        created_at=origin.now,
        epoch=origin.epoch,
        organisations={name: origin.organisations.get(name, "") for name in sorted(used)},
        items=ordered,
        plan_id=desired.plan_id,
        guards=judge(ordered, seen, limits, origin.now),
        api_calls=forecast(ordered, policies),
    )
    touched = tuple(sorted(work.touched, key=lambda one: (one.connection, one.object, one.key)))
    return Decision(changeset=named(changeset), findings=work.notes.findings(), touched=touched)


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Items in writing order: what others depend on first, then by parent, so that a lock on one
    customer or campaign is taken in one batch; ties by name.

    Items of one name do the same to one record: they become one, with the changes of all.
    """
    by_name = _merged(items)
    depths = {name: _depth(item, by_name) for name, item in by_name.items()}
    rank = {operation: number for number, operation in enumerate(Operation)}
    return tuple(
        sorted(
            by_name.values(),
            key=lambda item: (
                item.connection,
                depths[item.item],
                item.object,
                rank[item.operation],
                item.parent,
                item.id or item.key,
                item.item,
            ),
        )
    )


def _merged(items: Iterable[Item]) -> dict[str, Item]:
    merged: dict[str, Item] = {}
    for item in items:
        first = merged.get(item.item, item)
        changes = {change.field: change for change in (*item.changes, *first.changes)}
        ordered = tuple(changes[name] for name in sorted(changes))
        merged[item.item] = replace(first, changes=ordered)
    return merged


def forecast(items: Iterable[Item], policies: Mapping[str, WritePolicy]) -> dict[str, int]:
    """Calls that writing will take: connection -> number, by the adapters' batch sizes.

    Where the adapter compares before it writes, each batch is read once more.
    """
    groups = Counter((item.connection, item.object, item.operation) for item in items)
    calls: Counter[str] = Counter()
    for (connection, object_, operation), count in groups.items():
        capability = policies[connection].capabilities.of(object_)
        rereads = capability.check is Check.COMPARE and operation is not Operation.CREATE
        calls[connection] += math.ceil(count / capability.batch) * (2 if rereads else 1)
    return dict(sorted(calls.items()))


@dataclass(slots=True, kw_only=True)
class _Work:
    """What is noted while deciding."""

    policies: Mapping[str, WritePolicy]
    now: datetime
    barred: Barred
    notes: Notes = field(default_factory=Notes)
    touched: list[Touched] = field(default_factory=list)


_SILENT = frozenset({Verdict.HELD, Verdict.WRITE, Verdict.CLEAR})


def _field_items(desired: Iterable[DesiredFields], seen: Seen, work: _Work) -> Iterator[Item]:
    for one in desired:
        policy = work.policies.get(one.record.connection)
        if policy is None:
            work.notes.add(Verdict.NOT_ALLOWED.value, str(one.record))
            continue
        values = seen.fields.get(one.record)
        decisions = list(decide_fields(one, values, policy))
        for decision in decisions:
            if decision.verdict not in _SILENT:
                work.notes.add(decision.verdict.value, f"{one.record} {decision.field}")
        yield from _items_of_record(one, decisions, version_of((values or {}).values()))


def version_of(values: Iterable[SeenValue]) -> str:
    """A record's version: the one at which any of its fields was seen last, "" for none."""
    return max(values, key=lambda value: value.seen_at, default=SeenValue()).version


def _items_of_record(
    desired: DesiredFields, decisions: list[FieldDecision], version: str
) -> Iterator[Item]:
    record = desired.record
    for operation, verdict in (
        (Operation.UPDATE, Verdict.WRITE),
        (Operation.CLEAR, Verdict.CLEAR),
    ):
        changes = tuple(one.change for one in decisions if one.verdict is verdict and one.change)
        if changes:
            yield Item(
                item=item_name(operation, record.connection, record.object, record.id),
                connection=record.connection,
                object=record.object,
                id=record.id,
                operation=operation,
                changes=changes,
                version=version,
                parent=desired.parent or record.id,
                reason=desired.reason,
            )


def _wanted_items(desired: Iterable[DesiredRecord], seen: Seen, work: _Work) -> Iterator[Item]:
    for one in desired:
        found = seen.records.get((one.connection, one.object, one.key))
        policy = work.policies.get(one.connection)
        decision = RecordDecision(fate=Fate.NOT_COVERED)
        if policy is not None:
            is_barred = work.barred.bars(one.channel, one.customer, one.contact)
            decision = decide_wanted(one, found, policy, is_barred=is_barred, now=work.now)
        if decision.operation is None:
            _note_record(one.connection, one.object, one.key, found, decision.fate, work)
        else:
            yield _own_item(
                (one.connection, one.object, one.key),
                found,
                decision,
                parent=one.parent,
                reason=one.reason,
            )


def _unwanted_items(desired: Desired, seen: Seen, work: _Work) -> Iterator[Item]:
    wanted = {
        (one.connection, one.object, one.key)
        for one in desired.records
        if not work.barred.bars(one.channel, one.customer, one.contact)
    }
    for place in sorted(seen.records.keys() - wanted):
        connection, object_, key = place
        policy, found = work.policies.get(connection), seen.records[place]
        if policy is None or not _covers(policy, object_, found):
            continue
        scope = desired.scopes.get((connection, object_))
        decision = decide_unwanted(object_, found, policy, scope=scope, now=work.now)
        if decision is None:
            continue
        if decision.operation is None:
            _note_record(connection, object_, key, found, decision.fate, work)
        else:
            reason = "no longer planned"
            yield _own_item(place, found, decision, parent=found.parent, reason=reason)


def _covers(policy: WritePolicy, object_: str, found: SeenRecord) -> bool:
    own = policy.own.get(object_)
    return own is not None and (own.reps is None or found.rep in own.reps)


def _own_item(
    place: tuple[str, str, str],
    found: SeenRecord | None,
    decision: RecordDecision,
    *,
    parent: str,
    reason: str,
) -> Item:
    assert decision.operation is not None  # noqa: S101  the callers looked
    connection, object_, key = place
    return Item(
        item=item_name(decision.operation, connection, object_, key),
        connection=connection,
        object=object_,
        id=found.id if found else "",
        key=key,
        operation=decision.operation,
        changes=decision.changes,
        version=found.version if found else "",
        parent=parent,
        reason=reason,
    )


_TOUCHED = frozenset({Fate.MOVED, Fate.DECLINED, Fate.KEPT})


def _note_record(
    connection: str, object_: str, key: str, found: SeenRecord | None, fate: Fate, work: _Work
) -> None:
    if fate is Fate.HELD:
        return
    work.notes.add(fate.value, str(RecordKey(connection, object_, key)))
    if fate in _TOUCHED and found is not None:
        work.touched.append(
            Touched(connection=connection, object=object_, key=key, fate=fate, values=found.values)
        )


def _depth(item: Item, by_name: Mapping[str, Item]) -> int:
    depth = 0
    while item.depends_on in by_name:
        item, depth = by_name[item.depends_on], depth + 1
        if depth > len(by_name):
            raise ValueError(f"{item.item} depends on itself")
    return depth
