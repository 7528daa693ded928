"""How often an experiment without an effect seems to have one: 20,000 each, as in the reference."""

import numpy as np
import pytest

from crmbridge.engine.columns import Numbers
from crmbridge.engine.comparison import Variance, holm, p_value, sample_ratio_ps, standard_error
from crmbridge.engine.sequential import always_valid_ps

RUNS = 20_000


def lot(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def welch(few: Numbers, many: Numbers, variance: Variance = Variance.WELCH) -> Numbers:
    """P-values of two arms, one experiment per row."""
    squares = (few.var(axis=1, ddof=1), many.var(axis=1, ddof=1))
    error, freedom = standard_error(squares, (few.shape[1], many.shape[1]), variance)
    return p_value(few.mean(axis=1) - many.mean(axis=1), error, freedom)


def test_welch_alarms_in_one_of_twenty() -> None:
    generator = lot(1)
    few, many = generator.normal(0, 2, (RUNS, 20)), generator.normal(0, 1, (RUNS, 60))

    alarms = float((welch(few, many) < 0.05).mean())

    assert alarms == pytest.approx(0.05, abs=0.005)
    assert float((welch(few, many, Variance.POOLED) < 0.05).mean()) > 0.10


def test_proportions_alarm_in_one_of_twenty() -> None:
    units = 2000
    rates = lot(2).binomial(units, 0.1, (RUNS, 2)) / units
    squares = rates * (1 - rates) * units / (units - 1)

    error, freedom = standard_error((squares[:, 0], squares[:, 1]), (units, units))
    alarms = float((p_value(rates[:, 0] - rates[:, 1], error, freedom) < 0.05).mean())

    assert alarms == pytest.approx(0.05, abs=0.005)


def test_holm_over_nine_arms_alarms_no_more_often() -> None:
    units = 200
    means = lot(3).normal(0, 1 / np.sqrt(units), (RUNS, 10))
    error, freedom = standard_error((1.0, 1.0), (units, units))
    p_values = p_value(means[:, 1:] - means[:, :1], error, freedom)

    corrected = [min(holm(row)) < 0.05 for row in p_values.tolist()]

    assert float((p_values.min(axis=1) < 0.05).mean()) > 0.2
    assert np.mean(corrected) <= 0.056


def test_twenty_looks_at_a_sequential_test_alarm_no_more_often() -> None:
    looks, units = 20, 50
    at_look = units * np.arange(1.0, looks + 1)
    steps = lot(4).normal(0, np.sqrt(2 * units), (RUNS, looks)).cumsum(axis=1)
    estimates, errors = steps / at_look, np.sqrt(2 / at_look)

    fixed = (p_value(estimates, errors, 2 * at_look - 2) < 0.05).any(axis=1)
    valid = (always_valid_ps(estimates, errors, 0.1) < 0.05).any(axis=1)

    assert fixed.mean() > 0.2
    assert valid.mean() <= 0.05


def test_the_sample_ratio_alarms_in_one_of_a_thousand() -> None:
    counts = lot(5).multinomial(3000, [1 / 3] * 3, RUNS).astype(float)

    alarms = float((sample_ratio_ps(counts, np.full(3, 1 / 3)) < 0.001).mean())

    assert alarms == pytest.approx(0.001, abs=0.0008)
