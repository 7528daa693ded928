"""Decides what the CRMs should hold: visits of the plan, scores, segments and reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.engine.reasons import reasons_text
from crmbridge.jobs.territory.planning import Made, MadePlan
from crmbridge.push.desired import Desired, DesiredFields, Scope
from crmbridge.push.visits import PlannedVisit, desired_visits
from crmbridge.records import RecordKey
from crmbridge.settings import WriteSettings
from crmbridge.store.scores import Score
from crmbridge.store.segments import Segment

PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What the analyses hold of a connection's customers, and what was written there last.

    Args:
        written: customer -> score written last, 0 to 100.
    """

    scores: Sequence[Score]
    segments: Sequence[Segment]
    written: Mapping[RecordKey, float]


def desired_fields(results: Results, write: WriteSettings) -> list[DesiredFields]:
    """Score, segment and reasons of each customer, in the fields that the settings name.

    A score that moved by less than `score_step` points since it was written is left as it is,
    with its reasons: urgency grows every day, and a CRM must not be rewritten every night for it.
    """
    segments = {one.key: one for one in results.segments}
    found = []
    for score in results.scores:
        values = _score_values(score, results.written.get(score.key), write)
        segment = segments.get(score.key)
        if write.segment and segment is not None:
            values[write.segment] = segment.name or segment.segment
        if values:
            found.append(DesiredFields(record=score.key, values=values, reason=_why(score)))
    return found


def _score_values(score: Score, written: float | None, write: WriteSettings) -> dict[str, Any]:
    points = round(score.score * PERCENT)
    if written is not None and abs(points - written) < write.score_step:
        return {}
    values: dict[str, Any] = {}
    if write.score:
        values[write.score] = points
    if write.reasons:
        values[write.reasons] = reasons_text(score.reasons)
    return values


def _why(score: Score) -> str:
    told = [reason for reason in score.reasons if reason.code != "base"]
    best = max(told, key=lambda reason: abs(reason.weight), default=None)
    return best.text if best is not None else "analysed"


def desired_of_plans(
    made: Made, objects: Mapping[str, str], fields: Iterable[DesiredFields], now: datetime
) -> Desired:
    """All that should be, from the plans and the analyses.

    Args:
        objects: connection -> object that visits are written as.
    """
    visits = [visit for plan in made.plans for visit in _visits(plan, made)]
    return Desired(
        fields=tuple(fields),
        records=desired_visits(visits, objects),
        scopes={
            (plan.problem.connection, objects[plan.problem.connection]): _scope(plan, now)
            for plan in made.plans
            if plan.problem.connection in objects
        },
        plan_id="+".join(plan.plan.id for plan in made.plans),
    )


def _visits(made: MadePlan, all_: Made) -> Iterable[PlannedVisit]:
    known, connection = all_.gathered.known, made.problem.connection
    reps = {rep.id: rep for rep in known.reps.reps}
    rows = {str(key): row for key, row in known.rows().items()}
    for visit in made.plan.visits:
        row, rep = rows[visit.customer], reps[visit.rep]
        record = rep.records.get(connection)
        key = RecordKey.parse(visit.customer)
        contact = all_.gathered.consent.contacts.get(key)
        yield PlannedVisit(
            visit_id=visit.id,
            connection=connection,
            rep=visit.rep,
            rep_id=record.id if record is not None else "",
            customer=key,
            customer_name=row["name"] or row["id"],
            contact=_key(contact),
            start_at=visit.start_at,
            end_at=visit.end_at,
            zone=visit.zone,
            location=place_line(row),
            reasons=visit.reasons,
            brief=(*_brief(contact), *all_.briefs.get(visit.customer, ())),
        )


def _key(contact: Mapping[str, Any] | None) -> RecordKey | None:
    if contact is None:
        return None
    return RecordKey(contact["connection"], contact["object"], contact["id"])


def _brief(contact: Mapping[str, Any] | None) -> tuple[str, ...]:
    if contact is None:
        return ()
    name = " ".join(part for part in (contact["first_name"], contact["last_name"]) if part)
    role = f", {contact['role']}" if contact["role"] else ""
    return (f"Meet: {name or contact['id']}{role}",)


def place_line(row: Mapping[str, Any]) -> str:
    """A customer's address in one line."""
    city = " ".join(part for part in (row["postcode"], row["city"]) if part)
    return ", ".join(part for part in (row["street"], city, row["country"]) if part)


def _scope(made: MadePlan, now: datetime) -> Scope:
    problem = made.problem
    zones = [ZoneInfo(rep.zone) for rep in problem.reps] or [ZoneInfo("UTC")]
    ends = [datetime.combine(problem.last + timedelta(days=1), time(), zone) for zone in zones]
    return Scope(reps=frozenset(rep.id for rep in problem.reps), since=now, until=max(ends))
