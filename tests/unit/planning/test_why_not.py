"""Every customer that is left out has the one reason that a person would give."""

from datetime import UTC, date, datetime, timedelta

import pytest

from crmbridge.planning import Budget, DateRange, Reply, WhyNot, check_plan, plan_visits
from crmbridge.testing.planning import (
    HOME,
    MONDAY,
    a_customer,
    a_problem,
    a_rep,
    a_week,
    an_appointment,
    hours,
    travel,
)

GREEDY = Budget(iterations=0)
FAR_FUTURE = date(2026, 6, 1)


def reason_for(customer, **changes):
    problem = a_problem([customer], **changes)
    plan = plan_visits(problem, GREEDY)
    assert check_plan(problem, plan) == []
    (out,) = plan.left_out
    return out


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"barred": "denied by form"}, WhyNot.BARRED, "denied by form"),
        ({"owner": None}, WhyNot.OWNER_UNKNOWN, "No owner"),
        ({"owner": "gone"}, WhyNot.OWNER_UNKNOWN, "'gone'"),
        ({"value": None}, WhyNot.NO_VALUE, "Nothing scored it"),
        ({"value": 0.0}, WhyNot.NO_VALUE, "worth nothing"),
        ({"value": 5e-324}, WhyNot.NO_VALUE, "worth nothing"),
        ({"reply": Reply.DECLINED}, WhyNot.DECLINED, "declined"),
        ({"reply": Reply.SNOOZED, "reply_until": FAR_FUTURE}, WhyNot.SNOOZED, "2026-06-01"),
        ({"reply": Reply.SNOOZED}, WhyNot.SNOOZED, "nobody said until when"),
        ({"opening": ()}, WhyNot.NO_OPENING, "Never open"),
        ({"opening": hours(18, 20)}, WhyNot.NO_OPENING, "Never open"),
        (
            {"every_days": 30, "last_visit_on": date(2026, 2, 27)},
            WhyNot.NOT_DUE,
            "2026-03-29 (every 30 days)",
        ),
        (
            {"min_gap_days": 10, "last_visit_on": date(2026, 2, 27)},
            WhyNot.VISITED_RECENTLY,
            "Seen on 2026-02-27",
        ),
        ({"blocked": (DateRange(first=MONDAY, last=FAR_FUTURE),)}, WhyNot.BLOCKED, "2026-06-01"),
        ({"minutes": 600}, WhyNot.NO_OPENING, "600 minutes"),
    ],
)
def test_the_reason_is_the_one_that_stands_in_the_way(changes, code, text):
    out = reason_for(a_customer("c1", **changes))

    assert out.code is code
    assert text in out.text
    assert out.change


def test_a_rep_without_working_days_has_no_shift():
    assert reason_for(a_customer("c1"), reps=(a_rep(shifts=()),)).code is WhyNot.NO_SHIFT


def test_a_place_beyond_the_day_is_too_far():
    out = reason_for(a_customer("c1"), travels=(travel({HOME: (0, 0), "c1": (300, 0)}),))

    # 300 + 60 + 300 minutes against 540: two hours are missing.
    assert out.code is WhyNot.TOO_FAR
    assert out.change == "120 more minutes on 2026-03-02"


def test_what_is_crowded_out_says_what_it_lost_against_and_what_would_help():
    rep = a_rep(shifts=a_week(end=10 * 60))
    rich, poor = a_customer("a", 90.0), a_customer("b", 10.0)

    plan = plan_visits(a_problem([rich, poor], days=1, reps=(rep,)), GREEDY)

    # 10 + 60 + 10 + 60 + 10 minutes against 120: thirty are missing.
    (out,) = plan.left_out
    assert (out.customer, out.code) == ("b", WhyNot.LOWER_VALUE)
    assert out.change == "30 more minutes on 2026-03-02"


def test_a_day_with_its_most_visits_says_so():
    rep = a_rep(max_visits=1)

    plan = plan_visits(a_problem([a_customer("a"), a_customer("b")], days=1, reps=(rep,)), GREEDY)

    (out,) = plan.left_out
    assert out.text == "Every possible day holds its most visits already"
    assert "to take the place of a on 2026-03-02" in out.change


def test_an_appointment_with_the_customer_counts_as_the_visit():
    meeting = an_appointment(
        datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC), customer="c1"
    )

    out = reason_for(a_customer("c1"), appointments=(meeting,))

    assert out.code is WhyNot.VISITED_RECENTLY
    assert "2026-03-03" in out.text


def test_a_snoozed_customer_comes_back_on_its_day():
    back = MONDAY + timedelta(days=3)
    problem = a_problem([a_customer("c1", reply=Reply.SNOOZED, reply_until=back)])

    (visit,) = plan_visits(problem, GREEDY).visits

    assert visit.day == back


def test_unknown_travel_still_gives_a_plan_and_says_so():
    problem = a_problem([a_customer("c1")], travels=())

    plan = plan_visits(problem, GREEDY)

    assert [visit.travel_minutes for visit in plan.visits] == [None]
    assert [finding.code for finding in plan.findings] == ["plan.travel_unknown"]
    # Half an hour is allowed for the unknown way.
    assert plan.visits[0].wall_start == datetime(2026, 3, 2, 8, 30)
    assert check_plan(problem, plan) == []


def test_a_plan_without_customers_is_a_plan():
    plan = plan_visits(a_problem([]), GREEDY)

    assert (plan.visits, plan.left_out) == ((), ())


def test_a_plan_without_reps_leaves_everyone_out():
    plan = plan_visits(a_problem([a_customer("c1")], reps=()), GREEDY)

    assert [out.code for out in plan.left_out] == [WhyNot.OWNER_UNKNOWN]


def test_far_too_many_customers_are_planned_in_part():
    customers = [a_customer(f"c{i:05}", value=1 + i % 7) for i in range(300)]

    plan = plan_visits(a_problem(customers), GREEDY)

    # A visit and its way take 70 minutes of 540, with 10 to get home: seven a day.
    assert len(plan.visits) == 35
    assert len(plan.left_out) == 265


def test_a_closed_customer_is_named_the_end_of_the_days_that_matter():
    summer = DateRange(first=MONDAY - timedelta(days=9), last=MONDAY + timedelta(days=4))
    more = DateRange(first=MONDAY + timedelta(days=3), last=MONDAY + timedelta(days=12))
    christmas = DateRange(first=date(2026, 12, 24), last=date(2026, 12, 31))

    out = reason_for(a_customer("c1", blocked=(summer, more, christmas)))

    # Friday the 6th runs on to Saturday the 14th; the next day that ann works is Monday.
    assert out.text == "Takes no visits until 2026-03-14"
    assert out.change == "Perhaps: a horizon that reaches 2026-03-16"
    assert out.fix.day == date(2026, 3, 16)


def test_an_open_weekend_does_not_shorten_the_way_to_the_next_day_of_work():
    week = DateRange(first=MONDAY, last=MONDAY + timedelta(days=4))

    out = reason_for(a_customer("c1", blocked=(week,)), days=7)

    assert out.text == "Takes no visits until 2026-03-06"
    assert out.fix.day == date(2026, 3, 9)


def test_a_rule_that_leaves_no_hour_is_named_where_the_customers_own_would_do():
    narrowed = {"opening": hours(5, 6), "narrowed_by": "planning.rules.early allows only 05:00"}

    ruled = reason_for(a_customer("c1", wide_opening=hours(9, 17), **narrowed))
    own = reason_for(a_customer("c1", wide_opening=hours(18, 20), **narrowed))

    assert ruled.text == "Its own hours would do, but planning.rules.early allows only 05:00"
    assert ruled.change == "Other hours or weekdays there"
    assert own.text == "Never open for 60 minutes within free working time"


def test_what_lifts_a_bar_is_named_after_what_bars():
    ruled = reason_for(a_customer("c1", barred="credit stop", lifted_by="An end of the rule"))
    denied = reason_for(a_customer("c1", barred="denied by form"))

    assert ruled.change == "Perhaps: an end of the rule"
    assert denied.change == "Perhaps: a newer consent that allows visits"


def test_the_day_named_is_one_on_which_the_rep_works():
    # Due on Sunday the 29th, and from the 22nd on at the earliest.
    out = reason_for(a_customer("c1", every_days=30, last_visit_on=date(2026, 2, 27)))

    assert out.text == ("Not due before 2026-03-29 (every 30 days); may be visited from 2026-03-22")
    assert out.change == "Perhaps: a horizon that reaches 2026-03-30"
    assert out.fix.day == date(2026, 3, 30)


def test_a_priority_of_nothing_is_named_as_such():
    out = reason_for(a_customer("c1", value=0.0, priority=0.0))

    assert (out.text, out.change) == ("Its priority is 0", "Perhaps: a priority of 1")


def test_days_that_count_less_are_avoided():
    shares = tuple((MONDAY + timedelta(days=n), 0.5) for n in range(3))
    problem = a_problem([a_customer("c1", day_shares=shares)])

    (visit,) = plan_visits(problem, GREEDY).visits

    assert (visit.day, visit.value) == (MONDAY + timedelta(days=3), 10.0)
