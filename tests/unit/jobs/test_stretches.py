"""Exceptions hold to their last day, also within a plan; what bars a customer says how it ends."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from crmbridge.jobs.territory.gathering import gather
from crmbridge.jobs.territory.overrides import Override
from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.jobs.territory.problems import territories
from crmbridge.jobs.territory.stretches import day_by_day, narrowing, stretches_of
from crmbridge.planning import Budget, DateRange, WhyNot, check_plan, plan_visits

MONDAY = date(2026, 3, 2)
TOML = """
[connections.crm]
adapter = "csv"
[reps."ann@example.com"]
zone = "Europe/Berlin"
[planning]
overrides = "exceptions.csv"
horizon_days = 14
[planning.rules.rivals]
markets = ["Rivals"]
barred = "they sell the same"
[planning.rules.night]
markets = ["Bakers"]
hours = [04:00:00, 05:00:00]
"""
HEAD = "customer,reason,until,priority,barred,days\n"


def day(number):
    return MONDAY + timedelta(days=number)


def until(number, **values):
    return Override(
        customer="c1", reason="x", until=day(number), values=values, line="o.csv line 2"
    )


def policy_of(overrides):
    said = {name: value for one in overrides for name, value in one.values.items()}
    return VisitPolicy(
        **said, origins={name: one.origin for one in overrides for name in one.values}
    )


def days_of(*overrides, last=13):
    return day_by_day(stretches_of(policy_of, overrides, MONDAY, day(last)))


def test_without_exceptions_one_policy_holds_throughout():
    (one,) = stretches_of(policy_of, (), MONDAY, day(13))

    assert (one.first, one.last) == (MONDAY, day(13))
    assert day_by_day([one]).closed == ()


def test_an_exception_that_ended_before_the_plan_holds_nowhere():
    assert days_of(until(-1, barred="tender")).barred == ""


def test_a_bar_that_ends_within_the_plan_closes_its_days_only():
    found = days_of(until(3, barred="tender"))

    assert found.barred == ""
    assert found.closed == (DateRange(first=MONDAY, last=day(3), label="tender"),)


@pytest.mark.parametrize("last", [13, 14, 300])
def test_a_bar_to_the_last_day_or_beyond_bars_the_plan(last):
    found = days_of(until(last, barred="tender"))

    assert (found.barred, found.closed) == ("tender", ())
    assert found.lifted_by == f"An earlier end of o.csv line 2 until {day(last)}: x"


def test_a_priority_falls_back_on_the_day_after_its_last():
    found = days_of(until(1, priority=4.0), last=3)

    assert found.priority == 4.0
    assert found.day_shares == ((day(2), 0.25), (day(3), 0.25))


def test_a_priority_of_nothing_lasts_no_longer_than_said():
    found = days_of(until(1, priority=0.0), last=3)

    assert found.priority == 1.0
    assert found.day_shares == ((day(0), 0.0), (day(1), 0.0))


def test_weekdays_hold_to_their_last_day():
    found = days_of(until(2, days=("tue",)), last=4)

    assert found.weekdays == ()
    assert [one.first for one in found.closed] == [day(0), day(2)]


def test_weekdays_for_the_whole_plan_close_no_day():
    found = days_of(until(20, days=("tue",)))

    assert (found.weekdays, found.closed) == (("tue",), ())


def test_who_narrows_the_hours_is_said():
    policy = VisitPolicy(hours=(240, 300), origins={"hours": "planning.rules.night"})

    assert narrowing(policy, ()) == "planning.rules.night allows only 04:00-05:00"
    assert narrowing(VisitPolicy(), ()) == ""


@pytest.fixture
def office(space, put, tmp_path):
    """Returns what is planned for one customer from Monday on, beside exceptions."""

    def planned(exceptions="", **fields):
        (tmp_path / "exceptions.csv").write_text(HEAD + exceptions)
        workspace = space(TOML)
        put(workspace, "reps", id="R1", name="Ann", email="ann@example.com", active=1)
        put(workspace, "customers", id="C1", name="Mill", owner_id="R1", latitude=52.5,
            longitude=13.4, **fields)  # fmt: skip
        known = gather(workspace, MONDAY).known
        (one,) = territories(known, workspace.settings, MONDAY, workspace.clock.now())
        return one.problem

    return planned


def with_score(problem, score=10.0):
    (customer,) = problem.customers
    return replace(problem, customers=(replace(customer, value=score * customer.priority),))


def test_a_customer_is_planned_once_its_bar_has_ended(office):
    problem = with_score(office("C1,tender,2026-03-04,,wait for the tender,\n"))

    plan = plan_visits(problem, Budget(iterations=0))

    assert check_plan(problem, plan) == []
    assert [visit.day for visit in plan.visits] == [date(2026, 3, 5)]


def test_a_bar_for_the_whole_plan_names_its_line(office):
    problem = with_score(office("C1,tender,2026-04-04,,wait for the tender,\n"))

    (out,) = plan_visits(problem, Budget(iterations=0)).left_out

    assert (out.code, out.text) == (WhyNot.BARRED, "Visits are barred: wait for the tender")
    assert out.change == (
        "Perhaps: an earlier end of exceptions.csv line 2 until 2026-04-04: tender"
    )


def test_a_rule_that_bars_is_named(office):
    (out,) = plan_visits(with_score(office(industry="Rivals")), Budget(iterations=0)).left_out

    assert out.change == (
        "Perhaps: a narrower condition in planning.rules.rivals, or that rule without barred"
    )


def test_a_rule_whose_hours_leave_none_is_named(office):
    (out,) = plan_visits(with_score(office(industry="Bakers")), Budget(iterations=0)).left_out

    assert out.text == ("Its own hours would do, but planning.rules.night allows only 04:00-05:00")


def test_a_priority_that_ends_counts_by_the_day(office):
    (customer,) = office("C1,tender,2026-03-03,3,,\n").customers

    assert customer.priority == 3.0
    assert customer.day_shares[0] == (date(2026, 3, 4), pytest.approx(1 / 3))
    assert len(customer.day_shares) == 12
