"""Says opening hours and closed days in words."""

from collections.abc import Iterable
from itertools import groupby

from crmbridge.planning import DateRange, Window

MINUTES_PER_DAY = 24 * 60
"""An hour after it is one of the next day; 24:00 itself is said so."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def hours_text(windows: Iterable[Window] | None) -> str:
    """Opening hours such as ``Mon-Fri 08:00-12:00, 13:00-17:00; Sat 09:00-12:00``."""
    if windows is None:
        return "always open"
    days = [(day, _windows_of(day, windows)) for day in range(7)]
    parts = []
    for said, group in groupby(days, key=lambda item: item[1]):
        if said:
            first, *others = [day for day, _ in group]
            to = f"-{_DAYS[others[-1]]}" if others else ""
            parts.append(f"{_DAYS[first]}{to} {said}")
    return "; ".join(parts) or "never open"


def days_text(ranges: Iterable[DateRange]) -> str:
    """Days such as ``2026-12-24 to 2026-12-31, 2027-01-06 (inventory)``."""
    return ", ".join(map(_range_text, ranges))


def _range_text(one: DateRange) -> str:
    days = one.first.isoformat()
    if one.first != one.last:
        days += f" to {one.last.isoformat()}"
    return f"{days} ({one.label})" if one.label else days


def _windows_of(day: int, windows: Iterable[Window]) -> str:
    own = sorted(window for window in windows if window.weekday == day)
    return ", ".join(f"{_clock(one.opens)}-{_clock(one.closes)}" for one in own)


def _clock(minute: int) -> str:
    inside = minute if minute <= MINUTES_PER_DAY else minute - MINUTES_PER_DAY
    return f"{inside // 60:02d}:{inside % 60:02d}"
