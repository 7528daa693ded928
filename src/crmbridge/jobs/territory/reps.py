"""Decides who the reps are: those of the CRMs and of the configuration, joined by e-mail."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crmbridge.jobs.territory.usable import is_zone
from crmbridge.records import Finding
from crmbridge.settings import RepSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RepRecord:
    """A rep as one CRM has it."""

    connection: str
    object: str
    id: str
    name: str = ""
    email: str = ""
    active: bool = True
    zone: str = ""
    home: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRep:
    """One person, whatever the number of CRMs that know them.

    Args:
        id: lower-case e-mail, or ``connection/object/id`` of a rep without one.
        records: the rep's records, by connection.
        writes_to: connection that the rep's visits are written to; "" if none takes them.
        odd_zones: what records say of the zone that names none.
        has_zone: False where nobody names one and UTC stands in.
    """

    id: str
    name: str
    email: str
    zone: str
    home: tuple[float, float] | None
    settings: RepSettings
    records: Mapping[str, RepRecord] = field(default_factory=dict)
    writes_to: str = ""
    odd_zones: tuple[str, ...] = ()
    has_zone: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedReps:
    """All reps, an index from their records to them, and what did not fit."""

    reps: tuple[JoinedRep, ...]
    by_record: Mapping[tuple[str, str], JoinedRep]
    findings: tuple[Finding, ...]


def join_reps(records: Iterable[RepRecord], settings: Settings) -> JoinedReps:
    """Join reps by lower-case e-mail, active ones only.

    Args:
        records: reps of all connections, in any order.
        settings: says when and from where each works, and whose visits go where.

    Returns:
        Reps in the order of their ids.
    """
    groups: dict[str, list[RepRecord]] = {}
    for record in sorted(records, key=lambda item: (item.connection, item.object, item.id)):
        groups.setdefault(_identity(record), []).append(record)
    for email in settings.reps:
        groups.setdefault(email, [])
    joined = [_join(identity, group, settings) for identity, group in sorted(groups.items())]
    reps = tuple(rep for rep in joined if _works(rep, groups[rep.id]))
    by_record = {(r.connection, r.id): rep for rep in reps for r in groups[rep.id]}
    return JoinedReps(reps=reps, by_record=by_record, findings=_findings(joined, groups))


def _identity(record: RepRecord) -> str:
    email = record.email.strip().lower()
    return email or f"{record.connection}/{record.object}/{record.id}"


def _join(identity: str, group: Sequence[RepRecord], settings: Settings) -> JoinedRep:
    own = settings.rep(identity)
    email = identity if "@" in identity else ""
    told = [record.zone for record in group if record.zone]
    zone = own.zone or _first(zone for zone in told if is_zone(zone))
    rep = JoinedRep(
        id=identity,
        name=_first(record.name for record in group) or identity,
        email=email,
        zone=zone or "UTC",
        home=own.home or next((r.home for r in group if r.home is not None), None),
        settings=own,
        records={record.connection: record for record in reversed(group)},
        odd_zones=tuple(zone for zone in told if not is_zone(zone)),
        has_zone=bool(zone),
    )
    return replace(rep, writes_to=_writes_to(rep, settings))


def _writes_to(rep: JoinedRep, settings: Settings) -> str:
    """The connection that takes the rep's visits, if the rep is known there."""
    return settings.visits_connection(rep.email)


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _works(rep: JoinedRep, group: Sequence[RepRecord]) -> bool:
    is_active = any(record.active for record in group) or not group
    return rep.settings.active and is_active


def _findings(
    joined: Sequence[JoinedRep], groups: Mapping[str, Sequence[RepRecord]]
) -> tuple[Finding, ...]:
    unmatched = [rep.id for rep in joined if not groups[rep.id]]
    if not unmatched or len(unmatched) == len(groups):  # no CRM here keeps reps at all
        return ()
    return (
        Finding(
            code="rep_without_record",
            count=len(unmatched),
            example=unmatched[0],
            remedy="Correct the e-mail address in [reps], or give the rep that address in the CRM",
        ),
    )


def doubts(reps: Iterable[JoinedRep]) -> list[Finding]:
    """What is not known of reps that plans are made for, and what is assumed instead."""
    told = list(reps)
    odd = [f"{rep.id}: {rep.odd_zones[0][:40]!r}" for rep in told if rep.odd_zones]
    examples = {
        "rep_zone_unreadable": odd,
        "rep_without_zone": [r.id for r in told if not (r.has_zone or r.odd_zones)],
        "rep_without_home": [rep.id for rep in told if not _has_ends(rep)],
    }
    return [
        Finding(code=code, count=len(found), example=found[0], remedy=_REMEDIES[code])
        for code, found in examples.items()
        if found
    ]


def _has_ends(rep: JoinedRep) -> bool:
    own = rep.settings
    placed = own.start_places.keys() & own.end_places.keys()
    return rep.home is not None or placed.issuperset(own.days)


_REMEDIES: Mapping[str, str] = {
    "rep_zone_unreadable": "Write an IANA name such as Europe/Berlin, in the CRM or as reps.zone",
    "rep_without_zone": "Set reps.zone, or planning.rep_defaults.zone; until then hours are UTC",
    "rep_without_home": "Set reps.home, or the coordinates in the CRM; until then a day's first "
    "and last way take planning.unknown_travel_minutes",
}
