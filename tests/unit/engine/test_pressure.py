"""However contacts came about, no stretch of days holds more of them than are allowed."""

import random

import pytest

from crmbridge.engine.pressure import DAY, fullest, with_room


def worst(contacts: list[int], days: int) -> int:
    """The most contacts in any stretch, counted from each contact on."""
    return max(
        (sum(start <= one < start + days * DAY for one in contacts) for start in contacts),
        default=0,
    )


def a_history(seed: int) -> tuple[list[int], int, int]:
    """Contacts that stand close at times, the days of a stretch, the most allowed in one."""
    dice = random.Random(seed)
    days, most = dice.choice([1, 7, 28, 30]), dice.randint(1, 5)
    contacts: list[int] = []
    for _ in range(dice.randint(0, 40)):
        with_room(contacts, dice.randint(0, 120) * DAY + dice.choice([0, 1, DAY - 1]), days, most)
    return contacts, days, most


def test_the_pressure_allowed_is_never_exceeded_over_a_thousand_histories() -> None:
    histories = [a_history(seed) for seed in range(1000)]

    assert all(worst(contacts, days) <= most for contacts, days, most in histories)
    # At least some are full, or the limit would not have been tried.
    assert sum(worst(contacts, days) == most for contacts, days, most in histories) > 500


def test_one_that_is_refused_would_have_exceeded_it() -> None:
    for seed in range(300):
        contacts, days, most = a_history(seed)
        at = random.Random(-seed).randint(0, 120) * DAY

        if fullest(contacts, at, days) >= most:
            assert worst(sorted([*contacts, at]), days) > most


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        ([], 0),
        ([10], 1),
        ([10, 16], 2),  # both within the seven days that begin on day 10
        ([10, 17], 1),  # a stretch of seven days that begins on day 10 ends before day 17
        ([2, 30], 0),
    ],
)
def test_what_stands_within_seven_days_of_day_12_counts(contacts: list[int], expected: int) -> None:
    assert fullest([day * DAY for day in contacts], 12 * DAY, 7) == expected


def test_no_limit_lets_all_in() -> None:
    contacts: list[int] = []

    assert all(with_room(contacts, 5, 7, 0) for _ in range(9))
    assert contacts == [5] * 9
