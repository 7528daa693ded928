"""When a visit to a customer may start, on each day that the rep works."""

from collections.abc import Iterable
from datetime import date, timedelta

from crmbridge.planning.problem import Customer
from crmbridge.planning.spans import Span, clip, round_down, round_up, union, without
from crmbridge.planning.workdays import Workday
from crmbridge.planning.zones import instant, wall_clock

FIRST, LAST = 0, 1440


def open_spans(customer: Customer, bounds: Span, rep_zone: str) -> list[Span]:
    """Real time inside the bounds in which the customer takes visits.

    Dates and hours are read on the customer's own wall clock, so a rep's evening may be the
    customer's next morning.
    """
    zone = customer.zone or rep_zone
    spans = [
        part
        for day in _dates(bounds, zone)
        if not any(item.holds(day) for item in customer.blocked)
        for span in _hours(customer, day, zone)
        if (part := clip(span, bounds))
    ]
    return union(_off_blocked(customer, spans, zone))


def start_spans(customer: Customer, day: Workday, zone: str, grid: int) -> list[Span]:
    """Earliest and latest starts, inclusive, on the day's working clock, in order.

    The whole visit lies inside the opening hours and inside one stretch free of breaks and stops.
    """
    service = round_up(customer.minutes * 60, grid)
    taken = [*day.breaks, *(stop.span for stop in day.stops)]
    starts = []
    for span in open_spans(customer, day.usable, zone):
        for part in without((round_up(span[0], grid), round_down(span[1], grid)), taken):
            if part[1] - part[0] >= service:
                start = day.to_working(part[0])
                starts.append((start, start + part[1] - part[0] - service))
    return starts


def _dates(bounds: Span, zone: str) -> Iterable[date]:
    first = wall_clock(bounds[0], zone).date() - timedelta(days=1)
    last = wall_clock(bounds[1], zone).date()
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _hours(customer: Customer, day: date, zone: str) -> Iterable[Span]:
    if customer.opening is None:
        yield instant(day, FIRST, zone), instant(day, LAST, zone)
        return
    for window in customer.opening:
        if window.weekday == day.weekday():
            yield instant(day, window.opens, zone), instant(day, window.closes, zone)


def _off_blocked(customer: Customer, spans: list[Span], zone: str) -> Iterable[Span]:
    """Hours that run past midnight end where a blocked day begins."""
    holes = [
        (instant(item.first, FIRST, zone), instant(item.last, LAST, zone))
        for item in customer.blocked
    ]
    for span in spans:
        yield from without(span, holes)
