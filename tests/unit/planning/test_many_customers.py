"""A rep with very many customers is planned from those worth most, and the plan says so."""

from dataclasses import replace

from crmbridge.jobs.territory.travels import measure
from crmbridge.planning import Budget, WhyNot, check_plan, layout, plan_visits
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
    assert out["c00"].change.startswith("Perhaps: a score above 41")
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
