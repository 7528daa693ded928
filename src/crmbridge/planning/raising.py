"""How much more a customer must be worth to be visited, in a number that a person can set."""

from datetime import date

from crmbridge.planning.change import Act, Change
from crmbridge.planning.problem import Customer

ENOUGH_MORE = 1.5
"""A visit worth so many times what it displaces comes in; less may be lost in travel and chance."""
TOP_SCORE = 100.0
"""No score is higher: what must be worth more needs a priority."""
MOST_PRIORITY = 1000.0
"""The highest that an exception may give."""


def raised(
    customer: Customer, times: float, until: date, *, is_sure: bool, purpose: str = ""
) -> tuple[str, Change]:
    """The words and the change that make a customer's visits worth so many times more.

    A higher score if there is one, else a higher priority; the highest, and then never sure, where
    even that is too low.

    Args:
        customer: one that has a score.
        times: > 1.
        until: day to which a priority must hold.
        purpose: what it is for, after the words.
    """
    needed, priority = rounded_up(customer.score * times), rounded_up(customer.priority * times)
    if needed <= TOP_SCORE:
        words = f"A score of {needed:g} instead of {customer.score:.1f}"
        return words + purpose, Change(act=Act.WORTH, amount=needed, is_sure=is_sure)
    if priority > MOST_PRIORITY:
        priority, is_sure = MOST_PRIORITY, False
    words = f"A priority of {priority:g} instead of {customer.priority:g}"
    words += f" until {until.isoformat()} in the overrides file{purpose}"
    return words, Change(act=Act.PRIORITY, amount=priority, is_sure=is_sure)


def rounded_up(value: float) -> float:
    """To one decimal, never down."""
    return -(-value * 10 // 1) / 10
