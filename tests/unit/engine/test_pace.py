"""A campaign's pace: too early, on pace, behind, hopeless, reached or missed."""

from datetime import date, timedelta

import pytest

from crmbridge.engine.pace import Verdict, pace

BEGUN = date(2026, 11, 1)
LAST = date(2026, 12, 10)  # forty days, both ends included


@pytest.mark.parametrize(
    ("day", "actual", "verdict"),
    [
        (-1, 0, Verdict.NOT_STARTED),
        (8, 0, Verdict.EARLY),  # nine days of forty: less than a quarter
        (19, 50, Verdict.ON_PACE),  # half of the time, half of the goal
        (19, 49, Verdict.BEHIND),
        (19, 24, Verdict.HOPELESS),  # heads for 48 of 100
        (5, 100, Verdict.REACHED),
        (39, 99, Verdict.MISSED),
        (60, 99, Verdict.MISSED),
    ],
)
def test_the_verdict_follows_from_an_even_pace(day: int, actual: float, verdict: Verdict) -> None:
    found = pace(100, actual, BEGUN, LAST, BEGUN + timedelta(days=day))

    assert found.verdict is verdict


def test_the_sentence_has_the_numbers() -> None:
    found = pace(100, 24, BEGUN, LAST, BEGUN + timedelta(days=19))

    assert found.sentence == "far behind: 24 of 100, 50 expected by now, heading for 48"


def test_a_campaign_without_members_has_not_started() -> None:
    assert pace(100, 0, None, LAST, BEGUN).verdict is Verdict.NOT_STARTED


def test_a_goal_before_the_beginning_is_one_day() -> None:
    assert pace(1, 0, LAST, BEGUN, LAST).verdict is Verdict.MISSED
