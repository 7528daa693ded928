"""A rep with very many customers is planned from those worth most, and the plan says so."""

import resource
from dataclasses import replace

from crmbridge.jobs.territory.travels import measure
from crmbridge.planning import Budget, WhyNot, capacity, check_plan, layout, plan_visits
from crmbridge.settings import SpeedSettings
from crmbridge.testing.planning import a_customer, a_problem

GREEDY = Budget(iterations=0)


def test_only_those_worth_most_for_their_time_are_weighed(monkeypatch):
    monkeypatch.setattr(layout, "MOST_WISHES", 20)
    customers = [a_customer(f"c{i:02}", 1.0 + i) for i in range(60)]
    problem = a_problem(customers)

    plan = plan_visits(problem, GREEDY)

    assert check_plan(problem, plan) == []
    assert {visit.customer for visit in plan.visits} <= {f"c{i}" for i in range(40, 60)}
    out = {one.customer: one for one in plan.left_out}
    assert out["c00"].code is WhyNot.LOWER_VALUE
    assert out["c00"].text == "20 others of the rep are worth more for their time"
    # Half as much again as the 41 of the last one weighed.
    assert out["c00"].change == "Perhaps: a score of 61.5 instead of 1.0"
    (finding,) = plan.findings
    assert (finding.code, finding.count) == ("plan.crowded", 40)


def test_ways_are_measured_to_those_alone_and_to_what_stands(monkeypatch):
    monkeypatch.setattr(layout, "MOST_WISHES", 20)
    customers = [a_customer(f"c{i:02}", 1.0 + i) for i in range(60)]
    problem = a_problem(customers)
    stands = replace(plan_visits(problem, GREEDY).visits[0], customer="c03")
    coordinates = {one.key: (50.0, 10.0 + i / 100) for i, one in enumerate(customers)}

    (travel,), _ = measure(replace(problem, previous=(stands,)), coordinates, SpeedSettings())

    assert len(travel.places) == 21
    assert "c03" in travel.places


def test_a_fault_in_weighing_leaves_ways_and_plan_of_that_rep_alone(monkeypatch):
    def broken(part):
        raise ZeroDivisionError(part.reps[0].id)

    monkeypatch.setattr(layout, "MOST_WISHES", 20)
    monkeypatch.setattr(layout, "weighed_customers", broken)
    problem = a_problem([a_customer(f"c{i:02}") for i in range(60)])

    (travel,), _ = measure(problem, {"home of ann": (50.0, 10.0)}, SpeedSettings())

    assert travel.places == ("home of ann",)


def test_ten_thousand_customers_of_one_rep_are_planned_within_the_cap():
    customers = [
        a_customer(f"c{i:05}", 10.0 + i % 80, class_="A", every_days=5) for i in range(10_000)
    ]
    places = {one.key: (50 + i // 100 / 200, 10 + i % 100 / 100) for i, one in enumerate(customers)}
    problem = a_problem(customers, travels=())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    travels, _ = measure(problem, {**places, "home of ann": (50.2, 10.5)}, SpeedSettings())
    problem = replace(problem, travels=travels)
    plan = plan_visits(problem, Budget(iterations=400_000, seconds=0.5))
    (ann,) = capacity(problem, GREEDY)

    assert plan.cut_by_cap
    assert check_plan(problem, plan) == []
    assert len(plan.visits) > 20
    assert len(plan.visits) + len(plan.left_out) == len(customers)
    assert (ann.due, ann.due - ann.missed > 20) == (10_000, True)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 600_000  # kB; the ways between all of them would be 800 MB, and twice that
