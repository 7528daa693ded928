"""The checker finds each kind of mistake that a plan could hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crmbridge.planning import Budget, Fixedness, Rules, check_plan, plan_visits
from crmbridge.testing.planning import (
    a_customer,
    a_problem,
    a_rep,
    a_week,
    an_appointment,
    hours,
)

GREEDY = Budget(iterations=0)


def a_checked_problem(**changes):
    customers = [
        a_customer("a", opening=hours(8, 12)),
        a_customer("b", every_days=2, min_gap_days=2),
        a_customer("c"),
    ]
    return a_problem(customers, days=3, **changes)


def rules(problem, plan):
    return {violation.rule for violation in check_plan(problem, plan)}


def changed(plan, index, **changes):
    visits = list(plan.visits)
    visits[index] = replace(visits[index], **changes)
    return replace(plan, visits=tuple(visits))


def shifted(plan, index, **delta):
    visit = plan.visits[index]
    by = timedelta(**delta)
    return changed(
        plan,
        index,
        start_at=visit.start_at + by,
        end_at=visit.end_at + by,
        wall_start=visit.wall_start + by,
        day=(visit.wall_start + by).date(),
    )


def _of(plan, customer):
    return next(i for i, visit in enumerate(plan.visits) if visit.customer == customer)


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda plan: replace(plan, visits=plan.visits[1:]), "accounting"),
        (lambda plan: shifted(plan, 0, minutes=-30), "shift"),
        (lambda plan: shifted(plan, 0, minutes=-5), "travel"),
        (lambda plan: shifted(plan, _of(plan, "a"), hours=5), "opening"),
        (lambda plan: shifted(plan, 0, hours=15), "shift"),
        (lambda plan: shifted(plan, 0, days=5), "horizon"),
        (lambda plan: shifted(plan, 0, days=-7), "past"),
        (lambda plan: shifted(plan, 1, minutes=-40), "overlap"),
        (lambda plan: shifted(plan, 1, minutes=-5), "travel"),
        (lambda plan: changed(plan, 0, id=plan.visits[1].id), "identity"),
        (lambda plan: changed(plan, 0, customer="x"), "stranger"),
        (lambda plan: changed(plan, 0, rep="x"), "stranger"),
        (lambda plan: changed(plan, 0, wall_start=datetime(2026, 3, 2, 3)), "time"),
        (lambda plan: changed(plan, 0, end_at=plan.visits[0].end_at + timedelta(hours=1)), "time"),
        (lambda plan: changed(plan, 0, zone="Asia/Kolkata"), "time"),
    ],
)  # fmt: skip
def test_a_spoilt_plan_is_found_out(spoil, rule):
    problem = a_checked_problem()
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []

    assert rule in rules(problem, spoil(plan))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"customers": (a_customer("a", barred="no"),)}, "consent"),
        ({"customers": (a_customer("a", owner="bob"),)}, "owner"),
        ({"customers": (a_customer("a", min_gap_days=9, last_visit_on=None),)}, None),
        ({"reps": (a_rep(max_visits=1),)}, "limit"),
        ({"reps": (a_rep(shifts=()),)}, "shift"),
        (
            {
                "appointments": (
                    an_appointment(
                        datetime(2026, 3, 2, 7, 15, tzinfo=UTC), datetime(2026, 3, 2, 8, tzinfo=UTC)
                    ),
                )
            },
            "busy",
        ),
    ],
)
def test_a_plan_of_yesterday_is_found_out_by_today_s_problem(change, rule):
    problem = a_problem([a_customer("a"), a_customer("b")], days=1)
    plan = plan_visits(problem, GREEDY)
    if "customers" in change:
        change = {"customers": (*change["customers"], a_customer("b"))}

    found = rules(replace(problem, **change), plan)

    assert found == ({rule} if rule else set())


def test_visits_too_close_to_each_other_are_found():
    problem = a_problem([a_customer("a", every_days=2, min_gap_days=2)], days=3)
    plan = plan_visits(problem, GREEDY)
    wider = replace(problem, customers=(a_customer("a", every_days=2, min_gap_days=3),))

    assert rules(wider, plan) == {"gap"}


def test_a_pin_that_was_moved_is_found():
    problem = a_problem([a_customer("a")])
    plan = plan_visits(problem, GREEDY)
    pin = replace(plan.visits[0], fixedness=Fixedness.PINNED)

    moved = shifted(plan, 0, hours=1)

    assert rules(replace(problem, previous=(pin,)), moved) == {"pinned"}


def test_travel_is_not_done_during_a_call():
    call = an_appointment(
        datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 2, 7, 10, tzinfo=UTC)
    )
    problem = a_problem([a_customer("a")], days=1)
    plan = plan_visits(problem, GREEDY)

    # The ten minutes from eight that the way takes are those of the call.
    assert rules(replace(problem, appointments=(call,)), plan) == {"travel"}


def test_a_day_without_time_for_lunch_is_found():
    rep = a_rep(shifts=a_week(lunch_minutes=45, lunch_slack=30))
    problem = a_problem([a_customer(f"c{i}", minutes=50) for i in range(40)], reps=(rep,))
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []
    longer = replace(problem, reps=(a_rep(shifts=a_week(lunch_minutes=120, lunch_slack=0)),))

    assert rules(longer, plan) == {"lunch"}


def test_lunch_that_appointments_take_is_no_fault_of_the_plan():
    rep = a_rep(shifts=a_week(lunch_minutes=45, lunch_slack=30))
    noon = datetime(2026, 3, 2, 10, tzinfo=UTC)
    meeting = an_appointment(noon, noon + timedelta(hours=3))
    problem = a_problem([a_customer("c")], reps=(rep,), appointments=(meeting,))

    assert check_plan(problem, plan_visits(problem, GREEDY)) == []


def test_lunch_between_appointments_far_apart_is_no_fault_of_the_plan():
    rep = a_rep(shifts=a_week(lunch_minutes=45, lunch_slack=0))
    noon = datetime(2026, 3, 2, 11, tzinfo=UTC)
    before = an_appointment(noon - timedelta(hours=2), noon, place="office")
    after = an_appointment(noon + timedelta(minutes=50), noon + timedelta(hours=1), place="far")
    problem = a_problem([a_customer("c")], days=1, reps=(rep,), appointments=(before, after))

    # Between them lunch fits and the way does not, whatever is planned before or after.
    plan = plan_visits(problem, GREEDY)
    assert len(plan.visits) == 1
    assert check_plan(problem, plan) == []


def test_of_appointments_at_once_the_first_is_reached_and_the_last_is_left():
    rep = a_rep(shifts=a_week(lunch_minutes=45, lunch_slack=0))
    noon = datetime(2026, 3, 2, 11, tzinfo=UTC)
    # Near the customer, and beside it one that is unknown: an hour away.
    near = an_appointment(noon + timedelta(hours=1), noon + timedelta(hours=3), place="c")
    far = an_appointment(noon + timedelta(hours=2), noon + timedelta(hours=4), place="far")
    rules_ = Rules(unknown_travel_minutes=60)
    problem = a_problem(
        [a_customer("c")], days=1, reps=(rep,), appointments=(near, far), rules=rules_
    )
    plan = plan_visits(problem, GREEDY)
    (visit,) = plan.visits

    beside_lunch = noon - visit.end_at

    assert check_plan(problem, shifted(plan, 0, seconds=beside_lunch.total_seconds())) == []


@pytest.mark.parametrize(
    "limit", [{"max_visits": 3}, {"max_travel_minutes": 45}], ids=["visits", "travel"]
)
def test_days_beyond_the_rep_s_limits_are_found(limit):
    problem = a_problem([a_customer(f"c{i}") for i in range(20)])
    free = plan_visits(problem, GREEDY)
    held = replace(problem, reps=(a_rep(**limit),))

    assert rules(problem, free) == set()
    assert rules(held, free) == {"limit"}
    assert rules(held, plan_visits(held, Budget(iterations=300, seconds=0))) == set()
