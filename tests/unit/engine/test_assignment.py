from collections import Counter

import pytest

from crmbridge.engine.assignment import assign_arms
from crmbridge.errors import ConfigError

NAMES = [f"c{number:04}" for number in range(1000)]
REPS = [f"rep{number % 20:02}" for number in range(1000)]
HALF = {"control": 0.5, "visit": 0.5}


def test_the_same_names_and_salt_give_the_same_arms_in_any_order() -> None:
    once = assign_arms(NAMES, REPS, HALF, "autumn")

    assert assign_arms(NAMES[::-1], REPS[::-1], HALF, "autumn") == once
    assert once["c0000"] == "visit"  # the same on every machine
    assert assign_arms(NAMES, REPS, HALF, "winter") != once


def test_each_reps_arms_are_filled_to_within_one_customer() -> None:
    arms = assign_arms(NAMES, REPS, {"held out": 0.1, "visited": 0.9}, "autumn")

    held = Counter(rep for who, rep in zip(NAMES, REPS, strict=True) if arms[who] == "held out")
    assert set(held.values()) == {5}  # a tenth of fifty


def test_a_rep_with_one_customer_has_either_arm_by_lot() -> None:
    arms = assign_arms(NAMES, NAMES, {"held out": 0.2, "visited": 0.8}, "autumn")

    assert Counter(arms.values())["held out"] == pytest.approx(200, abs=40)  # 3 deviations


def test_who_has_an_arm_keeps_it() -> None:
    before = assign_arms(NAMES[:500], REPS[:500], HALF, "autumn")

    after = assign_arms(NAMES, REPS, HALF, "autumn", before)

    assert {who: after[who] for who in before} == before
    assert len(after) == 1000


def test_nobody_is_nobody_and_an_empty_share_is_refused() -> None:
    assert assign_arms([], [], HALF, "autumn") == {}
    with pytest.raises(ConfigError, match="a share above 0"):
        assign_arms(NAMES, REPS, {"control": 0.0}, "autumn")
