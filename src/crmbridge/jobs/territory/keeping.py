"""Keeps plans in the store and takes visits out of it again."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import (
    Budget,
    Fixedness,
    LeftOut,
    Night,
    Plan,
    Problem,
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


def keep_plan(workspace: Workspace, problem: Problem, plan: Plan) -> None:
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
        summary=_summary(plan),
    )
    with workspace.store.write() as tx:
        if get_plan(tx, plan.id) is None:
            save_plan(tx, stored, plan.visits, plan.left_out)


def _summary(plan: Plan) -> str:
    counts = {"visits": len(plan.visits), "left_out": len(plan.left_out)}
    nights = [json.loads(dumps(night)) for night in plan.nights]
    return json.dumps({**counts, "nights": nights} if nights else counts)


def nights_of(head: StoredPlan) -> tuple[Night, ...]:
    """The nights away from home of a kept plan."""
    nights = json.loads(head.summary).get("nights", ())
    return tuple(loads(Night, json.dumps(night)) for night in nights)


def load_plans(workspace: Workspace) -> list[tuple[Problem, Plan]]:
    """The plans made last, one for each connection's calendars, with their problems."""
    found = []
    with workspace.store.read() as tx:
        for connection in sorted({*workspace.settings.connections, ""}):
            head = last_plan(tx, connection)
            if head is not None:
                found.append((loads(Problem, head.problem), plan_of(tx, head)))
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
