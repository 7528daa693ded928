"""Which limit keeps due visits out of a rep's days, where it is not the hours alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from crmbridge.planning.layout import Trial, try_out
from crmbridge.planning.problem import Problem, Rep

SHARE = 0.25
"""A limit binds when the days would hold this share of the missed visits more without it."""

_Lift = Callable[[Problem], Problem]


def binding(part: Problem, rep: Rep, placed: int) -> tuple[str, Trial] | None:
    """What binds, in words, and what the first plan could place without it; None for the hours.

    Where several bind, the one is named without which most would fit; where none does alone, all.

    Args:
        part: of the rep alone.
        placed: how many visits the first plan holds as it is; it is enough to tell what binds.
    """
    lifts = _lifts(part, rep)
    if not lifts:
        return None
    trials = {name: _without(part, lift) for name, lift in lifts.items()}
    if len(lifts) > 1:  # together, where each alone leaves another in the way
        trials[" and ".join(lifts)] = _without(part, *lifts.values())
    name, best = max(trials.items(), key=lambda item: len(item[1].placed))
    missed = len(best.wanted) + len(best.unweighed) - placed
    return (name, best) if len(best.placed) - placed >= max(1.0, SHARE * missed) else None


def _without(part: Problem, *lifts: _Lift) -> Trial:
    for lift in lifts:
        part = lift(part)
    return try_out(part, part.reps[0])


def _lifts(part: Problem, rep: Rep) -> Mapping[str, _Lift]:
    """Limit in words -> the problem without it, for the limits that there are."""
    found: dict[str, _Lift] = {}
    if rep.max_visits:
        found[f"the limit of {rep.max_visits} visits a day binds"] = _any_visits
    if rep.max_travel_minutes:
        found[f"the limit of {rep.max_travel_minutes} minutes on the road a day binds"] = (
            _any_travel
        )
    if any(one.opening is not None for one in part.customers):
        found["the customers' opening hours bind"] = _always_open
    return found


def _any_visits(part: Problem) -> Problem:
    return replace(part, reps=(replace(part.reps[0], max_visits=0),))


def _any_travel(part: Problem) -> Problem:
    return replace(part, reps=(replace(part.reps[0], max_travel_minutes=0),))


def _always_open(part: Problem) -> Problem:
    return replace(part, customers=tuple(replace(one, opening=None) for one in part.customers))
