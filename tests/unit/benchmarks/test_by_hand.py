"""The comparison with planning by hand: nearest first, by the same rules, and counted right."""

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crmbridge.planning import Problem
from crmbridge.testing.planning import (
    MONDAY,
    a_customer,
    a_problem,
    a_rep,
    an_appointment,
    hours,
    travel,
)

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "by_hand.py"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("bench_by_hand", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[found.__name__] = found
    spec.loader.exec_module(found)
    yield found
    del sys.modules[found.__name__]


def on_a_line(**at: float) -> Problem:
    """Customers so many minutes from home, A every 14 days, seen 20 days ago."""
    seen = MONDAY - timedelta(days=20)
    customers = [
        a_customer(key, class_="A", every_days=14, last_visit_on=seen, minutes=60) for key in at
    ]
    places = {"home": (0.0, 0.0), **{key: (minutes, 0.0) for key, minutes in at.items()}}
    return a_problem(customers, days=14, travels=(travel(places),))


def test_the_nearest_is_visited_first(bench: ModuleType) -> None:
    found = bench.by_hand(on_a_line(far=90, near=10, middle=40))

    assert [visit.customer for visit in found] == ["near", "middle", "far"]
    assert [f"{visit.wall_start:%H:%M}" for visit in found] == ["08:10", "09:40", "11:30"]
    assert {visit.day for visit in found} == {MONDAY}


def test_nobody_waits_at_a_door_that_another_could_be_seen_before(bench: ModuleType) -> None:
    problem = on_a_line(near=10, far=40)
    late = [replace(one, opening=hours(14, 17)) for one in problem.customers if one.key == "near"]
    others = [one for one in problem.customers if one.key != "near"]

    found = bench.by_hand(replace(problem, customers=(*late, *others)))

    assert [visit.customer for visit in found] == ["far", "near"]


def test_who_is_barred_has_an_appointment_or_was_just_seen_is_left_alone(
    bench: ModuleType,
) -> None:
    problem = on_a_line(barred=10, agreed=20, seen=30, due=40)
    changes: dict[str, dict[str, Any]] = {
        "barred": {"barred": "no"},
        "seen": {"last_visit_on": MONDAY - timedelta(days=2)},
    }
    customers = [replace(one, **changes.get(one.key, {})) for one in problem.customers]
    at = datetime(2026, 3, 4, 9, tzinfo=UTC)
    agreed = an_appointment(at, at + timedelta(hours=1), place="agreed", customer="agreed")

    found = bench.by_hand(replace(problem, customers=tuple(customers), appointments=(agreed,)))

    # Seen two days ago and due every 14: a quarter of it early is the 11th, nine days on.
    assert [(visit.customer, visit.day) for visit in found] == [
        ("due", MONDAY),
        ("seen", date(2026, 3, 11)),
    ]


def test_the_next_fortnight_goes_on_from_the_visits_made(bench: ModuleType) -> None:
    made, road = bench.live(on_a_line(one=30), 2, bench.by_hand)

    # Due 14 days after Monday, and a quarter of it may be early, in the second fortnight.
    assert [visit.day for visit in made] == [MONDAY, MONDAY + timedelta(days=14)]
    assert [visit.number for visit in made] == [1, 2]
    assert road == 2 * 60 * 60


def test_the_days_within_the_interval_are_counted(bench: ModuleType) -> None:
    problem = on_a_line(one=30, other=30)
    made, road = bench.live(replace(problem, reps=(a_rep(),)), 1, bench.by_hand)
    first = [visit for visit in made if visit.customer == "one"]

    found = bench.score(problem, first, road, MONDAY + timedelta(days=11))

    # "one" is in time from its visit on Monday on, "other" on none of the twelve days.
    assert found["in_time"] == {"A": 0.5}
    assert (found["visits"], found["overdue_a"], found["customers_a"]) == (1, 1, 2)
    assert found["travel_share"] == 0.5


def test_both_ways_are_measured_on_the_same_problem(bench: ModuleType) -> None:
    found = bench.measure_both(on_a_line(one=30, other=60), 1, 10)

    assert (found["customers"], found["reps"], found["days"]) == (2, 1, 12)
    assert found["planned"]["visits"] == found["by_hand"]["visits"] == 2
