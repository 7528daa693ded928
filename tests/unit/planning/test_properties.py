"""Whatever the problem, the plan passes the independent checker, and says why."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmbridge.planning import Budget, Fixedness, dumps, loads, plan_visits
from crmbridge.planning.checker import check_plan
from crmbridge.planning.problem import (
    Appointment,
    Customer,
    DateRange,
    Problem,
    Rep,
    Reply,
    Shift,
    Window,
)
from crmbridge.planning.rules import Rules
from crmbridge.testing.planning import travel

ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Adelaide", "Asia/Kathmandu",
    "Australia/Lord_Howe", "UTC", "America/St_Johns", "Pacific/Auckland", "America/Sao_Paulo",
)  # fmt: skip
STARTS = (date(2026, 3, 27), date(2026, 10, 23), date(2026, 3, 6), date(2027, 12, 30))
GREEDY = Budget(iterations=0, seconds=0)
STRONG = Budget(iterations=300, seconds=0)
QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def rarely(seldom, mostly):
    """One time in four the first, else the second, which may be a value or a strategy."""
    other = mostly if isinstance(mostly, st.SearchStrategy) else st.just(mostly)
    return st.integers(0, 3).flatmap(lambda side: seldom if side == 3 else other)


minutes = st.integers(0, 95).map(lambda quarter: quarter * 15)
starts = rarely(minutes, 8 * 60)
ends = rarely(minutes.map(lambda minute: minute + 7), 17 * 60)
zones = st.sampled_from(ZONES)


@st.composite
def windows(draw):
    opens = draw(st.integers(20, 64)) * 15
    return Window(
        weekday=draw(st.integers(0, 6)), opens=opens, closes=opens + draw(st.integers(30, 600))
    )


@st.composite
def ranges(draw, first):
    start = first + timedelta(days=draw(st.integers(-2, 8)))
    return DateRange(first=start, last=start + timedelta(days=draw(st.integers(0, 3))))


@st.composite
def customers(draw, key, owner, first):
    return Customer(
        key=key,
        owner=draw(rarely(st.sampled_from(["nobody", None]), owner)),
        value=draw(rarely(st.none(), st.floats(0, 100))),
        minutes=draw(st.sampled_from([15, 30, 45, 50, 60, 240])),
        every_days=draw(st.none() | st.integers(1, 20)),
        min_gap_days=draw(st.none() | st.integers(0, 6)),
        last_visit_on=draw(st.none() | st.integers(1, 30).map(lambda d: first - timedelta(days=d))),
        opening=draw(st.none() | st.lists(windows(), min_size=4, max_size=9).map(tuple)),
        blocked=tuple(draw(rarely(st.lists(ranges(first), max_size=2), []))),
        zone=draw(rarely(zones, "")),
        barred=draw(rarely(st.just("denied"), "")),
        contacts=tuple(
            first - timedelta(days=n) for n in draw(st.lists(st.integers(0, 9), max_size=3))
        ),
        reply=draw(rarely(st.sampled_from(Reply), None)),
        reply_until=draw(st.none() | st.integers(-2, 9).map(lambda d: first + timedelta(days=d))),
    )


@st.composite
def reps(draw, first):
    days = draw(st.sets(st.integers(0, 6), min_size=3))
    shifts = tuple(
        Shift(
            weekday=day, start=draw(starts), end=draw(ends),
            start_place=draw(rarely(st.just(""), "home")),
            end_place=draw(rarely(st.just("hotel"), "home")),
            lunch=draw(minutes), lunch_minutes=draw(st.sampled_from([0, 30])),
        )
        for day in sorted(days)
    )  # fmt: skip
    return Rep(
        id="ann", zone=draw(zones), shifts=shifts,
        absences=tuple(draw(rarely(st.lists(ranges(first), max_size=1), []))),
        max_visits=draw(st.sampled_from([0, 0, 3])),
        max_travel_minutes=draw(st.sampled_from([0, 0, 120])),
    )  # fmt: skip


@st.composite
def appointments(draw, first, places):
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(
        days=draw(st.integers(0, 6)), minutes=draw(st.integers(0, 1439))
    )
    return Appointment(
        rep="ann", start_at=start, end_at=start + timedelta(minutes=draw(st.integers(0, 300))),
        place=draw(st.sampled_from(["", *places, "elsewhere"])), label="standing",
    )  # fmt: skip


@st.composite
def problems(draw):
    first = draw(st.sampled_from(STARTS))
    keys = [f"c{i}" for i in range(draw(st.integers(2, 9)))]
    rep = draw(reps(first))
    grid = {name: (draw(st.floats(0, 90)), draw(st.floats(0, 90))) for name in (*keys[:7], "home")}
    return Problem(
        connection="sales", first=first, days=draw(st.integers(3, 7)),
        now=datetime(first.year, first.month, first.day, tzinfo=UTC)
        + timedelta(hours=draw(rarely(st.integers(0, 60), -9))),
        reps=(rep,), customers=tuple(draw(customers(key, "ann", first)) for key in keys),
        appointments=tuple(draw(st.lists(appointments(first, keys), max_size=4))),
        travels=(travel(grid),),
        rules=Rules(
            grid_minutes=draw(st.sampled_from([1, 5, 15])), freeze_days=draw(st.integers(0, 3)),
            max_contacts=draw(st.sampled_from([0, 0, 1, 3])), contact_days=draw(st.integers(1, 12)),
        ),
    )  # fmt: skip


@QUICK
@given(problems())
def test_every_plan_passes_the_checker(problem):
    assert check_plan(problem, plan_visits(problem, GREEDY)) == []


@QUICK
@given(problems())
def test_every_plan_of_the_strong_search_passes_the_checker_and_is_worth_no_less(problem):
    greedy, strong = plan_visits(problem, GREEDY), plan_visits(problem, STRONG)

    assert check_plan(problem, strong) == []
    assert sum(v.value for v in strong.visits) >= 0.97 * sum(v.value for v in greedy.visits)


@QUICK
@given(problems(), st.randoms(use_true_random=False), st.data())
def test_every_replan_passes_the_checker_and_keeps_what_is_pinned(problem, dice, data):
    first = plan_visits(problem, GREEDY)
    previous = tuple(
        replace(v, fixedness=dice.choice([Fixedness.SUGGESTED, Fixedness.PINNED]))
        for v in first.visits
    )
    more = data.draw(appointments(problem.first, ["home"]))
    again = replace(problem, previous=previous, appointments=(*problem.appointments, more))

    assert check_plan(again, plan_visits(again, GREEDY)) == []
    assert check_plan(again, plan_visits(again, STRONG)) == []


@QUICK
@given(problems(), st.integers(0, 1000))
def test_the_order_of_the_input_does_not_matter(problem, seed):
    dice = random.Random(seed)
    shuffled = {
        name: tuple(dice.sample(getattr(problem, name), len(getattr(problem, name))))
        for name in ("customers", "appointments", "previous")
    }

    other = replace(problem, **shuffled)

    assert dumps(plan_visits(other, GREEDY)) == dumps(plan_visits(problem, GREEDY))


@QUICK
@given(problems())
def test_problem_and_plan_survive_json(problem):
    plan = plan_visits(problem, GREEDY)

    assert loads(Problem, dumps(problem)) == problem
    assert loads(type(plan), dumps(plan)) == plan
