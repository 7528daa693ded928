"""Why a customer that the policy would visit is not in the plan, and what would change that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from statistics import median

from crmbridge.planning.change import Act, Change, day_after, horizon_to
from crmbridge.planning.displacing import Displacement, cheapest_displacement
from crmbridge.planning.policy import Refusal, Wish, first_possible
from crmbridge.planning.problem import Customer, Rep
from crmbridge.planning.raising import ENOUGH_MORE, TOP_SCORE, raised
from crmbridge.planning.rules import Rules
from crmbridge.planning.shortage import as_change, in_words, shortage
from crmbridge.planning.tours import TourState
from crmbridge.planning.visit import WhyNot
from crmbridge.planning.windows import start_spans
from crmbridge.planning.workdays import Workday

SURE_FROM = 0.75
"""Share of the usual visit's worth below which nothing is sure: a place that only so little was
found for is an odd one, and a plan that is made anew may do without it."""
_ALONE = {
    Act.MINUTES: "The way there and back and the visit do not fit between other fixed times",
    Act.TRAVEL: "The way there and back is longer than the rep may travel a day",
    Act.VISITS: "Every possible day holds its most visits already",
}
"""What stands in the way of a visit that nobody else competes with."""
_CROWDED: dict[Act | None, str] = {
    None: "No time left: worth {worth}, and what was planned instead is worth more",
    Act.MINUTES: "No time left: worth {worth}, and what was planned instead is worth more",
    Act.TRAVEL: "No travel left: worth {worth}, and what was planned instead is worth more",
    Act.VISITS: "Every possible day holds its most visits already",
}
"""What stands in the way of a visit that others were preferred to."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The finished tours beside the empty ones, which tell what would fit alone."""

    rep: Rep
    rules: Rules
    days: Sequence[Workday]
    wishes: Sequence[Wish]
    full: TourState
    empty: TourState

    @cached_property
    def usual(self) -> float:
        """The middle of what the visits that found a place are worth."""
        worth = [
            self.full.value[node][self.full.legs[leg][4]] for node, leg in self.full.placed.items()
        ]
        return median(worth) if worth else 0.0

    @cached_property
    def outsiders(self) -> frozenset[str]:
        """Customers none of whose visits found a place."""
        placed = {self.wishes[node].customer.key for node in self.full.placed}
        return frozenset(wish.customer.key for wish in self.wishes) - placed


def explain(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    """The one main reason for a customer none of whose nodes is in a tour.

    Args:
        nodes: all nodes of the customer; not empty.
    """
    calendar = _calendar_reason(outcome, nodes)
    if calendar is not None:
        return calendar
    if all(outcome.empty.best_spot(node) is None for node in nodes):
        return _alone(outcome, nodes)
    return _crowded_out(outcome, nodes)


def _is_only_one(outcome: Outcome, nodes: Sequence[int]) -> bool:
    """Whether nobody else waits for the room that a change would make."""
    return outcome.outsiders <= {outcome.wishes[nodes[0]].customer.key}


def _calendar_reason(outcome: Outcome, nodes: Sequence[int]) -> Refusal | None:
    customer = outcome.wishes[nodes[0]].customer
    allowed = sorted({day for node in nodes for day, _ in outcome.wishes[node].values})
    worked = [day.day for day in outcome.days if day.day in allowed]
    is_sure = _is_only_one(outcome, nodes)
    if not worked:
        return Refusal(
            code=WhyNot.NO_SHIFT,
            text="No working day among the days on which a visit is allowed",
            change="A shift on one of these days",
            fix=Change(act=Act.SHIFT, day=allowed[-1]),
        )
    if all(any(item.holds(day) for item in customer.blocked) for day in worked):
        return _blocked(outcome, customer, worked[-1])
    if all(not any(value > 0 for value in outcome.empty.value[node]) for node in nodes):
        return _never_open(outcome, customer, worked, is_sure=is_sure)
    return None


def _blocked(outcome: Outcome, customer: Customer, day: date) -> Refusal:
    """Closed on all days on which a visit is allowed, up to the end of the stretch of a day."""
    last = day
    while any(item.holds(day_after(last)) for item in customer.blocked) and last < date.max:
        last = max(item.last for item in customer.blocked if item.holds(day_after(last)))
    label = next((item.label for item in customer.blocked if item.holds(day)), "")
    why = f": {label}" if label else ""
    beyond = day_after(max(last, outcome.days[-1].day))
    reached = first_possible(outcome.rep, customer, beyond)
    return Refusal(
        code=WhyNot.BLOCKED,
        text=f"Takes no visits until {last.isoformat()}{why}",
        change=f"A horizon that reaches {reached.isoformat()}",
        fix=horizon_to(reached),
    )


def _never_open(
    outcome: Outcome, customer: Customer, worked: Sequence[date], *, is_sure: bool
) -> Refusal:
    """No opening is as long as the visit; a rule's hours are named if its own would do."""
    text = f"Never open for {customer.minutes} minutes within free working time"
    change = f"An opening of {customer.minutes} minutes in a shift, or a shorter visit"
    if customer.narrowed_by:
        wide = replace(customer, opening=customer.wide_opening)
        zone, grid = outcome.rep.zone, outcome.rules.grid_minutes * 60
        days = [day for day in outcome.days if day.day in worked]
        if any(start_spans(wide, day, zone, grid) for day in days):
            text = f"Its own hours would do, but {customer.narrowed_by}"
            change = "Other hours or weekdays there"
    longest = max(day.usable[1] - day.usable[0] for day in outcome.days)
    fix = Change(act=Act.OPENING, is_sure=is_sure and longest > customer.minutes * 60)
    return Refusal(code=WhyNot.NO_OPENING, text=text, change=change, fix=fix)


def _alone(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    """Why a customer fits nowhere even where nobody else is visited."""
    short = shortage(outcome.empty, outcome.days, outcome.rep.max_visits, nodes)
    if short is None:
        return Refusal(
            code=WhyNot.TOO_FAR,
            text="The way there takes until after its doors are shut",
            change="An opening that the rep reaches in time",
            fix=Change(act=Act.OPENING),
        )
    is_sure = _is_only_one(outcome, nodes) and not outcome.full.placed
    code = WhyNot.LOWER_VALUE if short.act is Act.VISITS else WhyNot.TOO_FAR
    return Refusal(
        code=code,
        text=_ALONE[short.act],
        change=in_words(short, outcome.days),
        fix=as_change(short, outcome.days, is_sure=is_sure),
    )


def _crowded_out(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    """Why a customer that would fit alone is in no tour."""
    short = shortage(outcome.full, outcome.days, outcome.rep.max_visits, nodes)
    worth = max(max(outcome.full.value[node]) for node in nodes)
    text = _CROWDED[short.act if short else None].format(worth=f"{worth:.1f}")
    found = cheapest_displacement(outcome.full, outcome.empty, nodes)
    # Where others wait, too, minutes that are added mostly go to them: 10 of 52 came in.
    is_sure = _is_only_one(outcome, nodes) and short is not None and short.act is not Act.VISITS
    if short is not None and (found is None or is_sure):
        change = in_words(short, outcome.days)
        fix = as_change(short, outcome.days, is_sure=is_sure)
        return Refusal(code=WhyNot.LOWER_VALUE, text=text, change=change, fix=fix)
    if found is None or not outcome.wishes[nodes[0]].customer.value:
        change, fix = "A score of 100", Change(act=Act.WORTH, amount=TOP_SCORE)
        return Refusal(code=WhyNot.LOWER_VALUE, text=text, change=change, fix=fix)
    return _displacing(outcome, found, text)


def _displacing(outcome: Outcome, found: Displacement, text: str) -> Refusal:
    """What the customer would have to be worth to take another's place."""
    customer = outcome.wishes[found.node].customer
    day = outcome.full.legs[found.leg][4]
    wanted = found.worth * (1 + outcome.rules.keep_bonus) * ENOUGH_MORE
    times = max(wanted / outcome.full.value[found.node][day], ENOUGH_MORE)
    instead = "all others there"
    if found.displaced is not None:
        other = outcome.wishes[found.displaced].customer
        instead = other.name or other.key
    purpose = f", to take the place of {instead} on {outcome.days[day].day.isoformat()}"
    is_sure = wanted >= SURE_FROM * outcome.usual and not customer.day_values
    until = outcome.days[-1].day
    change, fix = raised(customer, times, until, is_sure=is_sure, purpose=purpose)
    return Refusal(code=WhyNot.LOWER_VALUE, text=text, change=change, fix=fix)
