"""The rep's day as it will be: order of stops and the travel before each visit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from crmbridge.planning.distances import Distances
from crmbridge.planning.problem import Problem, Rep
from crmbridge.planning.spans import clip
from crmbridge.planning.visit import Visit
from crmbridge.planning.workdays import Workday, shift_on
from crmbridge.planning.zones import seconds_of

_Stop = tuple[datetime, datetime, str, Visit | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Visits in order with their travel, and the travel of the whole day.

    Args:
        travel_minutes: known travel between all stops, the way home included.
        unknown: stops reached over an unknown way.
    """

    visits: tuple[Visit, ...]
    travel_minutes: int
    unknown: int


def day_route(
    problem: Problem, rep: Rep, distances: Distances, day: date, visits: Sequence[Visit],
    workday: Workday | None,
) -> Route:  # fmt: skip
    """Number a day's visits and say how far each is from what stands before it."""
    places = {item.key: item.place_id for item in problem.customers}
    stops: list[_Stop] = [(v.start_at, v.end_at, places[v.customer], v) for v in visits]
    if workday is not None:
        stops += _appointments(problem, workday)
    shift = shift_on(rep, day)
    place, end_place = (shift.start_place, shift.end_place) if shift else ("", "")
    routed, total, unknown = list[Visit](), 0, 0
    left_at: datetime | None = None
    for _start, end, here, visit in sorted(stops, key=lambda stop: stop[:3]):
        minutes = distances.minutes(place, here)
        total, unknown = total + (minutes or 0), unknown + (minutes is None)
        if visit is not None:
            routed.append(replace(visit, sequence=len(routed) + 1, travel_minutes=minutes))
        if left_at is None or end >= left_at:
            left_at, place = end, here
    home = distances.minutes(place, end_place)
    return Route(
        visits=tuple(routed), travel_minutes=total + (home or 0), unknown=unknown + (home is None)
    )


def _appointments(problem: Problem, workday: Workday) -> Iterable[_Stop]:
    for item in problem.appointments:
        span = (seconds_of(item.start_at), seconds_of(item.end_at))
        if item.place and clip(span, workday.shift):
            yield item.start_at, item.end_at, item.place, None
