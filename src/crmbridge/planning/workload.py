"""Hours that the visit intervals need against the hours there are, before any plan is made."""

from dataclasses import dataclass
from statistics import median

from crmbridge.planning.distances import Distances, distances_of
from crmbridge.planning.problem import Customer, Problem, Rep
from crmbridge.planning.workdays import workdays

NEIGHBOURS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassNeed:
    """What one class of one rep's customers needs in the horizon.

    Args:
        visits: as the intervals ask for, not rounded.
        hours: visits with the way to each.
        every_days: mean interval that the class asks for.
        possible_days: interval that the hours allow if every class is stretched alike.
    """

    class_: str
    customers: int
    visits: float
    hours: float
    every_days: float
    possible_days: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RepCapacity:
    """One rep's hours in the horizon.

    Args:
        reps_needed: hours needed for one hour there is; infinite with needs and no hours.
        without_interval: customers that ask for no interval, and so need nothing here.
    """

    rep: str
    hours: float
    needed_hours: float
    reps_needed: float
    classes: tuple[ClassNeed, ...]
    without_interval: int

    def sentence(self) -> str:
        """The verdict in one line, for people."""
        line = f"{self.rep}: intervals need {self.needed_hours:.1f} of {self.hours:.1f} hours"
        if self.reps_needed <= 1:
            return f"{line}, which suffices"
        stretched = ", ".join(
            f"{item.class_ or 'no class'} every {item.possible_days:.0f} instead of "
            f"{item.every_days:.0f} days"
            for item in self.classes
        )
        return f"{line}, {self.reps_needed:.2f} reps; as it is: {stretched}"


def capacity(problem: Problem) -> tuple[RepCapacity, ...]:
    """Needs and hours of every rep, in order of rep.

    The way to a visit is taken as the median way to the five nearest customers, since a plan
    strings neighbours together. Barred customers need nothing.
    """
    return tuple(_rep_capacity(problem, rep) for rep in problem.reps)


def _rep_capacity(problem: Problem, rep: Rep) -> RepCapacity:
    days = workdays(problem, rep, ())
    hours = sum(day.free_seconds() for day in days) / 3600
    own = [item for item in problem.customers if item.owner == rep.id and not item.barred]
    due = [item for item in own if item.every_days]
    distances = distances_of(problem, rep.id)
    hops = _hops(problem, own, distances)
    needs = {item.key: _visits(problem, item) for item in due}
    spent = {item.key: needs[item.key] * (item.minutes + hops[item.key]) / 60 for item in due}
    total = sum(spent.values())
    load = total / hours if hours else (float("inf") if total else 0.0)
    names = sorted({item.class_ for item in due})
    return RepCapacity(
        rep=rep.id,
        hours=hours,
        needed_hours=total,
        reps_needed=load,
        classes=tuple(
            _class_need(name, [item for item in due if item.class_ == name], needs, spent, load)
            for name in names
        ),
        without_interval=len(own) - len(due),
    )


def _class_need(
    name: str,
    customers: list[Customer],
    needs: dict[str, float],
    spent: dict[str, float],
    load: float,
) -> ClassNeed:
    every = sum(item.every_days or 0 for item in customers) / len(customers)
    return ClassNeed(
        class_=name,
        customers=len(customers),
        visits=sum(needs[item.key] for item in customers),
        hours=sum(spent[item.key] for item in customers),
        every_days=every,
        possible_days=every * max(1.0, load),
    )


def _visits(problem: Problem, customer: Customer) -> float:
    return problem.days / (customer.every_days or problem.days)


def _hops(problem: Problem, customers: list[Customer], distances: Distances) -> dict[str, float]:
    """Minutes of the way that a visit to each customer adds."""
    places = [item.place_id for item in customers]
    matrix = distances.between(places)
    hops = {}
    for row, customer in enumerate(customers):
        known = sorted(int(seconds) for seconds in matrix[row] if seconds > 0)[:NEIGHBOURS]
        unknown = problem.rules.unknown_travel_minutes if len(customers) > 1 else 0
        hops[customer.key] = median(known) / 60 if known else float(unknown)
    return hops
