"""Ruin and recreate with annealing, compiled: takes strings of visits out and puts others in.

After Christiaens and Vanden Berghe (2020), *Slack Induction by String Removals*, for tours that
need not hold every node: what is worth most, or most for its time, goes back first.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.chance import State, below, chance
from crmbridge.planning.compiled import compiled
from crmbridge.planning.field import (
    DAY,
    DAY_WAY,
    FOREVER,
    LENGTH,
    MATES,
    STOP,
    TOUR,
    VISITS,
    WAY,
    Counts,
    Field,
    Flags,
    Floats,
    Ints,
    Tours,
)
from crmbridge.planning.kernel import cheapest, fits, may_go, refresh


class Knobs(NamedTuple):
    """Settings of the search that the compiled code reads.

    Args:
        removals: nodes taken out on average, > 0.
        string: longest string taken out of one leg, >= 1.
        split: chance that a string keeps some of its middle, 0 to 1.
        blink: chance to overlook a better place, 0 to 1.
        tours: how many tours there are, > 0.
        patience: failed insertions in a row after which an iteration stops trying.
        wide: chance that all outsiders are tried, and in every leg; 0 to 1.
        travel_cost: value of one second of travel, as a tie-breaker.
        least: fewest nodes that must be on a day they are held on.
    """

    removals: float
    string: float
    split: float
    blink: float
    tours: float
    patience: int
    wide: float
    travel_cost: float
    least: int


class Scratch(NamedTuple):
    """Room for one iteration's work; nothing in it outlives the iteration.

    Args:
        saved: the solution as it was, of the touched legs only.
        touched: (L) whether a leg was changed in this iteration.
        fresh: (N) whether a node was taken out in this iteration.
        listed: (N) whether a node is in the pool.
        pool: (N) nodes in no tour that are to be tried.
        key: (N) order in which they are tried, least first.
    """

    saved: Tours
    touched: NDArray[np.bool_]
    fresh: NDArray[np.bool_]
    listed: NDArray[np.bool_]
    pool: Ints
    key: Floats


def scratch_for(tours: Tours) -> Scratch:
    """Fresh room for a solution's size."""
    nodes = len(tours.leg_of)
    return Scratch(
        saved=Tours(*(item.copy() for item in tours)),
        touched=np.zeros(len(tours.legs), np.bool_),
        fresh=np.zeros(nodes, np.bool_),
        listed=np.zeros(nodes, np.bool_),
        pool=np.zeros(nodes, np.int32),
        key=np.zeros(nodes),
    )


@compiled
def touch(tours: Tours, scratch: Scratch, leg: int) -> None:
    """Save a leg before its first change in an iteration."""
    if scratch.touched[leg]:
        return
    scratch.touched[leg] = True
    rows, legs = tours.rows, tours.legs
    saved_rows, saved_legs = scratch.saved.rows, scratch.saved.legs
    saved_legs[leg, LENGTH] = legs[leg, LENGTH]
    saved_legs[leg, WAY] = legs[leg, WAY]
    for i in range(legs[leg, LENGTH] + 2):
        for k in range(4):
            saved_rows[leg, i, k] = rows[leg, i, k]


@compiled
def undo(tours: Tours, scratch: Scratch) -> None:
    """Put back every leg that the iteration touched."""
    rows, legs, days, leg_of = tours.rows, tours.legs, tours.days, tours.leg_of
    saved_rows, saved_legs = scratch.saved.rows, scratch.saved.legs
    touched = scratch.touched
    for leg in range(len(legs)):
        if touched[leg]:
            for i in range(1, legs[leg, LENGTH] + 1):
                leg_of[rows[leg, i, STOP]] = -1
    for leg in range(len(legs)):
        if touched[leg]:
            day, length = legs[leg, DAY], saved_legs[leg, LENGTH]
            days[day, VISITS] += length - legs[leg, LENGTH]
            days[day, DAY_WAY] += saved_legs[leg, WAY] - legs[leg, WAY]
            legs[leg, LENGTH], legs[leg, WAY] = length, saved_legs[leg, WAY]
            for i in range(length + 2):
                for k in range(4):
                    rows[leg, i, k] = saved_rows[leg, i, k]
                if 0 < i <= length:
                    leg_of[rows[leg, i, STOP]] = leg


@compiled
def ruin(field: Field, tours: Tours, scratch: Scratch, knobs: Knobs, rng: State) -> int:
    """Take strings of nodes out of the legs nearest to a random node, which is returned."""
    legs, leg_of = tours.legs, tours.leg_of
    seed = below(rng, len(leg_of))
    total = 0
    for leg in range(len(legs)):
        total += legs[leg, LENGTH]
    longest = min(knobs.string, max(1.0, total / knobs.tours))
    strings = int(chance(rng) * (4.0 * knobs.removals / (1.0 + longest) - 1.0) + 1.0)
    for _ in range(max(1, strings)):
        node = _nearest(field.travel, leg_of, scratch.touched, seed)
        if node < 0:
            break
        leg = leg_of[node]
        count = int(chance(rng) * longest + 1.0)
        left = count - _take(field, tours, scratch, knobs, rng, leg, node, count)
        # A string that is longer than its leg goes on in the same day's legs on either side.
        for side in (leg + 1, leg - 1):
            if left > 0 and 0 <= side < len(legs) and legs[side, TOUR] == legs[leg, TOUR]:
                length = legs[side, LENGTH]
                if length > 0 and not scratch.touched[side]:
                    edge = tours.rows[side, 1 if side > leg else length, STOP]
                    left -= _take(field, tours, scratch, knobs, rng, side, edge, left)
    return seed


@compiled
def _take(
    field: Field, tours: Tours, scratch: Scratch, knobs: Knobs, rng: State, leg: int, node: int,
    count: int,
) -> int:  # fmt: skip
    """Remove up to so many nodes of a leg around one; returns how many."""
    legs = tours.legs
    count = min(count, legs[leg, LENGTH])
    touch(tours, scratch, leg)
    _take_string(tours.rows, legs, tours.leg_of, scratch.fresh, knobs.split, rng, leg, node, count)
    tours.days[legs[leg, DAY], VISITS] -= count
    refresh(field.travel, field.slots, field.nodes, tours.rows, legs, tours.days, leg)
    return count


@compiled
def _nearest(travel: Ints, leg_of: Ints, touched: NDArray[np.bool_], seed: int) -> int:
    """The node nearest to the seed that is in a leg not touched yet; -1 for none."""
    best, found = FOREVER, -1
    for node in range(len(leg_of)):
        leg = leg_of[node]
        if leg >= 0 and travel[seed, node] < best and not touched[leg]:
            best, found = travel[seed, node], node
    return found


@compiled
def _take_string(
    rows: Ints, legs: Ints, leg_of: Ints, fresh: NDArray[np.bool_], split: float, rng: State,
    leg: int, node: int, count: int,
) -> None:  # fmt: skip
    """Remove so many nodes around one, perhaps sparing a stretch in their middle."""
    length = legs[leg, LENGTH]
    position = 1
    while rows[leg, position, STOP] != node:
        position += 1
    spared = 0
    if 1 < count < length and chance(rng) < split:
        spared = 1
        while count + spared < length and chance(rng) < split:
            spared += 1
    span = count + spared
    start = max(1, position - span + 1)
    start += below(rng, min(position, length - span + 1) - start + 1)
    keep = start + span
    if spared > 0:
        keep = start + 1 + below(rng, count - 1)
    write = start
    for i in range(start, length + 2):
        stop = rows[leg, i, STOP]
        if i < start + span and not keep <= i < keep + spared:
            leg_of[stop] = -1
            fresh[stop] = True
        else:
            rows[leg, write, STOP] = stop
            write += 1
    legs[leg, LENGTH] = length - count


@compiled
def recreate(
    field: Field, tours: Tours, scratch: Scratch, knobs: Knobs, rng: State, seed: int, mode: int
) -> None:
    """Put nodes in, one by one in an order by mode, each at its cheapest place."""
    travel, back, slots, nodes = field.travel, field.back, field.slots, field.nodes
    rows, legs, days, leg_of = tours.rows, tours.legs, tours.days, tours.leg_of
    touched, fresh, pool = scratch.touched, scratch.fresh, scratch.pool
    blink, patience = knobs.blink, knobs.patience
    wide = chance(rng) < knobs.wide
    count = _collect(field.near, leg_of, scratch, seed, wide)
    _rank(travel, field.weight, field.effort, pool, scratch.key, rng, count, seed, mode)
    order = np.argsort(scratch.key[:count])
    failures = 0
    for i in range(count):
        node = pool[order[i]]
        everywhere = wide or fresh[node] or nodes[node, MATES] >= 0
        best, best_leg, best_position = FOREVER, -1, 0
        for leg in range(len(legs)):
            if (everywhere or touched[leg]) and may_go(slots, nodes, legs, days, leg_of, node, leg):
                cost, position = cheapest(
                    travel, back, slots, nodes, rows, legs, days, leg, node, best, blink, rng
                )
                if position > 0:
                    best, best_leg, best_position = cost, leg, position
        if best_leg >= 0:
            failures = 0
            touch(tours, scratch, best_leg)
            insert(rows, legs, days, leg_of, node, best_leg, best_position)
            refresh(travel, slots, nodes, rows, legs, days, best_leg)
            continue
        failures += 1
        if failures >= patience:
            break


@compiled
def insert(
    rows: Ints, legs: Ints, days: Ints, leg_of: Ints, node: int, leg: int, position: int
) -> None:
    """Put a node before the stop at that position; the leg's times are to be refreshed."""
    for i in range(legs[leg, LENGTH] + 1, position - 1, -1):
        rows[leg, i + 1, STOP] = rows[leg, i, STOP]
    rows[leg, position, STOP] = node
    legs[leg, LENGTH] += 1
    leg_of[node] = leg
    days[legs[leg, DAY], VISITS] += 1


@compiled
def _collect(near: Ints, leg_of: Ints, scratch: Scratch, seed: int, wide: bool) -> int:
    """List the nodes in no tour that are near the seed or just came out, or all; say how many."""
    fresh, listed, pool = scratch.fresh, scratch.listed, scratch.pool
    listed[:] = False
    count = 0
    for k in range(near.shape[1]):
        node = near[seed, k]
        if leg_of[node] < 0:
            pool[count] = node
            listed[node] = True
            count += 1
    for node in range(len(leg_of)):
        if leg_of[node] < 0 and (wide or fresh[node]) and not listed[node]:
            pool[count] = node
            count += 1
    return count


@compiled
def _rank(
    travel: Ints, weight: Floats, effort: Floats, pool: Ints, key: Floats, rng: State,
    count: int, seed: int, mode: int,
) -> None:  # fmt: skip
    """Give each node in the pool a noisy key by mode; the least is tried first."""
    for i in range(count):
        node = pool[i]
        luck, worth = chance(rng), weight[node]
        if mode == 0:
            key[i] = luck
        elif mode == 1:
            key[i] = -worth * (0.7 + 0.6 * luck)
        elif mode == 2:
            key[i] = -worth / effort[node] * (0.7 + 0.6 * luck)
        elif mode == 3:
            key[i] = -worth * worth / effort[node] * (0.5 + luck)
        else:
            key[i] = -worth / (effort[node] + travel[seed, node]) * (0.7 + 0.6 * luck)


@compiled
def worth_of(value: Floats, rows: Ints, legs: Ints, leg: int, travel_cost: float) -> float:
    """A leg's value less the cost of its travel."""
    day = legs[leg, DAY]
    total = -travel_cost * float(legs[leg, WAY])
    for i in range(1, legs[leg, LENGTH] + 1):
        total += value[rows[leg, i, STOP], day]
    return total


@compiled
def held_in(stood: Flags, rows: Ints, legs: Ints, leg: int) -> int:
    """How many of a leg's nodes are on a day they are held on."""
    day, total = legs[leg, DAY], 0
    for i in range(1, legs[leg, LENGTH] + 1):
        total += stood[rows[leg, i, STOP], day]
    return total


@compiled
def anneal(
    field: Field, tours: Tours, best: Tours, scratch: Scratch, knobs: Knobs, rng: State,
    heat: Floats, iterations: int, current: Floats, held: Counts,
) -> None:  # fmt: skip
    """Run iterations with the temperature falling geometrically from heat[0] to heat[1].

    Args:
        current: (2 + L) worth of the solution, of the best one, and of each leg; updated.
        held: (1 + L) nodes on a day they are held on, in all and of each leg; updated.
    """
    count = len(tours.legs)
    cooling = (heat[1] / heat[0]) ** (1.0 / max(1, iterations))
    temperature = heat[0]
    leg_worth, leg_held = np.zeros(count), np.zeros(count, np.int64)
    for _ in range(iterations):
        temperature *= cooling
        scratch.touched[:] = False
        scratch.fresh[:] = False
        seed = ruin(field, tours, scratch, knobs, rng)
        recreate(field, tours, scratch, knobs, rng, seed, below(rng, 5))
        gain, is_whole, kept = 0.0, True, held[0]
        for leg in range(count):
            if scratch.touched[leg]:
                is_whole &= fits(field.nodes, tours.rows, tours.legs, leg)
                leg_worth[leg] = worth_of(
                    field.value, tours.rows, tours.legs, leg, knobs.travel_cost
                )
                gain += leg_worth[leg] - current[2 + leg]
                if knobs.least > 0:
                    leg_held[leg] = held_in(field.stood, tours.rows, tours.legs, leg)
                    kept += leg_held[leg] - held[1 + leg]
        is_whole &= kept >= min(knobs.least, held[0])
        if not is_whole or gain < temperature * math.log(chance(rng) + 1e-300):
            undo(tours, scratch)
            continue
        current[0] += gain
        held[0] = kept
        for leg in range(count):
            if scratch.touched[leg]:
                current[2 + leg] = leg_worth[leg]
                held[1 + leg] = leg_held[leg]
        if current[0] > current[1] + 1e-9:
            current[1] = current[0]
            copy_tours(tours, best)


@compiled
def copy_tours(source: Tours, target: Tours) -> None:
    """Copy which node is where, and nothing that follows from it."""
    target.leg_of[:] = source.leg_of
    for leg in range(len(source.legs)):
        length = source.legs[leg, LENGTH]
        target.legs[leg, LENGTH] = length
        for i in range(length + 2):
            target.rows[leg, i, STOP] = source.rows[leg, i, STOP]
