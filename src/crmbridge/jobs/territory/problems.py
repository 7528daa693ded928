"""Turns records, settings and scores into planning problems, one for each calendar written to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.jobs.territory.known import Known, key_of
from crmbridge.jobs.territory.opening import (
    WEEKDAYS,
    allowed_windows,
    blocked_days,
    default_windows,
    opening_windows,
)
from crmbridge.jobs.territory.policies import VisitPolicy, facts_of, visit_policy
from crmbridge.jobs.territory.reps import JoinedRep, doubts
from crmbridge.jobs.territory.strays import stray_events, told_of_strays, with_strays
from crmbridge.jobs.territory.stretches import Stretch, day_by_day, narrowing
from crmbridge.jobs.territory.taken import taken_times
from crmbridge.planning import (
    Customer,
    DateRange,
    Night,
    Problem,
    Rep,
    Rules,
    Shift,
    Travel,
    Visit,
)
from crmbridge.records import Finding, RecordKey, from_millis
from crmbridge.settings import PlanningSettings, RepSettings, Settings
from crmbridge.settings.policy import Day

HOME = "home of "
"""Prefix of the name that a rep's home has in the travel matrix."""

Coordinates = Mapping[str, tuple[float, float] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Territory:
    """A problem without travel, the coordinates to measure it by, and what did not fit."""

    problem: Problem
    coordinates: Coordinates
    findings: tuple[Finding, ...]

    def with_travel(self, travels: Iterable[Travel]) -> Problem:
        """The problem with its distances."""
        from dataclasses import replace

        return replace(self.problem, travels=tuple(travels))


def territories(
    known: Known, settings: Settings, first: date, now: datetime
) -> tuple[Territory, ...]:
    """One problem for each connection that visits are written to, in the order of names."""
    calendars: dict[str, list[JoinedRep]] = {}
    for rep in known.reps.reps:
        calendars.setdefault(rep.writes_to or _home_connection(rep), []).append(rep)
    return tuple(
        _Builder(known, settings, first, now).build(connection, reps)
        for connection, reps in sorted(calendars.items())
    )


def _home_connection(rep: JoinedRep) -> str:
    return min(rep.records, default="")


class _Builder:
    """Builds the problem of one calendar; collects what could not be read on the way."""

    def __init__(self, known: Known, settings: Settings, first: date, now: datetime) -> None:
        self._known = known
        self._settings = settings
        self._planning: PlanningSettings = settings.planning
        self._first = first
        self._ids = {rep.id for rep in known.reps.reps}
        self._first_rep = self._first_owner()
        self._now = now
        self._default_opening = default_windows(settings.planning.opening)
        self._unreadable: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def build(self, connection: str, reps: Sequence[JoinedRep]) -> Territory:
        """The problem of the reps whose visits are written to a connection."""
        idle, reps = self._idle(reps)
        ids = {rep.id for rep in reps}
        customers = [self._customer(row) for row in self._rows(ids)]
        keys = {customer.key for customer in customers}
        problem = Problem(
            connection=connection,
            first=self._first,
            days=self._planning.horizon_days,
            now=self._now.astimezone(UTC),
            reps=tuple(self._rep(rep) for rep in reps),
            customers=tuple(customers),
            appointments=taken_times(self._known, reps, keys),
            previous=tuple(
                v for v in self._known.previous if v.customer in keys and not self._bars(v)
            ),
            rules=Rules(
                grid_minutes=self._planning.grid_minutes,
                unknown_travel_minutes=self._planning.unknown_travel_minutes,
                early_share=self._planning.early_share,
                max_contacts=self._planning.pressure.max_contacts,
                contact_days=self._planning.pressure.days,
                keep_bonus=self._planning.keep_bonus,
                churn_budget=self._planning.churn_share,
                freeze_days=self._planning.freeze_days,
            ),
        )
        strays = stray_events(problem, self._known.own)
        places = keys | {one.customer for one in strays}
        return Territory(
            problem=with_strays(problem, strays),
            coordinates={**self._homes(reps), **self._places(places)},
            findings=(*idle, *doubts(reps), *told_of_strays(problem, strays), *self._findings()),
        )

    def _idle(self, reps: Sequence[JoinedRep]) -> tuple[tuple[Finding, ...], Sequence[JoinedRep]]:
        """Reps with nobody to visit, as a finding, and the others."""
        owners = {self._owner(row) for row in self._known.customers}
        owners |= {visit.rep for visit in self._known.previous}
        idle = [rep.id for rep in reps if rep.id not in owners]
        if not idle:
            return (), reps
        remedy = "Nothing to do, unless they should own customers"
        finding = Finding(
            code="rep_without_customers", count=len(idle), example=idle[0], remedy=remedy
        )
        return (finding,), [rep for rep in reps if rep.id in owners]

    def _rows(self, ids: set[str]) -> list[Mapping[str, Any]]:
        """Customers of these reps; those that no rep owns go with the first rep's calendar."""
        takes_orphans = bool(self._known.reps.reps) and self._first_rep in ids
        rows = []
        for row in self._known.customers:
            owner = self._owner(row)
            is_ours = takes_orphans if owner is None else owner in ids
            if row["status"] != "closed" and is_ours:
                rows.append(row)
        return rows

    def _first_owner(self) -> str:
        """The first rep that owns a customer: its calendar's plan answers for orphans, too."""
        owners = {self._owner(row) for row in self._known.customers}
        return min((rep for rep in owners if rep is not None), default="")

    def _owner(self, row: Mapping[str, Any]) -> str | None:
        for source in self._known.sources.get(row["connection"], (row["connection"],)):
            rep = self._known.reps.by_record.get((source, row["owner_id"] or ""))
            if rep is not None:
                return rep.id
        email = (row["owner_id"] or "").lower()  # a table may name its owners by e-mail
        return email if email in self._ids else None

    def _customer(self, row: Mapping[str, Any]) -> Customer:
        key = key_of(row)
        policy = self._policy(key, row)
        daily = day_by_day(self._stretches(key, policy))
        barred = self._known.barred.get(key, "")
        opening = self._opening(key, row["opening"])
        worth = self._known.worth.get(key)
        reply, until = self._known.replies.get(key, (None, None))
        return Customer(
            key=str(key),
            name=row["name"] or row["id"],
            owner=self._owner(row),
            class_=policy.class_,
            value=None if worth is None else worth.value * daily.priority,
            priority=daily.priority,
            day_shares=daily.day_shares,
            minutes=policy.minutes,
            every_days=policy.every_days,
            min_gap_days=policy.min_gap_days,
            last_visit_on=self._last_visit(row),
            opening=allowed_windows(opening, daily.weekdays, policy.hours),
            wide_opening=opening if policy.hours or daily.weekdays else None,
            narrowed_by=narrowing(policy, daily.weekdays),
            blocked=(*self._blocked(key, row["blocked"], policy), *daily.closed),
            zone=row["zone"] or "",
            barred=barred or daily.barred,
            lifted_by=self._known.lifts.get(key, "" if barred else daily.lifted_by),
            contacts=self._known.contacts.get(key, ()),
            reply=reply,
            reply_until=until,
            geo_quality=row["geo_quality"] or "",
            last_number=self._known.numbers.get(key, 0),
            reasons=() if worth is None else worth.reasons,
        )

    def _policy(self, key: RecordKey, row: Mapping[str, Any]) -> VisitPolicy:
        known = self._known.policies.get(key)
        if known is not None:
            return known
        return visit_policy(facts_of(row, self._planning.class_default), row, self._planning)

    def _stretches(self, key: RecordKey, policy: VisitPolicy) -> tuple[Stretch, ...]:
        last = self._first + timedelta(days=self._planning.horizon_days - 1)
        whole = Stretch(first=self._first, last=last, policy=policy)
        return self._known.changing.get(key, (whole,))

    def _bars(self, visit: Visit) -> bool:
        """Whether an exception that ends within the plan bars the day of a visit."""
        key = RecordKey.parse(visit.customer)
        return any(
            one.policy.barred and one.first <= visit.day <= one.last
            for one in self._known.changing.get(key, ())
        )

    def _last_visit(self, row: Mapping[str, Any]) -> date | None:
        known = self._known.last_visits.get((row["connection"], row["id"]))
        latest = max((at for at in (known, row["last_visit_at"]) if at is not None), default=None)
        if latest is None or latest > self._now.timestamp() * 1000:
            return None
        return from_millis(latest).astimezone(ZoneInfo(row["zone"] or "UTC")).date()

    def _opening(self, key: RecordKey, text: str | None) -> Any:
        try:
            own = opening_windows(text)
        except (ValueError, TypeError) as error:
            self._note("opening_unreadable", f"{key}: expected {error}")
            own = None
        return self._default_opening if own is None else own

    def _blocked(
        self, key: RecordKey, text: str | None, policy: VisitPolicy
    ) -> tuple[DateRange, ...]:
        closed = tuple(DateRange(first=a, last=b) for a, b in policy.closed)
        try:
            return closed + blocked_days(text)
        except (ValueError, TypeError) as error:
            self._note("blocked_unreadable", f"{key}: expected {error}")
            return closed

    def _rep(self, rep: JoinedRep) -> Rep:
        return Rep(
            id=rep.id,
            zone=rep.zone,
            name=rep.name,
            email=rep.email,
            shifts=tuple(_shift(rep, day) for day in rep.settings.days),
            absences=tuple(DateRange(first=a, last=b) for a, b in rep.settings.off),
            holidays=self._known.holidays.get(rep.id, ()),
            max_visits=rep.settings.max_visits,
            max_travel_minutes=rep.settings.max_travel_minutes,
            nights=rep.settings.nights,
            night_price=rep.settings.night_price if rep.settings.nights else 0.0,
            away=tuple(n for n in self._known.nights if n.rep == rep.id and self._stands(n)),
        )

    def _stands(self, night: Night) -> bool:
        """Whether the rep wakes up there on the first day, or its days are frozen."""
        return -1 <= (night.day - self._first).days < self._planning.freeze_days

    def _homes(self, reps: Sequence[JoinedRep]) -> Coordinates:
        found: dict[str, tuple[float, float] | None] = {
            HOME + rep.id: rep.home for rep in reps if rep.home
        }
        for rep in reps:
            for prefix, places in _ends(rep.settings):
                found.update({f"{prefix}{day} of {rep.id}": at for day, at in places.items()})
        return found

    def _places(self, keys: set[str]) -> Coordinates:
        return {
            str(key_of(row)): _coordinates(row)
            for row in self._known.customers
            if str(key_of(row)) in keys
        }

    def _note(self, code: str, example: str) -> None:
        self._unreadable[code] += 1
        self._examples.setdefault(code, example)

    def _findings(self) -> tuple[Finding, ...]:
        remedies = {
            "opening_unreadable": 'Write opening hours as {"mon": [["08:00", "12:00"]]}; '
            "until then planning.opening holds",
            "blocked_unreadable": 'Write closed days as [["2026-08-01", "2026-08-21"]]; '
            "until then none are closed",
        }
        return tuple(
            Finding(code=code, count=count, example=self._examples[code], remedy=remedies[code])
            for code, count in sorted(self._unreadable.items())
        )


def _coordinates(row: Mapping[str, Any]) -> tuple[float, float] | None:
    if row["latitude"] is None or row["longitude"] is None:
        return None
    return (row["latitude"], row["longitude"])


def _ends(rep: RepSettings) -> tuple[tuple[str, Mapping[Day, tuple[float, float]]], ...]:
    """Places where days start and end elsewhere than at home, with the prefix of their names."""
    return (("start on ", rep.start_places), ("end on ", rep.end_places))


def _shift(rep: JoinedRep, day: Day) -> Shift:
    home = HOME + rep.id if rep.home else ""
    start_place, end_place = (
        f"{prefix}{day} of {rep.id}" if day in places else home
        for prefix, places in _ends(rep.settings)
    )
    own, lunch = rep.settings, rep.settings.lunch
    start, end = own.hours.get(day, (own.start, own.end))
    return Shift(
        weekday=WEEKDAYS.index(day),
        start=_minute(start),
        end=_minute(end),
        start_place=start_place,
        end_place=end_place,
        lunch=_minute(lunch.at),
        lunch_minutes=lunch.minutes,
        lunch_slack=lunch.slack_minutes,
    )


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
