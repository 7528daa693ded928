from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.assignment import assign_arms
from crmbridge.engine.visit_effect import HELD_OUT, VISITED, VisitEffectParameters, effect_of_visits

REPS, EACH, PLANTED = 30, 20, 5.0
NAMES = [f"c{number:03}" for number in range(REPS * EACH)]
OF_REP = np.arange(REPS * EACH) % REPS


def facts(seed: int, planted: float = PLANTED) -> pd.DataFrame:
    """A fifth is held out; reps differ in their customers, and in what their visits bring."""
    generator = np.random.default_rng(seed)
    reps = [f"rep{number}" for number in OF_REP]
    shares = {HELD_OUT: 0.2, VISITED: 0.8}
    arms = assign_arms(NAMES, reps, shares, f"holdout {seed}")
    held = np.array([arms[name] == HELD_OUT for name in NAMES])
    size = generator.normal(100, 20, REPS)[OF_REP] + generator.normal(0, 10, len(NAMES))
    brought = planted + generator.normal(0, 4, REPS)[OF_REP]
    amount = size + np.where(held, 0.0, brought) + generator.normal(0, 5, len(NAMES))
    return pd.DataFrame({"rep_id": reps, "held_out": held * 1, "amount": amount, "before": size})


def parameters(**more: Any) -> VisitEffectParameters:
    return VisitEffectParameters(share=0.2, **more)


def test_the_interval_covers_a_planted_effect_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(500):
        difference = effect_of_visits(facts(seed), parameters()).difference
        covered += difference is not None and difference.low <= PLANTED <= difference.high

    assert covered / 500 == pytest.approx(0.95, abs=0.02)


def test_the_time_before_narrows_the_interval() -> None:
    plain = effect_of_visits(facts(1), parameters()).difference
    known = effect_of_visits(facts(1), parameters(before="before")).difference

    assert plain is not None
    assert known is not None
    assert known.error < 0.7 * plain.error
    assert known.low < PLANTED < known.high


def test_the_verdict_names_both_arms() -> None:
    found = effect_of_visits(facts(1, planted=40.0), parameters())

    assert found.verdict.startswith("visited raised amount +")
    assert (found.visited.units, found.held_out.units) == (480, 120)


def test_arms_that_were_not_filled_as_planned_have_no_verdict() -> None:
    found = effect_of_visits(facts(1), VisitEffectParameters(share=0.5))

    assert found.sample_ratio_p < 0.001
    assert found.verdict.startswith("No verdict: the arms were not filled as planned")


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        facts(1)[:1],
        facts(1).assign(held_out=0),
        facts(1).assign(amount=np.nan),
        facts(1).assign(amount=np.inf),
        facts(1).assign(held_out=np.nan),
        facts(1).assign(rep_id="one"),
        facts(1).assign(rep_id=None),
    ],
    ids=["empty", "one", "one arm", "missing", "infinite", "no arms", "one rep", "no rep"],
)
def test_odd_facts_get_a_sentence(table: pd.DataFrame) -> None:
    found = effect_of_visits(table, parameters())

    assert found.difference is None
    assert found.verdict.startswith("No verdict: ")


def test_equal_outcomes_are_inconclusive() -> None:
    found = effect_of_visits(facts(1).assign(amount=7.0), parameters())

    assert "inconclusive" in found.verdict
