"""How close together the contacts with a customer stand: visits, calls and mails alike."""

from bisect import bisect_left, insort
from collections.abc import Sequence

DAY = 86_400_000
"""Milliseconds."""


def fullest(contacts: Sequence[int], at: int, days: int) -> int:
    """The most contacts that any stretch of so many days around an instant holds.

    A contact at that instant would be one more; if the number is below the most allowed, it fits
    whichever stretch is looked at.

    Args:
        contacts: ms, ascending; made and planned.
        at: ms.
        days: length of a stretch, > 0; its ends count once.
    """
    span = days * DAY
    near = contacts[bisect_left(contacts, at - span + 1) : bisect_left(contacts, at + span)]
    starts = [one for one in near if one <= at] + [at]
    return max(bisect_left(near, start + span) - bisect_left(near, start) for start in starts)


def with_room(contacts: list[int], at: int, days: int, most: int) -> bool:
    """Add a contact if fewer than `most` stand around it; whether it was added.

    Args:
        contacts: as `fullest`; it grows.
        most: 0 for no limit.
    """
    if most and fullest(contacts, at, days) >= most:
        return False
    insort(contacts, at)
    return True
