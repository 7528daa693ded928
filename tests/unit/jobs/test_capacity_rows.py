"""The hours of each rep and class are told as a row each."""

from typing import Any

import pytest

from crmbridge.jobs.showing.capacity import CAPACITY_HEADERS, capacity_rows
from crmbridge.jobs.territory.hours import Hours
from crmbridge.planning import Customer, capacity
from crmbridge.testing.planning import a_customer, a_problem, a_rep


def rows_of(*customers: Customer, **changes: Any) -> list[dict[str, Any]]:
    found = capacity(a_problem(customers, **changes))
    rows = capacity_rows(Hours(reps=found).rows())
    return [dict(zip(CAPACITY_HEADERS, row, strict=True)) for row in rows]


def test_a_rep_has_a_row_and_so_has_each_class() -> None:
    many = [a_customer(f"c{i:02}", class_="A", every_days=7) for i in range(60)]
    whole, a, b = rows_of(*many, a_customer("x", class_="B", every_days=5), days=7)

    assert (whole["class"], whole["customers"], whole["due"]) == ("all", 61, 62)
    assert whole["verdict"].startswith("ann: intervals need ")
    assert (a["class"], a["every_days"], a["customers"]) == ("A", 7, 60)
    assert a["possible_days"] > 7
    assert a["needed_hours"] + b["needed_hours"] == pytest.approx(whole["needed_hours"])


def test_numbers_without_an_end_are_empty() -> None:
    whole, _ = rows_of(a_customer("c", every_days=1), reps=(a_rep(shifts=()),))

    assert (whole["hours"], whole["reps_needed"]) == (0.0, None)
