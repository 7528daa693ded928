"""What of a rep's days is short for one more visit: minutes, travel, or the number of visits."""

from collections.abc import Sequence
from dataclasses import dataclass

from crmbridge.planning.change import Act, Change
from crmbridge.planning.tours import TourState
from crmbridge.planning.workdays import Workday


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """The least that is missing.

    Args:
        amount: whole minutes, or visits; > 0.
        day: index of the day on which it is least.
    """

    act: Act
    amount: int
    day: int


def shortage(
    state: TourState, days: Sequence[Workday], max_visits: int, nodes: Sequence[int]
) -> Shortage | None:
    """What is missing for one of a customer's nodes; None where no more of anything helps.

    The number of visits is named only where it closes every day: else it is not what is short.
    """
    places = [(node, leg) for node in nodes for leg in range(len(state.legs))]
    free = [(node, leg) for node, leg in places if state.may_go(node, leg)]
    if not free:
        return _visits(state, days, max_visits, places)
    found = [(leg, *miss) for node, leg in free for miss in state.misses(node, leg)]
    late = [(late, leg) for leg, late, far in found if far <= 0 < late]
    far = [(far, leg) for leg, late, far in found if late <= 0 < far]
    both = [(late, leg) for leg, late, far in found if late > 0]
    one = [_least(Act.MINUTES, state, late), _least(Act.TRAVEL, state, far)]
    least = min((short for short in one if short), key=lambda short: short.amount, default=None)
    return least or _least(Act.MINUTES, state, both)


def in_words(short: Shortage, days: Sequence[Workday]) -> str:
    """What would have to be added."""
    amount, day = short.amount, days[short.day].day.isoformat()
    if short.act is Act.MINUTES:
        return f"{amount} more minutes on {day}"
    if short.act is Act.TRAVEL:
        return f"{amount} more minutes on the road a day"
    return "One more visit a day" if amount == 1 else f"{amount} more visits a day"


def as_change(short: Shortage, days: Sequence[Workday], *, is_sure: bool) -> Change:
    """The same as a value."""
    day = days[short.day].day if short.act is Act.MINUTES else None
    return Change(act=short.act, day=day, amount=short.amount, is_sure=is_sure)


def _least(act: Act, state: TourState, missing: Sequence[tuple[int, int]]) -> Shortage | None:
    if not missing:
        return None
    seconds, leg = min(missing)
    return Shortage(act=act, amount=-(-seconds // 60), day=state.legs[leg][4])


def _visits(
    state: TourState, days: Sequence[Workday], max_visits: int, places: Sequence[tuple[int, int]]
) -> Shortage | None:
    """More visits a day, where that number alone keeps a day closed."""
    missing = [
        (1 + max(0, sum(stop.visits for stop in days[day].stops) - max_visits), day)
        for node, leg in places
        if state.value[node][day := state.legs[leg][4]] > 0 and state.visits_left[day] <= 0
    ]
    if not missing:
        return None
    amount, day = min(missing)
    return Shortage(act=Act.VISITS, amount=amount, day=day)
