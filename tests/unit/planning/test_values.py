"""Problems and plans as values: order, digests, JSON, refusals, parts; diff and capacity."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from crmbridge.errors import ConfigError, UsageError
from crmbridge.planning import (
    Budget,
    DateRange,
    Problem,
    Rules,
    Travel,
    Window,
    capacity,
    diff_plans,
    digest,
    dumps,
    join_plans,
    loads,
    plan_part,
    plan_visits,
    public_holidays,
    split_by_rep,
)
from crmbridge.testing.planning import a_customer, a_problem, a_rep, all_near, hours

GREEDY = Budget(iterations=0)


def two_reps():
    customers = [a_customer(f"c{i}", owner=["ann", "bob", None][i % 3]) for i in range(9)]
    keys = [item.key for item in customers]
    return a_problem(
        customers,
        reps=(a_rep(), a_rep("bob")),
        travels=(all_near(keys), all_near(keys, rep="bob")),
    )


def test_a_travel_matrix_in_any_order_is_the_same_value():
    one = Travel(rep="ann", places=("a", "b"), seconds=b"".join(_int(n) for n in (0, 1, 2, 0)))
    other = Travel(rep="ann", places=("b", "a"), seconds=b"".join(_int(n) for n in (0, 2, 1, 0)))

    assert one == other


def test_opening_hours_in_any_order_are_the_same_value():
    windows = (Window(weekday=0, opens=480, closes=720), Window(weekday=0, opens=780, closes=1020))

    assert a_customer("c", opening=windows) == a_customer("c", opening=windows[::-1])


def test_the_digest_tells_problems_apart():
    problem = a_problem([a_customer("c1")])

    assert digest(problem) == digest(loads(Problem, dumps(problem)))
    assert digest(problem) != digest(replace(problem, days=6))


def test_a_text_of_another_kind_is_refused():
    with pytest.raises(UsageError, match="Problem: expected a text"):
        loads(Problem, '{"first": 1}')


@pytest.mark.parametrize(
    "make",
    [
        lambda: a_customer("c", value=float("nan")),
        lambda: a_customer("c", value=1e13),
        lambda: a_customer("c", day_values=((date(2026, 3, 2), float("inf")),)),
        lambda: a_customer("c", minutes=0),
        lambda: a_customer("c", every_days=0),
        lambda: a_customer("c", every_days=10**9),
        lambda: a_problem([a_customer("c"), a_customer("c")]),
        lambda: a_problem(days=0),
        lambda: a_problem(now=datetime(2026, 3, 1)),
        lambda: Budget(iterations=-1),
        lambda: Budget(seconds=float("nan")),
        lambda: Rules(grid_minutes=0),
        lambda: Rules(keep_bonus=-1),
        lambda: Travel(rep="ann", places=("a", "b"), seconds=b""),
        lambda: Travel(rep="ann", places=("a", "a"), seconds=bytes(16)),
    ],
)
def test_what_cannot_be_planned_with_is_refused(make):
    with pytest.raises(UsageError):
        make()


def test_parts_planned_anywhere_join_to_the_plan_of_the_whole():
    problem = two_reps()

    plans = [plan_part(part, GREEDY) for part in reversed(split_by_rep(problem))]

    assert join_plans(problem, GREEDY, plans) == plan_visits(problem, GREEDY)


def test_every_rep_has_a_summary_that_adds_up():
    plan = plan_visits(two_reps(), GREEDY)

    assert [(rep.rep, rep.visits, rep.left_out) for rep in plan.reps] == [
        ("ann", 3, 0),
        ("bob", 3, 0),
    ]
    ann = plan.reps[0]
    # Three visits of an hour, four ways of ten minutes.
    assert (ann.visit_minutes, ann.travel_minutes) == (180, 40)
    assert ann.travel_share == pytest.approx(40 / 220)


def test_reasons_are_at_most_three():
    (visit,) = plan_visits(a_problem([a_customer("c", every_days=14)]), GREEDY).visits

    assert 1 <= len(visit.reasons) <= 3
    assert visit.reasons[0].text == "Never visited; due every 14 days"


def test_a_diff_counts_what_changed():
    before = plan_visits(a_problem([a_customer("a"), a_customer("b")]), GREEDY)
    problem = a_problem(
        [a_customer("a", opening=hours(15, 17)), a_customer("b", barred="no"), a_customer("c")],
        previous=before.visits,
    )

    diff = diff_plans(before.visits, plan_visits(problem, GREEDY))

    assert diff.sentence() == "1 of 2 visits moved, 1 dropped, 1 new; 1 of these had to"
    assert diff.churn == 0.5
    assert diff.dropped[0].cause == "Visits are barred: no"


def test_nothing_before_is_no_churn():
    assert diff_plans((), plan_visits(a_problem([a_customer("a")]), GREEDY)).churn == 0.0


def test_capacity_says_what_intervals_need():
    customers = [a_customer(f"c{i}", every_days=1, class_="A") for i in range(9)]

    (ann,) = capacity(a_problem(customers))

    # Seven of them fit into a day of nine hours, with eight ways of ten minutes. So it is nine
    # customers five times for 60 + 80 / 7 minutes, against five days of nine hours.
    hours_needed = 45 * (60 + 80 / 7) / 60
    assert (ann.needed_hours, ann.hours) == (pytest.approx(hours_needed), pytest.approx(45))
    assert ann.reps_needed == pytest.approx(hours_needed / 45)
    assert (ann.due, ann.missed) == (45, 10)


def test_capacity_without_hours_is_infinite_need():
    (ann,) = capacity(a_problem([a_customer("c", every_days=1)], reps=(a_rep(shifts=()),)))

    assert ann.reps_needed == float("inf")


def test_capacity_that_suffices_says_so():
    assert capacity(a_problem([]))[0].sentence().endswith("which suffices")


def test_public_holidays_are_dates_of_the_region():
    found = public_holidays("DE", "BY", date(2026, 1, 1), date(2026, 1, 31))

    assert [item.first for item in found] == [date(2026, 1, 1), date(2026, 1, 6)]


def test_public_holidays_over_the_year_s_end_come_from_both_years():
    found = public_holidays("DE", None, date(2026, 12, 25), date(2027, 1, 1))

    assert isinstance(found[0], DateRange)
    assert [item.first.isoformat() for item in found] == ["2026-12-25", "2026-12-26", "2027-01-01"]


@pytest.mark.parametrize("place", [("XX", None), ("DE", "ZZ")])
def test_unknown_countries_and_regions_are_settings_to_correct(place):
    with pytest.raises(ConfigError):
        public_holidays(*place, date(2026, 1, 1), date(2026, 1, 2))


def test_now_is_held_in_utc():
    assert a_problem().now.tzinfo is UTC


def _int(number):
    return number.to_bytes(4, "little")
