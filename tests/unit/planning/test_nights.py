"""Nights away are proposed where they are worth their price, and nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crmbridge.planning import Budget, DateRange, Night, check_plan, digest, dumps, plan_visits
from crmbridge.testing.planning import HOME, MONDAY, a_customer, a_problem, a_rep, a_week, travel

BUDGET = Budget(iterations=400, seconds=0)
TUESDAY = MONDAY + timedelta(days=1)


def valley(**rep):
    """Six customers at home and twelve three hours away."""
    spots = {HOME: (0.0, 0.0)}
    spots |= {f"near-{i}": (1.0 + i, 0.0) for i in range(6)}
    spots |= {f"far-{i:02}": (180.0 + i, 0.0) for i in range(12)}
    customers = [
        a_customer(key, 10.0 if key.startswith("near") else 20.0) for key in spots if key != HOME
    ]
    return a_problem(customers, days=2, reps=(a_rep(**rep),), travels=(travel(spots),))


def planned(problem):
    plan = plan_visits(problem, BUDGET)
    assert check_plan(problem, plan) == []
    return plan


def worth(plan):
    return sum(visit.value for visit in plan.visits)


def test_a_night_near_far_customers_is_proposed_where_it_is_worth_its_price():
    at_home = planned(valley())

    plan = planned(valley(nights=1, night_price=30.0))

    (night,) = plan.nights
    assert (night.rep, night.day, night.place[:3]) == ("ann", MONDAY, "far")
    assert worth(plan) > worth(at_home) + 30
    said = {visit.day: visit.reasons[0].text for visit in plan.visits}
    assert said == {
        MONDAY: f"The night is spent near {night.customer}",
        TUESDAY: f"The day starts near {night.customer}",
    }


@pytest.mark.parametrize(
    "rep",
    [
        {},
        {"nights": 1, "night_price": 1000.0},
        {"nights": 1, "absences": (DateRange(first=TUESDAY, last=TUESDAY),)},
    ],
    ids=["not allowed", "too dear", "no work next day"],
)
def test_otherwise_every_day_ends_at_home(rep):
    assert planned(valley(**rep)).nights == ()


def test_the_way_home_is_from_where_the_night_was():
    plan = planned(valley(nights=1))

    first = next(visit for visit in plan.visits if visit.day == TUESDAY)
    assert first.travel_minutes is not None
    assert first.travel_minutes < 60


def test_a_night_before_the_first_day_stands_and_costs_nothing():
    before = Night(rep="ann", day=MONDAY - timedelta(days=1), place="far-03", customer="far-03")
    problem = valley(away=(before,))

    plan = planned(problem)

    first = plan.visits[0]
    assert (first.day, first.customer[:3]) == (MONDAY, "far")
    assert first.start_at < datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert plan.nights == (before,)


def test_nights_make_the_same_plan_twice_and_leave_older_digests_alone():
    problem = valley(nights=1)

    assert dumps(planned(problem)) == dumps(planned(problem))
    assert digest(valley()) == digest(valley(nights=0, away=()))
    assert digest(valley()) != digest(problem)
    # As it was before there were nights: what was kept then keeps its id.
    assert '"nights"' not in dumps(planned(valley()))


@pytest.mark.parametrize(
    ("rep", "change"),
    [
        ({"nights": 0}, {}),
        ({"nights": 1}, {"day": TUESDAY}),
        ({"nights": 1}, {"rep": "nobody"}),
    ],
    ids=["not allowed", "last day", "stranger"],
)
def test_nights_that_may_not_be_are_found(rep, change):
    problem = valley(nights=1)
    plan = planned(problem)
    nights = (replace(plan.nights[0], **change),)
    changed = replace(problem, reps=(replace(problem.reps[0], **rep),))

    rules = {item.rule for item in check_plan(changed, replace(plan, nights=nights))}

    assert "night" in rules


def test_a_plan_that_forgets_its_night_cannot_be_driven():
    problem = valley(nights=1)
    plan = planned(problem)

    rules = {item.rule for item in check_plan(problem, replace(plan, nights=()))}

    assert rules == {"travel"}


def test_a_week_with_two_nights_spends_both_where_it_pays():
    problem = replace(valley(nights=2, shifts=a_week()), days=5)
    plan = planned(problem)

    assert len(plan.nights) <= 2
    assert len({night.day for night in plan.nights}) == len(plan.nights)
