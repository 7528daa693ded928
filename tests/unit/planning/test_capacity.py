"""What is said of the hours before a plan is what the plan then shows."""

import random
from datetime import timedelta

import pytest

from crmbridge.planning import Budget, capacity, layout, plan_visits
from crmbridge.testing.planning import (
    HOME,
    MONDAY,
    a_customer,
    a_problem,
    a_rep,
    a_week,
    all_near,
    hours,
    travel,
)

INTERVALS = {"A": 14, "B": 28, "C": 56}
WORTH = {"A": 60.0, "B": 40.0, "C": 20.0}


def overloaded(seed, customers, miles):
    """A fortnight of one rep with customers of three classes, some of them overdue."""
    rng = random.Random(seed)
    spots = {HOME: (miles / 2, miles / 2)}
    found = []
    for number in range(customers):
        key, class_ = f"c{number:03}", "ABC"[number % 3]
        spots[key] = (rng.uniform(0, miles), rng.uniform(0, miles))
        every = INTERVALS[class_]
        found.append(
            a_customer(
                key,
                WORTH[class_] + rng.uniform(-10, 10),
                class_=class_,
                minutes=45,
                every_days=every,
                last_visit_on=MONDAY - timedelta(days=rng.randrange(1, every * 2)),
                opening=hours(8, 18, range(5)),
            )
        )
    rep = a_rep(shifts=a_week(lunch_minutes=45))
    return a_problem(found, days=14, reps=(rep,), travels=(travel(spots),))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("miles", [20, 60, 120])
def test_the_stated_shortfall_is_what_the_plan_then_misses(seed, miles):
    problem = overloaded(seed, 240, miles)

    (said,) = capacity(problem)

    plan = plan_visits(problem, Budget(iterations=20_000, seconds=0))
    due = sum(due_in_the_horizon(customer, problem.last) for customer in problem.customers)
    missed = due - len(plan.visits)
    assert said.due == due
    assert missed > 50
    assert abs(said.missed - missed) <= 0.05 * missed
    for item in said.classes:
        made = sum(1 for visit in plan.visits if visit.customer in of_class(problem, item.class_))
        assert abs(item.possible - made) <= 0.05 * missed


def due_in_the_horizon(customer, last):
    """How often a customer falls due, counted day by day; the first time up to a quarter of its
    interval early, and if overdue, on the first day."""
    every = customer.every_days
    days = (last - MONDAY).days
    first = max(0, (customer.last_visit_on - MONDAY).days + every)
    again = sum((day - first) % every == 0 for day in range(first + 1, days + 1))
    return (first - every // 4 <= days) + again


def of_class(problem, class_):
    return {customer.key for customer in problem.customers if customer.class_ == class_}


def test_the_sentence_names_classes_and_reps():
    customers = [a_customer(f"c{i:02}", class_="A", every_days=7, minutes=60) for i in range(60)]
    problem = a_problem(customers, days=7)

    (ann,) = capacity(problem)

    # Five days of 540 minutes hold seven visits of 60 and their ways of 10 each: 35 of 60. Home
    # from the last is a way more, so a visit costs 60 + 10 * 8 / 7 minutes: 71.4 of them.
    assert (ann.due, ann.missed) == (60, 25)
    assert ann.reps_needed == pytest.approx(60 * (60 + 80 / 7) / 2700)
    assert ann.sentence() == (
        "ann: intervals need 71.4 of 45.0 hours; 25 of 60 visits due will not fit: "
        "A served every 12 instead of 7 days; 1.59 reps would do it"
    )


def test_a_backlog_is_told_from_a_lasting_overload():
    customers = [a_customer(f"c{i:02}", class_="C", every_days=60, minutes=60) for i in range(60)]

    (ann,) = capacity(a_problem(customers, days=7))

    # Never visited, so all are due at once; in the long run it is seven a week.
    assert ann.missed == 25
    assert ann.reps_needed < 1
    assert ann.sentence().endswith("do in the long run: it is a backlog")


def test_customers_due_twice_that_are_seen_once_are_named():
    customers = [a_customer(f"c{i}", every_days=2, min_gap_days=2, minutes=240) for i in range(4)]
    problem = a_problem(customers, days=5, travels=(all_near([c.key for c in customers]),))

    (ann,) = capacity(problem)

    # Two visits a day at most, ten in all; four customers three times are twelve.
    assert ann.due == 12
    assert ann.missed == 2
    assert 1 <= len(ann.twice) <= 2


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_visits": 2}, "the limit of 2 visits a day"),
        ({"max_travel_minutes": 40}, "the limit of 40 minutes on the road a day"),
    ],
    ids=["visits", "travel"],
)
def test_the_limit_that_binds_is_named_instead_of_more_reps(limit, words):
    customers = [a_customer(f"c{i:02}", class_="A", every_days=5, minutes=30) for i in range(40)]
    problem = a_problem(customers, reps=(a_rep(**limit),))

    (ann,) = capacity(problem)

    # 40 visits of 30 minutes with ways of ten need 27.5 hours of 45.
    assert ann.missed > 20
    assert ann.reps_needed < 1
    assert ann.sentence().endswith(f"; {words} binds, not the hours there are")


def test_opening_hours_that_bind_are_named():
    customers = [
        a_customer(f"c{i:02}", class_="A", every_days=5, minutes=50, opening=hours(9, 10))
        for i in range(12)
    ]

    (ann,) = capacity(a_problem(customers))

    # One visit a day begins within that hour: five of twelve.
    assert (ann.due, ann.missed) == (12, 7)
    assert ann.sentence().endswith("; the customers' opening hours bind, not the hours there are")


def test_intervals_that_read_the_same_are_not_set_against_each_other():
    customers = [a_customer(f"c{i:02}", class_="C", every_days=60, minutes=60) for i in range(60)]

    (ann,) = capacity(a_problem(customers, days=7))

    (need,) = ann.classes
    assert need.missed == 25
    assert "instead of" not in ann.sentence()


def test_visits_that_so_many_others_leave_no_chance_are_due_and_missed(monkeypatch):
    monkeypatch.setattr(layout, "MOST_WISHES", 50)
    customers = [a_customer(f"c{i:03}", class_="A", every_days=7, minutes=60) for i in range(120)]

    (ann,) = capacity(a_problem(customers, days=7))

    # Five days of 540 minutes hold 35 visits, however many are weighed.
    assert (ann.due, ann.missed) == (120, 85)
