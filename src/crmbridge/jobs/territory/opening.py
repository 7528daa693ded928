"""Reads customers' opening hours and blocked days as records hold them."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from crmbridge.planning import DateRange, Window
from crmbridge.settings import OpeningSettings

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def opening_windows(text: str | None) -> tuple[Window, ...] | None:
    """Opening hours from JSON such as ``{"mon": [["08:00", "12:00"]]}``; None when not known.

    A weekday that is not named is closed.

    Raises:
        ValueError: the text says something else.
    """
    if not text:
        return None
    days = json.loads(text)
    if not isinstance(days, Mapping) or set(days) - set(WEEKDAYS):
        raise ValueError("weekdays from mon to sun")
    return tuple(
        _window(WEEKDAYS.index(day), opens, closes)
        for day, windows in days.items()
        for opens, closes in windows
    )


def default_windows(settings: OpeningSettings) -> tuple[Window, ...]:
    """The hours of customers whose own nobody knows."""
    return tuple(
        Window(weekday=number, opens=_minute(opens), closes=_minute(closes))
        for number, day in enumerate(WEEKDAYS)
        for opens, closes in getattr(settings, day)
    )


def allowed_windows(
    windows: tuple[Window, ...], days: Sequence[str], hours: tuple[int, int] | None
) -> tuple[Window, ...]:
    """What of the opening hours a policy leaves: some weekdays, some hours.

    Args:
        days: empty for all.
        hours: minutes of the day; None for all.
    """
    first, last = hours or (0, 1440)
    cut = (
        Window(weekday=w.weekday, opens=max(w.opens, first), closes=min(w.closes, last))
        if hours
        else w
        for w in windows
        if not days or WEEKDAYS[w.weekday] in days
    )
    return tuple(window for window in cut if window.opens < window.closes)


def blocked_days(text: str | None) -> tuple[DateRange, ...]:
    """Closed days from JSON such as ``[["2026-08-01", "2026-08-21"]]``.

    Raises:
        ValueError: the text says something else.
    """
    if not text:
        return ()
    ranges = json.loads(text)
    return tuple(_range(item) for item in ranges)


def _range(item: Any) -> DateRange:
    first, last = (item, item) if isinstance(item, str) else _pair(item)
    found = DateRange(first=date.fromisoformat(first), last=date.fromisoformat(last))
    if found.last < found.first:
        raise ValueError("a first day that is not after the last")
    return found


def _pair(item: Any) -> tuple[str, str]:
    if isinstance(item, Sequence) and len(item) == 2:
        return str(item[0]), str(item[1])
    raise ValueError("pairs of days")


def _window(weekday: int, opens: str, closes: str) -> Window:
    start, end = _minute(time.fromisoformat(opens)), _end_minute(closes)
    if end <= start:
        raise ValueError("a start before the end")
    return Window(weekday=weekday, opens=start, closes=end)


def _end_minute(text: str) -> int:
    return 1440 if text == "24:00" else _minute(time.fromisoformat(text))


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
