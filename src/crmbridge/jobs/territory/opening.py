"""Reads customers' opening hours and blocked days as records hold them."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from crmbridge.planning import DateRange, Window
from crmbridge.settings import OpeningSettings

_MIDNIGHT = 1440
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def opening_windows(text: str | None) -> tuple[Window, ...] | None:
    """Opening hours from JSON such as ``{"mon": [["08:00", "12:00"]]}``; None when not known.

    A weekday that is not named is closed. Hours that end before they start end on the next day.

    Raises:
        ValueError: the text says something else; says what was expected.
    """
    if not text:
        return None
    days = _document(text)
    if not isinstance(days, Mapping) or set(days) - set(WEEKDAYS):
        raise ValueError("weekdays from mon to sun, each with its hours")
    return tuple(
        _window(day, pair) for day, windows in days.items() for pair in _listed(windows, day)
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
        ValueError: the text says something else; says what was expected.
    """
    if not text:
        return ()
    return tuple(_range(item) for item in _listed(_document(text), "closed days"))


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"JSON, got {text[:40]!r}") from None


def _listed(value: Any, where: str) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    raise ValueError(f"a list for {where}, got {str(value)[:40]!r}")


def _range(item: Any) -> DateRange:
    first, last = (item, item) if isinstance(item, str) else _pair(item, "a day, or [first, last]")
    found = DateRange(first=_day(first), last=_day(last))
    if found.last < found.first:
        raise ValueError(f"a first day that is not after the last, got {first} and {last}")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a day like 2026-12-24, got {text[:40]!r}") from None


def _pair(item: Any, what: str) -> tuple[str, str]:
    if isinstance(item, list) and len(item) == 2:
        return str(item[0]), str(item[1])
    raise ValueError(f"{what}, got {str(item)[:40]!r}")


def _window(day: str, item: Any) -> Window:
    opens, closes = _pair(item, f"hours as [from, to] on {day}")
    start, end = _clock(opens), _MIDNIGHT if closes == "24:00" else _clock(closes)
    if start == end and start:
        raise ValueError(f"hours that end at another time than they start on {day}, got {opens}")
    return Window(
        weekday=WEEKDAYS.index(day), opens=start, closes=end if end > start else end + _MIDNIGHT
    )


def _clock(text: str) -> int:
    try:
        return _minute(time.fromisoformat(text))
    except ValueError:
        raise ValueError(f"a time like 08:00, got {text[:40]!r}") from None


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
