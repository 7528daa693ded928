"""Gathers from store, settings and calendars what a plan is made from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from crmbridge.adapters import Capabilities
from crmbridge.engine.visit_effect import HELD_OUT
from crmbridge.errors import UsageError
from crmbridge.jobs.analysis.customers import base_connections, completed_customers
from crmbridge.jobs.analysis.holdout import drawn_arms
from crmbridge.jobs.identity.once import planned_once
from crmbridge.jobs.territory.busy import read_calendars
from crmbridge.jobs.territory.consent import VisitConsent, visit_consent
from crmbridge.jobs.territory.keeping import nights_of, visit_of
from crmbridge.jobs.territory.known import Known, Worth, key_of
from crmbridge.jobs.territory.outside import known_places
from crmbridge.jobs.territory.own_events import own_events
from crmbridge.jobs.territory.places import located
from crmbridge.jobs.territory.policing import contact_days, policies_of
from crmbridge.jobs.territory.replies import lasting_replies, with_lasting, without_day
from crmbridge.jobs.territory.reps import JoinedRep, JoinedReps, RepRecord, join_reps
from crmbridge.jobs.territory.standing import Standing, standing
from crmbridge.jobs.territory.usable import usable
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import DateRange, Night, Visit
from crmbridge.planning.days_off import public_holidays
from crmbridge.push.facts import taken_away_unseen
from crmbridge.push.ledger import deleted_by_us
from crmbridge.push.visits import visit_key
from crmbridge.records import Finding, Reason, RecordKey, to_millis
from crmbridge.settings import Settings
from crmbridge.store.consents import effective_consents
from crmbridge.store.identities import LinkState, load_identities
from crmbridge.store.plans import former_visits, load_visits, plan_in_force, visit_numbers
from crmbridge.store.schema import DELETED
from crmbridge.store.scores import Score, load_scores
from crmbridge.store.territory import (
    Record,
    load_last_visits,
    load_ours,
    load_reps,
    load_stream,
    load_taken,
)
from crmbridge.store.visiting import answered_visits
from crmbridge.travel import Point, locate
from crmbridge.travel.geocoding import Geocoder

PERCENT = 100
_URGENCY = "urgency"
"""A score is a share of one; a visit's value is a percentage."""
_HELD_OUT_WHY = "held out, to measure what visits are worth"
_END_OF_HOLDOUT = "An end of the measurement: planning.holdout_share = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a plan is made from, with what else the visits' records need."""

    known: Known
    consent: VisitConsent
    findings: tuple[Finding, ...]


def gather(
    workspace: Workspace, first: date, rep: str = "", geocoder: Geocoder | None = None
) -> Gathered:
    """All that is known for a plan that starts on a day.

    Args:
        rep: plan only for this rep; all when empty.
        geocoder: finds addresses; by default only those that were found before.
    """
    settings = workspace.settings
    now = workspace.clock.now()
    last = first + timedelta(days=settings.planning.horizon_days - 1)
    bases = base_connections(settings)
    rows = (row for s in bases.values() for row in completed_customers(workspace, s))
    records, unusable = usable(rows)
    customers = located(records, geocoder or known_places(workspace))
    with workspace.store.read() as tx:
        reps = _only(join_reps(map(_rep_record, load_reps(tx)), settings), rep)
        consent = visit_consent(
            customers,
            load_stream(tx, "contacts", tuple(bases)),
            effective_consents(tx, "customers"),
            effective_consents(tx, "contacts"),
            settings.consent.unknown.visit,
        )
        worth = {score.key: _worth(score) for score in load_scores(tx, tuple(bases))}
        visited = {
            (base, id_): at
            for base, sources in bases.items()
            for id_, at in load_last_visits(tx, sources, to_millis(now)).items()
        }
        taken = load_taken(tx, _midnight(first, -1), _midnight(last, 2))
        numbers = visit_numbers(tx)
        policies = policies_of(tx, customers, bases, settings, now.date(), (first, last))
        answered = answered_visits(tx)
        lasting = lasting_replies(
            answered,
            _by_id(customers, bases),
            now.date(),
            settings.planning.decline_days,
        )
        contacts = contact_days(tx, customers, bases, settings, now)
        links = load_identities(tx, (LinkState.LINKED,))
        drawn = {base: drawn_arms(tx, base, settings.planning.holdout_share) for base in bases}
    stands = _standing(workspace, customers, now)
    own = own_events(workspace, reps, _by_id(customers, bases))
    calendars = read_calendars(workspace, reps.reps, first, last)
    barred = {**held_out(customers, drawn), **consent.barred}
    once = planned_once(customers, links, numbers, visited, barred)
    known = Known(
        reps=reps,
        customers=customers,
        sources=bases,
        worth=worth,
        last_visits={**visited, **once.last_visits},
        taken=taken,
        ics=calendars.spans,
        barred={**barred, **once.barred},
        lifts=_lifts({**barred, **once.barred}, once.twins),
        previous=stands.visits,
        own=own,
        nights=stands.nights,
        replies=with_lasting(stands.replies, lasting),
        numbers=numbers,
        policies=policies.by_key,
        changing=policies.changing,
        contacts=contacts,
        holidays={one.id: _holidays(settings, one, first, last) for one in reps.reps},
    )
    return Gathered(
        known=known,
        consent=consent,
        findings=(
            *reps.findings,
            *calendars.findings,
            *policies.findings,
            *unusable,
            *without_day((*customers, *answered), now.date()),
        ),
    )


def _by_id(
    customers: Iterable[Record], bases: Mapping[str, Iterable[str]]
) -> dict[tuple[str, str], RecordKey]:
    """(connection of an activity, customer id) -> customer."""
    keys = [key_of(row) for row in customers]
    return {(source, k.id): k for k in keys for source in bases.get(k.connection, ())}


def held_out(
    customers: Iterable[Record], drawn: Mapping[str, Mapping[str, tuple[str, str, int]]]
) -> dict[RecordKey, str]:
    """Customers left out of plans to measure what visits are worth, the same ones every time.

    Args:
        drawn: base connection -> customer id -> arm, rep and time.
    """
    arms = {(base, id_): arm for base, ids in drawn.items() for id_, (arm, _, _) in ids.items()}
    keys = map(key_of, customers) if arms else ()
    return {key: _HELD_OUT_WHY for key in keys if arms.get((key.connection, key.id)) == HELD_OUT}


def _lifts(
    barred: Mapping[RecordKey, str], twins: Mapping[RecordKey, RecordKey]
) -> dict[RecordKey, str]:
    """What would allow visits to customers whom no consent bars."""
    found = {key: _END_OF_HOLDOUT for key, why in barred.items() if why == _HELD_OUT_WHY}
    undone = "The link to {} undone, if they are two customers"
    return found | {key: undone.format(best) for key, best in twins.items()}


def _rep_record(row: Record) -> RepRecord:
    home = locate(row["home_latitude"], row["home_longitude"])
    return RepRecord(
        connection=row["connection"],
        object=row["object"],
        id=row["id"],
        name=row["name"] or "",
        email=row["email"] or "",
        active=row["active"] != 0,
        zone=row["zone"] or "",
        home=(home.latitude, home.longitude) if isinstance(home, Point) else None,
    )


def _only(reps: JoinedReps, rep: str) -> JoinedReps:
    """All reps, or the one whose id or name is asked for.

    Raises:
        UsageError: there is none of that name.
    """
    if not rep:
        return reps
    wanted = rep.strip().lower()
    found = tuple(r for r in reps.reps if wanted in (r.id.lower(), r.name.lower()))
    if not found:
        some = ", ".join(r.id for r in reps.reps[:5])
        raise UsageError("--rep", f"a rep such as {some}", repr(rep))
    return replace(reps, reps=found)


def _worth(score: Score) -> Worth:
    """What speaks for a visit; how urgent it is, the planner says itself for the day it finds."""
    lasting = [r for r in score.reasons if not r.code.startswith(_URGENCY)]
    value = sum(reason.weight for reason in lasting) * PERCENT
    told = [r for r in lasting if r.weight > 0 and r.code != "base"]
    reasons = tuple(Reason(code=r.code, text=r.text, weight=r.weight * PERCENT) for r in told)
    return Worth(value=max(value, 0.0), reasons=reasons)


def _standing(workspace: Workspace, customers: list[Record], now: datetime) -> Standing:
    """The visits of the plans in force, held against what the calendars show."""
    days = workspace.settings.planning.decline_days
    since = (now.date() - timedelta(days=days)).isoformat()
    planned: list[Visit] = []
    former: list[Visit] = []
    nights: list[Night] = []
    keys: dict[str, str] = {}
    with workspace.store.read() as tx:
        for connection in sorted({*workspace.settings.connections, ""}):
            plan = plan_in_force(tx, connection)
            if plan is None:
                continue
            own = [visit_of(one) for one in load_visits(tx, plan.id)]
            before = [visit_of(one) for one in former_visits(tx, plan, since)]
            keys.update((visit_key(connection, one.id), one.id) for one in (*own, *before))
            planned += own
            nights += nights_of(plan)
            former += before
        seen = _seen(workspace, tx, keys)
    stands = standing(planned, seen, customers, now.date(), days, former)
    return replace(stands, nights=tuple(nights))


def _seen(workspace: Workspace, tx: Connection, keys: Mapping[str, str]) -> dict[str, Any]:
    """visit id -> what its calendar shows of it, unless we took it out ourselves.

    Args:
        keys: key of a visit's record -> visit id.
    """
    ours = keys.keys() - deleted_by_us(tx, keys)
    seen: dict[str, Any] = {keys[row["visit_key"]]: row for row in load_ours(tx, ours)}
    unseen = [key for key in ours if keys[key] not in seen]
    for key in taken_away_unseen(tx, unseen, _capabilities(workspace)):
        seen[keys[key]] = _TAKEN_AWAY
    return seen


_TAKEN_AWAY: Mapping[str, Any] = {"record_state": DELETED, "reply_until": None}


def _capabilities(workspace: Workspace) -> dict[str, Capabilities]:
    connections = workspace.settings.connections
    return {name: workspace.adapter(one).capabilities for name, one in connections.items()}


def _holidays(settings: Settings, rep: JoinedRep, first: date, last: date) -> tuple[DateRange, ...]:
    """Those of the rep's own country and region, where the settings name one."""
    own = rep.settings.holidays or settings.planning.holidays
    if not own.country:
        return ()
    return public_holidays(own.country, own.region or None, first, last)


def _midnight(day: date, shift: int) -> int:
    return to_millis(datetime.combine(day + timedelta(days=shift), time(), UTC))
