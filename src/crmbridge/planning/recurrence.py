"""When a recurring event of a calendar begins, up to a day (RFC 5545's rules, by dateutil)."""

from calendar import isleap
from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any

MAX_STEPS = 100_000
"""Most occurrences that are counted through for one event: an hourly one for eleven years."""


def unrolled(rule: Any, start: Any, last: date) -> Iterator[Any]:
    """Starts by the rule up to a day, counted on the event's own wall clock.

    Args:
        rule: icalendar's vRecur.
        start: a date, or a datetime that is aware or on the owner's wall clock.
        last: up to it, and perhaps a little beyond.

    Raises:
        ValueError: the rule says nothing, or begins too often to be counted through.
    """
    from dateutil.rrule import rrulestr

    timed = isinstance(start, datetime)
    zone = start.tzinfo if timed else None
    naive = start.replace(tzinfo=None) if timed else datetime.combine(start, time())
    end = datetime.combine(last + timedelta(days=2), time())
    if end < naive:
        return
    shift = _years_later(naive.year, end.year)
    text = _shifted(rule, zone, end, shift).to_ical().decode()
    for step, later in enumerate(rrulestr(text, dtstart=naive.replace(year=naive.year + shift))):
        if later.year - shift > end.year or (begin := later.replace(year=later.year - shift)) > end:
            return
        if step >= MAX_STEPS:
            raise ValueError("recurs too often to be counted through")
        yield begin.replace(tzinfo=zone) if timed else begin.date()


@lru_cache(maxsize=256)
def _years_later(first: int, last: int) -> int:
    """By how many years these can be put off with every day on the same weekday.

    dateutil looks for the next occurrence up to the year 9999, whatever the rule's end: for one
    that never comes (30 February) five seconds. Shortly before that year it gives up at once.
    """
    years = [(date(year, 1, 1).weekday(), isleap(year)) for year in range(1, MAXYEAR + 1)]
    wanted = years[first - 1 : last]
    shifts = range(MAXYEAR - last, 0, -1)
    return next((n for n in shifts if years[first - 1 + n : last + n] == wanted), 0)


def _shifted(rule: Any, zone: tzinfo | None, end: datetime, shift: int) -> Any:
    """The rule with its UNTIL on the event's wall clock, as a naive one needs it, and put off."""
    from icalendar import vRecur

    if not isinstance(rule, vRecur) or not rule.get("FREQ"):
        raise ValueError("a rule that does not say how often")
    if any(number < 1 for name in ("INTERVAL", "COUNT") for number in rule.get(name, ())):
        raise ValueError("a rule that counts by less than one")
    if "BYEASTER" in rule:  # dateutil's own, and no weekday
        raise ValueError("a rule that counts from Easter")
    changed = vRecur(rule)
    until = next(iter(_as_list(changed.get("UNTIL"))), None)
    if until is None:
        return changed
    if not isinstance(until, datetime):
        until = datetime.combine(until, time(23, 59, 59))
    elif zone is not None and until.tzinfo:
        until = until.astimezone(zone)
    until = min(until.replace(tzinfo=None), end)
    changed["UNTIL"] = [until.replace(year=until.year + shift)]
    return changed


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
