"""How long a way takes, from its length as the crow flies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmbridge.errors import UsageError

Floats = NDArray[np.float64]

TOWN_TO_MOTORWAY = ((3.0, 25.0), (15.0, 45.0), (60.0, 70.0), (float("inf"), 95.0))
"""Short ways are slow: the first 3 km of any way at 25 km/h, what lies beyond 60 km at 95."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedProfile:
    """The speed on each stretch of a way, and what a stop costs.

    Args:
        bands: (up to km, km/h), ascending, the last up to infinity; each kilometre of a way takes
            the speed of the band that it lies in, so a longer way never takes less time.
        detour_factor: length of the road over that of the straight line, >= 1.
        minutes_per_stop: parking and walking, for each way that is not from a place to itself.
    """

    bands: tuple[tuple[float, float], ...] = TOWN_TO_MOTORWAY
    detour_factor: float = 1.3
    minutes_per_stop: float = 5.0

    def __post_init__(self) -> None:
        """Refuse what gives no finite times."""
        ends = [end for end, _ in self.bands]
        if not ends or ends != sorted(set(ends)) or ends[-1] != float("inf"):
            raise UsageError("speed bands", "ascending ends, the last infinite", str(ends))
        if min(speed for _, speed in self.bands) <= 0 or not 1 <= self.detour_factor <= 10:
            raise UsageError(
                "speed profile", "speeds above 0 and a detour factor of 1 to 10", str(self)
            )
        if not 0 <= self.minutes_per_stop <= 720:
            raise UsageError("speed profile", "0 to 720 minutes a stop", str(self.minutes_per_stop))

    def seconds(self, straight_km: Floats) -> Floats:
        """Seconds on the road for ways of that straight length, without the stop."""
        road = straight_km * self.detour_factor
        total, start = np.zeros_like(road), 0.0
        for end, speed in self.bands:
            total += np.clip(road - start, 0.0, end - start) * (3600.0 / speed)
            start = end
        return total


def steady_speed(kmh: float, detour_factor: float, minutes_per_stop: float) -> SpeedProfile:
    """The same speed on every kilometre."""
    return SpeedProfile(
        bands=((float("inf"), kmh),), detour_factor=detour_factor, minutes_per_stop=minutes_per_stop
    )
