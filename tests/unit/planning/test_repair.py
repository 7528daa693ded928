"""Five drop-outs and a new appointment: most visits keep their day, and the plan beats a repair."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

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
SEEDS = (1, 2, 3, 4)
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


@cache
def replanned(seed):
    """The problem with five gone and the fair in it, and its new plan."""
    problem = fortnight(seed)
    plan = plan_visits(problem, STRONG)
    gone = {v.customer for v in plan.visits[3::9][:5]}
    left = tuple(one for one in problem.customers if one.key not in gone)
    changed = replace(
        problem,
        customers=left,
        appointments=(an_appointment(*FAIR, label="Fair"),),
        previous=tuple(v for v in plan.visits if v.customer not in gone),
        rules=Rules(churn_budget=0.1),
    )
    return changed, plan_visits(changed, STRONG)


@pytest.mark.parametrize("seed", SEEDS)
def test_replanning_keeps_days_and_fills_gaps_better_than_a_greedy_repair(seed):
    changed, second = replanned(seed)

    assert check_plan(changed, second) == []
    days = {(visit.customer, visit.day) for visit in second.visits}
    same = sum((visit.customer, visit.day) in days for visit in changed.previous)
    assert same >= 0.9 * len(changed.previous)
    # 2.1 to 3.5 % were measured with this effort, and no plan from scratch is 5 % better.
    assert worth(second.visits) >= 1.01 * worth(filled(changed))


def test_replanning_is_worth_more_than_a_plain_repair():
    gains = [
        worth(second.visits) / worth(plain(changed)) - 1
        for changed, second in map(replanned, SEEDS)
    ]

    assert sum(gains) / len(gains) >= 0.04


def plain(problem):
    """What the appointment hits is dropped; all else stays to the minute."""
    return [v for v in problem.previous if v.end_at <= FAIR[0] or FAIR[1] <= v.start_at]


def filled(problem):
    """The same, and gaps are filled with the most valuable that fit."""
    fixed = tuple(replace(visit, fixedness=Fixedness.PINNED) for visit in plain(problem))
    return plan_visits(replace(problem, previous=fixed), Budget(iterations=0)).visits


def worth(visits):
    return sum(visit.value for visit in visits)
