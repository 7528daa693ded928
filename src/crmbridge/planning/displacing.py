"""How much a crowded-out visit would have to be worth to take the place of another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmbridge.planning.board import NO_LIMIT
from crmbridge.planning.tours import TourState

UNLIMITED = NO_LIMIT // 2
"""Seconds of travel left from which a day has no limit of travel."""
MOST_TRIES = 40
"""Visits that are tried as the one to give way, those worth least first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Displacement:
    """What gives way to a node.

    Args:
        node: which of the customer's nodes would come in.
        leg: where.
        displaced: the node that goes; None if all of the leg do.
        worth: of what goes.
    """

    node: int
    leg: int
    displaced: int | None
    worth: float


def cheapest_displacement(
    full: TourState, empty: TourState, nodes: Sequence[int]
) -> Displacement | None:
    """The least that must give way so that one of the nodes fits; None if it fits nowhere alone.

    One visit that gives way is tried first; where that never makes room enough, a whole stretch of
    a day does.
    """
    for share, node, leg, other in _pairs(full, nodes)[:MOST_TRIES]:
        tour = [one for one in full.tours[leg] if one != other]
        if _fits_somewhere(full, tour, node, leg):
            worth = share * _own(full, node, leg)
            return Displacement(node=node, leg=leg, displaced=other, worth=worth)
    return _whole_leg(full, empty, nodes)


def _pairs(full: TourState, nodes: Sequence[int]) -> list[tuple[float, int, int, int]]:
    """(worth of what goes over what comes, node, leg, node that goes), the least first."""
    found = []
    for node in nodes:
        for leg, tour in enumerate(full.tours):
            own = _own(full, node, leg)
            if own > 0:
                day = full.legs[leg][4]
                found += [(full.value[other][day] / own, node, leg, other) for other in tour]
    return sorted(found)


def _whole_leg(full: TourState, empty: TourState, nodes: Sequence[int]) -> Displacement | None:
    found = []
    for node in nodes:
        for leg, tour in enumerate(full.tours):
            day = full.legs[leg][4]
            if _own(full, node, leg) > 0 and _fits_somewhere(empty, [], node, leg):
                worth = sum(full.value[other][day] for other in tour)
                found.append((worth / _own(full, node, leg), node, leg, worth))
    if not found:
        return None
    _, node, leg, worth = min(found)
    return Displacement(node=node, leg=leg, displaced=None, worth=worth)


def _own(state: TourState, node: int, leg: int) -> float:
    return float(state.value[node][state.legs[leg][4]])


def _fits_somewhere(state: TourState, tour: list[int], node: int, leg: int) -> bool:
    return any(
        _is_feasible(state, [*tour[:position], node, *tour[position:]], leg)
        for position in range(len(tour) + 1)
    )


def _is_feasible(state: TourState, tour: Iterable[int], leg: int) -> bool:
    """Whether all visits can begin in time, the end of the leg is reached, and travel suffices."""
    start, end, at, close, day = state.legs[leg]
    place, tour = start, list(tour)
    if state.travel_left[day] < UNLIMITED:
        spare = state.travel_left[day] + state.leg_travel(leg)
        if state.way([start, *tour, end]) > spare:
            return False
    for node in tour:
        at += state.travel[place][node]
        begin = _begin(state.windows[node][day], at)
        if begin is None:
            return False
        at, place = begin + state.service[node], node
    return bool(at + state.travel[place][end] <= close)


def _begin(windows: Sequence[tuple[int, int]], at: int) -> int | None:
    for opens, closes in windows:
        if closes >= at:
            return max(opens, at)
    return None
