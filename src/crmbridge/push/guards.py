"""Guards: counts what a changeset would overwrite, first fill or delete, and where that stops.

Creates of visits are not counted: the plan bounds them. For the same reason the share is not
asked of records of ours, which the plan's own limit on changes keeps steady; their number is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crmbridge.adapters import Operation
from crmbridge.errors import RefusedError
from crmbridge.push.changeset import Changeset, GuardVerdict, Item
from crmbridge.push.desired import FirstFill, Limits, Presence, Seen
from crmbridge.push.own import is_future
from crmbridge.push.values import is_empty

CHANGES, FIRST_FILL, DELETES = "changes", "first_fill", "deletes"
_SUSPICIOUS = 3
"""From this many on, a deletion of everything looks like an empty plan, not like a change."""
Place = tuple[str, str, str]
"""(connection, object, field); the field is "" where whole records are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    overwritten: Counter[Place] = field(default_factory=Counter)
    moved: Counter[Place] = field(default_factory=Counter)
    filled: Counter[Place] = field(default_factory=Counter)
    deleted: Counter[Place] = field(default_factory=Counter)


def judge(
    items: Iterable[Item], seen: Seen, limits: Mapping[str, Limits], now: datetime
) -> tuple[GuardVerdict, ...]:
    """Count per object and field and compare with the connection's limits.

    Returns:
        one verdict per place where anything is overwritten, first filled or deleted, ordered;
        never raises: a tripped guard travels with the changeset, and apply refuses it.
    """
    counts = _count(items)
    totals = _totals(seen)
    ours = _coming(seen, now)
    verdicts = [
        *(_changes(place, n, totals[place], limits) for place, n in counts.overwritten.items()),
        *(_moves(place, n, totals[place], limits) for place, n in counts.moved.items()),
        *(_first_fill(place, n, limits) for place, n in counts.filled.items()),
        *(_deletes(place, n, ours[place], limits) for place, n in counts.deleted.items()),
    ]
    due = [one for one in verdicts if one.guard != FIRST_FILL or _place(one) not in seen.filled]
    return tuple(sorted(due, key=lambda one: (*_place(one), one.guard)))


def guarded_number(changeset: Changeset) -> int:
    """The number that ``--accept`` must name: all that tripped guards count; 0 if none tripped."""
    return sum(verdict.count for verdict in changeset.guards if verdict.tripped)


def check_guards(changeset: Changeset, accept: int | None) -> None:
    """Let a changeset pass if no guard tripped, or exactly its guarded number is accepted.

    Raises:
        RefusedError: a guard tripped, and another number or none was accepted.
    """
    number = guarded_number(changeset)
    if number == (accept or 0):
        return
    tripped = [verdict for verdict in changeset.guards if verdict.tripped]
    where = f"changeset {changeset.id}"
    if not tripped:
        raise RefusedError(
            where, "--accept only where a guard stops", str(accept), "Push without --accept"
        )
    shown = "; ".join(describe(verdict) for verdict in tripped[:3])
    more = f"; and {len(tripped) - 3} more" if len(tripped) > 3 else ""
    got = f"{shown}{more}" + (f", --accept {accept}" if accept is not None else "")
    step = f"Look at `crmbridge diff`, then push {changeset.id} --accept {number}"
    raise RefusedError(where, "what the guards let pass", got, step)


def describe(verdict: GuardVerdict) -> str:
    """A verdict in words, with its numbers."""
    place = ".".join(part for part in (verdict.connection, verdict.object, verdict.field) if part)
    return f"{place}: {verdict.tripped or 'within limits'}"


def _count(items: Iterable[Item]) -> _Counts:
    counts = _Counts()
    for item in items:
        if item.operation in {Operation.DELETE, Operation.REMOVE_MEMBER}:
            counts.deleted[item.connection, item.object, ""] += 1
        elif item.operation is Operation.SET_MEMBER:
            counts.moved[item.connection, item.object, "status"] += 1
        elif item.operation in {Operation.UPDATE, Operation.CLEAR}:
            _count_changes(item, counts)
    return counts


def _count_changes(item: Item, counts: _Counts) -> None:
    for change in item.changes:
        place = (item.connection, item.object, change.field)
        if item.key:
            counts.moved[place] += not is_empty(change.before)
        elif is_empty(change.before):
            counts.filled[place] += 1
        else:
            counts.overwritten[place] += 1


def _totals(seen: Seen) -> Counter[Place]:
    totals: Counter[Place] = Counter()
    for record, values in seen.fields.items():
        for name, value in values.items():
            totals[record.connection, record.object, name] += not is_empty(value.seen)
    for (connection, object_, _), own in seen.records.items():
        for name, current in own.values.items():
            totals[connection, object_, name] += not is_empty(current)
    return Counter({**totals, **seen.set_counts})


def _coming(seen: Seen, now: datetime) -> Counter[Place]:
    """Records of ours that are there and lie in the future, and members that we added."""
    coming = Counter(
        (connection, object_, "")
        for (connection, object_, _), own in seen.records.items()
        if own.presence is Presence.LIVE and is_future(own.values, now)
    )
    coming.update(
        (place[0], member.object, "")
        for place, member in seen.members.items()
        if member.is_ours and member.presence is Presence.LIVE
    )
    return coming


def _place(verdict: GuardVerdict) -> Place:
    return verdict.connection, verdict.object, verdict.field


def _changes(place: Place, count: int, total: int, limits: Mapping[str, Limits]) -> GuardVerdict:
    limit = limits.get(place[0], Limits())
    reasons = _too_many(count, limit)
    if count > limit.share * total:
        reasons.append(f"changes {count} of {total} values set, more than {limit.share:.0%}")
    return _verdict(CHANGES, place, count, total, reasons)


def _moves(place: Place, count: int, total: int, limits: Mapping[str, Limits]) -> GuardVerdict:
    reasons = _too_many(count, limits.get(place[0], Limits()))
    return _verdict(CHANGES, place, count, total, reasons)


def _too_many(count: int, limit: Limits) -> list[str]:
    if count <= limit.changes:
        return []
    return [f"changes {count} values already set, more than {limit.changes}"]


def _first_fill(place: Place, count: int, limits: Mapping[str, Limits]) -> GuardVerdict:
    limit = limits.get(place[0], Limits())
    reasons = [f"fills {count} empty values of a field that we never wrote"]
    is_free = limit.first_fill is FirstFill.ALLOW
    return _verdict(FIRST_FILL, place, count, 0, [] if is_free else reasons)


def _deletes(place: Place, count: int, total: int, limits: Mapping[str, Limits]) -> GuardVerdict:
    limit = limits.get(place[0], Limits())
    reasons: list[str] = []
    if count > limit.deletes:
        reasons.append(f"deletes {count} records of ours, more than {limit.deletes}")
    if count == total >= _SUSPICIOUS:
        reasons.append(f"deletes all {count} records of ours that are still to come")
    return _verdict(DELETES, place, count, total, reasons)


def _verdict(
    guard: str, place: Place, count: int, total: int, reasons: Sequence[str]
) -> GuardVerdict:
    connection, object_, field = place
    return GuardVerdict(
        guard=guard,
        connection=connection,
        object=object_,
        field=field,
        count=count,
        total=total,
        tripped=", ".join(reasons),
    )
