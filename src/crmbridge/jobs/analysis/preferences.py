"""Says how and when a customer responds: channel, weekday and hour, from what they did."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from crmbridge.records import from_millis
from crmbridge.store.history import answers

LEAST = 3
"""Responses, below which nothing is said of a preference."""

DAY = 86_400_000
_DAYS = 730
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """How and when a customer responds; each part is what comes most often, ties by name.

    Args:
        share: of all responses that came by `channel`.
        hour: begins at this hour of the customer's day.
    """

    channel: str
    share: float
    weekday: str
    hour: int
    responses: int

    def sentence(self) -> str:
        """In words, without counts, so that it changes only when the customer does."""
        when = f"{self.weekday}s around {self.hour} o'clock"
        return f"Responds most by {self.channel.replace('_', ' ')}, on {when}"


def preference_of(channels: Iterable[str], times: Iterable[datetime]) -> Preference | None:
    """The preference that responses show; None where there are too few.

    Args:
        times: of the same responses, on the customer's own clock.
    """
    by, at = list(channels), list(times)
    if len(by) < LEAST:
        return None
    channel, count = _most(by)
    return Preference(
        channel=channel,
        share=count / len(by),
        weekday=_most([_WEEKDAYS[time.weekday()] for time in at])[0],
        hour=int(_most([f"{time.hour:02}" for time in at])[0]),
        responses=len(by),
    )


def _most(values: Sequence[str]) -> tuple[str, int]:
    counts = Counter(values)
    return min(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def preferences(
    tx: Connection, sources: Sequence[str], zones: Mapping[str, str], now: int
) -> dict[str, Preference]:
    """Preferences of customers by id, from the last two years; who hardly responded is absent.

    Args:
        zones: customer id -> IANA name; "" is UTC.
        now: ms.
    """
    found = answers(tx, sources, now - _DAYS * DAY, zones)
    kept = {}
    for id_, rows in found.groupby("customer_id"):
        zone = ZoneInfo(zones[str(id_)] or "UTC")
        times = [from_millis(int(at)).astimezone(zone) for at in rows["at"]]
        preference = preference_of((str(channel) for channel in rows["channel"]), times)
        if preference is not None:
            kept[str(id_)] = preference
    return kept
