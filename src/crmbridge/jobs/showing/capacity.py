"""The hours of each rep and class as rows: what intervals need, what there is, what comes of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from crmbridge.jobs.territory.hours import CapacityRows

CAPACITY_HEADERS = (
    "rep", "class", "customers", "needed_hours", "hours", "reps_needed", "due", "possible",
    "missed", "every_days", "possible_days", "verdict",
)  # fmt: skip
ALL = "all"
"""Stands for the class in a rep's own row."""


def capacity_rows(capacity: CapacityRows) -> Iterable[tuple[Any, ...]]:
    """Rows under `CAPACITY_HEADERS`: the rep's own, then one for each class.

    An interval is empty where nobody of the class would be visited, and so are the reps needed
    where there are no hours.
    """
    for rep in capacity:
        shown = {**rep, "class": ALL, "customers": sum(one["customers"] for one in rep["classes"])}
        yield _row(shown)
        for item in rep["classes"]:
            yield _row({"rep": rep["rep"], **item})


def _row(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in CAPACITY_HEADERS)
