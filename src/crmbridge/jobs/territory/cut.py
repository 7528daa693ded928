"""Says whose planning the cap in seconds cut short: such a plan depends on the machine's speed."""

from collections.abc import Iterable

from crmbridge.planning import Plan, RepSummary
from crmbridge.records import Finding

REMEDY = "Raise planning.seconds_per_rep or lower planning.iterations_per_rep"


def cut_reps(plan: Plan) -> tuple[RepSummary, ...]:
    """The reps for whom the seconds ran out before the iterations did."""
    return tuple(rep for rep in plan.reps if rep.cut_by_cap)


def cut_findings(plan: Plan) -> Iterable[Finding]:
    """One finding, if there are such reps."""
    cut = cut_reps(plan)
    if cut:
        yield Finding(code="plan.cut_short", count=len(cut), example=_how_far(plan), remedy=REMEDY)


def cut_sentence(plan: Plan) -> str:
    """Why such a plan may differ when it is computed again; empty for any other plan."""
    cut = cut_reps(plan)
    if not cut:
        return ""
    reps = "1 rep" if len(cut) == 1 else f"{len(cut)} reps"
    return f"The cap cut the planning of {reps} short, where a machine's speed tells: " + _how_far(
        plan
    )


def _how_far(plan: Plan) -> str:
    first = cut_reps(plan)[0]
    budget = plan.budget
    return (
        f"{first.rep}: {first.iterations:,} of {budget.iterations:,} iterations "
        f"in {budget.seconds:g} s"
    )
