"""Five drop-outs and a new appointment: most visits keep their day, and the plan beats a repair."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crmbridge.planning import Budget, Fixedness, Rules, check_plan, plan_visits
from crmbridge.testing.planning import (
    HOME,
    a_customer,
    a_problem,
    a_rep,
    a_week,
    an_appointment,
    hours,
    travel,
)

STRONG = Budget(iterations=8000, seconds=0)
FAIR = (datetime(2026, 3, 4, 8, tzinfo=UTC), datetime(2026, 3, 4, 11, tzinfo=UTC))


def fortnight(seed):
    """Towns with customers of different worth, more than a rep can see in a fortnight."""
    rng = random.Random(seed)
    towns = [(rng.uniform(0, 90), rng.uniform(0, 90)) for _ in range(10)]
    spots = {HOME: (45.0, 45.0)}
    customers = []
    for number in range(200):
        key, (x, y) = f"c{number:03}", rng.choice(towns)
        spots[key] = (rng.gauss(x, 5), rng.gauss(y, 5))
        opening = hours(*rng.choice([(8, 17), (8, 12), (13, 17), (9, 16)]), range(5))
        minutes = rng.choice([30, 45, 60])
        customers.append(a_customer(key, rng.uniform(5, 100), minutes=minutes, opening=opening))
    rep = a_rep(shifts=a_week(lunch_minutes=45))
    return a_problem(customers, days=12, reps=(rep,), travels=(travel(spots),))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_replanning_keeps_days_and_beats_a_plain_repair(seed):
    problem = fortnight(seed)
    plan = plan_visits(problem, STRONG)
    gone = {v.customer for v in plan.visits[3::9][:5]}
    left = tuple(one for one in problem.customers if one.key not in gone)
    fair = an_appointment(*FAIR, label="Fair")
    survivors = [v for v in plan.visits if v.customer not in gone]
    changed = replace(
        problem,
        customers=left,
        appointments=(fair,),
        previous=tuple(survivors),
        rules=Rules(churn_budget=0.1),
    )

    second = plan_visits(changed, STRONG)

    assert check_plan(changed, second) == []
    days = {(visit.customer, visit.day) for visit in second.visits}
    same = sum((visit.customer, visit.day) in days for visit in survivors)
    assert same >= 0.9 * len(survivors)
    # 1.7 to 2.9 % were measured with this seed and effort; 1 % leaves room for another machine.
    assert worth(second) >= 1.01 * worth(repaired(changed))


def repaired(problem):
    """What fits stays to the minute, what the appointment hits is dropped, gaps are filled."""
    clear = (v for v in problem.previous if v.end_at <= FAIR[0] or FAIR[1] <= v.start_at)
    fixed = tuple(replace(visit, fixedness=Fixedness.PINNED) for visit in clear)
    return plan_visits(replace(problem, previous=fixed), Budget(iterations=0))


def worth(plan):
    return sum(visit.value for visit in plan.visits)
