"""Measures the ways of each rep: from home to customers and between them."""

from collections import Counter
from collections.abc import Iterable, Mapping

from crmbridge.jobs.territory.problems import HOME, Coordinates
from crmbridge.planning import Problem, Rep, Travel, split_by_rep
from crmbridge.records import Finding
from crmbridge.settings import SpeedSettings
from crmbridge.travel import Flaw, Point, locate, swapped_suspects
from crmbridge.travel.roads import RoadTables

REMEDIES: Mapping[Flaw, str] = {
    Flaw.MISSING: "Complete the address, or connect a table with coordinates by `completes`",
    Flaw.NOT_FINITE: "Correct the coordinates",
    Flaw.OUT_OF_RANGE: "Correct the coordinates: latitude up to 90, longitude up to 180 degrees",
    Flaw.SWAPPED: "Exchange latitude and longitude",
    Flaw.ZERO: "Correct the coordinates: (0, 0) lies in the sea",
}


def measure(
    problem: Problem,
    coordinates: Coordinates,
    speed: SpeedSettings,
    roads: RoadTables | None = None,
) -> tuple[tuple[Travel, ...], tuple[Finding, ...]]:
    """The travel matrix of each rep, and the places that have none.

    A place without trusted coordinates is left out: travel to it is unknown, and plans say so.

    Args:
        roads: measures ways by road; None for straight lines.
    """
    from crmbridge.travel import great_circle_matrix, steady_speed

    points, findings = _points(coordinates)
    profile = steady_speed(speed.kmh, speed.detour_factor, speed.minutes_per_stop)
    missed = roads.missed if roads is not None else 0
    travels = []
    for rep, names in sorted(_places_of(problem).items()):
        own = {n: points[n] for n in sorted(names) if n in points}
        if roads is not None:
            matrix = roads.matrix(f"{problem.connection}\n{rep}", own)
        else:
            matrix = great_circle_matrix(own, profile)
        travels.append(
            Travel(rep=rep, places=matrix.places, seconds=matrix.packed(), source=matrix.source)
        )
    return tuple(travels), (*findings, *_stand_ins(roads, missed))


def _places_of(problem: Problem) -> Mapping[str, set[str]]:
    """rep -> home, where days start and end, customers, and places of appointments."""
    owned = {rep.id: {HOME + rep.id, *_ends(rep)} for rep in problem.reps}
    crowded = _crowded_out(problem)
    for customer in problem.customers:
        if customer.owner in owned and customer.key not in crowded:
            owned[customer.owner].add(customer.place_id)
    for appointment in problem.appointments:
        if appointment.rep in owned and appointment.place:
            owned[appointment.rep].add(appointment.place)
    return owned


def _ends(rep: Rep) -> set[str]:
    return {place for s in rep.shifts for place in (s.start_place, s.end_place) if place}


def _crowded_out(problem: Problem) -> set[str]:
    """Customers of reps with very many whom no plan will weigh: the ways to them would take
    gigabytes."""
    from crmbridge.planning.layout import MOST_WISHES

    found: set[str] = set()
    counts = Counter(one.owner for one in problem.customers)
    if max(counts.values(), default=0) <= MOST_WISHES:
        return found
    for part in split_by_rep(problem):
        if part.reps and len(part.customers) > MOST_WISHES:
            found |= {one.key for one in part.customers} - _weighed(part)
    return found


def _weighed(part: Problem) -> frozenset[str]:
    """Those of a rep's customers whom a plan will weigh; nobody where a fault hinders that: it
    will hinder the planning, too, which then names the rep and goes on with the others."""
    from crmbridge.planning.layout import weighed_customers

    try:
        return weighed_customers(part)
    except Exception:  # whatever it is, it is told when the rep is planned
        return frozenset()


def travel_sources(problems: Iterable[Problem]) -> dict[str, int]:
    """Who measured the ways -> of how many reps; ways by the straight line are said with it."""
    counts = Counter(travel.source for problem in problems for travel in problem.travels)
    return dict(sorted(counts.items()))


def _stand_ins(roads: RoadTables | None, before: int) -> Iterable[Finding]:
    """Ways that were measured by the straight line though a service should have."""
    if roads is None or roads.missed == before:
        return
    service = f"{roads.service.name} at {roads.service.where}"
    why = roads.failures[0] if roads.failures else f"{service} knows no way, or was not asked"
    yield Finding(
        code="travel.great_circle_instead",
        count=roads.missed - before,
        example=why,
        remedy="Look whether the service answers; these ways were taken as straight lines",
    )


def _points(coordinates: Coordinates) -> tuple[dict[str, Point], tuple[Finding, ...]]:
    points: dict[str, Point] = {}
    flawed: dict[Flaw, list[str]] = {}
    for name in sorted(coordinates):
        found = locate(*(coordinates[name] or (None, None)))
        if isinstance(found, Point):
            points[name] = found
        else:
            flawed.setdefault(found, []).append(name)
    findings = [
        Finding(
            code=f"travel.unknown.{flaw.value}",
            count=len(names),
            example=names[0],
            remedy=REMEDIES[flaw],
        )
        for flaw, names in flawed.items()
    ]
    suspects = swapped_suspects(points)
    if suspects:
        findings.append(
            Finding(
                code="travel.suspect.swapped",
                count=len(suspects),
                example=suspects[0],
                remedy="Look whether latitude and longitude are exchanged",
            )
        )
    return points, tuple(findings)
