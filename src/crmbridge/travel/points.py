"""Coordinates that can be trusted, and what is wrong with the others."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median


class Flaw(StrEnum):
    """Why a pair of coordinates names no place."""

    MISSING = "missing"
    "One of the two, or both, are not given."
    NOT_FINITE = "not_finite"
    "One is not a number, or infinite."
    OUT_OF_RANGE = "out_of_range"
    "Latitude beyond 90 or longitude beyond 180 degrees."
    SWAPPED = "swapped"
    "Latitude beyond 90, but the other way round it would be a place."
    ZERO = "zero"
    "(0, 0), which stands for nothing known far more often than for the sea off Ghana."


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on the globe, in degrees of WGS 84; longitude from -180 to 180."""

    latitude: float
    longitude: float


def locate(latitude: float | None, longitude: float | None) -> Point | Flaw:
    """The point that two numbers name, or what is wrong with them."""
    if latitude is None or longitude is None:
        return Flaw.MISSING
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return Flaw.NOT_FINITE
    if latitude == 0 and longitude == 0:
        return Flaw.ZERO
    if abs(latitude) > 90:
        turned = abs(longitude) <= 90 and abs(latitude) <= 180
        return Flaw.SWAPPED if turned else Flaw.OUT_OF_RANGE
    if abs(longitude) > 180:
        return Flaw.OUT_OF_RANGE
    return Point(latitude=float(latitude), longitude=float(longitude))


def swapped_suspects(points: Mapping[str, Point], far_degrees: float = 10.0) -> tuple[str, ...]:
    """Places that lie far from all others, and among them if latitude and longitude change seats.

    Args:
        points: at least five, else nothing is suspected.
        far_degrees: what counts as far from the middle, in either coordinate.

    Returns:
        Their names, in order.
    """
    if len(points) < 5:
        return ()
    middle = (
        median(point.latitude for point in points.values()),
        median(point.longitude for point in points.values()),
    )
    return tuple(
        sorted(
            name
            for name, point in points.items()
            if _away(point.latitude, point.longitude, middle) > far_degrees
            and _away(point.longitude, point.latitude, middle) <= far_degrees
        )
    )


def far_away(
    points: Mapping[str, Point], times: float = 8.0, at_least_degrees: float = 1.35
) -> tuple[str, ...]:
    """Places that lie far outside the territory that the others make.

    Args:
        points: at least five, else nothing is far.
        times: how many times the median distance from the middle counts as far.
        at_least_degrees: of latitude; what never counts as far, however close the others are.
            Half the customers may sit in one town, and the others a day's drive around it: 1.35
            are 150 km.

    Returns:
        Their names, in order.
    """
    if len(points) < 5:
        return ()
    first = min(points)
    turned = {n: _turned(p.longitude, points[first].longitude) for n, p in points.items()}
    middle = (
        median(point.latitude for point in points.values()),
        points[first].longitude + median(turned.values()),
    )
    narrow = math.cos(math.radians(middle[0]))  # degrees of longitude are shorter than of latitude
    away = {n: _away(p.latitude, p.longitude, middle, narrow) for n, p in points.items()}
    limit = max(at_least_degrees, times * median(away.values()))
    return tuple(sorted(name for name, degrees in away.items() if degrees > limit))


def _turned(longitude: float, origin: float) -> float:
    """Degrees east of an origin, from -180 to 180, so that the antimeridian parts nobody."""
    return (longitude - origin + 180) % 360 - 180


def _away(
    latitude: float, longitude: float, middle: tuple[float, float], narrow: float = 1.0
) -> float:
    across = abs(longitude - middle[1]) % 360
    return max(abs(latitude - middle[0]), min(across, 360 - across) * narrow)
