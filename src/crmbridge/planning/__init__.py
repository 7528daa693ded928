"""Decides whom each rep visits, when and in which order, and says why and why not."""

from typing import TYPE_CHECKING, Any

from crmbridge.planning.codec import digest, dumps, loads
from crmbridge.planning.problem import (
    Appointment,
    Customer,
    DatedShift,
    DateRange,
    Problem,
    Rep,
    Reply,
    Rules,
    Shift,
    Travel,
    Window,
    split_by_rep,
)
from crmbridge.planning.visit import (
    Budget,
    Fixedness,
    LeftOut,
    Plan,
    RepSummary,
    Visit,
    WhyNot,
    visit_id,
)

if TYPE_CHECKING:
    from crmbridge.planning.planner import join_plans, plan_part, plan_visits

_LATER = {
    "join_plans": "planner",
    "plan_part": "planner",
    "plan_visits": "planner",
}
"""Names whose modules need numpy or more: loaded when first asked for."""

__all__ = [
    "Appointment",
    "Budget",
    "Customer",
    "DateRange",
    "DatedShift",
    "Fixedness",
    "LeftOut",
    "Plan",
    "Problem",
    "Rep",
    "RepSummary",
    "Reply",
    "Rules",
    "Shift",
    "Travel",
    "Visit",
    "WhyNot",
    "Window",
    "digest",
    "dumps",
    "join_plans",
    "loads",
    "plan_part",
    "plan_visits",
    "split_by_rep",
    "visit_id",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
