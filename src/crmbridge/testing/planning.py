"""Builders with defaults for planning problems: a test names only what it is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from crmbridge.planning import (
    Appointment,
    Customer,
    Problem,
    Rep,
    Shift,
    Travel,
    Window,
)

MONDAY = date(2026, 3, 2)
HOME = "home"


def a_week(start: int = 8 * 60, end: int = 17 * 60, **changes: Any) -> tuple[Shift, ...]:
    """Shifts from Monday to Friday, from and to home."""
    fields: dict[str, Any] = {"start_place": HOME, "end_place": HOME, **changes}
    return tuple(Shift(weekday=day, start=start, end=end, **fields) for day in range(5))


def a_rep(id_: str = "ann", zone: str = "Europe/Berlin", **changes: Any) -> Rep:
    """A rep who works from eight to five on weekdays."""
    return Rep(**{"id": id_, "zone": zone, "shifts": a_week(), **changes})


def a_customer(key: str, value: float | None = 10.0, **changes: Any) -> Customer:
    """A customer of ann's who is always open and never was visited."""
    return Customer(**{"key": key, "value": value, "owner": "ann", **changes})


def hours(opens: int, closes: int, days: Sequence[int] = range(7)) -> tuple[Window, ...]:
    """The same opening hours, in whole hours, on each of these weekdays."""
    return tuple(Window(weekday=day, opens=opens * 60, closes=closes * 60) for day in days)


def travel(
    places: Mapping[str, tuple[float, float]], minutes_per_unit: float = 1.0, rep: str = "ann"
) -> Travel:
    """Travel in proportion to the straight distance on a plane."""
    names = sorted(places)
    seconds = b"".join(
        round(_distance(places[a], places[b]) * minutes_per_unit * 60).to_bytes(4, "little")
        for a in names
        for b in names
    )
    return Travel(rep=rep, places=tuple(names), seconds=seconds, source="a test")


def all_near(keys: Sequence[str], minutes: int = 10, rep: str = "ann") -> Travel:
    """Travel that takes the same time between any two of home and these places."""
    names = tuple(dict.fromkeys((HOME, *keys)))
    seconds = b"".join(
        (0 if a == b else minutes * 60).to_bytes(4, "little") for a in names for b in names
    )
    return Travel(rep=rep, places=names, seconds=seconds, source="a test")


def a_problem(customers: Sequence[Customer] = (), **changes: Any) -> Problem:
    """Ann's week from Monday, 2 March 2026, with everything ten minutes apart."""
    fields: dict[str, Any] = {
        "connection": "sales",
        "first": MONDAY,
        "days": 5,
        "now": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "reps": (a_rep(),),
        "customers": tuple(customers),
    }
    if "travels" not in changes:  # of many customers it would be large
        fields["travels"] = (all_near([item.place_id for item in customers]),)
    return Problem(**{**fields, **changes})


def an_appointment(start: datetime, end: datetime, **changes: Any) -> Appointment:
    """An appointment of ann's."""
    return Appointment(**{"rep": "ann", "start_at": start, "end_at": end, **changes})


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)
