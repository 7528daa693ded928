"""What the configuration says of who is visited how often, when, and with what to talk about."""

from typing import Annotated, Literal

from pydantic import Field

from crmbridge.settings.table import (
    DayRange,
    GapDays,
    IntervalDays,
    Listed,
    Table,
    VisitMinutes,
    Window,
)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Contact = Literal["visit", "meeting", "call", "email"]
Priority = Annotated[float, Field(ge=0, le=1000)]


class VisitSettings(Table):
    """What a class and a rule may both say of visits; the customer's own record stands above."""

    every_days: IntervalDays | None = None
    "Days between visits, unless the customer's record says."
    minutes: VisitMinutes | None = None
    "Length of a visit, unless the customer's record says."
    min_gap_days: GapDays | None = None
    "Fewest days between visits, unless the customer's record says."
    priority: Priority | None = None
    "What a score is multiplied by, 1 unless said; a rule's stands in place of the class's."
    agenda: Listed[str] = ()
    "What to go through at a visit, line by line; a rule's comes after the class's."
    outcome: Listed[str] = ()
    "Fields of a visit that must be filled once it is over, such as outcome; a rule adds its own."


class ClassSettings(VisitSettings):
    """How customers of a class are visited, unless a rule, the CRM's record or an exception says
    otherwise, each of which stands above the one before.
    """


class RuleSettings(VisitSettings):
    """What holds for customers that a rule's conditions fit, over what their class says; later
    rules stand above earlier, the CRM's record above all rules, an exception above the record.
    """

    classes: Listed[str] = ()
    "Condition: one of these classes."
    segments: Listed[str] = ()
    "Condition: one of these segments, by name or id."
    markets: Listed[str] = ()
    "Condition: one of these markets: the customer's segment in the CRM, industry or region."
    needs: Listed[str] = ()
    "Condition: an unmet need of one of these product families or products, by name or id."
    products: Listed[str] = ()
    "Condition: bought one of these products or families before, by name or id."
    countries: Listed[str] = ()
    "Condition: one of these countries, as the CRM writes them."
    barred: str = ""
    "Why these customers are not visited at all."
    days: Listed[Day] = ()
    "The only weekdays on which they are visited."
    hours: Window | None = None
    "The only hours in which they are visited."
    closed: Listed[DayRange] = ()
    "Days on which they are not visited: a day, or [first, last]."


class PressureSettings(Table):
    """How often a customer is contacted at most, whoever does it."""

    max_contacts: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    "Most contacts in the time, planned visits included; 0 for no limit."
    days: IntervalDays = 30
    "The time."
    kinds: Listed[Contact] = ("visit", "meeting", "call", "email")
    "What counts as a contact."
