"""Decides what holds for a customer on which days of a plan, since exceptions end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from crmbridge.jobs.territory.opening import WEEKDAYS
from crmbridge.jobs.territory.overrides import Override
from crmbridge.jobs.territory.policies import VisitPolicy
from crmbridge.planning import DateRange

PolicyOf = Callable[[Sequence[Override]], VisitPolicy]
"""The policy that some exceptions make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Days on which one policy holds, both inclusive."""

    first: date
    last: date
    policy: VisitPolicy

    def days(self) -> Iterable[date]:
        """Each of them."""
        return (self.first + timedelta(n) for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayByDay:
    """What changes within a plan; interval, length and gap are those of its first day.

    Args:
        barred: why there are no visits on any day; empty if there are on some.
        lifted_by: what would end that.
        closed: days without visits because an exception bars them, or names other weekdays.
        priority: the highest of any day.
        day_shares: days with a lower one, and which share of the highest it is.
        weekdays: the only ones of any day; empty for all.
    """

    barred: str = ""
    lifted_by: str = ""
    closed: tuple[DateRange, ...] = ()
    priority: float = 1.0
    day_shares: tuple[tuple[date, float], ...] = ()
    weekdays: tuple[str, ...] = ()


def stretches_of(
    policy_of: PolicyOf, overrides: Sequence[Override], first: date, last: date
) -> tuple[Stretch, ...]:
    """The policies of a plan's days, in order, one more after each end of an exception.

    Args:
        overrides: those for one customer; what ended before the first day counts nowhere.
    """
    ends = sorted({one.until for one in overrides if first <= one.until < last})
    starts = [first, *(end + timedelta(days=1) for end in ends)]
    return tuple(
        Stretch(
            first=start,
            last=end,
            policy=policy_of([one for one in overrides if one.until >= start]),
        )
        for start, end in zip(starts, [*ends, last], strict=True)
    )


def day_by_day(stretches: Sequence[Stretch]) -> DayByDay:
    """What the policies of a plan's days come to.

    Args:
        stretches: not empty.
    """
    free = [one for one in stretches if not one.policy.barred]
    if not free:
        held = stretches[0].policy
        return DayByDay(barred=held.barred, lifted_by=_end_of_bar(held), priority=held.priority)
    top = max(one.policy.priority for one in free)
    weekdays = _any_of(free)
    return DayByDay(
        closed=(*_barred_days(stretches), *_other_weekdays(free, weekdays)),
        priority=top,
        day_shares=tuple(
            (day, one.policy.priority / top)
            for one in free
            if one.policy.priority != top
            for day in one.days()
        ),
        weekdays=weekdays,
    )


def _end_of_bar(policy: VisitPolicy) -> str:
    origin = policy.origins.get("barred", "")
    if origin.startswith("planning."):
        return f"A narrower condition in {origin}, or that rule without barred"
    return f"An earlier end of {origin}" if origin else ""


def _any_of(free: Sequence[Stretch]) -> tuple[str, ...]:
    """Weekdays that are allowed on any day; empty for all."""
    if any(not one.policy.days for one in free):
        return ()
    allowed = {day for one in free for day in one.policy.days}
    return tuple(day for day in WEEKDAYS if day in allowed)


def _barred_days(stretches: Sequence[Stretch]) -> Iterable[DateRange]:
    for one in stretches:
        if one.policy.barred:
            yield DateRange(first=one.first, last=one.last, label=one.policy.barred)


def _other_weekdays(free: Sequence[Stretch], weekdays: Sequence[str]) -> Iterable[DateRange]:
    """Days that only another stretch's weekdays allow."""
    for one in free:
        allowed = one.policy.days
        if not allowed or set(allowed) == set(weekdays):
            continue
        label = f"only {', '.join(allowed)}: {one.policy.origins.get('days', '')}"
        for day in one.days():
            if WEEKDAYS[day.weekday()] not in allowed:
                yield DateRange(first=day, last=day, label=label)


def narrowing(policy: VisitPolicy, weekdays: Sequence[str]) -> str:
    """Which lines leave only some weekdays or hours of a customer's own; empty for none."""
    said = []
    if weekdays:
        said.append(f"{policy.origins.get('days', 'an exception')} allows only {_list(weekdays)}")
    if policy.hours:
        start, end = policy.hours
        said.append(f"{policy.origins.get('hours', '')} allows only {_at(start)}-{_at(end)}")
    return " and ".join(said)


def _list(weekdays: Sequence[str]) -> str:
    return ", ".join(day.capitalize() for day in weekdays)


def _at(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
