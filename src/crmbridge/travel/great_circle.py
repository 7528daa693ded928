"""Travel times from coordinates alone: great circle, detour factor, speed by distance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmbridge.travel.points import Point
from crmbridge.travel.speed import Floats, SpeedProfile

EARTH_KM = 6371.0088
"""Mean radius of the Earth (IUGG)."""
LONGEST_SECONDS = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelMatrix:
    """Whole seconds between all pairs of places.

    Args:
        places: names, in order.
        seconds: (n, n) int32; 0 on the diagonal.
        source: how it was measured, for people.
    """

    places: tuple[str, ...]
    seconds: NDArray[np.int32]
    source: str

    def packed(self) -> bytes:
        """The seconds row by row as little-endian int32."""
        return self.seconds.astype("<i4").tobytes()


def great_circle_matrix(points: Mapping[str, Point], profile: SpeedProfile) -> TravelMatrix:
    """Travel times between places, the same in both directions, rounded to whole seconds."""
    names = tuple(sorted(points))
    seconds = profile.seconds(great_circle_km([points[name] for name in names]))
    seconds = np.rint(seconds + 60.0 * profile.minutes_per_stop)
    np.fill_diagonal(seconds, 0.0)
    whole = np.minimum(seconds, LONGEST_SECONDS).astype(np.int32)
    return TravelMatrix(places=names, seconds=whole, source="great circle")


def great_circle_km(points: Sequence[Point]) -> Floats:
    """Kilometres between all pairs of points along the globe, by the haversine formula.

    Exact across the antimeridian and at the poles; symmetric, 0 on the diagonal.
    """
    latitude = np.radians(np.array([point.latitude for point in points], np.float64))
    longitude = np.radians(np.array([point.longitude for point in points], np.float64))
    down = np.sin((latitude[:, None] - latitude) / 2) ** 2
    across = np.sin((longitude[:, None] - longitude) / 2) ** 2
    half = down + np.cos(latitude[:, None]) * np.cos(latitude) * across
    km: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return km
