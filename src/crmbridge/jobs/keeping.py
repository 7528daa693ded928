"""Keeps plans in the store and takes visits out of it again."""

import json
from datetime import date, datetime

from crmbridge.jobs.workspace import Workspace
from crmbridge.planning import Fixedness, Plan, Problem, Visit, digest, dumps
from crmbridge.records import from_millis, to_millis
from crmbridge.store.plans import StoredPlan, StoredVisit, save_plan


def keep_plan(workspace: Workspace, problem: Problem, plan: Plan) -> None:
    """Keep a plan with the problem it solves; it is not published by that."""
    stored = StoredPlan(
        id=plan.id,
        connection=problem.connection,
        run_id=workspace.run_id,
        created_at=to_millis(workspace.clock.now()),
        start_on=plan.first.isoformat(),
        days=plan.days,
        input_digest=digest(problem),
        seed=plan.budget.seed,
        parameters=dumps(plan.budget),
        problem=dumps(problem),
        summary=json.dumps({"visits": len(plan.visits), "left_out": len(plan.left_out)}),
    )
    with workspace.store.write() as tx:
        save_plan(tx, stored, plan.visits, plan.left_out)


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
