"""Decides which run of a job is due, from its schedule, its last due time and the time now.

A schedule is read as wall-clock times in the job's zone. Each wall time comes once: one that the
clocks jump over is moved forward by the jump (02:30 becomes 03:30), one that they show twice is
meant at its first showing. So a nightly job runs once in every night of the year.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from crmbridge.errors import ConfigError

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MAX_MISSED = 1000
"""Missed runs are counted up to here; past that the number tells nobody anything."""


class DueKind(Enum):
    """Why a job should run now, or not."""

    NOT_DUE = "not_due"
    "Nothing to do until `Due.next_at`."
    ON_TIME = "on_time"
    "A run is due."
    LATE = "late"
    "One or more runs were missed; one run, late, makes up for all of them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a job's schedule says now.

    Args:
        at: the due time that a run now answers; None when nothing is due.
        missed: due times that passed without a run, `at` not counted.
        next_at: the first due time after now.
    """

    kind: DueKind
    at: datetime | None
    missed: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job's due times: a cron expression of five fields in a zone.

    Args:
        cron: minute, hour, day, month, weekday; weekday 0 and 7 are Sunday, names are allowed.
        zone: IANA name.
        late_minutes: a run that starts at most this long after its due time is on time.
    """

    cron: str
    zone: str = "UTC"
    late_minutes: int = 30

    def times(self, after: datetime) -> Iterator[datetime]:
        """Due times after an aware time, in order, as aware datetimes of the zone.

        Raises:
            ConfigError: the expression or the zone cannot be read.
        """
        zone = _zone(self.zone)
        trigger = _trigger(self.cron)
        # The trigger runs on wall time dressed as UTC, since its own zone arithmetic fires twice
        # when clocks go back. A day earlier, so that a shifted wall time cannot be skipped.
        wall = after.astimezone(zone).replace(tzinfo=UTC) - timedelta(days=1)
        while True:
            found = trigger.get_next_fire_time(None, wall)
            if found is None:
                return
            at = _instant(found.replace(tzinfo=None), zone)
            if at > after:
                yield at
            wall = found + timedelta(seconds=1)


def due(schedule: Schedule, last_due_at: datetime | None, now: datetime) -> Due:
    """Say whether a job should run now.

    Args:
        last_due_at: due time that the last run answered; None for a job never seen before,
            which waits for its next due time rather than make up for a past it did not have.
        now: aware.
    """
    if last_due_at is None:
        return Due(kind=DueKind.NOT_DUE, at=None, missed=0, next_at=_first(schedule, now))
    passed: list[datetime] = []
    next_at = None
    for at in schedule.times(last_due_at):
        if at > now:
            next_at = at
            break
        passed.append(at)
        if len(passed) > _MAX_MISSED:
            next_at = _first(schedule, now)
            break
    if not passed:
        return Due(kind=DueKind.NOT_DUE, at=None, missed=0, next_at=next_at)
    late = now - passed[-1] > timedelta(minutes=schedule.late_minutes) or len(passed) > 1
    kind = DueKind.LATE if late else DueKind.ON_TIME
    return Due(kind=kind, at=passed[-1], missed=len(passed) - 1, next_at=next_at)


def _first(schedule: Schedule, now: datetime) -> datetime | None:
    return next(schedule.times(now), None)


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The aware time of a wall time: first of two, or moved over the gap."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as cause:
        raise ConfigError(
            "jobs.timezone", "an IANA zone such as Europe/Berlin", repr(name)
        ) from cause


def _trigger(cron: str) -> Any:
    from apscheduler.triggers.cron import CronTrigger

    fields = cron.split()
    if len(fields) != 5:
        raise ConfigError(
            "jobs.schedule", "five cron fields, minute hour day month weekday", repr(cron)
        )
    fields[4] = _named_days(fields[4])
    try:
        return CronTrigger.from_crontab(" ".join(fields), timezone=UTC)
    except (ValueError, TypeError) as cause:
        raise ConfigError("jobs.schedule", "a cron expression", f"{cron!r} ({cause})") from cause


def _named_days(field: str) -> str:
    """Weekday numbers as names, since APScheduler counts from Monday and cron from Sunday."""
    if "*/" in field or "?" in field:
        return field
    parts = []
    for part in field.lower().split(","):
        span = re.fullmatch(r"([0-7])(?:-([0-7]))?", part)
        if span is None:
            parts.append(part)
            continue
        first, last = int(span[1]), int(span[2] or span[1])
        parts.extend(_DAYS[number] for number in range(first, last + 1))
    return ",".join(dict.fromkeys(parts))
