"""Turns the visits of a plan into the records that the CRMs should hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from crmbridge.push.desired import DesiredRecord
from crmbridge.push.values import Value, instant_text
from crmbridge.records import Reason, RecordKey

_NAMESPACE = UUID("0b7d8f2e-59c4-5c6f-9a6e-6f2c35d1c0a4")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVisit:
    """One visit of a plan, with what its rep should read in the calendar.

    Args:
        visit_id: kept through changes of day, rep and time.
        connection: where the rep's visits are written to; the customer may live elsewhere.
        rep: lower-case e-mail.
        rep_id: the rep's id in that connection, "" where it has none.
        start_at: aware.
        end_at: aware, after the start.
        zone: the rep's IANA zone.
        location: where to go, in one line.
        contact: whom to meet, if chosen.
        brief: lines to know before going in.
    """

    visit_id: str
    connection: str
    rep: str
    rep_id: str = ""
    customer: RecordKey
    customer_name: str
    contact: RecordKey | None = None
    start_at: datetime
    end_at: datetime
    zone: str
    location: str = ""
    reasons: tuple[Reason, ...] = ()
    brief: tuple[str, ...] = ()


def visit_key(connection: str, visit_id: str) -> str:
    """The key that the CRM's record and the calendar entry of a visit bear, for ever."""
    return str(uuid5(_NAMESPACE, f"{connection}\n{visit_id}"))


def desired_visits(
    visits: Iterable[PlannedVisit], objects: Mapping[str, str]
) -> list[DesiredRecord]:
    """The records of a plan's visits, in the order of the plan.

    Args:
        objects: connection -> object that visits are written as; the visits of a connection that
            is absent are not written.
    """
    return [
        DesiredRecord(
            connection=visit.connection,
            object=objects[visit.connection],
            key=visit_key(visit.connection, visit.visit_id),
            values=_values(visit),
            customer=visit.customer,
            contact=visit.contact,
            rep=visit.rep,
            reason=_first(visit.reasons),
            parent=_here(visit, visit.customer),
        )
        for visit in visits
        if visit.connection in objects
    ]


def description(visit: PlannedVisit) -> str:
    """What the rep reads: why, by weight, and what to know before going in."""
    reasons = sorted(visit.reasons, key=lambda reason: -abs(reason.weight))
    lines = ["Why this visit:", *(f"- {reason.text}" for reason in reasons)] if reasons else []
    if visit.brief:
        lines += ["", *visit.brief] if lines else [*visit.brief]
    return "\n".join([*lines, "", "Planned by crmbridge."] if lines else ["Planned by crmbridge."])


def _values(visit: PlannedVisit) -> dict[str, Value]:
    return {
        "kind": "visit",
        "status": "planned",
        "subject": f"Visit {visit.customer_name}".strip(),
        "description": description(visit),
        "location": visit.location,
        "start_at": instant_text(visit.start_at),
        "end_at": instant_text(visit.end_at),
        "due_on": visit.start_at.astimezone(ZoneInfo(visit.zone)).date().isoformat(),
        "zone": visit.zone,
        "busy": 1,
        "rep_id": visit.rep_id,
        "customer_id": _here(visit, visit.customer),
        "contact_id": _here(visit, visit.contact),
    }


def _here(visit: PlannedVisit, record: RecordKey | None) -> str:
    """The record's id, where it lives in the connection that the visit is written to."""
    return record.id if record is not None and record.connection == visit.connection else ""


def _first(reasons: tuple[Reason, ...]) -> str:
    return max(reasons, key=lambda reason: reason.weight).text if reasons else "planned"
