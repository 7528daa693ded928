"""Keeps plans in the store and takes visits out of it again."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from crmbridge.jobs.territory.hours import CapacityRows
from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import (
    Budget,
    Fixedness,
    LeftOut,
    Night,
    Plan,
    Problem,
    RepSummary,
    Visit,
    WhyNot,
    digest,
    dumps,
    loads,
)
from crmbridge.records import from_millis, to_millis
from crmbridge.store.plans import (
    StoredPlan,
    StoredVisit,
    get_plan,
    last_plan,
    load_left_out,
    load_visits,
    save_plan,
)

_MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)


def keep_plan(
    workspace: Workspace, problem: Problem, plan: Plan, capacity: CapacityRows = ()
) -> None:
    """Keep a plan with the problem it solves; it is not published by that.

    One that is kept already stays with the problem it was made from, so that it can be computed
    again: asked for later, the same plan may stand for a problem that says the same.
    """
    stored = StoredPlan(
        id=plan.id,
        connection=problem.connection,
        run_id=workspace.run_id,
        created_at=to_millis(workspace.clock.now()),
        start_on=plan.first.isoformat(),
        days=plan.days,
        input_digest=basis_digest(problem),
        seed=plan.budget.seed,
        parameters=dumps(plan.budget),
        problem=dumps(problem),
        summary=_summary(plan, capacity),
    )
    with workspace.store.write() as tx:
        if get_plan(tx, plan.id) is None:
            save_plan(tx, stored, plan.visits, plan.left_out)


def _summary(plan: Plan, capacity: CapacityRows) -> str:
    """What no table of its own holds: nights away, sums and hours of each rep."""
    told: dict[str, object] = {"visits": len(plan.visits), "left_out": len(plan.left_out)}
    told["reps"] = [json.loads(dumps(rep)) for rep in plan.reps]
    told["capacity"] = list(capacity)
    if plan.nights:
        told["nights"] = [json.loads(dumps(night)) for night in plan.nights]
    return json.dumps(
        told, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
    )


def nights_of(head: StoredPlan) -> tuple[Night, ...]:
    """The nights away from home of a kept plan."""
    nights = json.loads(head.summary).get("nights", ())
    return tuple(loads(Night, json.dumps(night)) for night in nights)


def _reps_of(head: StoredPlan) -> tuple[RepSummary, ...]:
    """The sums of each rep; none of a plan that an older version kept."""
    reps = json.loads(head.summary).get("reps", ())
    return tuple(loads(RepSummary, json.dumps(rep)) for rep in reps)


def capacity_of(head: StoredPlan) -> CapacityRows:
    """The hours of each rep before the planning; none of a plan that an older version kept."""
    return tuple(json.loads(head.summary).get("capacity", ()))


def load_plans(workspace: Workspace) -> list[tuple[Problem, Plan, CapacityRows]]:
    """The plans made last, one for each connection's calendars, with their problems and hours."""
    found = []
    with workspace.store.read() as tx:
        for connection in sorted({*workspace.settings.connections, ""}):
            head = last_plan(tx, connection)
            if head is not None:
                problem = loads(Problem, head.problem)
                found.append((problem, plan_of(tx, head), capacity_of(head)))
    return found


def basis_digest(problem: Problem) -> str:
    """Digest of what a plan is made from, without what earlier plans left behind, and the hour.

    That time went by is no reason to plan anew: it only takes chances away, and what a plan had
    put into it is fixed by then.
    """
    fresh = tuple(replace(customer, last_number=0) for customer in problem.customers)
    reps = tuple(replace(rep, away=()) for rep in problem.reps)
    bare = replace(problem, previous=(), customers=fresh, reps=reps, now=_MIDNIGHT)
    return digest(bare)


def plan_of(tx: Connection, head: StoredPlan) -> Plan:
    """A kept plan, whole."""
    problem = loads(Problem, head.problem)
    visits, left_out = load_visits(tx, head.id), load_left_out(tx, head.id)
    return Plan(
        id=head.id,
        problem=digest(problem),
        first=date.fromisoformat(head.start_on),
        days=head.days,
        budget=loads(Budget, head.parameters),
        visits=tuple(visit_of(visit) for visit in visits),
        left_out=tuple(
            LeftOut(
                customer=str(one.customer),
                rep=one.rep or None,
                code=WhyNot(one.code),
                text=one.text,
                change=one.change,
            )
            for one in left_out
        ),
        reps=_reps_of(head),
        nights=nights_of(head),
    )


def visit_of(stored: StoredVisit) -> Visit:
    """A visit as the planner takes it back."""
    travel = stored.travel_minutes
    return Visit(
        id=stored.visit_id,
        customer=str(stored.customer),
        number=stored.number,
        rep=stored.rep,
        day=date.fromisoformat(stored.day),
        start_at=from_millis(stored.start_at),
        end_at=from_millis(stored.end_at),
        zone=stored.zone,
        wall_start=datetime.fromisoformat(stored.wall_start),
        sequence=stored.sequence,
        travel_minutes=None if travel is None else int(travel),
        value=stored.score,
        fixedness=Fixedness(stored.fixedness),
        revision=stored.revision,
        reasons=stored.reasons,
    )
