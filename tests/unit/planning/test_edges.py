"""What a plan promises holds at the edges too; checked here by hand, not by the checker."""

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmbridge.planning import Budget, Travel, WhyNot, plan_visits
from crmbridge.testing.planning import (
    HOME,
    MONDAY,
    a_customer,
    a_problem,
    a_rep,
    a_week,
    all_near,
    an_appointment,
    hours,
)
from crmbridge.travel import Point, great_circle_matrix, steady_speed

GREEDY = Budget(iterations=0)
STRONG = Budget(iterations=200, seconds=0)
QUICK = settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
CLOCKS = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "Europe/London": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "America/St_Johns": (date(2026, 3, 8), date(2026, 11, 1)),
    "America/Santiago": (date(2026, 9, 6), date(2026, 4, 5)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
    "Australia/Adelaide": (date(2026, 10, 4), date(2026, 4, 5)),
    "Pacific/Auckland": (date(2026, 9, 27), date(2026, 4, 5)),
    "Asia/Jerusalem": (date(2026, 3, 27), date(2026, 10, 25)),
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 30)),
}
"""Ten zones with the days on which their clocks go forward and back."""


@pytest.mark.parametrize("turn", ["forward", "back"])
@pytest.mark.parametrize("zone", sorted(CLOCKS))
def test_hours_are_kept_by_the_wall_clock_when_clocks_change(zone, turn):
    day = CLOCKS[zone][turn == "back"]
    shifts = tuple(a_week()[0].__class__(weekday=d, start=480, end=1020) for d in range(7))
    customers = [a_customer(f"c{i}", opening=hours(9, 12), min_gap_days=1) for i in range(6)]
    problem = a_problem(
        customers,
        first=day - timedelta(days=1),
        days=3,
        now=datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=3),
        reps=(a_rep(zone=zone, shifts=shifts),),
    )

    plan = plan_visits(problem, STRONG)

    # Two of an hour fit into a morning, so the six take all three days.
    assert Counter(visit.day for visit in plan.visits)[day] == 2
    for visit in plan.visits:
        start, end = (at.astimezone(ZoneInfo(zone)) for at in (visit.start_at, visit.end_at))
        assert visit.wall_start == start.replace(tzinfo=None)
        assert visit.day == start.date()
        assert start.hour >= 9
        assert (end.hour, end.minute) <= (12, 0)
        assert visit.end_at - visit.start_at == timedelta(minutes=60)


@st.composite
def busy_weeks(draw):
    """A week of one rep with meetings, opening hours, gaps and bars."""
    count = draw(st.integers(1, 10))
    customers = [
        a_customer(
            f"c{i}",
            draw(st.floats(1, 100)),
            minutes=draw(st.sampled_from([30, 60, 95])),
            opening=hours(*draw(st.sampled_from([(8, 12), (9, 17), (13, 14), (8, 10)]))),
            every_days=draw(st.sampled_from([None, 2, 3, 7])),
            min_gap_days=draw(st.sampled_from([None, 1, 2, 4])),
            barred=draw(st.sampled_from(["", "", "", "no visits"])),
        )
        for i in range(count)
    ]
    meetings = [
        an_appointment(start, start + timedelta(minutes=draw(st.integers(1, 400))))
        for start in draw(
            st.lists(
                st.datetimes(datetime(2026, 3, 2), datetime(2026, 3, 6), timezones=st.just(UTC)),
                max_size=4,
            )
        )
    ]
    return a_problem(customers, appointments=tuple(meetings))


@QUICK
@given(busy_weeks())
def test_no_visit_overlaps_anything_and_each_lies_whole_inside_its_hours(problem):
    plan = plan_visits(problem, STRONG)

    taken = [(item.start_at, item.end_at) for item in problem.appointments]
    taken += [(visit.start_at, visit.end_at) for visit in plan.visits]
    for visit in plan.visits:
        mine = (visit.start_at, visit.end_at)
        assert sum(a < mine[1] and mine[0] < b for a, b in taken) == 1  # itself
        customer = next(one for one in problem.customers if one.key == visit.customer)
        opens = visit.wall_start.hour * 60 + visit.wall_start.minute
        assert any(
            window.opens <= opens and opens + customer.minutes <= window.closes
            for window in customer.opening
            if window.weekday == visit.day.weekday()
        )


@QUICK
@given(busy_weeks())
def test_gaps_are_kept_bars_hold_and_everybody_left_out_has_one_reason(problem):
    plan = plan_visits(problem, STRONG)

    planned = {visit.customer for visit in plan.visits}
    left_out = [out.customer for out in plan.left_out]
    assert sorted([*planned, *left_out]) == sorted(one.key for one in problem.customers)
    assert all(out.text and isinstance(out.code, WhyNot) for out in plan.left_out)
    assert all(out.change and out.fix is not None for out in plan.left_out)
    for customer in problem.customers:
        days = sorted(visit.day for visit in plan.visits if visit.customer == customer.key)
        half = customer.every_days // 2 if customer.every_days else 1
        gap = max(1, half if customer.min_gap_days is None else customer.min_gap_days)
        assert not (customer.barred and days)
        assert all((b - a).days >= gap for a, b in itertools.pairwise(days))


def test_places_on_both_sides_of_the_antimeridian_make_one_short_day():
    points = {HOME: Point(latitude=-17.0, longitude=179.95)}
    points |= {
        f"c{i}": Point(latitude=-17.0, longitude=lon)
        for i, lon in enumerate((179.9, -179.95, -179.9, 179.85))
    }
    matrix = great_circle_matrix(points, steady_speed(50, 1.3, 5))
    near = Travel(rep="ann", places=matrix.places, seconds=matrix.packed(), source="test")
    customers = [a_customer(key) for key in points if key != HOME]

    plan = plan_visits(a_problem(customers, days=1, travels=(near,)), STRONG)

    assert len(plan.visits) == 4
    assert all(visit.travel_minutes < 60 for visit in plan.visits)


def test_all_at_one_place_are_visited_one_after_the_other():
    customers = [a_customer(f"c{i}", place="mall") for i in range(5)]
    problem = a_problem(customers, days=1, travels=(all_near(["mall"]),))

    plan = plan_visits(problem, STRONG)

    assert [visit.travel_minutes for visit in plan.visits] == [10, 0, 0, 0, 0]
    starts = [visit.start_at for visit in plan.visits]
    assert all(b - a >= timedelta(hours=1) for a, b in itertools.pairwise(starts))


@pytest.mark.parametrize("reps", [(), (a_rep(),)], ids=["no rep", "one rep"])
def test_nobody_to_visit_is_an_empty_plan(reps):
    plan = plan_visits(a_problem(reps=reps, travels=()), STRONG)

    assert plan.visits == plan.left_out == ()


def test_of_two_reps_the_one_without_a_shift_gets_no_visit_and_a_reason():
    customers = [a_customer("c1"), a_customer("c2", owner="bob")]
    problem = a_problem(customers, reps=(a_rep(), a_rep("bob", shifts=())))

    plan = plan_visits(problem, STRONG)

    assert [visit.customer for visit in plan.visits] == ["c1"]
    assert [(out.customer, out.code) for out in plan.left_out] == [("c2", WhyNot.NO_SHIFT)]


def test_a_shift_shorter_than_the_visit_holds_none():
    rep = a_rep(shifts=a_week(end=8 * 60 + 45))

    plan = plan_visits(a_problem([a_customer("c1", minutes=60)], reps=(rep,)), STRONG)

    assert plan.visits == ()
    assert plan.left_out[0].code is WhyNot.NO_OPENING
    assert MONDAY not in {visit.day for visit in plan.visits}


def test_a_visit_as_long_as_the_shift_fits_where_no_way_is():
    rep = a_rep(shifts=a_week(end=9 * 60))
    problem = a_problem(
        [a_customer("c1", minutes=60, place=HOME)], reps=(rep,), travels=(all_near([]),)
    )

    assert len(plan_visits(problem, GREEDY).visits) == 1
