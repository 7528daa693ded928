"""What the configuration says of who is visited how often, when, and with what to talk about."""

from typing import Literal

from crmbridge.settings.table import Amount, Count, DayRange, Listed, Positive, Table, Window

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Contact = Literal["visit", "meeting", "call", "email"]


class ClassSettings(Table):
    """How often and how long customers of a class are visited."""

    every_days: Positive | None = None
    "Days between visits."
    minutes: Positive | None = None
    "Length of a visit."
    min_gap_days: Count | None = None
    "Fewest days between visits."
    priority: Amount = 1.0
    "What a score of this class is multiplied by."
    agenda: Listed[str] = ()
    "What to go through at a visit, line by line."
    outcome: Listed[str] = ()
    "Fields of a visit that must be filled once it is over, such as outcome."


class RuleSettings(Table):
    """What holds for customers that a rule's conditions fit; later rules stand above earlier."""

    classes: Listed[str] = ()
    "Condition: one of these classes."
    segments: Listed[str] = ()
    "Condition: one of these segments, by name or id."
    markets: Listed[str] = ()
    "Condition: one of these markets: the customer's segment in the CRM, industry or region."
    needs: Listed[str] = ()
    "Condition: an unmet need of one of these product families or products."
    products: Listed[str] = ()
    "Condition: bought one of these products or families before."
    countries: Listed[str] = ()
    "Condition: one of these countries, as the CRM writes them."
    every_days: Positive | None = None
    "Days between visits."
    minutes: Positive | None = None
    "Length of a visit."
    min_gap_days: Count | None = None
    "Fewest days between visits."
    priority: Amount | None = None
    "What a score is multiplied by, in place of the class's."
    barred: str = ""
    "Why these customers are not visited at all."
    days: Listed[Day] = ()
    "The only weekdays on which they are visited."
    hours: Window | None = None
    "The only hours in which they are visited."
    closed: Listed[DayRange] = ()
    "Days on which they are not visited: a day, or [first, last]."
    agenda: Listed[str] = ()
    "What to go through at a visit, after what the class says."
    outcome: Listed[str] = ()
    "Fields of a visit that must be filled, beside those of the class."


class PressureSettings(Table):
    """How often a customer is contacted at most, whoever does it."""

    max_contacts: Count = 0
    "Most contacts in the time, planned visits included; 0 for no limit."
    days: Positive = 30
    "The time."
    kinds: Listed[Contact] = ("visit", "meeting", "call", "email")
    "What counts as a contact."
