"""Holds the hours that intervals need against the hours there are, before anything is planned."""

from collections.abc import Iterable
from dataclasses import replace

from crmbridge.planning import Budget, Problem, RepCapacity, capacity, split_by_rep
from crmbridge.planning.workload import TRIAL
from crmbridge.records import Finding
from crmbridge.settings import EngineSettings

WORTH_PROCESSES = 20
"""Reps from which on starting processes pays."""


def shortfalls(problem: Problem, budget: Budget, engine: EngineSettings) -> list[Finding]:
    """Reps whose intervals need more hours than there are, and who is due again too soon.

    Args:
        budget: of the plan; the search that tells how much fits never takes more.
    """
    effort = replace(TRIAL, iterations=min(TRIAL.iterations, budget.iterations))
    short = [one for one in _capacities(problem, effort, engine) if not one.suffices]
    return [*_hours(short), *_twice(short)]


def _capacities(problem: Problem, effort: Budget, engine: EngineSettings) -> list[RepCapacity]:
    if len(problem.reps) < WORTH_PROCESSES or engine.workers == 1:
        return list(capacity(problem, effort))
    from joblib import Parallel, delayed

    parts = [part for part in split_by_rep(problem) if part.reps]
    tasks = (delayed(capacity)(part, effort) for part in parts)
    found = Parallel(n_jobs=engine.workers or -1)(tasks)
    return [one for capacities in found for one in capacities]


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
