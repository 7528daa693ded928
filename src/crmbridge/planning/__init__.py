"""Decides whom each rep visits, when and in which order, and says why and why not.

`plan_visits(problem, budget) -> Plan` is the whole room: `Problem` holds all that a plan depends
on, and `dumps`, `loads` and `digest` keep either for later. `split_by_rep`, `plan_part` and
`join_plans` do the same in parts that may run anywhere. Beside it: `check_plan(problem, plan)`
finds what cannot be carried out, `diff_plans(visits, plan)` says what changed, `capacity(problem)`
whether the hours suffice at all; `busy_times(...)` reads calendars, `calendar_text(...)` writes
them, and `public_holidays(country, region, first, last)` gives a rep's.
"""

from typing import TYPE_CHECKING, Any

from crmbridge.planning.change import Act, Change
from crmbridge.planning.codec import digest, dumps, loads
from crmbridge.planning.problem import (
    Appointment,
    Customer,
    DatedShift,
    DateRange,
    Problem,
    Rep,
    Reply,
    Shift,
    Travel,
    Window,
    split_by_rep,
)
from crmbridge.planning.rules import Rules
from crmbridge.planning.visit import (
    Budget,
    Fixedness,
    LeftOut,
    Night,
    Plan,
    RepSummary,
    Visit,
    WhyNot,
    visit_id,
)

if TYPE_CHECKING:
    from crmbridge.planning.checker import Violation, check_plan
    from crmbridge.planning.days_off import public_holidays
    from crmbridge.planning.diff import Drop, Move, PlanDiff, diff_plans
    from crmbridge.planning.ics import CalendarEntry, calendar_text, is_own_uid, uid_of
    from crmbridge.planning.ics_busy import BusyCalendar, BusySpan, busy_times
    from crmbridge.planning.planner import join_plans, plan_part, plan_visits
    from crmbridge.planning.remedy import apply_change
    from crmbridge.planning.workload import ClassNeed, RepCapacity, capacity

_LATER = {
    "apply_change": "remedy",
    "BusyCalendar": "ics_busy",
    "BusySpan": "ics_busy",
    "CalendarEntry": "ics",
    "ClassNeed": "workload",
    "Drop": "diff",
    "Move": "diff",
    "PlanDiff": "diff",
    "RepCapacity": "workload",
    "Violation": "checker",
    "busy_times": "ics_busy",
    "calendar_text": "ics",
    "capacity": "workload",
    "check_plan": "checker",
    "diff_plans": "diff",
    "is_own_uid": "ics",
    "join_plans": "planner",
    "plan_part": "planner",
    "plan_visits": "planner",
    "public_holidays": "days_off",
    "uid_of": "ics",
}
"""Names whose modules need numpy, icalendar or more: loaded when first asked for."""

__all__ = [
    "Act",
    "Appointment",
    "Budget",
    "BusyCalendar",
    "BusySpan",
    "CalendarEntry",
    "Change",
    "ClassNeed",
    "Customer",
    "DateRange",
    "DatedShift",
    "Drop",
    "Fixedness",
    "LeftOut",
    "Move",
    "Night",
    "Plan",
    "PlanDiff",
    "Problem",
    "Rep",
    "RepCapacity",
    "RepSummary",
    "Reply",
    "Rules",
    "Shift",
    "Travel",
    "Violation",
    "Visit",
    "WhyNot",
    "Window",
    "apply_change",
    "busy_times",
    "calendar_text",
    "capacity",
    "check_plan",
    "diff_plans",
    "digest",
    "dumps",
    "is_own_uid",
    "join_plans",
    "loads",
    "plan_part",
    "plan_visits",
    "public_holidays",
    "split_by_rep",
    "uid_of",
    "visit_id",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
