"""Random numbers that are the same on every machine and in every version (xorshift64*)."""

import numpy as np
from numpy.typing import NDArray

from crmbridge.planning.compiled import compiled

State = NDArray[np.uint64]
_MULTIPLIER = np.uint64(2685821657736338717)
_ROUNDS = 16


def seeded(seed: int) -> State:
    """A generator's state; different seeds give different numbers from the first on."""
    state = np.array([(seed * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64 or 1], np.uint64)
    for _ in range(_ROUNDS):
        chance(state)
    return state


@compiled
def chance(state: State) -> float:
    """A number from 0 to 1, 1 excluded."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * _MULTIPLIER) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@compiled
def below(state: State, bound: int) -> int:
    """A whole number from 0 to bound, bound excluded."""
    return int(chance(state) * bound)
