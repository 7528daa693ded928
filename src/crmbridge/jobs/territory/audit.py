"""Looks back: at which visits nobody filled in what must be filled, by rep."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from crmbridge.jobs.territory.briefs import keys_of
from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.known import Known
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Finding, from_millis, to_millis
from crmbridge.store.visiting import past_visits

DAYS = 90
"""How far back is looked."""
RECENT_DAYS = 14
"""How far back each run looks; what is older was said before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyVisit:
    """A visit that is over and says too little."""

    visit: str
    customer: str
    day: str
    fields: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class RepAudit:
    """One rep's visits of the last days that had something to fill in.

    Args:
        filled: how many of them hold all that must be filled.
        empty: the others, by time.
    """

    rep: str
    visits: int = 0
    filled: int = 0
    empty: list[EmptyVisit] = field(default_factory=list)


def audit_visits(workspace: Workspace) -> list[RepAudit]:
    """Each rep's past visits and what is missing on them, by rep."""
    now = workspace.clock.now()
    return audit_known(workspace, gather(workspace, now.date()).known, DAYS)


def audit_known(workspace: Workspace, known: Known, days: int) -> list[RepAudit]:
    """The same for visits of the last days, by what is known already."""
    if not any(policy.outcome for policy in known.policies.values()):
        return []
    now = workspace.clock.now()
    since, until = to_millis(now - timedelta(days=days)), to_millis(now)
    found: dict[str, RepAudit] = {}
    with workspace.store.read() as tx:
        for sources in known.sources.values():
            _audit(past_visits(tx, tuple(sources), since, until), known, found)
    return [found[rep] for rep in sorted(found)]


def audit_findings(audits: Iterable[RepAudit]) -> list[Finding]:
    """Visits that say too little, as a finding with the first of them."""
    empty = [(audit.rep, one) for audit in audits for one in audit.empty]
    if not empty:
        return []
    rep, first = empty[0]
    return [
        Finding(
            code="visits.outcome_empty",
            count=len(empty),
            example=f"{rep}, {first.day}, {first.visit}: {', '.join(first.fields)}",
            remedy="Fill the fields in the CRM; `crmbridge show audit` lists all",
        )
    ]


def _audit(visits: Iterable[Mapping[str, Any]], known: Known, found: dict[str, RepAudit]) -> None:
    keys, bases = keys_of(known.customers), _bases(known)
    for row in visits:
        base = bases.get(row["connection"], row["connection"])
        key = keys.get((base, row["customer_id"] or ""))
        policy = known.policies.get(key) if key is not None else None
        if policy is None or not policy.outcome:
            continue
        joined = known.reps.by_record.get((row["connection"], row["rep_id"] or ""))
        rep = joined.id if joined is not None else row["rep_id"] or "nobody"
        audit = found.setdefault(rep, RepAudit(rep=rep))
        audit.visits += 1
        missing = missing_fields(row, policy.outcome)
        if not missing:
            audit.filled += 1
            continue
        audit.empty.append(
            EmptyVisit(
                visit=f"{row['connection']}/{row['object']}/{row['id']}",
                customer=str(key),
                day=from_millis(row["start_at"]).date().isoformat(),
                fields=missing,
            )
        )


def missing_fields(row: Mapping[str, Any], wanted: Iterable[str]) -> tuple[str, ...]:
    """Which of these fields a visit leaves empty: fields of ours, or of the CRM that were kept."""
    extra = json.loads(row["extra"] or "{}")
    return tuple(
        name for name in dict.fromkeys(wanted) if not str(_value(row, extra, name) or "").strip()
    )


def _value(row: Mapping[str, Any], extra: Mapping[str, Any], name: str) -> Any:
    own = row.get(name)
    return extra.get(name) if own is None else own


def _bases(known: Known) -> dict[str, str]:
    return {source: base for base, sources in known.sources.items() for source in sources}
