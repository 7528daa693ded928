"""Which stretches a rep can work in, day by day, around all that stands in the calendar.

An appointment at a known place, like a pinned visit, cuts the day: before it the rep must get
there, after it the rep starts there. So a day is a few *legs*, each with a start place, an end
place and two instants. Time taken without a place (lunch, a call) cuts no day: the working clock
simply stands still meanwhile, so that travel may be interrupted by it and a visit may not.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from crmbridge.planning.distances import distances_of
from crmbridge.planning.problem import Appointment, Problem, Rep, Shift
from crmbridge.planning.spans import Span, clip, length, round_down, round_up, union, without
from crmbridge.planning.visit import Visit
from crmbridge.planning.zones import WallTime, instant, judge, seconds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Something that stands in the calendar at a place and is not ours to move.

    Args:
        arrive: place to be reached for it; empty when unknown.
        leave: place it is left from.
        visits: how many customers it counts as towards the day's limit.
    """

    span: Span
    arrive: str
    leave: str
    visits: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A stretch between two places in which visits can be put."""

    span: Span
    start_place: str
    end_place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workday:
    """One rep's day.

    Args:
        shift: real time, rounded to the grid.
        usable: what of the shift is not past.
        legs: in order, none of them past; empty when stops leave no time.
        breaks: time without a place in which nothing can be done; inside the shift, in order.
        stops: what cuts the day, in order.
        notes: what the change of clocks did to this day's bounds.
    """

    day: date
    shift: Span
    usable: Span
    legs: tuple[Leg, ...] = ()
    breaks: tuple[Span, ...] = ()
    stops: tuple[Stop, ...] = ()
    notes: tuple[WallTime, ...] = ()

    def to_working(self, at: int) -> int:
        """The working clock at an instant: real time less the breaks before it."""
        return at - sum(min(at, end) - start for start, end in self.breaks if start < at)

    def to_real(self, working: int) -> int:
        """The instant at which the working clock shows that, after any break there."""
        at = working
        for start, end in self.breaks:
            if start <= at:
                at += end - start
        return at

    def free_seconds(self) -> int:
        """Working seconds in all legs together."""
        return sum(length(without(leg.span, self.breaks)) for leg in self.legs)


def workdays(problem: Problem, rep: Rep, kept: Sequence[Visit]) -> tuple[Workday, ...]:
    """Every day of the horizon on which the rep works at all.

    Args:
        kept: visits that stay where they are.
    """
    grid = problem.rules.grid_minutes * 60
    placed = [*_placed(problem.appointments, grid), *_kept_stops(problem, kept, grid)]
    breaks = union(
        (round_down(seconds_of(item.start_at), grid), round_up(seconds_of(item.end_at), grid))
        for item in problem.appointments
        if item.rep == rep.id and not item.place and item.start_at < item.end_at
    )
    now = round_up(seconds_of(problem.now), grid)
    taken = _Taken(placed=placed, breaks=breaks, way=_way_of(problem, rep))
    days = (_workday(rep, day, now, grid, taken) for day in problem.horizon())
    return tuple(day for day in days if day is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """What stands in a rep's calendar.

    Args:
        breaks: time that is taken without a place.
        way: seconds from one place to another.
    """

    placed: Sequence[Stop]
    breaks: Sequence[Span]
    way: Callable[[str, str], int]


def _way_of(problem: Problem, rep: Rep) -> Callable[[str, str], int]:
    distances = distances_of(problem, rep.id)
    allowance = problem.rules.unknown_travel_minutes * 60

    def way(start: str, end: str) -> int:
        seconds = distances.seconds(start, end)
        return allowance if seconds is None else seconds

    return way


def shift_on(rep: Rep, day: date) -> Shift | None:
    """The rep's shift on a date, None on a day off, an absence or a public holiday."""
    if any(item.holds(day) for item in (*rep.absences, *rep.holidays)):
        return None
    for dated in rep.dated_shifts:
        if dated.day == day:
            return dated.shift
    return next((item for item in rep.shifts if item.weekday == day.weekday()), None)


def shift_span(rep: Rep, day: date, shift: Shift) -> Span:
    """The shift in real time; one that ends at or before its start ends on the next day."""
    end = shift.end if shift.end > shift.start else shift.end + 1440
    return instant(day, shift.start, rep.zone), instant(day, end, rep.zone)


def _workday(rep: Rep, day: date, now: int, grid: int, taken: _Taken) -> Workday | None:
    shift = shift_on(rep, day)
    if shift is None:
        return None
    start, end = shift_span(rep, day, shift)
    span = (round_up(start, grid), round_down(end, grid))
    usable = clip(span, (now, span[1]))
    if usable is None:
        return None
    stops = _merged(stop for stop in taken.placed if clip(stop.span, span))
    legs = tuple(_legs(span, shift, stops))
    breaks = [part for part in (clip(item, span) for item in taken.breaks) if part]
    possible = list(_lunches(rep, day, shift, span, [*breaks, *(stop.span for stop in stops)]))
    if possible:
        lacking = (_lacking(lunch, legs, breaks, taken.way) for lunch in possible)
        breaks.append(min(zip(lacking, range(len(possible)), possible, strict=True))[2])
    free_breaks = [
        part for item in union(breaks) for part in without(item, [s.span for s in stops])
    ]
    return Workday(
        day=day,
        shift=span,
        usable=usable,
        legs=tuple(_still_to_come(legs, now)),
        breaks=tuple(free_breaks),
        stops=tuple(stops),
        notes=_clock_notes(rep, day, shift),
    )


def _legs(span: Span, shift: Shift, stops: Sequence[Stop]) -> Iterable[Leg]:
    at, place = span[0], shift.start_place
    for stop in stops:
        if stop.span[0] > at:
            yield Leg(span=(at, stop.span[0]), start_place=place, end_place=stop.arrive)
        at, place = stop.span[1], stop.leave
    if at < span[1]:
        yield Leg(span=(at, span[1]), start_place=place, end_place=shift.end_place)


def _still_to_come(legs: Iterable[Leg], now: int) -> Iterable[Leg]:
    for leg in legs:
        span = clip(leg.span, (now, leg.span[1]))
        if span is not None:
            yield replace(leg, span=span)


def _lunches(rep: Rep, day: date, shift: Shift, span: Span, taken: list[Span]) -> Iterable[Span]:
    """When lunch may be: at its minute or near to it, the nearest first."""
    for shift_by in _nearest_first(shift.lunch_slack if shift.lunch_minutes else -1):
        start = instant(day, shift.lunch + shift_by, rep.zone)
        lunch = (start, start + shift.lunch_minutes * 60)
        if span[0] <= lunch[0] and lunch[1] <= span[1] and without(lunch, taken) == [lunch]:
            yield lunch


def _lacking(
    lunch: Span, legs: Sequence[Leg], breaks: Sequence[Span], way: Callable[[str, str], int]
) -> int:
    """Seconds that the way between the stops around it lacks if lunch is there."""
    leg = next(one for one in legs if one.span[0] <= lunch[0] and lunch[1] <= one.span[1])
    free = length(without(leg.span, [*breaks, lunch]))
    return max(0, way(leg.start_place, leg.end_place) - free)


def _nearest_first(slack: int, step: int = 15) -> Iterable[int]:
    if slack >= 0:
        yield 0
    for distance in range(step, slack + 1, step):
        yield distance
        yield -distance


def _placed(appointments: Iterable[Appointment], grid: int) -> Iterable[Stop]:
    for item in appointments:
        start, end = seconds_of(item.start_at), seconds_of(item.end_at)
        if item.place and start < end:
            yield Stop(
                span=(round_down(start, grid), round_up(end, grid)),
                arrive=item.place,
                leave=item.place,
                visits=1 if item.customer else 0,
            )


def _kept_stops(problem: Problem, kept: Iterable[Visit], grid: int) -> Iterable[Stop]:
    places = {item.key: item.place_id for item in problem.customers}
    for visit in kept:
        span = (
            round_down(seconds_of(visit.start_at), grid),
            round_up(seconds_of(visit.end_at), grid),
        )
        place = places.get(visit.customer, visit.customer)
        yield Stop(span=span, arrive=place, leave=place)


def _merged(stops: Iterable[Stop]) -> list[Stop]:
    """Stops in order; those that overlap become one that is left from where the last one ends."""
    merged: list[Stop] = []
    for stop in sorted(stops, key=lambda item: (item.span, item.arrive)):
        if merged and stop.span[0] < merged[-1].span[1]:
            merged[-1] = _joined(merged[-1], stop)
        else:
            merged.append(stop)
    return merged


def _joined(first: Stop, second: Stop) -> Stop:
    last = second if second.span[1] >= first.span[1] else first
    return Stop(
        span=(first.span[0], last.span[1]),
        arrive=first.arrive,
        leave=last.leave,
        visits=first.visits + second.visits,
    )


def _clock_notes(rep: Rep, day: date, shift: Shift) -> tuple[WallTime, ...]:
    end_day = day if shift.end > shift.start else day + timedelta(days=1)
    found = (judge(day, shift.start, rep.zone), judge(end_day, shift.end, rep.zone))
    return tuple(note for note in found if note is not WallTime.PLAIN)
