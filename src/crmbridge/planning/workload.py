"""Hours that the visit intervals need against the hours there are, before any plan is made.

How long the ways between visits are depends on which visits are strung together, and no formula
tells that well: estimates from neighbours' distances were off by a third where customers are
spread. So a short search places what is due, and its ways are taken for those of the plan.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crmbridge.planning.binding import binding
from crmbridge.planning.layout import Trial, try_harder
from crmbridge.planning.problem import Customer, Problem, Rep
from crmbridge.planning.visit import Budget
from crmbridge.planning.workdays import workdays

TRIAL = Budget(iterations=5000, seconds=5, seed=1)
"""Effort of the short search; more of it places no more than a visit in a hundred."""
MINUTES = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassNeed:
    """What one class of one rep's customers needs in the horizon.

    Args:
        visits: as the intervals ask for in the long run, not rounded.
        hours: visits with the way to each.
        every_days: mean interval that the class asks for.
        possible_days: interval that the class gets; infinite if nobody of it is visited.
        due: visits that fall due in the horizon, those overdue included.
        possible: how many of them fit.
    """

    class_: str
    customers: int
    visits: float
    hours: float
    every_days: float
    possible_days: float
    due: int
    possible: int

    @property
    def missed(self) -> int:
        """Visits that fall due and will not be made."""
        return self.due - self.possible

    @property
    def is_seldom(self) -> bool:
        """Whether the class is served so much too seldom that whole days tell it."""
        return self.possible_days == float("inf") or round(self.possible_days) > round(
            self.every_days
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RepCapacity:
    """One rep's hours in the horizon.

    Args:
        reps_needed: hours needed for one hour there is; infinite with needs and no hours.
        without_interval: customers that ask for no interval, and so need nothing here.
        twice: customers that are due more than once and are not visited so often.
        limit: what binds, in words, where it is another limit than the hours; empty otherwise.
    """

    rep: str
    hours: float
    needed_hours: float
    reps_needed: float
    classes: tuple[ClassNeed, ...]
    without_interval: int
    twice: tuple[str, ...] = ()
    limit: str = ""

    @property
    def due(self) -> int:
        """Visits that fall due in the horizon."""
        return sum(item.due for item in self.classes)

    @property
    def missed(self) -> int:
        """Visits that fall due and will not be made."""
        return sum(item.missed for item in self.classes)

    @property
    def suffices(self) -> bool:
        """Whether the hours carry the intervals, and all that is due fits."""
        return self.reps_needed <= 1 and not self.missed

    def sentence(self) -> str:
        """The verdict in one line, for people."""
        line = f"{self.rep}: intervals need {self.needed_hours:.1f} of {self.hours:.1f} hours"
        if self.suffices:
            return f"{line}, which suffices"
        missed = f"; {self.missed} of {self.due} visits due will not fit" if self.missed else ""
        served = [_served(item) for item in self.classes if item.is_seldom]
        parts = [f"{line}{missed}{': ' if served else ''}{', '.join(served)}", *self._causes()]
        return "; ".join(parts)

    def _causes(self) -> Iterable[str]:
        """What binds, and how many reps would do where more hours would help."""
        if self.limit:
            yield f"{self.limit}, not the hours there are"
        elif self.reps_needed > 1:
            yield f"{self.reps_needed:.2f} reps would do it"
        elif self.due > sum(item.visits for item in self.classes):
            yield f"{self.reps_needed:.2f} reps do in the long run: it is a backlog"
        else:
            yield "the hours would do, but these are due on days that are full"


def capacity(problem: Problem, effort: Budget = TRIAL) -> tuple[RepCapacity, ...]:
    """Needs and hours of every rep, in order of rep; barred customers need nothing.

    Args:
        effort: of the short search that tells how much fits.
    """
    return tuple(_rep_capacity(problem, rep, effort) for rep in problem.reps)


def _served(item: ClassNeed) -> str:
    name = item.class_ or "no class"
    if item.possible_days == float("inf"):
        return f"{name} not at all instead of every {item.every_days:.0f} days"
    return f"{name} served every {item.possible_days:.0f} instead of {item.every_days:.0f} days"


def _rep_capacity(problem: Problem, rep: Rep, effort: Budget) -> RepCapacity:
    days = workdays(problem, rep, ())
    hours = sum(day.free_seconds() for day in days) / 3600
    own = [item for item in problem.customers if item.owner == rep.id and not item.barred]
    due = [item for item in own if item.every_days]
    part = _part_of(problem, rep)
    first, trial = try_harder(part, rep, effort) if due else (Trial(), Trial())
    is_short = len(trial.placed) < len(trial.wanted) + len(trial.unweighed)
    bound = binding(part, rep, len(first.placed)) if is_short else None
    # A limit that leaves a day with one visit gives it ways that no other day has.
    way = _way(bound[1] if bound else trial)
    names = sorted({item.class_ for item in due})
    classes = tuple(
        _class_need(problem, [item for item in due if item.class_ == name], trial, way)
        for name in names
    )
    total = sum(item.hours for item in classes)
    return RepCapacity(
        rep=rep.id,
        hours=hours,
        needed_hours=total,
        reps_needed=total / hours if hours else (float("inf") if total else 0.0),
        classes=classes,
        without_interval=len(own) - len(due),
        twice=_short_of_twice(trial),
        limit=bound[0] if bound and total <= hours else "",
    )


def _part_of(problem: Problem, rep: Rep) -> Problem:
    """The rep's own part of the problem, as it is planned."""
    from crmbridge.planning.problem import split_by_rep

    return next(part for part in split_by_rep(problem) if part.reps == (rep,))


def _way(trial: Trial) -> float:
    """Minutes of travel for each visit of the trial."""
    visits = len(trial.placed) + len(trial.kept)
    return trial.travel_minutes / visits if visits else 0.0


def _class_need(problem: Problem, customers: list[Customer], trial: Trial, way: float) -> ClassNeed:
    counts = _Counts(trial)
    every = sum(item.every_days or 0 for item in customers) / len(customers)
    visits = {item.key: problem.days / (item.every_days or problem.days) for item in customers}
    due = sum(counts.due[item.key] for item in customers)
    possible = sum(counts.possible[item.key] for item in customers)
    return ClassNeed(
        class_=customers[0].class_,
        customers=len(customers),
        visits=sum(visits.values()),
        hours=sum(visits[item.key] * (item.minutes + way) for item in customers) / MINUTES,
        every_days=every,
        possible_days=every if due == possible else _seen_every(problem, customers, possible),
        due=due,
        possible=possible,
    )


def _seen_every(problem: Problem, customers: list[Customer], possible: int) -> float:
    """The interval that comes of it if every horizon has room for as many visits."""
    if not possible:
        return float("inf")
    every = sum(item.every_days or 0 for item in customers) / len(customers)
    return max(every, len(customers) * problem.days / possible)


class _Counts:
    """Visits due and visits possible, by customer."""

    def __init__(self, trial: Trial) -> None:
        self.due: Mapping[str, int] = Counter((*trial.wanted, *trial.unweighed, *trial.kept))
        self.possible: Mapping[str, int] = Counter((*trial.placed, *trial.kept))


def _short_of_twice(trial: Trial) -> tuple[str, ...]:
    counts = _Counts(trial)
    return tuple(
        sorted(key for key, due in counts.due.items() if due > 1 and counts.possible[key] < due)
    )
