"""The checker finds each kind of mistake that a plan could hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from crmbridge.planning import Budget, DateRange, Fixedness, Rules, check_plan, plan_visits
from crmbridge.testing.planning import (
    MONDAY,
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


def met(day, customer="a"):
    """Ann meets a customer at three in the afternoon of a day in March."""
    start = datetime(2026, 3, day, 14, tzinfo=UTC)
    end = start + timedelta(hours=1)
    return an_appointment(start, end, customer=customer, place=customer)


def test_a_visit_too_near_to_an_appointment_with_the_customer_is_found():
    problem = a_problem([a_customer("a", min_gap_days=3)], days=5)
    plan = plan_visits(problem, GREEDY)

    assert plan.visits[0].day.day == 2
    assert "gap" in rules(replace(problem, appointments=(met(4),)), plan)
    assert "gap" not in rules(replace(problem, appointments=(met(5),)), plan)


def test_a_visit_too_near_to_one_that_the_plan_does_not_hold_is_found():
    problem = a_problem([a_customer("a", min_gap_days=9)], days=5)
    plan = plan_visits(problem, GREEDY)
    seen = a_customer("a", min_gap_days=9, seen_on=(date(2026, 3, 10),))

    assert "gap" in rules(replace(problem, customers=(seen,)), plan)
    assert plan_visits(replace(problem, customers=(seen,)), GREEDY).visits == ()


def test_appointments_with_customers_count_as_visits_of_the_day():
    problem = a_problem([a_customer("a"), a_customer("b")], days=1, reps=(a_rep(max_visits=2),))
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []

    assert "limit" in rules(replace(problem, appointments=(met(2, "c"),)), plan)


def test_a_pin_in_the_evening_leaves_the_day_its_visits():
    problem = a_problem([a_customer("a"), a_customer("b")], days=1, reps=(a_rep(max_visits=1),))
    (visit,) = plan_visits(problem, GREEDY).visits
    late = timedelta(hours=12)
    pin = replace(
        visit,
        fixedness=Fixedness.PINNED,
        start_at=visit.start_at + late,
        end_at=visit.end_at + late,
        wall_start=visit.wall_start + late,
    )
    again = replace(problem, previous=(pin,))

    plan = plan_visits(again, GREEDY)

    assert len(plan.visits) == 2
    assert check_plan(again, plan) == []


def test_an_appointment_with_the_customer_is_a_contact():
    problem = a_problem(
        [a_customer("a", min_gap_days=1)], days=5, rules=Rules(max_contacts=1, contact_days=4)
    )
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []

    assert "pressure" in rules(replace(problem, appointments=(met(5),)), plan)
    assert "pressure" not in rules(replace(problem, appointments=(met(6),)), plan)


def test_a_visit_before_it_may_be_due_is_found():
    problem = a_problem([a_customer("a")], days=5)
    plan = plan_visits(problem, GREEDY)
    # Due on the 16th, and at most 5 days early.
    seen = a_customer("a", every_days=20, min_gap_days=1, last_visit_on=date(2026, 2, 24))

    assert rules(replace(problem, customers=(seen,)), plan) == {"due"}


def test_a_frozen_visit_that_was_moved_or_left_out_is_found():
    problem = a_problem([a_customer("a"), a_customer("b")], rules=Rules(freeze_days=5))
    plan = plan_visits(problem, GREEDY)
    stood = replace(problem, previous=plan.visits)
    frozen = [replace(visit, fixedness=Fixedness.FROZEN) for visit in plan.visits]
    whole = replace(plan, visits=tuple(frozen))

    assert rules(stood, whole) == set()
    assert "frozen" in rules(stood, shifted(whole, 1, hours=1))
    assert "frozen" in rules(stood, replace(whole, visits=whole.visits[:1]))


def test_more_churn_than_the_budget_is_found_only_where_all_could_have_stayed():
    customers = [a_customer(f"c{i}", value=10.0 + i) for i in range(8)]
    free = a_problem(customers, days=2, rules=Rules(churn_budget=1.0))
    plan = plan_visits(free, GREEDY)
    before = tuple(
        replace(
            visit,
            day=(visit.wall_start + by).date(),
            start_at=visit.start_at + by,
            end_at=visit.end_at + by,
            wall_start=visit.wall_start + by,
        )
        for visit in plan.visits
        for by in (timedelta(days=5 - 2 * visit.day.day),)
    )
    steady = replace(free, previous=before, rules=Rules(churn_budget=0.1))

    assert rules(replace(steady, rules=Rules(churn_budget=1.0)), plan) == set()
    assert rules(steady, plan) == {"churn"}
    ill = a_rep(absences=(DateRange(first=MONDAY, last=MONDAY),))
    assert "churn" not in rules(replace(steady, reps=(ill,)), plan)


def test_a_customer_without_an_interval_is_seen_once():
    problem = a_problem([a_customer("a")], days=5)
    plan = plan_visits(problem, GREEDY)

    assert rules(replace(problem, appointments=(met(6),)), plan) == {"due"}


def test_the_way_home_after_a_late_appointment_is_not_the_day_s():
    # Ten minutes there, ten to the appointment; home only when the shift is over.
    late = replace(met(2, "b"), end_at=datetime(2026, 3, 2, 17, tzinfo=UTC))
    problem = a_problem(
        [a_customer("a"), a_customer("b", barred="met anyhow")],
        days=1,
        reps=(a_rep(max_travel_minutes=20),),
        appointments=(late,),
    )

    plan = plan_visits(problem, GREEDY)

    assert [visit.customer for visit in plan.visits] == ["a"]
    assert check_plan(problem, plan) == []
