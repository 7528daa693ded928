"""Looks at plans that were made before: finds them, compares two, computes one again."""

from dataclasses import dataclass, replace

from crmbridge.errors import UsageError
from crmbridge.jobs.territory.cut import cut_sentence
from crmbridge.jobs.territory.keeping import basis_digest, plan_of
from crmbridge.jobs.territory.spread import plan_everybody
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import Budget, Plan, PlanDiff, Problem, diff_plans, join_plans, loads
from crmbridge.planning.diff import common_stretch
from crmbridge.store.plans import StoredPlan, list_plans, plans_named

SHOWN = 5
SHORTEST_ID = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two plans side by side."""

    before: StoredPlan
    after: StoredPlan
    diff: PlanDiff


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A plan computed again from what was kept of it.

    Args:
        cut_short: how the cap cut the plan, or what was computed now, short; empty if it did not.
        is_same: every visit and every reason is as it was.
        is_older: another version of crmbridge made it, whose plans say less or more of a problem;
            so its id is another even where every visit is the same.
    """

    plan: StoredPlan
    again: Plan
    diff: PlanDiff
    is_same: bool
    is_older: bool
    cut_short: str = ""


def find_plan(workspace: Workspace, text: str) -> StoredPlan:
    """The plan that an id, or its first characters, name.

    Raises:
        UsageError: none is named so, or several.
    """
    with workspace.store.read() as tx:
        found = plans_named(tx, text, SHOWN) if len(text) >= SHORTEST_ID else []
        if len(found) == 1:
            return found[0]
        plans = found or list_plans(tx, SHOWN)
    some = ", ".join(plan.id[:12] for plan in plans) or "none"
    raise UsageError("plan", "the id of one plan", repr(text), f"Plans: {some}")


def compare_plans(workspace: Workspace, before: str, after: str) -> Compared:
    """What changed from one plan to another, each move with its cause.

    Compared is what lies in the horizons of both and still lay ahead when the later was made.

    Raises:
        UsageError: there is no such plan, or they are for different calendars.
    """
    one, other = find_plan(workspace, before), find_plan(workspace, after)
    if one.connection != other.connection:
        names = f"those of {one.connection!r} and {other.connection!r}"
        raise UsageError("plan diff", "two plans for the same calendars", names)
    with workspace.store.read() as tx:
        old, new = plan_of(tx, one), plan_of(tx, other)
    problem = loads(Problem, other.problem)
    stretch = common_stretch(loads(Problem, one.problem), problem)
    diff = diff_plans(old.visits, new, problem, stretch)
    return Compared(before=one, after=other, diff=diff)


def compute_again(workspace: Workspace, text: str) -> Computed:
    """Compute a plan again from the problem, seed and budget that were kept with it.

    Raises:
        UsageError: there is no such plan.
        CrmbridgeError: a rep could not be planned.
    """
    head = find_plan(workspace, text)
    problem, budget = loads(Problem, head.problem), loads(Budget, head.parameters)
    with workspace.store.read() as tx:
        kept = plan_of(tx, head)
    again = _again(workspace, problem, budget, kept)
    return Computed(
        plan=head,
        again=again,
        diff=diff_plans(kept.visits, again, problem),
        is_same=again.id == head.id,
        is_older=basis_digest(problem) != head.input_digest,
        cut_short=cut_sentence(kept) or cut_sentence(again),
    )


def _again(workspace: Workspace, problem: Problem, budget: Budget, kept: Plan) -> Plan:
    """The plan computed again; one that the cap did not cut needs none now, however slow it is."""
    is_whole = kept.reps and not kept.cut_by_cap
    done = plan_everybody(
        problem, replace(budget, seconds=0) if is_whole else budget, workspace.settings.engine
    )
    for error in done.failed.values():
        raise error
    return join_plans(problem, budget, [done.plan])
