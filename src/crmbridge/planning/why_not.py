"""Why a customer that the policy would visit is not in the plan, and what would change that."""

from collections.abc import Sequence
from dataclasses import dataclass

from crmbridge.planning.policy import Refusal, Wish
from crmbridge.planning.tours import TourState
from crmbridge.planning.visit import WhyNot
from crmbridge.planning.workdays import Workday


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The finished tours beside the empty ones, which tell what would fit alone."""

    days: Sequence[Workday]
    wishes: Sequence[Wish]
    full: TourState
    empty: TourState


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


def _calendar_reason(outcome: Outcome, nodes: Sequence[int]) -> Refusal | None:
    customer = outcome.wishes[nodes[0]].customer
    allowed = {day for node in nodes for day, _ in outcome.wishes[node].values}
    worked = [day.day for day in outcome.days if day.day in allowed]
    if not worked:
        return Refusal(
            code=WhyNot.NO_SHIFT,
            text="No working day among the days on which a visit is allowed",
            change="A shift on one of these days",
        )
    if all(any(item.holds(day) for item in customer.blocked) for day in worked):
        last = max(item.last for item in customer.blocked)
        return Refusal(
            code=WhyNot.BLOCKED,
            text=f"Takes no visits until {last.isoformat()}",
            change=f"A horizon beyond {last.isoformat()}",
        )
    if all(not any(value > 0 for value in outcome.empty.value[node]) for node in nodes):
        return Refusal(
            code=WhyNot.NO_OPENING,
            text=f"Never open for {customer.minutes} minutes within free working time",
            change=f"An opening of {customer.minutes} minutes in a shift, or a shorter visit",
        )
    return None


def _alone(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    if not any(
        outcome.empty.may_go(node, leg) for node in nodes for leg in range(len(outcome.empty.legs))
    ):
        return _day_full()
    gap = _smallest_gap(outcome, outcome.empty, nodes)
    return Refusal(
        code=WhyNot.TOO_FAR,
        text="The way there and back and the visit do not fit between other fixed times",
        change=_more_minutes(gap),
    )


def _crowded_out(outcome: Outcome, nodes: Sequence[int]) -> Refusal:
    worth = max(max(outcome.full.value[node]) for node in nodes)
    gap = _smallest_gap(outcome, outcome.full, nodes)
    if gap is None and not any(
        outcome.full.may_go(node, leg) for node in nodes for leg in range(len(outcome.full.legs))
    ):
        return _day_full()
    return Refusal(
        code=WhyNot.LOWER_VALUE,
        text=f"No time left: worth {worth:.1f}, and what was planned instead is worth more",
        change=_more_minutes(gap) or "A higher score, or a longer shift",
    )


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


def _more_minutes(gap: tuple[int, Workday] | None) -> str:
    if gap is None:
        return ""
    return f"{-(-gap[0] // 60)} more minutes on {gap[1].day.isoformat()}"
