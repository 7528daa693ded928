"""The planning problem as one value: everything a plan depends on, beside the budget.

A problem holds no library's opinion that may change later: public holidays are dates, travel is
a matrix, a score is a number. So a stored problem gives the same plan next year.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from crmbridge.errors import UsageError
from crmbridge.planning.rules import Rules, need_between
from crmbridge.planning.visit import UNTOLD, Night, Visit
from crmbridge.records import Reason

MINUTES_PER_DAY = 1440
MAX_DAYS = 92
MOST_VALUE = 1e12
MAX_INTERVAL_DAYS = 3660


class Reply(StrEnum):
    """What the rep answered to an earlier suggestion."""

    ACCEPTED = "accepted"
    "Wanted; plan as usual."
    SNOOZED = "snoozed"
    "Not before `reply_until`; not at all without it."
    DECLINED = "declined"
    "The same; a visit that stands already goes, even where the rep put it."


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DateRange:
    """Days from `first` to `last`, both inclusive, with the word that explains them."""

    first: date
    last: date
    label: str = ""

    def holds(self, day: date) -> bool:
        """Whether the day lies in the range."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """Opening hours on one weekday.

    Args:
        weekday: 0 is Monday.
        opens: minute of the day on the wall clock, from 0.
        closes: minute of the day, after `opens`; beyond 1440 it is on the next day.
    """

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shift:
    """When and between which places a rep works.

    Args:
        weekday: 0 is Monday.
        start: minute of the day on the wall clock of the rep's zone.
        end: the same; at or before `start` it is on the next day.
        start_place: place the day starts from; empty when unknown.
        end_place: place the day ends at; empty when unknown.
        lunch: minute at which lunch should start.
        lunch_minutes: 0 for no lunch.
        lunch_slack: minutes by which lunch may move to make room for an appointment.
    """

    weekday: int
    start: int
    end: int
    start_place: str = ""
    end_place: str = ""
    lunch: int = 12 * 60
    lunch_minutes: int = 0
    lunch_slack: int = 60


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DatedShift:
    """One date's own shift in place of the weekday's; None is a day off."""

    day: date
    shift: Shift | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rep:
    """A person who visits, with the working week and what interrupts it.

    Args:
        id: the key that customers' `owner` names.
        zone: IANA name; shifts are on its wall clock.
        absences: days not worked.
        holidays: public holidays, as dates.
        max_visits: most visits a day, 0 for no limit; appointments with a customer count.
        max_travel_minutes: most minutes of travel a day, 0 for no limit.
        nights: most nights away from home that a plan may propose; 0 for none.
        night_price: value that a night must bring more than it; >= 0.
        away: nights that stand already, that before the first day included.
    """

    id: str
    zone: str
    name: str = ""
    email: str = ""
    shifts: tuple[Shift, ...] = ()
    dated_shifts: tuple[DatedShift, ...] = ()
    absences: tuple[DateRange, ...] = ()
    holidays: tuple[DateRange, ...] = ()
    max_visits: int = 0
    max_travel_minutes: int = 0
    nights: int = field(default=0, metadata=UNTOLD)
    night_price: float = field(default=0.0, metadata=UNTOLD)
    away: tuple[Night, ...] = field(default=(), metadata=UNTOLD)

    def __post_init__(self) -> None:
        """Sort what has no order of its own, so that equal reps compare equal."""
        for name in ("shifts", "absences", "holidays", "away"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        dated = tuple(sorted(self.dated_shifts, key=lambda item: item.day))
        object.__setattr__(self, "dated_shifts", dated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who may be visited.

    Args:
        key: unique in the problem; ties are broken by it.
        owner: the rep's id; None or one that is not in the problem leaves the customer out.
        place: where, as the travel matrix names it; empty means the same as `key`.
        value: what a visit is worth, finite; None when nothing scored the customer.
        priority: what the score was multiplied by to give `value`; >= 0.
        day_shares: (day, share) pairs that multiply `value` on those days.
        day_values: (day, value) pairs that replace `value` on those days.
        minutes: length of a visit, 1 to 1440.
        every_days: how often the customer should be seen, 1 to 3660; None for no interval.
        min_gap_days: fewest days between two visits; None for half of `every_days`.
        opening: hours on the wall clock of `zone`; None when not known, () when never open.
        narrowed_by: which rule left only these of its hours, for people; empty for none.
        wide_opening: its hours without that rule.
        zone: IANA name; empty for the rep's.
        barred: why visits are not allowed, empty if they are.
        lifted_by: what would allow them, for people; empty for a newer consent.
        contacts: days of past contacts, as `Rules.max_contacts` counts them.
        seen_on: days to come on which the customer is seen by what this plan does not hold: beyond
            the horizon, or by another rep; each takes the place of a visit that is due.
        geo_quality: how well the place is known, for people; empty when nobody says.
        last_number: highest running number any visit to this customer ever had.
        reasons: parts of the value, in plain words.
    """

    key: str
    name: str = ""
    owner: str | None = None
    class_: str = ""
    place: str = ""
    value: float | None = None
    day_values: tuple[tuple[date, float], ...] = ()
    minutes: int = 60
    every_days: int | None = None
    min_gap_days: int | None = None
    last_visit_on: date | None = None
    opening: tuple[Window, ...] | None = None
    blocked: tuple[DateRange, ...] = ()
    zone: str = ""
    barred: str = ""
    reply: Reply | None = None
    reply_until: date | None = None
    contacts: tuple[date, ...] = ()
    geo_quality: str = ""
    last_number: int = 0
    reasons: tuple[Reason, ...] = ()
    seen_on: tuple[date, ...] = field(default=(), metadata=UNTOLD)
    priority: float = field(default=1.0, metadata=UNTOLD)
    day_shares: tuple[tuple[date, float], ...] = field(default=(), metadata=UNTOLD)
    lifted_by: str = field(default="", metadata=UNTOLD)
    narrowed_by: str = field(default="", metadata=UNTOLD)
    wide_opening: tuple[Window, ...] | None = field(default=None, metadata=UNTOLD)

    @property
    def score(self) -> float:
        """What the analyses made of it, before the priority; 0 when nothing scored it."""
        return (self.value or 0.0) / self.priority if self.priority else 0.0

    def __post_init__(self) -> None:
        """Sort what has no order of its own, and refuse numbers that cannot be planned with."""
        if self.opening is not None:
            object.__setattr__(self, "opening", tuple(sorted(self.opening)))
        object.__setattr__(self, "blocked", tuple(sorted(self.blocked)))
        object.__setattr__(self, "contacts", tuple(sorted(self.contacts)))
        object.__setattr__(self, "seen_on", tuple(sorted(self.seen_on)))
        object.__setattr__(self, "day_values", tuple(sorted(self.day_values)))
        object.__setattr__(self, "day_shares", tuple(sorted(self.day_shares)))
        by_day = (*self.day_values, *self.day_shares)
        _need_finite(self.key, (self.value, self.priority, *(value for _, value in by_day)))
        need_between(f"customer {self.key}: minutes", self.minutes, 1, MINUTES_PER_DAY)
        need_between(f"customer {self.key}: every_days", self.every_days, 1, MAX_INTERVAL_DAYS)
        need_between(f"customer {self.key}: min_gap_days", self.min_gap_days, 0, MAX_INTERVAL_DAYS)

    @property
    def place_id(self) -> str:
        """The name of the customer's place in the travel matrix."""
        return self.place or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """Time of a rep that is taken already and that a plan never touches.

    Args:
        rep: the rep's id.
        start_at: aware.
        end_at: aware; one that does not end after it starts takes no time.
        place: where, as the travel matrix names it; empty if it needs no travel.
        customer: key of the customer it is with, if any: that counts as a visit to them.
    """

    rep: str
    start_at: datetime
    end_at: datetime
    place: str = ""
    customer: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        """Hold both instants in UTC."""
        for name in ("start_at", "end_at"):
            object.__setattr__(self, name, utc(getattr(self, name), f"appointment {name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """Seconds between the places of one rep.

    Args:
        rep: the rep's id.
        places: names; a place that is missing here has unknown travel to everywhere.
        seconds: row-major int32, little-endian, ``len(places) ** 2`` of them; negative is unknown.
        source: how it was measured, for people.
    """

    rep: str
    places: tuple[str, ...]
    seconds: bytes
    source: str = ""

    def __post_init__(self) -> None:
        """Put the places into name order, and the matrix with them."""
        size = len(self.places)
        if len(self.seconds) != 4 * size * size or len(set(self.places)) != size:
            raise UsageError(
                f"travel of rep {self.rep}",
                f"{size} different places with {size * size} numbers",
                f"{len(set(self.places))} with {len(self.seconds) // 4}",
                "Build the matrix from one list of places",
            )
        if list(self.places) != sorted(self.places):
            self._sort()

    def _sort(self) -> None:
        import numpy as np

        order = sorted(range(len(self.places)), key=self.places.__getitem__)
        matrix = np.frombuffer(self.seconds, "<i4").reshape(len(order), len(order))
        object.__setattr__(self, "seconds", matrix[np.ix_(order, order)].tobytes())
        object.__setattr__(self, "places", tuple(self.places[i] for i in order))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All that a plan is computed from; equal problems give equal plans.

    Args:
        connection: where the visits will live; part of their ids.
        first: first day of the horizon.
        days: length of the horizon, 1 to 92.
        now: aware; nothing is planned before it.
        previous: visits of the plan before, as they stand now in the calendar.
    """

    connection: str
    first: date
    days: int
    now: datetime
    reps: tuple[Rep, ...] = ()
    customers: tuple[Customer, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    travels: tuple[Travel, ...] = ()
    previous: tuple[Visit, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        """Put every list into its one order, so that input order cannot matter."""
        object.__setattr__(self, "now", utc(self.now, "now"))
        _sort(self, "reps", lambda rep: rep.id)
        _sort(self, "customers", lambda customer: customer.key)
        _sort(self, "appointments", _appointment_order)
        _sort(self, "travels", lambda travel: travel.rep)
        _sort(self, "previous", lambda visit: (visit.start_at, visit.id))
        _need_unique("reps", [rep.id for rep in self.reps])
        _need_unique("customers", [customer.key for customer in self.customers])
        _need_unique("travels", [travel.rep for travel in self.travels])
        need_between("planning: days", self.days, 1, MAX_DAYS)

    @property
    def last(self) -> date:
        """Last day of the horizon."""
        return self.first + timedelta(days=self.days - 1)

    def horizon(self) -> tuple[date, ...]:
        """Every day of the horizon, in order."""
        return tuple(self.first + timedelta(days=i) for i in range(self.days))


def split_by_rep(problem: Problem) -> tuple[Problem, ...]:
    """Cut a problem into one per rep, and one for the customers that no rep owns.

    Solving the parts and joining their plans gives the plan of the whole, so parts may be
    solved anywhere.
    """
    owned = _grouped(problem.customers, lambda item: item.owner or "")
    parts = [_part(problem, rep, owned.pop(rep.id, ())) for rep in problem.reps]
    lost = tuple(item for group in owned.values() for item in group)
    if lost or not parts:
        parts.append(
            replace(problem, reps=(), customers=lost, appointments=(), travels=(), previous=())
        )
    return tuple(parts)


def _part(problem: Problem, rep: Rep, customers: tuple[Customer, ...]) -> Problem:
    keys = {item.key for item in customers}
    return replace(
        problem,
        reps=(rep,),
        customers=customers,
        appointments=tuple(item for item in problem.appointments if item.rep == rep.id),
        travels=tuple(item for item in problem.travels if item.rep == rep.id),
        previous=tuple(item for item in problem.previous if item.customer in keys),
    )


def _grouped(
    customers: tuple[Customer, ...], key: Callable[[Customer], str]
) -> dict[str, tuple[Customer, ...]]:
    groups: dict[str, list[Customer]] = {}
    for item in customers:
        groups.setdefault(key(item), []).append(item)
    return {name: tuple(group) for name, group in groups.items()}


def utc(at: datetime, where: str) -> datetime:
    """The same instant in UTC.

    Raises:
        UsageError: the time has no zone.
    """
    if at.tzinfo is None:
        raise UsageError(f"planning: {where}", "an aware time", f"{at.isoformat()} without a zone")
    return at.astimezone(UTC)


def _appointment_order(item: Appointment) -> tuple[object, ...]:
    return (item.rep, item.start_at, item.end_at, item.customer, item.place, item.label)


def _sort(problem: Problem, name: str, key: object) -> None:
    values = getattr(problem, name)
    object.__setattr__(problem, name, tuple(sorted(values, key=key)))  # type: ignore[call-overload]


def _need_unique(name: str, keys: list[str]) -> None:
    twice = sorted(key for key, count in Counter(keys).items() if count > 1)
    if twice:
        raise UsageError(f"planning: {name}", "each key once", f"{twice[0]!r} twice")


def _need_finite(key: str, values: tuple[float | None, ...]) -> None:
    for value in values:
        if value is not None and not abs(value) <= MOST_VALUE:
            raise UsageError(
                f"customer {key}: value",
                f"a number up to {MOST_VALUE:.0e} or nothing",
                str(value),
                "Score it again",
            )
