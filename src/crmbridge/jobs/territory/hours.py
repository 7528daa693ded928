"""Holds the hours that intervals need against the hours there are, before anything is planned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Any

from crmbridge.errors import CrmbridgeError
from crmbridge.jobs.territory.pool import Say, Work, say_nothing, side_by_side
from crmbridge.planning import Budget, ClassNeed, Problem, RepCapacity, capacity, split_by_rep
from crmbridge.planning.workload import TRIAL
from crmbridge.records import Finding
from crmbridge.settings import EngineSettings

CapacityRows = Sequence[Mapping[str, Any]]
"""The hours of each rep as JSON values, as commands print them and the store keeps them."""
WORTH_OF_LAYING = 200_000
"""Iterations that laying out a rep's days takes the time of, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of each rep, and of whom they could not be told.

    Args:
        reps: in order of rep.
    """

    reps: tuple[RepCapacity, ...]
    failed: tuple[CrmbridgeError, ...] = ()

    def rows(self) -> CapacityRows:
        """The same as JSON values; a number that has no end is null."""
        return tuple(_row(one) for one in self.reps)

    def findings(self) -> tuple[Finding, ...]:
        """Reps whose intervals need more hours than there are, and who is due again too soon."""
        short = [one for one in self.reps if not one.suffices]
        return (*_hours(short), *_twice(short), *_unknown(self.failed))


def hours_of(
    problem: Problem, budget: Budget, engine: EngineSettings, say: Say = say_nothing
) -> Hours:
    """The hours that each rep's intervals need, and those there are; one rep's failure stops
    nobody else.

    Args:
        budget: of the plan; the search that tells how much fits never takes more.

    Raises:
        ConfigError: the Dask scheduler cannot be reached, or its workers lack crmbridge.
    """
    effort = replace(TRIAL, iterations=min(TRIAL.iterations, budget.iterations))
    parts = [part for part in split_by_rep(problem) if part.reps]
    work = Work(
        name="capacity",
        result="hours",
        do=partial(capacity, effort=effort),
        iterations=WORTH_OF_LAYING,
    )
    results = list(side_by_side(parts, work, engine, say))
    return Hours(
        reps=tuple(one for found in results if isinstance(found, tuple) for one in found),
        failed=tuple(found for found in results if isinstance(found, CrmbridgeError)),
    )


def _row(one: RepCapacity) -> dict[str, Any]:
    return {
        "rep": one.rep,
        "verdict": one.sentence(),
        "suffices": one.suffices,
        "hours": round(one.hours, 2),
        "needed_hours": round(one.needed_hours, 2),
        "reps_needed": _number(one.reps_needed),
        "due": one.due,
        "possible": one.due - one.missed,
        "missed": one.missed,
        "without_interval": one.without_interval,
        "due_again": list(one.twice),
        "classes": [_class_row(item) for item in one.classes],
    }


def _class_row(item: ClassNeed) -> dict[str, Any]:
    return {
        "class": item.class_,
        "customers": item.customers,
        "visits": round(item.visits, 2),
        "needed_hours": round(item.hours, 2),
        "every_days": _number(item.every_days),
        "possible_days": _number(item.possible_days),
        "due": item.due,
        "possible": item.possible,
        "missed": item.missed,
    }


def _number(value: float) -> float | None:
    return round(value, 2) if isfinite(value) else None


def _unknown(failed: Sequence[CrmbridgeError]) -> Iterable[Finding]:
    if failed:
        remedy = "Their plans are made without; report this: it is a fault in crmbridge"
        yield Finding(
            code="plan.capacity_unknown",
            count=len(failed),
            example=failed[0].line(),
            remedy=remedy,
        )


def _hours(short: Iterable[RepCapacity]) -> Iterable[Finding]:
    sentences = [one.sentence() for one in short]
    if sentences:
        yield Finding(
            code="plan.capacity",
            count=len(sentences),
            example=sentences[0],
            remedy="Lengthen intervals, shorten visits, or share customers with other reps",
        )


def _twice(short: Iterable[RepCapacity]) -> Iterable[Finding]:
    twice = [f"{one.rep}: {key}" for one in short for key in one.twice]
    if twice:
        yield Finding(
            code="plan.due_again",
            count=len(twice),
            example=twice[0],
            remedy="They fall due more than once and are not visited so often: lengthen intervals",
        )
