"""Why a customer that the policy would visit is not in the plan, and what would change that."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from crmbridge.planning.change import Act, Change, day_after, horizon_to
from crmbridge.planning.displacing import Displacement, cheapest_displacement
from crmbridge.planning.policy import Refusal, Wish
from crmbridge.planning.tours import TourState
from crmbridge.planning.visit import WhyNot
from crmbridge.planning.workdays import Workday

ENOUGH_MORE = 1.5
"""A visit worth so many times what it displaces comes in; less may be lost in travel and chance."""
SURE_FROM = 0.75
"""Share of the usual visit's worth below which nothing is sure: a place that only so little was
found for is an odd one, and a plan that is made anew may do without it."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The finished tours beside the empty ones, which tell what would fit alone.

    Args:
        bonus: share of value that a visit gains by standing already when it is planned anew.
    """

    days: Sequence[Workday]
    wishes: Sequence[Wish]
    full: TourState
    empty: TourState
    bonus: float = 0.0

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
        last = max(item.last for item in customer.blocked)
        return Refusal(
            code=WhyNot.BLOCKED,
            text=f"Takes no visits until {last.isoformat()}",
            change=f"A horizon beyond {last.isoformat()}",
            fix=horizon_to(day_after(last)),
        )
    if all(not any(value > 0 for value in outcome.empty.value[node]) for node in nodes):
        is_long = all(
            day.usable[1] - day.usable[0] <= customer.minutes * 60 for day in outcome.days
        )
        return Refusal(
            code=WhyNot.NO_OPENING,
            text=f"Never open for {customer.minutes} minutes within free working time",
            change=f"An opening of {customer.minutes} minutes in a shift, or a shorter visit",
            fix=Change(act=Act.OPENING, is_sure=is_sure and not is_long),
        )
    return None


def _alone(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    if not any(
        outcome.empty.may_go(node, leg) for node in nodes for leg in range(len(outcome.empty.legs))
    ):
        return _day_full()
    gap = _smallest_gap(outcome, outcome.empty, nodes)
    fix = _more_time(gap, is_sure=_is_only_one(outcome, nodes) and not outcome.full.placed)
    return Refusal(
        code=WhyNot.TOO_FAR,
        text="The way there and back and the visit do not fit between other fixed times",
        change=_more_minutes(gap),
        fix=fix,
    )


def _crowded_out(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    worth = max(max(outcome.full.value[node]) for node in nodes)
    text = f"No time left: worth {worth:.1f}, and what was planned instead is worth more"
    gap = _smallest_gap(outcome, outcome.full, nodes)
    if gap is not None and _is_only_one(outcome, nodes):
        fix = _more_time(gap, is_sure=True)
        return Refusal(code=WhyNot.LOWER_VALUE, text=text, change=_more_minutes(gap), fix=fix)
    is_full = gap is None and not any(
        outcome.full.may_go(node, leg) for node in nodes for leg in range(len(outcome.full.legs))
    )
    found = cheapest_displacement(outcome.full, outcome.empty, nodes)
    if found is None or not outcome.wishes[nodes[0]].customer.value:
        return _day_full() if is_full else Refusal(code=WhyNot.LOWER_VALUE, text=text)
    if is_full:
        text = _day_full().text
    return _displacing(outcome, found, text)


def _displacing(outcome: Outcome, found: Displacement, text: str) -> Refusal:
    """What the customer would have to be worth to take another's place."""
    customer = outcome.wishes[found.node].customer
    day = outcome.full.legs[found.leg][4]
    own = outcome.full.value[found.node][day]
    score = customer.value or 0.0
    wanted = found.worth * (1 + outcome.bonus) * ENOUGH_MORE
    needed = _rounded_up(max(score * wanted / own, score * ENOUGH_MORE))
    instead = "all others there"
    if found.displaced is not None:
        other = outcome.wishes[found.displaced].customer
        instead = other.name or other.key
    change = (
        f"A score of {needed:g} instead of {score:.1f}, to take the place of {instead} "
        f"on {outcome.days[day].day.isoformat()}"
    )
    is_usual = wanted >= SURE_FROM * outcome.usual
    fix = Change(act=Act.WORTH, amount=needed, is_sure=is_usual and not customer.day_values)
    return Refusal(code=WhyNot.LOWER_VALUE, text=text, change=change, fix=fix)


def _rounded_up(value: float) -> float:
    return -(-value * 10 // 1) / 10


def _day_full() -> Refusal:
    return Refusal(
        code=WhyNot.LOWER_VALUE,
        text="Every possible day holds its most visits already",
        change="One more visit a day",
    )


def _smallest_gap(
    outcome: Outcome, state: TourState, nodes: Sequence[int]
) -> tuple[int, Workday] | None:
    """Fewest seconds missing anywhere, with the day; None if more time would not help."""
    best: tuple[int, int] | None = None
    for node in nodes:
        for leg, bounds in enumerate(state.legs):
            late = state.lateness(node, leg) if state.may_go(node, leg) else None
            if late is not None and late > 0 and (best is None or late < best[0]):
                best = (late, bounds[4])
    return None if best is None else (best[0], outcome.days[best[1]])


def _more_time(gap: tuple[int, Workday] | None, *, is_sure: bool) -> Change | None:
    if gap is None:
        return None
    return Change(act=Act.MINUTES, day=gap[1].day, amount=-(-gap[0] // 60), is_sure=is_sure)


def _more_minutes(gap: tuple[int, Workday] | None) -> str:
    if gap is None:
        return ""
    return f"{-(-gap[0] // 60)} more minutes on {gap[1].day.isoformat()}"
