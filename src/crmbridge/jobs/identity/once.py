"""Lets plans visit a customer once who stands in several CRMs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmbridge.records import RecordKey
from crmbridge.store.identities import Identity

Visited = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """What linked customers mean for a plan.

    Args:
        barred: customer -> why no visit is allowed: another record of the same one is planned,
            or that other record is barred itself.
        twins: customer -> the record of the same one that is planned instead.
        last_visits: (connection, customer id) -> milliseconds of the latest visit to any of its
            records.
    """

    barred: Mapping[RecordKey, str] = field(default_factory=dict)
    twins: Mapping[RecordKey, RecordKey] = field(default_factory=dict)
    last_visits: Visited = field(default_factory=dict)


def planned_once(
    customers: Iterable[Mapping[str, Any]],
    links: Sequence[Identity],
    planned: Mapping[RecordKey, int],
    visited: Visited,
    barred: Mapping[RecordKey, str],
) -> Once:
    """One record of each group of linked ones may be planned, and it knows of the others.

    The record planned is the one that was planned before, then one with an owner, then the first
    by key. What bars one of a group bars all: a no holds wherever it was said.

    Args:
        links: pairs that are linked.
        planned: customer -> running number of its last planned visit.
    """
    rows = {RecordKey(r["connection"], r["object"], r["id"]): r for r in customers}
    out: dict[RecordKey, str] = {}
    twins: dict[RecordKey, RecordKey] = {}
    latest: dict[tuple[str, str], int] = {}
    for group in _groups(links, {key for key, row in rows.items() if row["status"] != "closed"}):
        best = min(group, key=lambda k: (k not in planned, not rows[k]["owner_id"], str(k)))
        why = next((barred[key] for key in group if key in barred), "")
        for key in group:
            if why:
                out[key] = why
            elif key != best:
                out[key] = f"the same customer is planned as {best}"
                twins[key] = best
        seen = [visited.get((key.connection, key.id)) for key in group]
        seen += [rows[key]["last_visit_at"] for key in group]
        known = [at for at in seen if at is not None]
        if known:
            latest |= dict.fromkeys(((key.connection, key.id) for key in group), max(known))
    return Once(barred=out, twins=twins, last_visits=latest)


def _groups(links: Sequence[Identity], live: set[RecordKey]) -> list[list[RecordKey]]:
    """Records that hang together by links, each group by key."""
    group_of: dict[RecordKey, set[RecordKey]] = {}
    for link in links:
        if link.left in live and link.right in live:
            ends = (link.left, link.right)
            together = set().union(*(group_of.get(end, {end}) for end in ends))
            group_of.update(dict.fromkeys(together, together))
    whole = {min(group, key=str): group for group in group_of.values()}
    return [sorted(whole[first], key=str) for first in sorted(whole, key=str)]
