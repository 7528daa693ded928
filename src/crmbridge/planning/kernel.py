"""The inner loops of the search, compiled: times of a tour, the cheapest place for a node.

Arrays are handed over one by one and indexed in full: taking one out of a tuple, or a row out of
an array, counts references each time, which took two thirds of the time where it was tried.
"""

from crmbridge.planning.chance import State, chance
from crmbridge.planning.compiled import compiled
from crmbridge.planning.field import (
    CLOSE,
    COUNT,
    DAY,
    DAY_WAY,
    FIRST,
    GAP,
    HOP,
    LATEST,
    LENGTH,
    LOST,
    MATES,
    MOST_VISITS,
    MOST_WAY,
    NUMBER,
    OPEN,
    READY,
    SERVICE,
    STOP,
    VISITS,
    WAY,
    Ints,
)


@compiled
def refresh(
    travel: Ints, slots: Ints, nodes: Ints, rows: Ints, legs: Ints, days: Ints, leg: int
) -> None:
    """Recompute a leg's times and travel from its stops."""
    day, length = legs[leg, DAY], legs[leg, LENGTH]
    at = legs[leg, OPEN]
    before = rows[leg, 0, STOP]
    rows[leg, 0, READY] = at
    total = 0
    for i in range(1, length + 1):
        node = rows[leg, i, STOP]
        hop = travel[before, node]
        rows[leg, i, HOP] = hop
        total += hop
        at += hop
        for k in range(FIRST, FIRST + 2 * slots[node, day, COUNT], 2):
            if slots[node, day, k + 1] >= at:
                at = max(at, slots[node, day, k])
                break
        at += nodes[node, SERVICE]
        rows[leg, i, READY] = at
        before = node
    hop = travel[before, rows[leg, length + 1, STOP]]
    rows[leg, length + 1, HOP] = hop
    total += hop
    limit = legs[leg, CLOSE]
    rows[leg, length + 1, LATEST] = limit
    for i in range(length, 0, -1):
        node = rows[leg, i, STOP]
        limit -= rows[leg, i + 1, HOP] + nodes[node, SERVICE]
        for k in range(FIRST + 2 * slots[node, day, COUNT] - 2, FIRST - 1, -2):
            if slots[node, day, k] <= limit:
                limit = min(limit, slots[node, day, k + 1])
                break
        rows[leg, i, LATEST] = limit
    days[day, DAY_WAY] += total - legs[leg, WAY]
    legs[leg, WAY] = total


@compiled
def fits(nodes: Ints, rows: Ints, legs: Ints, leg: int) -> bool:
    """Whether a refreshed leg keeps all its doors and its end.

    Taking a stop out can break it: where the way past a stop is longer than the way over it, as
    with places whose travel is an allowance, or distances that were rounded down.
    """
    length = legs[leg, LENGTH]
    for i in range(1, length + 1):
        if rows[leg, i, READY] - nodes[rows[leg, i, STOP], SERVICE] > rows[leg, i, LATEST]:
            return False
    return bool(rows[leg, length, READY] + rows[leg, length + 1, HOP] <= legs[leg, CLOSE])


@compiled
def may_go(
    slots: Ints, nodes: Ints, legs: Ints, days: Ints, leg_of: Ints, node: int, leg: int
) -> bool:
    """Whether the day's doors and most visits, and the gap to the node's mates, allow it."""
    day = legs[leg, DAY]
    if slots[node, day, COUNT] == 0 or days[day, VISITS] >= days[day, MOST_VISITS]:
        return False
    for k in range(MATES, nodes.shape[1]):
        mate = nodes[node, k]
        if mate < 0:
            break
        other = leg_of[mate]
        if other >= 0:
            apart = days[legs[other, DAY], NUMBER] - days[day, NUMBER]
            if abs(apart) < nodes[node, GAP]:
                return False
    return True


@compiled
def cheapest(
    travel: Ints, back: Ints, slots: Ints, nodes: Ints, rows: Ints, legs: Ints, days: Ints,
    leg: int, node: int, below: int, blink: float, rng: State,
) -> tuple[int, int]:  # fmt: skip
    """(cost, position) of the least detour and waiting in a leg; position 0 if none is below.

    The cost is in half seconds: twice the detour, the waiting, and what the day loses.
    """
    day, length = legs[leg, DAY], legs[leg, LENGTH]
    service, lost = nodes[node, SERVICE], slots[node, day, LOST]
    room = days[day, MOST_WAY] - days[day, DAY_WAY]
    ending = FIRST + 2 * slots[node, day, COUNT]
    first, last = slots[node, day, FIRST], slots[node, day, ending - 1]
    best, found = below, 0
    for i in range(1, length + 2):
        ready, latest = rows[leg, i - 1, READY], rows[leg, i, LATEST]
        if ready > last:
            break
        if latest < first + service:
            continue
        out = back[node, rows[leg, i - 1, STOP]]
        onward = travel[node, rows[leg, i, STOP]]
        arrival = ready + out
        begin = max(arrival, first)
        if begin > last or begin + service + onward > latest:
            continue
        for k in range(FIRST, ending, 2):
            if slots[node, day, k + 1] >= arrival:
                begin = max(arrival, slots[node, day, k])
                break
        detour = out + onward - rows[leg, i, HOP]
        cost = 2 * detour + begin - arrival + lost
        fits = begin + service + onward <= latest and detour <= room
        if cost < best and fits and chance(rng) >= blink:
            best, found = cost, i
    return best, found
