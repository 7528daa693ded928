from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmbridge.engine.comparison import (
    Sample,
    compare,
    holm,
    power_of,
    sample_ratio_p,
    units_needed,
)
from crmbridge.engine.experiments import (
    Experiment,
    ExperimentParameters,
    Looks,
    evaluate_experiment,
)
from crmbridge.engine.sequential import always_valid_p
from crmbridge.engine.units import ExperimentColumns

MEN, WOMEN, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"


def hillstrom(shared: Path) -> pd.DataFrame:
    frame = pd.read_csv(shared / "hillstrom/hillstrom.csv.gz")
    assert frame["segment"].value_counts().to_dict() == {WOMEN: 21387, MEN: 21307, NONE: 21306}
    return frame


def judge(table: pd.DataFrame, outcome: str = "y", arm: str = "arm", **more: Any) -> Experiment:
    names = ("unit", "per", "before")
    columns = {name: more.pop(name) for name in names if name in more}
    chosen = ExperimentColumns(arm=arm, outcome=outcome, **columns)
    return evaluate_experiment(table, ExperimentParameters(columns=chosen, **more))


def two_arms(treated: Any, control: Any) -> pd.DataFrame:
    arms = ["mail"] * len(treated) + ["control"] * len(control)
    return pd.DataFrame({"arm": arms, "y": [*treated, *control]})


@pytest.mark.parametrize(
    ("outcome", "scale", "men", "women", "digits"),
    [
        ("visit", 100, (7.659, 6.995, 8.323), (4.523, 3.889, 5.157), 3),
        ("conversion", 100, (0.681, 0.500, 0.861), (0.311, 0.150, 0.472), 3),
        ("spend", 1, (0.76983, 0.48514, 1.05451), (0.42441, 0.16896, 0.67986), 5),
    ],
)
def test_hillstrom_gives_the_published_effects(
    shared: Path,
    outcome: str,
    scale: int,
    men: tuple[float, ...],
    women: tuple[float, ...],
    digits: int,
) -> None:
    found = judge(hillstrom(shared), outcome, arm="segment")

    assert found.control == NONE
    assert found.sample_ratio_p == pytest.approx(0.904, abs=5e-4)
    for item, expected in zip(found.comparisons, (men, women), strict=True):
        bounds = (item.difference.estimate, item.difference.low, item.difference.high)
        rounded = tuple(round(scale * bound, digits) for bound in bounds)
        assert rounded == pytest.approx(expected, abs=1.01 * 10**-digits)


def test_hillstrom_men_against_women(shared: Path) -> None:
    found = judge(hillstrom(shared), "spend", arm="segment", control=WOMEN)

    difference = next(item.difference for item in found.comparisons if item.arm == MEN)
    bounds = [difference.estimate, difference.low, difference.high]
    assert bounds == pytest.approx([0.34541, 0.03256, 0.65827], abs=1e-5)


def fast_food(shared: Path, unit: str) -> Experiment:
    frame = pd.read_csv(shared / "fastfood_abc/marketing_campaign_fastfood.csv")
    assert len(frame) == 548
    return judge(frame, "SalesInThousands", arm="Promotion", unit=unit)


def test_fast_food_is_judged_by_store(shared: Path) -> None:
    found = fast_food(shared, unit="LocationID")

    assert sum(sample.units for sample in found.arms.values()) == 137
    assert found.anova is not None
    assert found.anova.f == pytest.approx(5.85, abs=0.005)
    assert found.anova.p == pytest.approx(0.0037, abs=5e-5)
    tukey = {pair.arms: round(pair.tukey_p, 3) for pair in found.pairs}
    assert tukey == {("1", "2"): 0.004, ("1", "3"): 0.686, ("2", "3"): 0.037}


def test_fast_food_by_row_would_claim_far_too_much(shared: Path) -> None:
    found = fast_food(shared, unit="")

    assert found.anova is not None
    assert found.anova.f == pytest.approx(21.95, abs=0.005)


def test_welch_agrees_with_a_hand_computation() -> None:
    treated, control = Sample.of(np.array([3.0, 5.0, 7.0])), Sample.of(np.array([1.0, 1.0, 4.0]))

    found = compare(treated, control)

    # means 5 and 2; variances 4 and 3; error sqrt(4/3 + 3/3) = 1.5275; freedom 49/12.5 = 3.92
    assert found is not None
    assert found.estimate == 3.0
    assert found.error == pytest.approx(1.52753, abs=1e-5)
    assert found.freedom == pytest.approx((7 / 3) ** 2 / ((4 / 3) ** 2 / 2 + 1 / 2))


def test_holm_corrects_step_by_step() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])  # 1x.04 < 2x.03
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_sample_ratio_is_judged_against_the_plan() -> None:
    assert sample_ratio_p([330, 670], [0.2, 0.8]) < 0.001
    assert sample_ratio_p([200, 800], [0.2, 0.8]) == 1.0
    assert sample_ratio_p([], []) == 1.0


def test_an_arm_filled_otherwise_than_planned_blocks_the_verdict() -> None:
    frame = two_arms(np.arange(900) + 1000.0, np.arange(600) * 1.0)

    found = judge(frame)

    assert found.verdicts[0].startswith("No verdict: the arms were not filled as planned")
    assert judge(frame, shares={"mail": 0.6, "control": 0.4}).verdicts[0].startswith("mail raised")


def test_an_arm_that_nobody_is_in_counts_in_the_sample_ratio() -> None:
    found = judge(two_arms([1.0, 2.0] * 20, [1.0, 2.0] * 20),
                  shares={"mail": 1, "control": 1, "letter": 1})  # fmt: skip

    assert found.sample_ratio_p < 0.001


def test_no_difference_is_inconclusive_with_what_would_have_been_found() -> None:
    values = np.random.default_rng(1).normal(0, 1, 400)

    found = judge(two_arms(values[:200], values[200:]))

    assert found.verdicts[0].startswith("mail is inconclusive")
    assert "would be found with 80 % power" in found.verdicts[0]


def test_an_interval_inside_what_matters_is_no_effect_that_matters() -> None:
    values = np.random.default_rng(1).normal(0, 1, 4000)

    found = judge(two_arms(values[:2000], values[2000:]), matters=0.5)

    assert found.verdicts[0].startswith("mail has no effect that matters (0.5)")


def correlated(count: int = 2000) -> pd.DataFrame:
    generator = np.random.default_rng(8)
    before = generator.normal(100, 20, count)
    arm = generator.integers(0, 2, count)
    after = before + 2 * arm + generator.normal(0, 5, count)
    names = np.array(["control", "visited"])[arm]
    return pd.DataFrame({"arm": names, "y": after, "before": before})


def test_the_time_before_narrows_the_interval_and_keeps_the_effect() -> None:
    plain = judge(correlated()).comparisons[0].difference
    found = judge(correlated(), before="before")
    adjusted = found.comparisons[0].difference

    # correlation 20/sqrt(425): the error shrinks to sqrt(1 - 400/425) = 24 %
    assert adjusted.error / plain.error == pytest.approx(0.2425, abs=0.02)
    assert adjusted.low < 2 < adjusted.high
    assert "94% of the variance" in found.findings[0].example


@pytest.mark.parametrize("before", [5.0, np.nan, np.inf])
def test_a_time_before_that_says_nothing_changes_nothing(before: float) -> None:
    frame = correlated(200).assign(before=before)

    found = judge(frame, before="before")

    assert found.comparisons == judge(frame).comparisons
    assert found.findings[0].code == "experiment.not_adjusted"


def test_a_ratio_has_the_delta_methods_error() -> None:
    generator = np.random.default_rng(6)
    visits = generator.integers(1, 9, 3000)
    taste = generator.normal(1, 0.5, 3000)
    frame = pd.DataFrame({"arm": ["a", "control"] * 1500, "amount": visits * taste,
                          "visits": visits})  # fmt: skip

    found = judge(frame, "amount", per="visits")

    own = frame[frame["arm"] == "a"]
    ratio = own["amount"].sum() / own["visits"].sum()
    mean, cov = own["visits"].mean(), np.cov(own["amount"], own["visits"])
    variance = (cov[0, 0] - 2 * ratio * cov[0, 1] + ratio**2 * cov[1, 1]) / mean**2
    assert found.arms["a"].mean == pytest.approx(ratio)
    assert found.arms["a"].deviation == pytest.approx(variance**0.5)


def test_a_unit_in_two_arms_is_left_out_and_counted() -> None:
    frame = pd.DataFrame(
        {
            "arm": ["a", "a", "b", "b", "a", "b"],
            "rep": ["1", "2", "3", "4", "5", "5"],
            "y": [1.0, 2.0, 3.0, 4.0, 9.0, 9.0],
        }
    )

    found = judge(frame, unit="rep")

    assert [sample.units for sample in found.arms.values()] == [2, 2]
    assert found.findings[0].code == "experiment.mixed"


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (pd.DataFrame(), "No verdict: no unit has an arm and an outcome"),
        (two_arms([], [1.0, 2.0]), "No verdict: there is only one arm: control 2"),
        (two_arms([1.0], [2.0]), "No verdict: two units in each of two arms are the least"),
        (two_arms([np.nan] * 3, [np.inf] * 3), "No verdict: no unit has an arm and an outcome"),
        (two_arms([1.0] * 3, [1.0] * 3), "mail is inconclusive: y is the same for each unit"),
        (two_arms([2.0] * 3, [1.0] * 3), "mail raised y +1 [1, 1] against control"),
    ],
)
def test_odd_tables_get_a_sentence(frame: pd.DataFrame, sentence: str) -> None:
    assert judge(frame).verdicts[0].startswith(sentence)


def test_three_constant_arms_have_no_analysis_of_variance() -> None:
    frame = pd.DataFrame({"arm": list("aabbcc"), "y": [1.0] * 6})

    assert judge(frame).anova is None


def test_units_needed_reach_the_power() -> None:
    units = units_needed(0.5, 1.0)

    assert units == 64  # the textbook's answer for d = .5
    assert power_of(0.5, (2 / units) ** 0.5, 2 * units - 2) == pytest.approx(0.80, abs=0.005)


def test_a_sequential_test_has_a_wider_interval_that_agrees_with_its_p() -> None:
    values = np.random.default_rng(1).normal(0, 1, 800)
    table = two_arms(values[:400] + 0.4, values[400:])

    once = judge(table).comparisons[0].difference
    often = judge(table, looks=Looks.OFTEN, matters=0.3).comparisons[0].difference

    assert often.estimate == once.estimate
    assert often.low < once.low < once.high < often.high
    assert often.p == always_valid_p(once.estimate, once.error, 0.3)
    # An effect at the interval's end is just what the test would not reject.
    margin = often.high - often.estimate
    assert always_valid_p(margin, once.error, 0.3) == pytest.approx(0.05)


def test_a_sequential_test_of_equal_values_is_inconclusive() -> None:
    found = judge(two_arms([1.0] * 20, [1.0] * 20), looks=Looks.OFTEN)

    assert found.verdicts[0].startswith("mail is inconclusive")


def test_too_few_clusters_give_no_comparison() -> None:
    frame = pd.DataFrame(
        {"arm": ["a", "a", "b", "b"], "y": [1, 2, 3, 5], "rep": ["1", "1", "2", "3"]}
    )
    columns = ExperimentColumns(arm="arm", outcome="y", cluster="rep")

    found = evaluate_experiment(frame, ExperimentParameters(columns=columns, control="a"))

    assert found.comparisons == ()
    assert found.verdicts[0].startswith("No verdict")
