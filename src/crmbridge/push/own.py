"""Decides what happens to one record of ours, wanted or no longer: a visit, task or campaign."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from crmbridge.adapters import Operation
from crmbridge.push.changeset import Change
from crmbridge.push.desired import DesiredRecord, Presence, Scope, SeenRecord, WritePolicy
from crmbridge.push.fields import normal
from crmbridge.push.values import Value, is_empty, is_same, parse_instant

TEXTS = frozenset({"subject", "description", "location", "zone"})
"""Fields that are refreshed together with others, never by themselves: a reason that reads "31
days ago" must not rewrite every calendar entry each night."""

TIMES = frozenset({"start_at", "end_at"})
"""What a person changed by moving a visit: whoever refuses it afterwards wants it no more."""
REFUSED = frozenset({"declined", "snoozed"})
"""Answers to a visit that do not want it where it is."""


class Fate(Enum):
    """What becomes of a record of ours, and why."""

    CREATE = "create"
    "It is wanted, and was never written."
    HELD = "held"
    "The CRM holds it as wanted."
    UPDATE = "update"
    "It changed in the plan, and nobody touched it."
    DELETE = "delete"
    "It is no longer wanted, lies in the future, and nobody touched it, or moved it and refused it."
    CANCEL = "cancel"
    "It is no longer wanted, and the CRM cannot delete it, or somebody opened it."
    MOVED = "moved"
    "A person changed its time, rep or status: theirs holds, the planner pins it."
    DECLINED = "declined"
    "A person deleted it: it is not written again."
    MISSING = "missing"
    "It is no longer seen, without evidence of a deletion: nothing is written."
    KEPT = "kept"
    "It is no longer wanted, but somebody touched it, or the CRM can neither delete nor cancel."
    BARRED = "barred"
    "The customer is opted out of this channel."
    PAST = "past"
    "It lies in the past: history is not written."
    NOT_COVERED = "not_covered"
    "The allow-list does not let us write records of this kind, or for this rep."
    NOT_WRITABLE = "not_writable"
    "A value is NaN, infinite or of no type that a CRM holds."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDecision:
    """A fate, with the operation and the changes where something is written."""

    fate: Fate
    operation: Operation | None = None
    changes: tuple[Change, ...] = ()


def decide_wanted(
    desired: DesiredRecord,
    seen: SeenRecord | None,
    policy: WritePolicy,
    *,
    is_barred: bool,
    now: datetime,
) -> RecordDecision:
    """Decide about a record that should exist, from what happened to it in the CRM.

    A barred or uncovered record is not written; whether one that exists is taken away is
    `decide_unwanted`'s question.
    """
    own = policy.own.get(desired.object)
    if own is None or (own.reps is not None and desired.rep not in own.reps):
        return RecordDecision(fate=Fate.NOT_COVERED)
    if is_barred:
        return RecordDecision(fate=Fate.BARRED)
    try:
        wanted = {
            name: normal(policy, desired.object, name, desired.values[name])
            for name in sorted(own.fields & desired.values.keys())
        }
    except ValueError:
        return RecordDecision(fate=Fate.NOT_WRITABLE)
    if seen is None:
        return _create(wanted, now)
    return _LOST.get(seen.presence) or _update(desired.object, wanted, seen, policy, now)


def decide_unwanted(
    object_: str, seen: SeenRecord, policy: WritePolicy, *, scope: Scope | None, now: datetime
) -> RecordDecision | None:
    """Decide about a record of ours that no longer should exist; None where it is none of our
    business: gone, over already, or outside what was planned."""
    if seen.presence is not Presence.LIVE or _is_over(seen.values):
        return None
    if not _is_within(scope, seen) or not is_future(seen.values, now):
        return None
    touched = changed_by_person(object_, seen, policy)
    if touched - (TIMES if seen.values.get("reply") in REFUSED else frozenset()):
        return RecordDecision(fate=Fate.KEPT)
    operations = policy.capabilities.of(object_).operations
    if is_same_version(seen) and Operation.DELETE in operations:
        expected = held(seen)
        return RecordDecision(fate=Fate.DELETE, operation=Operation.DELETE, changes=expected)
    own = policy.own.get(object_)
    if own is None or "status" not in own.fields or Operation.UPDATE not in operations:
        return RecordDecision(fate=Fate.KEPT)
    change = Change(field="status", before=seen.values.get("status"), after="cancelled")
    return RecordDecision(fate=Fate.CANCEL, operation=Operation.UPDATE, changes=(change,))


def changed_by_person(object_: str, seen: SeenRecord, policy: WritePolicy) -> frozenset[str]:
    """Fields that no longer hold what we wrote."""
    return frozenset(
        name
        for name, written in seen.written.items()
        if not is_same(
            normal(policy, object_, name, seen.values.get(name)),
            normal(policy, object_, name, written),
        )
    )


def is_same_version(seen: SeenRecord) -> bool:
    """Whether the CRM's version is still the one our last write left; yes where it tells none."""
    return not seen.version or not seen.written_version or seen.version == seen.written_version


def is_open(values: Mapping[str, Value], now: datetime) -> bool:
    """Whether a record may still be written: it lies ahead, or has no time, like a campaign."""
    has_time = bool(values.get("start_at") or values.get("due_on"))
    return is_future(values, now) if has_time else True


def is_future(values: Mapping[str, Value], now: datetime) -> bool:
    """Whether a visit starts after now, or a task falls due today or later."""
    start, due = values.get("start_at"), values.get("due_on")
    if start:
        return parse_instant(str(start)) > now
    return bool(due) and str(due) >= now.date().isoformat()


_LOST = {
    Presence.DELETED: RecordDecision(fate=Fate.DECLINED),
    Presence.MISSING: RecordDecision(fate=Fate.MISSING),
}


def _create(wanted: Mapping[str, Value], now: datetime) -> RecordDecision:
    if not is_open(wanted, now):
        return RecordDecision(fate=Fate.PAST)
    changes = tuple(
        Change(field=name, before=None, after=value)
        for name, value in wanted.items()
        if not is_empty(value)
    )
    return RecordDecision(fate=Fate.CREATE, operation=Operation.CREATE, changes=changes)


def _update(
    object_: str,
    wanted: Mapping[str, Value],
    seen: SeenRecord,
    policy: WritePolicy,
    now: datetime,
) -> RecordDecision:
    current = {name: normal(policy, object_, name, seen.values.get(name)) for name in wanted}
    differing = {
        name
        for name, value in wanted.items()
        if not is_same(value, current[name]) and not is_empty(value)
    }
    touched = changed_by_person(object_, seen, policy)
    if (touched & differing) - TEXTS:
        return RecordDecision(fate=Fate.MOVED)
    if not differing - TEXTS:
        return RecordDecision(fate=Fate.HELD)
    if not is_open(seen.values, now) or not is_open(wanted, now):
        return RecordDecision(fate=Fate.PAST)
    changes = tuple(
        Change(field=name, before=seen.values.get(name), after=wanted[name])
        for name in sorted(differing - touched)
    )
    return RecordDecision(fate=Fate.UPDATE, operation=Operation.UPDATE, changes=changes)


def held(seen: SeenRecord) -> tuple[Change, ...]:
    """What a deletion expects to find, and what undo would have to write again."""
    return tuple(
        Change(field=name, before=seen.values.get(name), after=None)
        for name in sorted(seen.written)
        if not is_empty(seen.values.get(name))
    )


def _is_over(values: Mapping[str, Value]) -> bool:
    return values.get("status") in {"done", "missed", "cancelled"}


def _is_within(scope: Scope | None, seen: SeenRecord) -> bool:
    if scope is None or seen.rep not in scope.reps:
        return False
    start, due = seen.values.get("start_at"), seen.values.get("due_on")
    if start:
        return scope.since <= parse_instant(str(start)) < scope.until
    day = str(due or "")
    return scope.since.date().isoformat() <= day < scope.until.date().isoformat()
