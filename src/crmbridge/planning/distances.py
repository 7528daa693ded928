"""Seconds between places as a plan uses them: known ones exact, unknown ones an allowance."""

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.problem import Problem, Travel

Matrix = NDArray[np.int64]
UNKNOWN = -1


class Distances:
    """Looks up what one rep's travel matrix says."""

    def __init__(self, travel: Travel | None) -> None:
        self._index = {name: i for i, name in enumerate(travel.places)} if travel else {}
        raw = np.frombuffer(travel.seconds if travel else b"", "<i4")
        self._seconds = raw.reshape(len(self._index), len(self._index))

    def seconds(self, start: str, end: str) -> int | None:
        """Seconds from one place to another, None when unknown, 0 within a place."""
        if start == end and start:
            return 0
        i, j = self._index.get(start), self._index.get(end)
        if i is None or j is None or self._seconds[i, j] < 0:
            return None
        return int(self._seconds[i, j])

    def minutes(self, start: str, end: str) -> int | None:
        """The same in minutes, rounded up."""
        seconds = self.seconds(start, end)
        return None if seconds is None else -(-seconds // 60)

    def knows(self, place: str) -> bool:
        """Whether travel to that place is known at all."""
        return place in self._index

    def between(self, places: list[str]) -> Matrix:
        """Seconds between all pairs of a list of names, `UNKNOWN` where they are not known."""
        rows = np.array([self._index.get(name, -1) for name in places], np.int64)
        if not self._index:
            full = np.full((len(places), len(places)), UNKNOWN, np.int64)
        else:
            full = self._seconds[np.ix_(rows, rows)].astype(np.int64)
            full[rows < 0, :] = UNKNOWN
            full[:, rows < 0] = UNKNOWN
        names = np.array([name or f"\n{i}" for i, name in enumerate(places)], object)
        full[names[:, None] == names[None, :]] = 0
        return np.maximum(full, UNKNOWN)


def distances_of(problem: Problem, rep: str) -> Distances:
    """The distances of one rep, all unknown if the problem brings no matrix for them."""
    return Distances(next((item for item in problem.travels if item.rep == rep), None))


def planning_seconds(distances: Distances, places: list[str], allowance: int, grid: int) -> Matrix:
    """Seconds to plan with: unknown pairs get the allowance, all are rounded up to the grid."""
    raw = distances.between(places)
    raw = np.where(raw < 0, allowance, raw)
    return np.asarray(-(-raw // grid) * grid, np.int64)
