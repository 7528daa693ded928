"""Wall-clock times as instants: what a date and a minute of the day mean in a zone."""

from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crmbridge.errors import ConfigError


class WallTime(Enum):
    """What the zone makes of a wall-clock time."""

    PLAIN = "plain"
    "It happens once."
    GAP = "gap"
    "It does not happen: clocks jump over it, and it is moved forward by the jump."
    OVERLAP = "overlap"
    "It happens twice, and the first is meant."


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        ConfigError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            "zone", "an IANA name such as 'Europe/Berlin'", repr(name), "Correct the rep's zone"
        ) from error


@lru_cache(maxsize=65536)
def instant(day: date, minute: int, zone: str) -> int:
    """Seconds since 1970-01-01T00:00Z of a minute of the day; 1440 and more is the next day."""
    return int(_wall(day, minute).replace(tzinfo=zone_of(zone)).timestamp())


@lru_cache(maxsize=65536)
def judge(day: date, minute: int, zone: str) -> WallTime:
    """Whether that wall-clock time is skipped or doubled by a change of clocks."""
    first = _wall(day, minute).replace(tzinfo=zone_of(zone))
    before, after = first.utcoffset(), first.replace(fold=1).utcoffset()
    if before is None or after is None or before == after:
        return WallTime.PLAIN
    return WallTime.GAP if before < after else WallTime.OVERLAP


def wall_clock(seconds: int, zone: str) -> datetime:
    """The naive wall-clock time of an instant in a zone."""
    return moment(seconds).astimezone(zone_of(zone)).replace(tzinfo=None)


def moment(seconds: int) -> datetime:
    """The aware UTC datetime of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds_of(at: datetime) -> int:
    """Seconds since 1970 of an aware datetime, rounded down."""
    return int(at.timestamp() // 1)


def _wall(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)
