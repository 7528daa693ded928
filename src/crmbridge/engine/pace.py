"""How a campaign stands against its goal, and what to do about one that will miss it."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

EARLY = 0.25
"""Share of the time before which nothing is said of a campaign: most replies are still to come."""
HOPELESS = 0.5
"""A campaign that heads for less than this share of its goal is better stopped or shifted."""


class Verdict(Enum):
    """What a campaign's pace says."""

    NOT_STARTED = "not started"
    EARLY = "too early to tell"
    ON_PACE = "on pace"
    BEHIND = "behind"
    "It heads for less than its goal, and for more than half of it."
    HOPELESS = "far behind"
    "It heads for less than half of its goal: stop it, or shift its members."
    REACHED = "reached"
    MISSED = "missed"
    "The day has come and the goal was not reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How far a campaign has come.

    Args:
        expected: what an even pace would have brought by now.
        heading_for: what the pace so far would bring by the goal's day.
    """

    goal: float
    actual: float
    expected: float
    heading_for: float
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """The verdict in words, with its numbers."""
        told = f"{self.actual:g} of {self.goal:g}, {self.expected:.4g} expected by now"
        return f"{self.verdict.value}: {told}, heading for {self.heading_for:.4g}"


def pace(goal: float, actual: float, begun: date | None, by: date, today: date) -> Pace:
    """Hold what a campaign brought against an even pace from its first day to its last.

    Args:
        goal: > 0.
        begun: day of the first member; None before there is one.
    """
    if begun is None or today < begun:
        return Pace(
            goal=goal, actual=actual, expected=0, heading_for=0, verdict=Verdict.NOT_STARTED
        )
    length = max((by - begun).days + 1, 1)
    share = min(((today - begun).days + 1) / length, 1.0)
    heading = actual / share
    return Pace(
        goal=goal,
        actual=actual,
        expected=goal * share,
        heading_for=heading,
        verdict=_verdict(goal, actual, heading, share),
    )


def _verdict(goal: float, actual: float, heading: float, share: float) -> Verdict:
    if actual >= goal:
        return Verdict.REACHED
    if share >= 1:
        return Verdict.MISSED
    if share < EARLY:
        return Verdict.EARLY
    if heading >= goal:
        return Verdict.ON_PACE
    return Verdict.HOPELESS if heading < HOPELESS * goal else Verdict.BEHIND
