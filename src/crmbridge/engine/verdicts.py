"""The result of an experiment in sentences that do not say more than the data."""

from collections.abc import Mapping
from dataclasses import dataclass

from crmbridge.engine.comparison import Difference, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One arm against the control.

    Args:
        p_corrected: the p-value corrected for the number of arms (Holm).
    """

    arm: str
    difference: Difference
    p_corrected: float


def verdict(
    item: Comparison,
    samples: Mapping[str, Sample],
    against: tuple[str, str],
    alpha: float,
    matters: float,
) -> str:
    """What is known of one arm: better, worse, no effect that matters, or inconclusive.

    Args:
        against: the control arm's name and the outcome's.
        alpha: share of false alarms that was accepted.
        matters: smallest difference that matters; 0 if none was named.
    """
    control, outcome = against
    found = item.difference
    if found.error == 0 and found.estimate == 0:
        return f"{item.arm} is inconclusive: {outcome} is the same for each unit of both arms"
    interval = f"{found.estimate:+.4g} [{found.low:.4g}, {found.high:.4g}]"
    units = f"{samples[item.arm].units:,} and {samples[control].units:,} units"
    told = f"{outcome} {interval} against {control}, p {_p(item.p_corrected)}, {units}"
    if item.p_corrected < alpha:
        way = "raised" if found.estimate > 0 else "lowered"
        return f"{item.arm} {way} {told}"
    if matters and -matters < found.low and found.high < matters:
        return f"{item.arm} has no effect that matters ({matters:g}): {told}"
    found_with = f"an effect of {found.detectable:.3g} would be found with 80 % power"
    return f"{item.arm} is inconclusive: {told}; {found_with}"


def no_verdict(samples: Mapping[str, Sample], ratio_p: float, alarm: float) -> str:
    """Why there is no verdict: arms filled other than planned, or nothing to compare."""
    counts = ", ".join(f"{name} {sample.units:,}" for name, sample in samples.items())
    if ratio_p < alarm:
        why = f"the arms were not filled as planned (p {_p(ratio_p)}): {counts}"
        return f"No verdict: {why}. Find out who was lost before looking at results"
    if not samples:
        return "No verdict: no unit has an arm and an outcome"
    if len(samples) < 2:
        return f"No verdict: there is only one arm: {counts}"
    return f"No verdict: two units in each of two arms are the least: {counts}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
