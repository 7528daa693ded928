"""Evaluates, before an experiment starts, how many units it needs or what it could find."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crmbridge.engine.columns import numbers
from crmbridge.engine.comparison import Sample, detectable, power_of, units_needed
from crmbridge.errors import UsageError
from crmbridge.jobs.evaluating.answer import Answer
from crmbridge.jobs.evaluating.reading import read_table, with_numbers

_MOST_UNITS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAsked:
    """What is known and what is asked for.

    Args:
        file, outcome: a table of the time before, and the column whose deviation counts.
        rate: share of yes expected, above 0, below 1; instead of a file.
        deviation: of the outcome, above 0; instead of either.
        difference: the smallest effect that matters; 0 to be told what can be found.
        units: units in each arm; 0 to be told how many are needed.
        arms: of the experiment, the control counted; >= 2.
        power: chance to find the difference, above 0, below 1.
    """

    file: Path | None = None
    outcome: str = ""
    rate: float = 0.0
    deviation: float = 0.0
    difference: float = 0.0
    units: int = 0
    arms: int = 2
    power: float = 0.8


def answer_power(asked: PowerAsked) -> Answer:
    """Say units, smallest difference or power: what of the three was not given.

    With several arms each is held to a share of the false alarms (Bonferroni), which is a little
    stricter than Holm's steps that judge the result.

    Raises:
        UsageError: neither units nor a difference is given, or not one way to know the deviation.
    """
    deviation = _deviation(asked)
    confidence = 1 - 0.05 / (asked.arms - 1)
    difference, units, power = abs(asked.difference), asked.units, asked.power
    if not difference and not units:
        raise UsageError("--difference, --units", "one of them, or both", "neither", "Give one")
    if not deviation:
        told = "The outcome does not vary: there is nothing to be found by an experiment"
        return _answer(deviation, None, None, None, told)
    if difference and not units:
        if 2 * (4 * deviation / difference) ** 2 > _MOST_UNITS:
            told = f"More than {_MOST_UNITS:.0e} units would be needed: the difference is too small"
            return _answer(deviation, difference, None, power, told)
        units = units_needed(difference, deviation, confidence, power)
        told = f"{units:,} units in each arm find a difference of {difference:.4g}"
    else:
        error, freedom = deviation * np.sqrt(2 / units), 2.0 * units - 2
        if difference:
            power = power_of(difference, float(error), freedom, confidence)
            told = f"{units:,} units in each arm find a difference of {difference:.4g}"
        else:
            difference = detectable(float(error), freedom, confidence, power)
            told = (
                f"The smallest difference that {units:,} units in each arm find is {difference:.4g}"
            )
    told = f"{told} with {power:.0%} power, at 5 % false alarms over {asked.arms - 1} comparisons"
    return _answer(deviation, difference, units, power, told)


def _answer(
    deviation: float, difference: float | None, units: int | None, power: float | None, told: str
) -> Answer:
    document = {
        "deviation": deviation,
        "difference": difference,
        "units_per_arm": units,
        "power": power,
        "verdict": f"{told}.",
    }
    return Answer(document=document)


def _deviation(asked: PowerAsked) -> float:
    ways = [bool(asked.file), bool(asked.rate), bool(asked.deviation)]
    if sum(ways) != 1 or bool(asked.file) != bool(asked.outcome):
        expected = "FILE with --outcome COL, or --rate, or --deviation"
        raise UsageError("evaluate power", expected, f"{sum(ways)} of them", "Give one")
    if asked.rate:
        return float(np.sqrt(asked.rate * (1 - asked.rate)))
    if asked.file is None:
        return asked.deviation
    table = with_numbers(read_table(asked.file, (asked.outcome,)), [asked.outcome], str(asked.file))
    values = numbers(table, asked.outcome)
    found = Sample.of(values[~np.isnan(values)]).deviation
    return 0.0 if np.isnan(found) else found
