"""Whether an arm of an experiment did better, said only as far as the data carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from crmbridge.engine.clustered import compare_clustered
from crmbridge.engine.comparison import (
    Difference,
    Sample,
    Variance,
    compare,
    holm,
    sample_ratio_p,
)
from crmbridge.engine.parameters import within
from crmbridge.engine.sequential import made_sequential
from crmbridge.engine.units import ExperimentColumns, Units, make_units
from crmbridge.engine.verdicts import Comparison, no_verdict, verdict
from crmbridge.records import Finding

SAMPLE_RATIO_ALARM = 0.001
_CONTROL_WORDS = ("control", "holdout", "none", "placebo", "no e-mail", "no email", "nothing")


_TENTH = 0.1
"""Deviations of the control that effects are thought to spread by, where nothing was stated."""


class Looks(Enum):
    """How often the result is looked at; stated before the start."""

    ONCE = "fixed horizon"
    "Once, when as many units are in as were planned."
    OFTEN = "sequential"
    "As often as one likes, and stopped when it is clear (mixture sequential test)."


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentParameters:
    """How an experiment is judged; all of it is to be settled before it starts.

    Args:
        control: the arm that others are compared with; "" for the one named like a control.
        shares: planned share of units by arm; even shares where none are given.
        confidence: of intervals, 0.5 to 0.999; 1 - confidence is the share of false alarms.
        matters: the smallest difference that matters, >= 0; 0 if none was named. A sequential
            test takes it as the spread of the effects that are possible, and a tenth of the
            control's deviation where it is 0.
    """

    columns: ExperimentColumns
    control: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    confidence: float = 0.95
    variance: Variance = Variance.WELCH
    matters: float = 0.0
    looks: Looks = Looks.ONCE

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("engine.experiment.confidence", self.confidence, 0.5, 0.999)
        within("engine.experiment.matters", self.matters, 0, float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Anova:
    """Whether any of several arms differ: F and p with equal variances, and without (Welch)."""

    f: float
    p: float
    welch_f: float
    welch_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Whether two of several arms differ.

    Args:
        difference: the first less the second; its p-value and interval are not corrected.
        p_corrected: Tukey's, or Holm's where units are in clusters or looked at often.
        tukey_p: Tukey's honest significant difference, with equal variances.
        games_howell_p: the same without that assumption.
    """

    arms: tuple[str, str]
    difference: Difference
    p_corrected: float
    tukey_p: float
    games_howell_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What an experiment showed.

    Args:
        arms: units, mean and deviation by arm, in order of name.
        control: the arm that the others were compared with; "" with fewer than two arms.
        comparisons: each other arm against the control, in order of name.
        pairs: each two arms, in order of name; empty below three arms.
        sample_ratio_p: below 0.001 there is no verdict.
        verdicts: the result in sentences.
    """

    arms: dict[str, Sample]
    control: str
    comparisons: tuple[Comparison, ...]
    anova: Anova | None
    pairs: tuple[Pair, ...]
    sample_ratio_p: float
    verdicts: tuple[str, ...]
    findings: tuple[Finding, ...]


def evaluate_experiment(table: pd.DataFrame, parameters: ExperimentParameters) -> Experiment:
    """Judge an experiment: sample ratio first, then each arm against the control.

    The unit of analysis is the unit of randomisation (`parameters.columns.unit`); p-values are
    corrected for the number of arms (Holm); intervals are not.
    """
    units = make_units(table, parameters.columns)
    names = sorted(set(units.arms))
    samples = {name: Sample.of(units.of(name)) for name in names}
    control, findings = _control(names, parameters.control)
    ratio_p = _ratio_p(units.assigned, parameters.shares)
    comparisons = _comparisons(units, samples, control, parameters)
    return Experiment(
        arms=samples,
        control=control,
        comparisons=comparisons,
        # An analysis of variance holds for one look only.
        anova=_anova(units, samples) if parameters.looks is Looks.ONCE else None,
        pairs=_pairs(units, samples, parameters),
        sample_ratio_p=ratio_p,
        verdicts=_verdicts(samples, comparisons, control, ratio_p, parameters),
        findings=(*units.findings, *findings),
    )


def _control(names: Sequence[str], asked: str) -> tuple[str, tuple[Finding, ...]]:
    if asked in names or len(names) < 2:
        return (asked if asked in names else ""), ()
    likely = [name for name in names if any(word in name.lower() for word in _CONTROL_WORDS)]
    chosen = likely[0] if likely else names[0]
    sentence = f"Arms are compared with {chosen}"
    sentence += f": there is no arm {asked}" if asked else ", since no control was named"
    return chosen, (Finding(code="experiment.control", example=sentence),)


def _ratio_p(assigned: Mapping[str, int], shares: Mapping[str, float]) -> float:
    planned = shares or dict.fromkeys(assigned, 1.0)
    names = sorted(planned)
    counts = [assigned.get(name, 0) for name in names]
    return sample_ratio_p(counts, [planned[name] for name in names])


def _comparisons(
    units: Units, samples: Mapping[str, Sample], control: str, parameters: ExperimentParameters
) -> tuple[Comparison, ...]:
    if not control:
        return ()
    found: list[tuple[str, Difference]] = []
    for name in samples:
        difference = _difference(units, (name, control), parameters) if name != control else None
        if difference is not None:
            found.append((name, difference))
    corrected = holm([difference.p for _, difference in found])
    return tuple(
        Comparison(arm=name, difference=difference, p_corrected=p)
        for (name, difference), p in zip(found, corrected, strict=True)
    )


def _difference(
    units: Units, arms: tuple[str, str], parameters: ExperimentParameters
) -> Difference | None:
    if units.clusters:
        found = compare_clustered(units, arms, parameters.confidence)
    else:
        treated, control = (Sample.of(units.of(arm)) for arm in arms)
        found = compare(treated, control, parameters.confidence, parameters.variance)
    if found is None or parameters.looks is Looks.ONCE:
        return found
    spread = parameters.matters or _TENTH * Sample.of(units.of(arms[1])).deviation
    return made_sequential(found, spread, parameters.confidence) if spread > 0 else found


def _verdicts(
    samples: Mapping[str, Sample],
    comparisons: tuple[Comparison, ...],
    control: str,
    ratio_p: float,
    parameters: ExperimentParameters,
) -> tuple[str, ...]:
    if ratio_p < SAMPLE_RATIO_ALARM or not comparisons:
        return (no_verdict(samples, ratio_p, SAMPLE_RATIO_ALARM),)
    outcome, alpha = parameters.columns.outcome, 1 - parameters.confidence
    return tuple(
        verdict(item, samples, (control, outcome), alpha, parameters.matters)
        for item in comparisons
    )


def _usable(samples: Mapping[str, Sample]) -> list[str]:
    enough = [name for name, sample in samples.items() if sample.units > 1]
    varies = any(samples[name].deviation > 0 for name in enough)
    return enough if len(enough) > 2 and varies else []


def _anova(units: Units, samples: Mapping[str, Sample]) -> Anova | None:
    groups = [units.of(name) for name in _usable(samples)]
    if not groups or units.clusters:
        return None
    equal = anova_oneway(groups, use_var="equal")
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = anova_oneway(groups, use_var="unequal")
    return Anova(
        f=float(equal.statistic),
        p=float(equal.pvalue),
        welch_f=float(welch.statistic),
        welch_p=float(welch.pvalue),
    )


def _pairs(
    units: Units, samples: Mapping[str, Sample], parameters: ExperimentParameters
) -> tuple[Pair, ...]:
    names = _usable(samples)
    couples = list(combinations(names, 2))
    differences = [_difference(units, couple, parameters) for couple in couples]
    if not names or any(difference is None for difference in differences):
        return ()
    groups = [units.of(name) for name in names]
    tukey = stats.tukey_hsd(*groups, equal_var=True).pvalue
    with np.errstate(divide="ignore", invalid="ignore"):
        games_howell = stats.tukey_hsd(*groups, equal_var=False).pvalue
    found = [difference for difference in differences if difference is not None]
    by_steps = bool(units.clusters) or parameters.looks is Looks.OFTEN
    by_holm = holm([difference.p for difference in found])
    return tuple(
        Pair(
            arms=(names[one], names[other]),
            difference=found[at],
            p_corrected=by_holm[at] if by_steps else float(tukey[one, other]),
            tukey_p=float(tukey[one, other]),
            games_howell_p=float(games_howell[one, other]),
        )
        for at, (one, other) in enumerate(combinations(range(len(names)), 2))
    )
