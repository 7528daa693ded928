"""What a plan says: visits, who was left out and why, and the sums."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from crmbridge.errors import UsageError
from crmbridge.planning.change import Change
from crmbridge.records import Finding, Reason

UNTOLD = {"untold": True}
"""Marks a field that came later: `digest` leaves it out while it has its default, so that what was
made before keeps its digest."""
_NAMESPACE = UUID("5a0f5c0e-5d0c-5f4e-9b59-3c3b7d1f7a11")


class Fixedness(StrEnum):
    """How firmly a visit stands."""

    SUGGESTED = "suggested"
    "Planned here; the next plan may move it."
    FROZEN = "frozen"
    "Planned before, and too near to be moved."
    PINNED = "pinned"
    "Put there by the rep; a plan never moves it."


class WhyNot(StrEnum):
    """The one main reason for which a customer is not in the plan."""

    BARRED = "barred"
    "A consent, a rule or an exception forbids visits."
    DECLINED = "declined"
    "The rep declined the visit."
    SNOOZED = "snoozed"
    "The rep put it off to a later day."
    OWNER_UNKNOWN = "owner_unknown"
    "No rep of this plan owns the customer."
    NO_SHIFT = "no_shift"
    "The owner does not work in the horizon."
    NO_VALUE = "no_value"
    "Nothing scored the customer, or a visit is worth nothing."
    VISITED_RECENTLY = "visited_recently"
    "The minimum gap since the last visit, or to a fixed one, has not passed."
    CONTACTED_OFTEN = "contacted_often"
    "The customer was contacted as often as it may be in the time."
    NOT_DUE = "not_due"
    "The next visit is due after the horizon."
    BLOCKED = "blocked"
    "The customer takes no visits on the days that were left."
    NO_OPENING = "no_opening"
    "No opening in any shift is as long as the visit."
    TOO_FAR = "too_far"
    "There and back does not fit into any working day."
    LOWER_VALUE = "lower_value"
    "It would fit alone, but what was planned instead is worth more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One planned visit.

    Args:
        id: stays the same through changes of day, time and rep.
        number: running number of the visit to this customer, from 1.
        day: date on the rep's wall clock.
        start_at: aware, UTC.
        end_at: aware, UTC.
        zone: the rep's zone.
        wall_start: the intended time on the wall clock of that zone, naive.
        sequence: place in the rep's day, from 1.
        travel_minutes: minutes from the place before, rounded up; None when unknown.
        revision: how often day, time or rep changed since the visit was first planned.
    """

    id: str
    customer: str
    number: int
    rep: str
    day: date
    start_at: datetime
    end_at: datetime
    zone: str
    wall_start: datetime
    sequence: int = 0
    travel_minutes: int | None = None
    value: float = 0.0
    fixedness: Fixedness = Fixedness.SUGGESTED
    revision: int = 0
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Night:
    """A night that a rep spends away from home, between two days of work.

    Args:
        day: the day that ends there; the next one begins there.
        place: as the travel matrix names it.
        customer: key of the customer near whom it is.
    """

    rep: str
    day: date
    place: str
    customer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A customer without a visit, with one reason and the smallest change that would help.

    Args:
        change: empty when none is known; begins with ``Perhaps`` where it may not suffice.
        fix: the same as a value, which `apply_change` takes.
    """

    customer: str
    rep: str | None
    code: WhyNot
    text: str
    change: str = ""
    fix: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much thinking a plan may cost; with seed and problem it decides the plan alone.

    Args:
        iterations: per rep, >= 0; 0 gives the first greedy plan.
        seconds: a cap per rep; a plan that it cuts short says so. 0 for none.
    """

    iterations: int = 40_000
    seconds: float = 20.0
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be a budget."""
        if self.iterations < 0 or not 0 <= self.seconds < float("inf"):
            raise UsageError(
                "planning: budget",
                "iterations and seconds of at least 0",
                f"{self.iterations} and {self.seconds}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RepSummary:
    """The sums of one rep's plan.

    Args:
        travel_share: travel in travel and visiting together; None when nothing is planned.
        unknown_travel: visits reached from a place with unknown travel.
        iterations: how far the solver came.
        cut_by_cap: the seconds ran out before the iterations did.
    """

    rep: str
    visits: int = 0
    left_out: int = 0
    value: float = 0.0
    visit_minutes: int = 0
    travel_minutes: int = 0
    shift_minutes: int = 0
    unknown_travel: int = 0
    iterations: int = 0
    cut_by_cap: bool = False

    @property
    def travel_share(self) -> float | None:
        """Travel in travel and visiting together; None when there is neither."""
        total = self.travel_minutes + self.visit_minutes
        return self.travel_minutes / total if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The visits of a horizon, and every customer that is in none of them.

    Args:
        id: digest of problem and budget; equal inputs give an equal id.
        problem: digest of the problem.
        visits: by rep, then start.
        left_out: by customer key.
        nights: away from home, by rep, then day; those that stood already among them.
    """

    id: str
    problem: str
    first: date
    days: int
    budget: Budget
    visits: tuple[Visit, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    reps: tuple[RepSummary, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    nights: tuple[Night, ...] = field(default=(), metadata=UNTOLD)

    @property
    def cut_by_cap(self) -> bool:
        """Whether the seconds ended any rep's planning before the iterations did."""
        return any(rep.cut_by_cap for rep in self.reps)


def visit_id(connection: str, customer: str, number: int) -> str:
    """The id of a customer's visit with that running number, the same for ever."""
    return str(uuid5(_NAMESPACE, f"{connection}\n{customer}\n{number}"))
