"""What is known when a plan is made, as the planning problem is built from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.jobs.territory.reps import JoinedReps
from crmbridge.jobs.territory.stretches import Stretch
from crmbridge.planning import DateRange, Night, Reply, Visit
from crmbridge.records import Reason, RecordKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a visit to a customer is worth.

    Args:
        value: 0 to 100.
        reasons: parts whose weights sum to the value.
    """

    value: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEvent:
    """A visit of ours as it stands in a calendar, where no plan will take it away.

    Args:
        visit: its id; empty where no plan in force has it.
        rep: whose calendar it is in; empty where nobody of ours.
        customer: key; empty where not known.
        zone: the rep's, for its day.
    """

    visit: str
    rep: str
    customer: str
    start_at: datetime
    end_at: datetime
    zone: str = "UTC"
    label: str = ""

    @property
    def day(self) -> date:
        """Its day on the rep's wall clock."""
        return self.start_at.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known when a plan is made.

    Args:
        customers: records of base connections, completed; see `store.territory`.
        sources: base connection -> itself and those that complete it.
        worth: customer -> what a visit is worth; who is not in it is not planned.
        last_visits: (base connection, customer id) -> milliseconds.
        taken: activities of others that take time of a rep.
        ics: rep id -> (start, end, label) of times taken in calendar files.
        barred: customer -> why no visit is allowed.
        lifts: customer -> what would allow visits to one that is barred; a newer consent if absent.
        previous: visits of the plan before, as they stand in the calendar now.
        own: visits of ours that stay where they are in a calendar, whatever is planned.
        nights: away from home, of the plans in force.
        replies: customer -> reply and the day until which it holds.
        numbers: customer -> highest running number of any visit ever planned.
        holidays: rep id -> public holidays.
        policies: customer -> what holds for visits to it on the first day; by class alone for who
            is not in it.
        changing: customer -> what holds on which days, where an exception ends within the plan.
        contacts: customer -> days of past contacts that count towards the pressure allowed.
    """

    reps: JoinedReps
    customers: Sequence[Mapping[str, Any]]
    sources: Mapping[str, Sequence[str]]
    worth: Mapping[RecordKey, Worth] = field(default_factory=dict)
    last_visits: Mapping[tuple[str, str], int] = field(default_factory=dict)
    taken: Sequence[Mapping[str, Any]] = ()
    ics: Mapping[str, Sequence[tuple[datetime, datetime, str]]] = field(default_factory=dict)
    barred: Mapping[RecordKey, str] = field(default_factory=dict)
    lifts: Mapping[RecordKey, str] = field(default_factory=dict)
    previous: Sequence[Visit] = ()
    own: Sequence[OwnEvent] = ()
    nights: Sequence[Night] = ()
    replies: Mapping[RecordKey, tuple[Reply, date | None]] = field(default_factory=dict)
    numbers: Mapping[RecordKey, int] = field(default_factory=dict)
    holidays: Mapping[str, tuple[DateRange, ...]] = field(default_factory=dict)
    policies: Mapping[RecordKey, VisitPolicy] = field(default_factory=dict)
    changing: Mapping[RecordKey, tuple[Stretch, ...]] = field(default_factory=dict)
    contacts: Mapping[RecordKey, tuple[date, ...]] = field(default_factory=dict)

    def rows(self) -> Mapping[RecordKey, Mapping[str, Any]]:
        """The customers' records by key."""
        return {key_of(row): row for row in self.customers}


def key_of(row: Mapping[str, Any]) -> RecordKey:
    """The key of a record by column name."""
    return RecordKey(row["connection"], row["object"], row["id"])
