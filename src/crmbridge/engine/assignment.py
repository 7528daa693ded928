"""Who is in which arm: drawn once from salt and customer, evenly within each stratum."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from crmbridge.engine.columns import Numbers
from crmbridge.engine.parameters import within
from crmbridge.errors import ConfigError

_BITS = 1 << 64


def assign_arms(
    customers: Sequence[str],
    strata: Sequence[str],
    shares: Mapping[str, float],
    salt: str,
    previous: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Draw an arm for each customer.

    Within a stratum customers are ordered by a hash of salt and customer and the arms filled in
    their shares, from a start that is drawn, too: each customer is in each arm with its share,
    whatever the stratum's size, and a stratum's arms are filled to within one customer. The same
    customers and salt give the same arms on every machine, in any order of rows.

    Args:
        strata: what each customer belongs to that makes customers alike, such as its rep.
        shares: of each arm, above 0; they need not sum to 1.
        salt: the experiment's name: another one draws anew.
        previous: who has an arm keeps it; only newcomers are drawn.

    Raises:
        ConfigError: no arm, or one with a share of 0 or below.
    """
    if not shares or min(shares.values()) <= 0:
        raise ConfigError("shares", "a share above 0 for each arm", f"{dict(shares)}")
    within("shares", sum(shares.values()), 0, float("inf"))
    held = previous or {}
    drawn = {who: held[who] for who in customers if who in held}
    groups: dict[str, set[str]] = {}
    for who, stratum in zip(customers, strata, strict=True):
        if who not in held:
            groups.setdefault(stratum, set()).add(who)
    for stratum, members in groups.items():
        drawn |= _drawn(sorted(members), stratum, shares, salt)
    return drawn


def _drawn(
    members: list[str], stratum: str, shares: Mapping[str, float], salt: str
) -> dict[str, str]:
    arms = sorted(shares)
    ends = np.cumsum([shares[arm] for arm in arms]) / sum(shares.values())
    ranked = sorted(members, key=lambda who: (_lot(salt, "customer", who), who))
    start = _lot(salt, "stratum", stratum, ranked[0])
    places: Numbers = (np.arange(len(ranked)) + start) / len(ranked)
    at = np.minimum(np.searchsorted(ends, places, side="right"), len(arms) - 1)
    return {who: arms[int(arm)] for who, arm in zip(ranked, at, strict=True)}


def _lot(*words: str) -> float:
    """A number in [0, 1) that depends on nothing but the words."""
    digest = hashlib.sha256("\x1f".join(words).encode()).digest()
    return int.from_bytes(digest[:8], "big") / _BITS
