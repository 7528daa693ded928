"""Plans everybody, each rep on their own: the same plan, however many work on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from crmbridge.errors import CrmbridgeError, RecordError
from crmbridge.jobs.territory.pool import Say, Work, rep_of, say_nothing, side_by_side
from crmbridge.planning import Budget, Plan, Problem, digest, join_plans, plan_part, split_by_rep
from crmbridge.planning.checker import check_plan
from crmbridge.settings import EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan of those who could be planned for.

    Args:
        problem: without the reps whose planning failed.
        failed: by rep, what made it fail.
    """

    problem: Problem
    plan: Plan
    failed: Mapping[str, CrmbridgeError]


def plan_everybody(
    problem: Problem, budget: Budget, engine: EngineSettings, say: Say = say_nothing
) -> Planned:
    """Plan each rep on its own, and check each plan independently.

    One rep's failure stops nobody else, be it a fault, a plan that does not pass its check, or a
    process that dies. It only takes the rep out of the problem; what is planned again for that is
    what the rep's absence changes, such as a visit that another took over.

    Raises:
        ConfigError: the Dask scheduler cannot be reached, or its workers lack crmbridge.
    """
    parts = split_by_rep(problem)
    results = _plans(parts, {}, budget, engine, say)
    failed = dict[str, CrmbridgeError]()
    while broken := _failures(parts, results):
        failed |= broken
        problem = without_reps(problem, broken.keys())
        known = {result.problem: result for result in results if isinstance(result, Plan)}
        parts = split_by_rep(problem)
        results = _plans(parts, known, budget, engine, say)
    plans = [result for result in results if isinstance(result, Plan)]
    return Planned(problem=problem, plan=join_plans(problem, budget, plans), failed=failed)


def without_reps(problem: Problem, reps: Collection[str]) -> Problem:
    """The problem without reps whose planning failed: what stands in their calendars is left as
    it is, since a plan that knows nothing of them must not take their visits away."""
    return replace(
        problem,
        reps=tuple(rep for rep in problem.reps if rep.id not in reps),
        customers=tuple(one for one in problem.customers if one.owner not in reps),
        appointments=tuple(one for one in problem.appointments if one.rep not in reps),
        travels=tuple(one for one in problem.travels if one.rep not in reps),
        previous=tuple(one for one in problem.previous if one.rep not in reps),
    )


def _plans(
    parts: Sequence[Problem],
    known: Mapping[str, Plan],
    budget: Budget,
    engine: EngineSettings,
    say: Say,
) -> list[Plan | CrmbridgeError]:
    """The plan of each part: the one known of the very same part, the others made now."""
    found = [known.get(digest(part)) if known else None for part in parts]
    missing = [part for part, plan in zip(parts, found, strict=True) if plan is None]
    do = partial(_planned, budget=budget)
    work = Work(name="planning", result="a plan", do=do, iterations=budget.iterations)
    made = iter(list(side_by_side(missing, work, engine, say)))
    return [plan or next(made) for plan in found]


def _planned(part: Problem, budget: Budget) -> Plan:
    """A plan that passes the independent check; all its rules are of one rep, so that checking
    each part checks the whole, and where it was made.

    Raises:
        RecordError: it does not pass.
    """
    plan = plan_part(part, budget)
    violations = check_plan(part, plan)
    if violations:
        raise RecordError(
            "check",
            "a plan without violations",
            f"{len(violations)}, first {violations[0]}",
            "Nothing of it was kept. Report this: it is a fault in crmbridge",
        )
    return plan


def _failures(
    parts: Sequence[Problem], results: Sequence[Plan | CrmbridgeError]
) -> dict[str, CrmbridgeError]:
    """By rep, what made the planning fail.

    Raises:
        CrmbridgeError: it failed for customers that no rep owns: that is nobody's.
    """
    failed = dict[str, CrmbridgeError]()
    for part, result in zip(parts, results, strict=True):
        if isinstance(result, CrmbridgeError):
            if not part.reps:
                raise result
            failed[rep_of(part)] = result
    return failed
