"""The smallest change that would bring a customer into the plan, as a value."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Act(StrEnum):
    """What would be changed."""

    WORTH = "worth"
    "The customer's score, to `amount`; at most 100."
    PRIORITY = "priority"
    "What the customer's score is multiplied by, to `amount`."
    MINUTES = "minutes"
    "The end of the owner's shift on `day`, by `amount` minutes."
    HORIZON = "horizon"
    "The last day of the plan, to `day`."
    SHIFT = "shift"
    "The owner works on `day`."
    OPENING = "opening"
    "The customer is open whenever the owner works."
    CONSENT = "consent"
    "Nothing bars visits any more."
    REPLY = "reply"
    "The rep's answer is taken back."
    OWNER = "owner"
    "The customer gets an owner."
    TRAVEL = "travel"
    "The owner's most travel a day, by `amount` minutes."
    VISITS = "visits"
    "The owner's most visits a day, by `amount`."
    PRESSURE = "pressure"
    "As many more contacts are allowed in the time as `amount` says."


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change.

    Args:
        is_sure: the customer is then in the plan; else others may take the room that it makes.
    """

    act: Act
    day: date | None = None
    amount: float = 0.0
    is_sure: bool = False


def in_words(text: str, change: Change | None) -> str:
    """A change's words, with how sure they are."""
    if not text or change is None or change.is_sure:
        return text
    return f"Perhaps: {text[0].lower()}{text[1:]}"


def horizon_to(day: date) -> Change:
    """A plan that reaches a day."""
    return Change(act=Act.HORIZON, day=day)


def day_after(day: date) -> date:
    """The next day, or the last there is."""
    return day + timedelta(days=1) if day < date.max else day
