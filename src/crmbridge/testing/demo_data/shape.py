"""The shape of the demo's data: tables, and how chance is drawn the same on every machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

Cell = str | int | float | None
Item = TypeVar("Item")

ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One stream's records: canonical column names and rows of plain values."""

    name: str
    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def column(self, name: str) -> list[Cell]:
        """All values of a column, in row order."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoData:
    """What a demo company holds.

    Args:
        tables: by stream name.
        files: other files by name, such as a calendar.
        dirty: ids of records that a pull must quarantine or find fault with, by what is wrong.
    """

    tables: Mapping[str, Table]
    files: Mapping[str, str]
    dirty: Mapping[str, tuple[str, ...]]
    start: date
    end: date


class Draws:
    """Chance from a seed, by arithmetic that is exact on every machine.

    `Random.random` is; its `gauss` is not, since logarithms differ in the last digit between
    machines. So a bell is the mean of three even draws.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        self._random = Random(f"{seed}/{purpose}")  # noqa: S311  demo data, not secrets

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return self._random.random() < probability

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self._random.random()

    def about(self, middle: float, spread: float) -> float:
        """A number within `spread` of the middle, mostly near it."""
        total = self._random.random() + self._random.random() + self._random.random()
        return middle + spread * (total * 2 / 3 - 1)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int((high - low + 1) * self._random.random())

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[int(len(items) * self._random.random())]

    def weighted(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        """One of the items, by weight."""
        left = self._random.random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return items[-1]

    def count(self, expected: float) -> int:
        """A whole number whose mean is `expected`: its whole part and perhaps one more."""
        whole = int(expected)
        return whole + self.chance(expected - whole)


def instant(day: date, hour: int, minute: int = 0) -> str:
    """A local time as ISO 8601 with its offset."""
    return datetime.combine(day, time(hour, minute), ZONE).isoformat()


def workday(day: date) -> date:
    """The day, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() > 4 else day


def months(start: date, end: date) -> list[date]:
    """First days of the months from that of `start` to that of `end`, both included."""
    found, first = [], start.replace(day=1)
    while first <= end:
        found.append(first)
        first = (first + timedelta(days=32)).replace(day=1)
    return found
